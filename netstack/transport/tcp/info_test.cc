// What tcp_info says beside the variables of the protocol: how long what held data back, how far
// reordering went, what came out of order, and how often a timeout chose another path.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "netstack/transport/tcp/testing/ecn_story.h"
#include "netstack/transport/tcp/testing/story.h"

namespace moat::netstack::tcp {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr uint32_t kMss = 1460;
constexpr Duration kRtt = milliseconds(40);

// Times of SendClock are rounded to 2^20 ns at both ends.
MATCHER_P(About, duration, "") {
  return arg > duration - milliseconds(3) && arg < duration + milliseconds(3);
}

class TcpInfoStory : public Story {
 protected:
  explicit TcpInfoStory(Family family = Family::kIpv4) : Story(family) {}
  void Begin(Packet syn_ack = Packet().Mss(kMss).SackOk()) {
    Connect();
    Advance(kRtt);
    Send(syn_ack.Flag(tcp_flag::kSyn).Seq(0).Ack(1));
    (void)All();
  }
  static uint32_t Seg(uint32_t n) { return 1 + n * kMss; }
  void Fly(uint32_t count) {
    ASSERT_EQ(WriteBytes(count * kMss), Error::kOk);
    ASSERT_EQ(All().size(), count);
  }
  TcpInfo Info() { return socket->Info(); }
};

TEST_F(TcpInfoStory, BusyWhileSomethingIsNotAcknowledged) {
  Begin();
  Advance(seconds(5));
  EXPECT_EQ(Info().busy_time, Duration::zero());
  EXPECT_EQ(Write("question"), Error::kOk);
  Advance(milliseconds(30));
  EXPECT_THAT(Info().busy_time, About(milliseconds(30)));  // it runs
  Advance(milliseconds(10));
  Send(Ack(9).Seq(1));
  Advance(seconds(5));
  EXPECT_THAT(Info().busy_time, About(milliseconds(40)));
  EXPECT_EQ(Write("again"), Error::kOk);
  Advance(milliseconds(20));
  Send(Ack(14).Seq(1));
  Advance(seconds(5));
  const TcpInfo info = Info();
  EXPECT_THAT(info.busy_time, About(milliseconds(60)));
  EXPECT_EQ(info.receiver_limited, Duration::zero());
  EXPECT_EQ(info.buffer_limited, Duration::zero());
}

TEST_F(TcpInfoStory, ManyShortStretchesAddUp) {
  Begin();
  for (uint32_t i = 0; i < 1000; ++i) {
    EXPECT_EQ(Write("x"), Error::kOk);
    Advance(std::chrono::microseconds(100));
    Send(Ack(2 + i).Seq(1));
    (void)All();
    Advance(std::chrono::microseconds(217));
  }
  EXPECT_GT(Info().busy_time, milliseconds(80));
  EXPECT_LT(Info().busy_time, milliseconds(120));
}

TEST_F(TcpInfoStory, TheFinIsWaitedForToo) {
  Begin();
  ASSERT_EQ(socket->Shutdown(ShutdownHow::kWrite), Error::kOk);
  Advance(milliseconds(50));
  Send(Ack(2).Seq(1));
  ASSERT_EQ(state(), TcpState::kFinWait2);
  Advance(seconds(5));
  EXPECT_THAT(Info().busy_time, About(milliseconds(50)));
}

TEST_F(TcpInfoStory, AClosedWindowIsTheReceiversLimit) {
  Begin();
  Send(Ack(1).Seq(1).Wnd(0));
  ASSERT_EQ(WriteBytes(3 * kMss), Error::kOk);
  Advance(milliseconds(100));
  EXPECT_THAT(Info().receiver_limited, About(milliseconds(100)));
  Send(Ack(1).Seq(1).Wnd(65535));
  Advance(milliseconds(40));
  Send(Ack(Seg(3)).Seq(1).Wnd(65535));
  Advance(seconds(5));
  const TcpInfo info = Info();
  EXPECT_THAT(info.receiver_limited, About(milliseconds(100)));
  EXPECT_THAT(info.busy_time, About(milliseconds(140)));
  EXPECT_EQ(info.buffer_limited, Duration::zero());
}

TEST_F(TcpInfoStory, AWindowOfTwoSegmentsIsTheReceiversLimitToo) {
  Begin(Packet().Mss(kMss).SackOk().Wnd(2 * kMss));
  ASSERT_EQ(WriteBytes(4 * kMss), Error::kOk);
  Advance(kRtt);
  Send(Ack(Seg(2)).Seq(1).Wnd(2 * kMss));
  Advance(kRtt);
  Send(Ack(Seg(4)).Seq(1).Wnd(2 * kMss));
  const TcpInfo info = Info();
  EXPECT_THAT(info.receiver_limited, About(kRtt));  // then nothing more was to be sent
  EXPECT_THAT(info.busy_time, About(2 * kRtt));
}

TEST_F(TcpInfoStory, TheCongestionWindowIsNobodysLimit) {
  Begin();
  ASSERT_EQ(WriteBytes(16 * kMss), Error::kOk);  // of which ten may go
  Advance(milliseconds(30));
  const TcpInfo info = Info();
  EXPECT_THAT(info.busy_time, About(milliseconds(30)));
  EXPECT_EQ(info.receiver_limited, Duration::zero());
  EXPECT_EQ(info.buffer_limited, Duration::zero());
}

TEST_F(TcpInfoStory, AFullSendBufferIsALimitOnceItsWriterWantsMore) {
  Begin();
  SocketOptions options = socket->options();
  options.send_buffer = 4 * kMss;
  socket->SetOptions(options);
  ASSERT_EQ(WriteBytes(4 * kMss), Error::kOk);
  Advance(milliseconds(10));
  EXPECT_EQ(Info().buffer_limited, Duration::zero());  // it may have had no more
  EXPECT_EQ(Write("more"), Error::kWouldBlock);
  Advance(milliseconds(30));
  Send(Ack(Seg(2)).Seq(1));
  Advance(milliseconds(30));
  Send(Ack(Seg(4)).Seq(1));
  Advance(seconds(5));
  const TcpInfo info = Info();
  EXPECT_THAT(info.buffer_limited, About(milliseconds(30)));
  EXPECT_THAT(info.busy_time, About(milliseconds(70)));
  EXPECT_EQ(info.receiver_limited, Duration::zero());
}

TEST_F(TcpInfoStory, AskingForRoomSaysThatTheWriterWaits) {
  Begin();
  SocketOptions options = socket->options();
  options.send_buffer = 4 * kMss;
  socket->SetOptions(options);
  ASSERT_EQ(WriteBytes(4 * kMss), Error::kOk);
  EXPECT_EQ(socket->WriteSpace(), 0u);
  Advance(milliseconds(30));
  EXPECT_THAT(Info().buffer_limited, About(milliseconds(30)));
}

TEST_F(TcpInfoStory, TheClocksStopWithTheConnection) {
  Begin();
  Send(Ack(1).Seq(1).Wnd(0));
  ASSERT_EQ(WriteBytes(kMss), Error::kOk);
  Advance(milliseconds(100));
  Send(Rst().Seq(1).Ack(1));
  ASSERT_EQ(state(), TcpState::kClosed);
  Advance(seconds(5));
  EXPECT_THAT(Info().busy_time, About(milliseconds(100)));
  EXPECT_THAT(Info().receiver_limited, About(milliseconds(100)));
}

TEST_F(TcpInfoStory, PacketsBeyondAHoleAreCounted) {
  Begin();
  Send(Data(std::string(100, 'b')).Seq(101).Ack(1));
  Send(Data(std::string(100, 'c')).Seq(201).Ack(1));
  EXPECT_EQ(Info().out_of_order_segments, 2u);
  Send(Data(std::string(100, 'a')).Seq(1).Ack(1));
  EXPECT_EQ(Info().out_of_order_segments, 2u);
  EXPECT_EQ(Info().data_segments_in, 3u);
  EXPECT_EQ(Info().segments_in, 4u);  // with the SYN,ACK
  EXPECT_EQ(Read().size(), 300u);
}

TEST_F(TcpInfoStory, ReorderingIsTheFarthestSeen) {
  Begin();
  EXPECT_EQ(Info().reordering, 3u);
  EXPECT_EQ(Info().reordering_events, 0u);
  Fly(2);
  Advance(kRtt);
  Send(Ack(Seg(0)).Seq(1).Sack({{Seg(1), Seg(2)}}));
  Advance(milliseconds(2));
  Send(Ack(Seg(2)).Seq(1));
  EXPECT_EQ(Info().reordering, 3u);  // two are less than the least
  EXPECT_EQ(Info().reordering_events, 1u);
  Fly(8);
  Advance(kRtt);
  Send(Ack(Seg(2)).Seq(1).Sack({{Seg(3), Seg(9)}}));
  Advance(milliseconds(2));
  Send(Ack(Seg(9)).Seq(1));
  EXPECT_EQ(Info().reordering, 7u);
  EXPECT_EQ(Info().reordering_events, 2u);
  EXPECT_EQ(Counter("TcpExt.TCPSACKReorder"), 2u);
  EXPECT_EQ(Info().total_retransmits, 0u);
}

class TcpInfoStoryV6 : public TcpInfoStory {
 protected:
  TcpInfoStoryV6() : TcpInfoStory(Family::kIpv6) {}
};

TEST_F(TcpInfoStoryV6, Rfc6437_S3_ATimeoutGivesTheFlowAnotherLabel) {
  Begin();
  ASSERT_EQ(Write("x"), Error::kOk);
  const uint32_t before = host.ip.sent().front().flow_label;
  (void)All();
  Advance(milliseconds(50));
  ASSERT_EQ(Write("y"), Error::kOk);
  Advance(seconds(10));
  const TcpInfo info = Info();
  EXPECT_GT(info.total_timeouts, 0u);
  EXPECT_EQ(info.rehashes, info.total_timeouts);
  EXPECT_NE(host.ip.sent().back().flow_label, before);
  EXPECT_NE(host.ip.sent().back().flow_label, 0u);
}

TEST_F(TcpInfoStory, TimeoutsOfTheHandshakeCount) {
  Connect();
  Advance(milliseconds(3500));  // two of them, after one and three seconds
  Send(SynAck().Mss(kMss).Seq(0).Ack(1));
  const TcpInfo info = Info();
  EXPECT_EQ(info.state, TcpState::kEstablished);
  EXPECT_EQ(info.total_timeouts, 2u);
  EXPECT_EQ(info.timeout_recoveries, 1u);
  EXPECT_EQ(info.timeout_time, milliseconds(2500));
  EXPECT_EQ(info.total_retransmits, 2u);
  EXPECT_EQ(info.rehashes, 2u);
}

TEST_F(TcpInfoStory, TimeInALossCountsWhileItLasts) {
  Begin();
  host.Sysctl("ipv4.tcp_early_retrans", "0");
  ASSERT_EQ(Write("x"), Error::kOk);
  Advance(seconds(4));
  const TcpInfo during = Info();
  EXPECT_EQ(during.timeout_recoveries, 1u);
  EXPECT_GT(during.timeout_time, seconds(3));
  Send(Ack(2).Seq(1));
  const Duration total = Info().timeout_time;
  EXPECT_GE(total, during.timeout_time);
  Advance(seconds(4));
  EXPECT_EQ(Info().timeout_time, total);
}

TEST_F(TcpInfoStory, DuplicatesReportedWithoutALossCount) {
  Begin();
  Fly(2);
  Advance(kRtt);
  Send(Ack(Seg(2)).Seq(1).Sack({{Seg(0), Seg(1)}}));
  EXPECT_EQ(Info().duplicates_reported, 1u);
}

TEST_F(TcpInfoStory, ThePacingRateIsWhatAPacerWouldGet) {
  Begin();
  const TcpInfo info = Info();
  // Ten segments in 40 ms, twice as much in slow start.
  EXPECT_NEAR(static_cast<double>(info.pacing_rate), 2.0 * 10 * kMss / 0.04, 10.0);
}

TEST_F(TcpInfoStory, TheWindowsLimitStaysWhenTheWindowIsUsed) {
  Begin();
  const TcpInfo before = Info();
  Send(Data(std::string(1000, 'x')).Seq(1).Ack(1));
  EXPECT_EQ(Info().receive_window_limit, before.receive_window_limit);
  EXPECT_EQ(Info().receive_window, before.receive_window - 1000);
}

TEST_F(EcnStory, WhetherThePeersTextIsEcnCapable) {
  host.Sysctl("ipv4.tcp_ecn", "1");
  StartConnect();
  (void)All();
  Send(SynAck().Flag(tcp_flag::kEce).Mss(kMss).Seq(0).Ack(1));
  (void)All();
  ASSERT_TRUE(socket->Info().ecn);
  Send(Data("a").Seq(1).Ack(1).Ecn(kNotEct));
  EXPECT_FALSE(socket->Info().ecn_seen);
  Send(Data("b").Seq(2).Ack(1).Ecn(kEct0));
  EXPECT_TRUE(socket->Info().ecn_seen);
  EXPECT_EQ(socket->Info().received_marked, 0u);
  Send(Data("c").Seq(3).Ack(1).Ecn(kCe));
  EXPECT_EQ(socket->Info().received_marked, 1u);
}

TEST_F(EcnStory, TheFirstEchoCountsAsDelivered) {
  host.Sysctl("ipv4.tcp_ecn", "1");
  StartConnect();
  (void)All();
  Send(SynAck().Flag(tcp_flag::kEce).Mss(kMss).Seq(0).Ack(1));
  ASSERT_EQ(WriteBytes(10 * kMss), Error::kOk);
  (void)All();
  Advance(kRtt);
  Send(Ack(Seg(2)).Flag(tcp_flag::kEce).Seq(1));
  EXPECT_EQ(socket->Info().delivered_marked, 2u);
}

TEST_F(Rfc9768, S3_2_AccEcnTellsOfEcnCapableText) {
  EstablishAccurate();
  EXPECT_FALSE(socket->Info().ecn_seen);
  Send(Data("b").Seq(1).Ack(1).Ace(kFirstAce).Ecn(kEct0));
  EXPECT_TRUE(socket->Info().ecn_seen);
}

class FastOpenInfo : public Story {
 protected:
  FastOpenInfo() { host.Sysctl("ipv4.tcp_fastopen", "1"); }
  // A connection that wants it; whether the first write sends the SYN.
  bool Open() {
    socket = host.tcp->NewSocket(Family::kIpv4);
    TcpOptions options;
    options.fast_open_connect = true;
    socket->SetTcpOptions(options);
    socket->SetObserver(&observer);
    const Error error = socket->Connect({.address = peer, .port = peer_port});
    host_port = socket->Local().port;
    return error == Error::kOk;
  }
  void Learn() {
    ASSERT_FALSE(Open());
    (void)Next();
    EXPECT_EQ(socket->Info().fast_open_failure, FastOpenFailure::kNoCookie);
    Send(SynAck().Mss(1460).Seq(0).Ack(1).Cookie("12345678"));
    socket->Abort();
    (void)All();
    ASSERT_TRUE(Open());
    ASSERT_EQ(Write("hello"), Error::kOk);
    (void)Next();
    EXPECT_EQ(socket->Info().fast_open_failure, FastOpenFailure::kNone);
  }
};

TEST_F(FastOpenInfo, Rfc7413_S4_2_1_TextThatTheServerDidNotTake) {
  Learn();
  Send(SynAck().Mss(1460).Seq(0).Ack(1));
  EXPECT_EQ(socket->Info().fast_open_failure, FastOpenFailure::kNotAcknowledged);
  EXPECT_FALSE(socket->Info().syn_data);
}

TEST_F(FastOpenInfo, Rfc7413_S4_2_1_TextThatWasLost) {
  Learn();
  Advance(milliseconds(1500));
  Send(SynAck().Mss(1460).Seq(0).Ack(1));
  EXPECT_EQ(socket->Info().fast_open_failure, FastOpenFailure::kRetransmitted);
}

TEST_F(FastOpenInfo, Rfc7413_S4_2_1_TextThatTheServerTook) {
  Learn();
  Send(SynAck().Mss(1460).Seq(0).Ack(6));
  EXPECT_EQ(socket->Info().fast_open_failure, FastOpenFailure::kNone);
  EXPECT_TRUE(socket->Info().syn_data);
}

}  // namespace
}  // namespace moat::netstack::tcp
