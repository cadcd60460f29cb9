// The sending side on a clean path: segmentation, Nagle, cork, silly windows, zero-window probes,
// offload, path MTU, keepalive, ICMP errors.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "netstack/transport/tcp/testing/story.h"

namespace moat::netstack::tcp {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class Sending : public Story {
 protected:
  void SetUp() override { Establish(); }
};

TEST_F(Sending, TextIsCutIntoFullSegments) {
  ASSERT_EQ(WriteBytes(4000), Error::kOk);
  EXPECT_THAT(Next(), Is(Packet().Size(1460).Seq(1)));
  EXPECT_THAT(Next(), Is(Packet().Size(1460).Seq(1461)));
  EXPECT_THAT(Next(), Is(Packet().Size(1080).Seq(2921)));
  EXPECT_TRUE(Quiet());
}

TEST_F(Sending, Rfc6928_InitialWindowIsTenSegments) {
  ASSERT_EQ(WriteBytes(40000), Error::kOk);
  EXPECT_EQ(All().size(), 10u);
}

TEST_F(Story, Rfc5681_S3_1_AfterALostSynTheWindowIsOneSegment) {
  Connect();
  Advance(std::chrono::milliseconds(1100));
  EXPECT_THAT(Next(), Is(Syn()));  // again
  Send(SynAck().Mss(1460).Seq(0).Ack(1));
  Next();
  ASSERT_EQ(WriteBytes(14600), Error::kOk);
  EXPECT_EQ(All().size(), 1u);
}

TEST_F(Sending, SuperSegmentsGoAsOne) {
  host.ip.set_max_gso_bytes(65535);
  host.ip.Invalidate();
  ASSERT_EQ(WriteBytes(14600), Error::kOk);
  EXPECT_THAT(Next(), Is(Packet().Size(14600).Seq(1).Gso(1460)));
  EXPECT_EQ(Counter("Tcp.OutSegs"), 2u + 10u);
}

// --- Nagle: RFC 9293 3.7.4 -----------------------------------------------------------------------

TEST_F(Sending, Rfc9293_S3_7_4_SecondSmallSegmentWaitsForTheAckOfTheFirst) {
  ASSERT_EQ(Write("a"), Error::kOk);
  ASSERT_EQ(Write("b"), Error::kOk);
  ASSERT_EQ(Write("c"), Error::kOk);
  EXPECT_THAT(Next(), Is(Data("a").Seq(1)));
  EXPECT_TRUE(Quiet());
  Send(Ack(2).Seq(1));
  EXPECT_THAT(Next(), Is(Data("bc").Seq(2)));
}

TEST_F(Sending, Rfc9293_S3_7_4_NoDelaySendsAtOnce) {
  SetTcp([](TcpOptions& o) { o.no_delay = true; });
  ASSERT_EQ(Write("a"), Error::kOk);
  ASSERT_EQ(Write("b"), Error::kOk);
  EXPECT_EQ(All().size(), 2u);
}

TEST_F(Sending, FullSegmentsInFlightDoNotHoldASmallOne) {  // Minshall
  ASSERT_EQ(WriteBytes(1460), Error::kOk);
  ASSERT_EQ(Write("x"), Error::kOk);
  EXPECT_EQ(All().size(), 2u);
}

TEST_F(Sending, CorkHoldsPartialSegmentsUntilItIsPulled) {
  SetTcp([](TcpOptions& o) { o.cork = true; });
  ASSERT_EQ(WriteBytes(2000), Error::kOk);
  EXPECT_THAT(Next(), Is(Packet().Size(1460)));
  EXPECT_TRUE(Quiet());
  SetTcp([](TcpOptions& o) { o.cork = false; });
  EXPECT_THAT(Next(), Is(Packet().Size(540)));
}

TEST_F(Sending, CorkEndsAfterATimeout) {
  SetTcp([](TcpOptions& o) { o.cork = true; });
  ASSERT_EQ(Write("abc"), Error::kOk);
  EXPECT_TRUE(Quiet());
  Advance(milliseconds(1500));
  EXPECT_THAT(Next(), Is(Data("abc")));
}

TEST_F(Sending, MoreHoldsLikeACork) {
  ASSERT_EQ(Write("head", true), Error::kOk);
  EXPECT_TRUE(Quiet());
  ASSERT_EQ(Write("body"), Error::kOk);
  EXPECT_THAT(Next(), Is(Data("headbody").Seq(1)));
}

TEST_F(Sending, FinPushesWhatWasHeld) {
  ASSERT_EQ(Write("held", true), Error::kOk);
  ASSERT_EQ(socket->Shutdown(ShutdownHow::kWrite), Error::kOk);
  EXPECT_THAT(Next(), Is(Fin().Seq(1).Data("held")));
}

// --- Windows: RFC 9293 3.8.6 ---------------------------------------------------------------------

TEST_F(Sending, Rfc9293_S3_8_6_NeverBeyondThePeersWindow) {
  Send(Ack(1).Seq(1).Wnd(3000));
  ASSERT_EQ(WriteBytes(10000), Error::kOk);
  uint32_t sent = 0;
  for (const Packet& packet : All()) sent += static_cast<uint32_t>(packet.data->size());
  EXPECT_EQ(sent, 2920u);  // full segments only (3.8.6.2.1)
}

TEST_F(Sending, Rfc9293_S3_8_6_1_ZeroWindowIsProbedWithBackOff) {
  Send(Ack(1).Seq(1).Wnd(0));
  ASSERT_EQ(WriteBytes(100), Error::kOk);
  EXPECT_TRUE(Quiet());
  Advance(milliseconds(250));
  EXPECT_THAT(Next(), Is(Packet().Size(1).Seq(1)));
  Send(Ack(1).Seq(1).Wnd(0));
  EXPECT_TRUE(Quiet());
  size_t probes = 0;
  for (int i = 0; i < 10; ++i) {
    Advance(seconds(60));
    for (const Packet& packet : All()) {
      EXPECT_THAT(packet, Is(Packet().Size(1).Seq(1)));
      ++probes;
      Send(Ack(1).Seq(1).Wnd(0));
    }
  }
  EXPECT_GE(probes, 5u);
  EXPECT_LE(probes, 20u);  // doubling, not one a second
  EXPECT_EQ(state(), TcpState::kEstablished);  // as long as it answers (MUST-37)
  Send(Ack(1).Seq(1).Wnd(5000));
  uint32_t sent = 0;
  for (const Packet& packet : All()) sent += static_cast<uint32_t>(packet.data->size());
  EXPECT_EQ(sent, 100u);
}

TEST_F(Sending, Rfc9293_S3_8_6_1_AcceptedProbeAdvances) {
  Send(Ack(1).Seq(1).Wnd(0));
  ASSERT_EQ(WriteBytes(100), Error::kOk);
  Advance(milliseconds(250));
  EXPECT_THAT(Next(), Is(Packet().Size(1).Seq(1)));
  Send(Ack(2).Seq(1).Wnd(1000));
  EXPECT_THAT(Next(), Is(Packet().Size(99).Seq(2)));
}

TEST_F(Sending, Rfc9293_S3_8_6_1_APeerThatAnswersProbesIsNotGivenUpThoughTimersFireLate) {
  ASSERT_EQ(WriteBytes(1000), Error::kOk);
  Next();
  Send(Ack(1001).Seq(1).Wnd(0));
  ASSERT_EQ(WriteBytes(1000), Error::kOk);
  for (int probe = 0; probe < 30; ++probe) {
    for (int i = 0; i < 200 && Quiet(); ++i) {  // seldom looked at: late
      clock.Set(clock.Now() + std::chrono::milliseconds(997));
      host.RunTimers();
    }
    ASSERT_FALSE(Quiet()) << probe;
    (void)All();
    Advance(std::chrono::milliseconds(3));
    Send(Ack(1001).Seq(1).Wnd(0));
  }
  EXPECT_EQ(state(), TcpState::kEstablished);
}

TEST_F(Sending, SilentPeerWithZeroWindowIsGivenUp) {
  Send(Ack(1).Seq(1).Wnd(0));
  ASSERT_EQ(WriteBytes(100), Error::kOk);
  Advance(std::chrono::minutes(40));
  EXPECT_EQ(socket->TakeError(), Error::kTimedOut);
}

TEST_F(Sending, Rfc9293_S3_8_6_2_1_SmallWindowWaitsThenForces) {
  Send(Ack(1).Seq(1).Wnd(100));  // the largest was 65535
  ASSERT_EQ(WriteBytes(1000), Error::kOk);
  EXPECT_TRUE(Quiet());
  Advance(milliseconds(1500));
  EXPECT_THAT(Next(), Is(Packet().Size(100).Seq(1)));
}

TEST_F(Sending, WriteSpaceIsBoundedAndComesBack) {
  SocketOptions options = socket->options();
  options.send_buffer = 10000;
  socket->SetOptions(options);
  EXPECT_EQ(socket->WriteSpace(), 10000u);
  ASSERT_EQ(WriteBytes(10000), Error::kOk);
  EXPECT_EQ(socket->WriteSpace(), 0u);
  EXPECT_EQ(Write("x"), Error::kWouldBlock);
  EXPECT_FALSE(socket->Ready() & ready::kWritable);
  observer.Take();
  Send(Ack(1461).Seq(1));
  EXPECT_FALSE(observer.Take() & ready::kWritable);  // below a third
  Send(Ack(1 + 4 * 1460).Seq(1));
  EXPECT_TRUE(observer.Take() & ready::kWritable);
}

TEST_F(Sending, ABigSliceIsTakenWhenTheQueueIsEmpty) {
  EXPECT_EQ(WriteBytes(1 << 20), Error::kOk);
  EXPECT_EQ(Write("x"), Error::kWouldBlock);
}

// --- Path MTU and ICMP ---------------------------------------------------------------------------

TEST_F(Sending, Rfc1191_S6_1_PacketTooBigResegments) {
  ASSERT_EQ(WriteBytes(2920), Error::kOk);
  EXPECT_EQ(All().size(), 2u);
  host.ip.set_mtu(1000);
  host.ip.Invalidate();
  SendIcmp(IcmpErrorIn::Kind::kPacketTooBig, Error::kMessageSize, 1, 1000);
  std::vector<Packet> again = All();
  ASSERT_GE(again.size(), 2u);
  EXPECT_THAT(again[0], Is(Packet().Size(960).Seq(1)));
  for (const Packet& packet : again) EXPECT_LE(packet.data->size(), 960u);
  EXPECT_GE(socket->Info().congestion_window, 10u);
}

TEST_F(Sending, Rfc5927_IcmpOutsideOfTheFlightIsIgnored) {
  ASSERT_EQ(WriteBytes(100), Error::kOk);
  SendIcmp(IcmpErrorIn::Kind::kHostUnreachable, Error::kHostUnreachable, 5000);
  EXPECT_EQ(Counter("TcpExt.OutOfWindowIcmps"), 1u);
}

TEST_F(Sending, Rfc5461_UnreachableIsSoftOnceEstablished) {
  ASSERT_EQ(WriteBytes(100), Error::kOk);
  SendIcmp(IcmpErrorIn::Kind::kPortUnreachable, Error::kConnectionRefused, 1);
  EXPECT_EQ(state(), TcpState::kEstablished);
  Advance(std::chrono::minutes(20));
  EXPECT_EQ(socket->TakeError(), Error::kConnectionRefused);  // what the timeout reports
}

TEST_F(Sending, Rfc9293_S3_8_3_AtR1ThePathIsAskedForAnew) {
  ASSERT_EQ(WriteBytes(100), Error::kOk);
  Next();
  const int before = host.ip.lookups();
  size_t retransmissions = 0;
  for (int i = 0; i < 1000 && host.ip.lookups() == before; ++i) {
    Advance(std::chrono::milliseconds(100));
    retransmissions += All().size();
  }
  EXPECT_EQ(host.ip.lookups(), before + 1);
  EXPECT_GE(retransmissions, 3u);
  EXPECT_EQ(state(), TcpState::kEstablished);
}

TEST_F(Sending, Rfc9293_S3_9_2_2_ASoftErrorCanBeAskedFor) {
  ASSERT_EQ(WriteBytes(100), Error::kOk);
  SendIcmp(IcmpErrorIn::Kind::kHostUnreachable, Error::kHostUnreachable, 1);
  EXPECT_EQ(state(), TcpState::kEstablished);
  EXPECT_EQ(socket->TakeError(), Error::kHostUnreachable);
  EXPECT_EQ(socket->TakeError(), Error::kOk);  // told once
  EXPECT_EQ(state(), TcpState::kEstablished);
}

TEST_F(Story, UnreachableEndsAConnectionAttempt) {
  Connect();
  SendIcmp(IcmpErrorIn::Kind::kHostUnreachable, Error::kHostUnreachable, 0);
  EXPECT_EQ(socket->TakeError(), Error::kHostUnreachable);
}

TEST_F(Story, NoRouteIsKnownAtOnce) {
  socket = host.tcp->NewSocket(Family::kIpv4);
  host.ip.set_route_error(Error::kNetworkUnreachable);
  Endpoint to;
  to.address = peer;
  to.port = 1;
  EXPECT_EQ(socket->Connect(to), Error::kNetworkUnreachable);
}

TEST_F(Sending, AFullLinkIsTriedAgain) {
  host.ip.set_send_error(Error::kNoBuffers);
  ASSERT_EQ(WriteBytes(100), Error::kOk);
  EXPECT_TRUE(Quiet());
  host.ip.set_send_error(Error::kOk);
  Advance(milliseconds(1500));
  EXPECT_THAT(Next(), Is(Packet().Size(100).Seq(1)));
}

// --- Keepalive: RFC 9293 3.8.4 -------------------------------------------------------------------

class Keepalive : public Sending {
 protected:
  void SetUp() override {
    Sending::SetUp();
    TcpOptions tcp = socket->tcp_options();
    tcp.keepalive_idle = seconds(10);
    tcp.keepalive_interval = seconds(2);
    tcp.keepalive_count = 3;
    socket->SetTcpOptions(tcp);
    SocketOptions options = socket->options();
    options.keepalive = true;
    socket->SetOptions(options);
  }
};

TEST_F(Keepalive, Rfc9293_S3_8_4_ProbesAfterIdleAndStopsWhenAnswered) {
  Advance(seconds(9));
  EXPECT_TRUE(Quiet());
  Advance(seconds(1));
  EXPECT_THAT(Next(), Is(Ack(1).Seq(0)));
  Send(Ack(1).Seq(1));
  Advance(seconds(9));
  EXPECT_TRUE(Quiet());
}

TEST_F(Keepalive, Rfc9293_S3_8_4_GivesUpAfterTheCount) {
  Advance(seconds(10 + 3 * 2));
  std::vector<Packet> all = All();
  ASSERT_EQ(all.size(), 4u);
  EXPECT_THAT(all[3], Is(Rst().Ack(1)));
  EXPECT_EQ(socket->TakeError(), Error::kTimedOut);
}

TEST_F(Keepalive, OffByDefaultAndWhenSwitchedOff) {
  SocketOptions options = socket->options();
  options.keepalive = false;
  socket->SetOptions(options);
  Advance(seconds(100));
  EXPECT_TRUE(Quiet());
  EXPECT_EQ(host.armed_timers(), 0u);
}

TEST_F(Sending, UserTimeoutEndsTheConnection) {
  SetTcp([](TcpOptions& o) { o.user_timeout = seconds(5); });
  ASSERT_EQ(WriteBytes(10), Error::kOk);
  Advance(seconds(4));
  EXPECT_EQ(state(), TcpState::kEstablished);
  Advance(seconds(10));
  EXPECT_EQ(socket->TakeError(), Error::kTimedOut);
}

}  // namespace
}  // namespace moat::netstack::tcp
