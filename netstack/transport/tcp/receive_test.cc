// The receiving side: delayed ACKs and batches, window updates, autotuning, timestamps, window
// scaling, backlogs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "netstack/transport/tcp/testing/story.h"

namespace moat::netstack::tcp {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class Receiving : public Story {
 protected:
  void SetUp() override { Establish(); }
  // Ends quick-ack mode: a conversation.
  void Converse() {
    SetTcp([](TcpOptions& o) { o.quick_ack = false; });
  }
};

// --- Acknowledgements: RFC 9293 3.8.6.3, RFC 5681 4.2 --------------------------------------------

TEST_F(Receiving, Rfc5681_S4_2_EverySecondFullSegmentIsAcknowledged) {
  Converse();
  SendBatched(Packet().Size(1460).Seq(1).Ack(1));
  EXPECT_TRUE(Quiet());
  SendBatched(Packet().Size(1460).Seq(1461).Ack(1));
  EXPECT_THAT(Next(), Is(Ack(2921)));
  SendBatched(Packet().Size(1460).Seq(2921).Ack(1));
  EXPECT_TRUE(Quiet());
  Flush();
  EXPECT_TRUE(Quiet());
}

class ReceivingTinySegments : public Receiving {
 protected:
  ReceivingTinySegments() { host.ip.set_mtu(140); }
};

TEST_F(ReceivingTinySegments, Rfc5681_S4_2_FullIsWhatFitsTheLink) {
  Converse();
  SendBatched(Packet().Size(100).Seq(1).Ack(1));
  EXPECT_TRUE(Quiet());
  SendBatched(Packet().Size(100).Seq(101).Ack(1));
  EXPECT_THAT(Next(), Is(Ack(201)));
}

TEST_F(Receiving, Rfc9293_S3_8_6_3_DelayedAckComesWithin500ms) {
  Converse();
  Send(Data("x").Seq(1).Ack(1));
  EXPECT_TRUE(Quiet());
  Advance(milliseconds(39));
  EXPECT_TRUE(Quiet());
  Advance(milliseconds(3));
  EXPECT_THAT(Next(), Is(Ack(2)));
  EXPECT_EQ(Counter("TcpExt.DelayedACKs"), 1u);
}

// What a program reads is acknowledged at once, but not for ever where it never replies.
TEST_F(Receiving, Rfc9293_S3_8_6_3_SmallSegmentsThatAreReadAtOnceHaveNoAckEach) {
  size_t acks = 0;
  for (uint32_t i = 0; i < 100; ++i) {
    Send(Data("x").Seq(1 + i).Ack(1));
    EXPECT_EQ(Read(), "x");
    Flush();
    Advance(milliseconds(5));
    const size_t sent = All().size();
    EXPECT_TRUE(i > 0 || sent == 1);
    acks += sent;
  }
  const size_t at_once = 16 + 16;  // quick ones, then those for reads
  EXPECT_EQ(acks, at_once + (100 - at_once) / 4);
}

// The rest of a message waits for no timer, however many messages have gone before.
TEST_F(Receiving, TheTailOfAMessageIsAcknowledgedWhenItIsRead) {
  for (uint32_t i = 0; i < 50; ++i) {
    const uint32_t begin = 1 + i * 1461;
    Send(Packet().Size(1460).Seq(begin).Ack(1));
    Read();
    Flush();
    All();
    Send(Data("x").Seq(begin + 1460).Ack(1));
    Read();
    Flush();
    EXPECT_THAT(Next(), Is(Ack(begin + 1461)));
    EXPECT_TRUE(Quiet());
  }
}

// A peer that has filled a good part of the window may be waiting for room.
TEST_F(Receiving, WhatFillsTheWindowIsAcknowledgedWhenItIsRead) {
  SocketOptions options = socket->options();
  options.receive_buffer = 2000;
  socket->SetOptions(options);
  for (uint32_t i = 0; i < 60; ++i) {
    SendBatched(Packet().Size(500).Seq(1 + i * 500).Ack(1));
    EXPECT_EQ(Read().size(), 500u);
    Flush();
    EXPECT_THAT(Next(), Is(Ack(1 + (i + 1) * 500))) << i;
    All();
  }
}

TEST_F(Receiving, ReplyCarriesTheAck) {
  Converse();
  Send(Data("request").Seq(1).Ack(1));
  EXPECT_EQ(Read(), "request");
  ASSERT_EQ(Write("reply"), Error::kOk);
  EXPECT_THAT(Next(), Is(Data("reply").Seq(1).Ack(8)));
  Flush();
  Advance(seconds(1));
  for (const Packet& packet : All()) EXPECT_NE(packet.data, "");  // no bare ACK
}

TEST_F(Receiving, NewConnectionAcknowledgesAtOnce) {
  Send(Data("x").Seq(1).Ack(1));
  EXPECT_THAT(Next(), Is(Ack(2)));
}

TEST_F(Receiving, SuperSegmentsAreAcknowledgedOncePerBatch) {
  Converse();
  SendBatched(Packet().Size(14600).Seq(1).Ack(1).Gso(1460));
  SendBatched(Packet().Size(14600).Seq(14601).Ack(1).Gso(1460));
  EXPECT_TRUE(Quiet());
  Flush();
  EXPECT_THAT(Next(), Is(Ack(29201)));
  EXPECT_TRUE(Quiet());
  EXPECT_EQ(socket->Info().data_segments_in, 20u);
}

TEST_F(Receiving, ReadingInTheBatchIsSeenByItsAck) {
  SendBatched(Packet().Size(14600).Seq(1).Ack(1).Gso(1460));
  Read();
  Flush();
  EXPECT_THAT(Next(), Is(Ack(14601).Wnd(65535)));
  EXPECT_TRUE(Quiet());
}

// --- Windows: 3.8.6.2.2 --------------------------------------------------------------------------

TEST_F(Receiving, Rfc9293_S3_8_6_2_2_ReaderReopensAClosedWindowByOneUpdate) {
  for (uint32_t at = 1; at < 65535; at += 1000) Send(Packet().Size(1000).Seq(at).Ack(1));
  EXPECT_EQ(All().back().wnd, 0);
  EXPECT_EQ(Counter("TcpExt.TCPToZeroWindowAdv"), 1u);
  socket->Consume(100);
  Flush();
  EXPECT_TRUE(Quiet());  // a silly window
  socket->Consume(5000);
  Flush();
  EXPECT_GE(*Next().wnd, 5000);
  EXPECT_TRUE(Quiet());
  EXPECT_EQ(Counter("TcpExt.TCPFromZeroWindowAdv"), 1u);
}

TEST_F(Receiving, SlowReaderDoesNotSendAnUpdatePerRead) {
  for (uint32_t at = 1; at < 40000; at += 1000) Send(Packet().Size(1000).Seq(at).Ack(1));
  All();
  for (int i = 0; i < 300; ++i) {
    socket->Consume(100);
    Flush();
  }
  EXPECT_LE(All().size(), 4u);
}

TEST_F(Receiving, ManySmallSegmentsDoNotPinMuchMemory) {
  for (uint32_t at = 1; at <= 5000; ++at) Send(Packet().Size(1).Seq(at).Ack(1));
  std::span<const uint8_t> pieces[64];
  EXPECT_LE(socket->Peek(pieces), 4u);
  EXPECT_EQ(Read().size(), 5000u);
}

class Scaled : public Story {};

TEST_F(Scaled, Rfc7323_S2_2_WindowOfASynIsNotScaledLaterOnesAre) {
  Listen();
  Send(Syn().Seq(0).Mss(1460).Shift(3).Wnd(1000));
  const Packet answer = Next();
  ASSERT_TRUE(answer.shift.has_value());
  EXPECT_EQ(*answer.shift, 7);  // 6 MiB in 16 bits
  Send(Ack(1).Seq(1).Wnd(1000));
  socket = Accept();
  EXPECT_EQ(socket->Info().send_window, 8000u);
  Send(Data("x").Seq(1).Ack(1).Wnd(1000));
  EXPECT_EQ(*Next().wnd, 65536 / 128);
}

TEST_F(Scaled, Rfc7323_S2_2_NoScaleInTheSynMeansNone) {
  Listen();
  Send(Syn().Seq(0).Mss(1460));
  EXPECT_EQ(Next().shift, std::nullopt);
}

TEST_F(Scaled, WindowGrowsWithWhatIsRead) {
  Connect();
  Send(SynAck().Seq(0).Ack(1).Mss(1460).Shift(7));
  All();
  uint32_t at = 1;
  uint32_t before = socket->Info().receive_space;
  for (int round = 0; round < 40; ++round) {
    const uint32_t window = std::min(socket->Info().receive_window, 200u * 1460);
    for (uint32_t sent = 0; sent + 1460 <= window; sent += 1460, at += 1460) {
      SendBatched(Packet().Size(1460).Seq(at).Ack(1));
    }
    Advance(milliseconds(20));
    Read();
    Flush();
    All();
  }
  EXPECT_GT(socket->Info().receive_space, 3 * before);
}

TEST_F(Scaled, ReceiveBufferOptionFixesTheWindow) {
  socket = host.tcp->NewSocket(Family::kIpv4);
  SocketOptions options = socket->options();
  options.receive_buffer = 8000;
  socket->SetOptions(options);
  Endpoint to;
  to.address = peer;
  to.port = peer_port;
  ASSERT_EQ(socket->Connect(to), Error::kInProgress);
  EXPECT_THAT(Next(), Is(Syn().Wnd(8000)));
}

// --- Timestamps: RFC 7323 ------------------------------------------------------------------------

class Stamped : public Story {
 protected:
  void SetUp() override {
    Connect();
    Send(SynAck().Seq(0).Ack(1).Mss(1460).Ts(1000, host_ts));
    ASSERT_EQ(Next().timestamps->second, 1000u);
  }
};

TEST_F(Stamped, Rfc7323_S3_2_EverySegmentCarriesTheOption) {
  ASSERT_EQ(WriteBytes(3000), Error::kOk);
  for (const Packet& packet : All()) {
    ASSERT_TRUE(packet.timestamps.has_value());
    EXPECT_EQ(packet.timestamps->second, 1000u);
    EXPECT_LE(packet.data->size(), 1448u);  // it takes room
  }
}

TEST_F(Stamped, Rfc7323_S3_2_SegmentWithoutTheOptionIsDropped) {
  Send(Data("x").Seq(1).Ack(1));
  EXPECT_TRUE(Quiet());
  EXPECT_EQ(socket->ReadableBytes(), 0u);
}

TEST_F(Stamped, Rfc7323_S5_3_OldTimestampIsRejectedWithAnAck) {
  Send(Data("x").Seq(1).Ack(1).Ts(999, host_ts));
  EXPECT_THAT(Next(), Is(Ack(1)));
  EXPECT_EQ(socket->ReadableBytes(), 0u);
  EXPECT_EQ(Counter("TcpExt.PAWSEstab"), 1u);
}

TEST_F(Stamped, Rfc7323_S5_3_ResetNeedsNoTimestamp) {
  Send(Rst().Seq(1));
  EXPECT_EQ(state(), TcpState::kClosed);
}

TEST_F(Stamped, Rfc7323_S5_5_AfterLongIdleAnyTimestampIsTaken) {
  clock.Advance(std::chrono::hours(24 * 25));
  Send(Data("x").Seq(1).Ack(1).Ts(5, host_ts));
  EXPECT_EQ(Read(), "x");
}

// RFC 2883 4.3: whatever its timestamp is worth, it came twice.
TEST_F(Story, Rfc2883_S4_3_ADuplicateWithAnOldTimestampIsReported) {
  Establish(Packet().Mss(1460).SackOk().Ts(1000, 0));
  Send(Data("ab").Seq(1).Ack(1).Ts(1001, host_ts));
  All();
  Send(Data("ab").Seq(1).Ack(1).Ts(900, host_ts));
  EXPECT_THAT(Next(), Is(Ack(3).Sack({{1, 3}})));
}

TEST_F(Story, EachPairOfHostsSeesTimestampsOfItsOwn) {
  std::set<uint32_t> clocks;
  Listen();
  for (int i = 0; i < 3; ++i) {
    peer = IpAddress::V4(198, 51, 100, static_cast<uint8_t>(i + 1));
    Send(Syn().Mss(1460).Ts(1, 0).Seq(0));
    Next();
    clocks.insert(host_ts);
  }
  EXPECT_EQ(clocks.size(), 3u);
}

TEST_F(Stamped, Rfc7323_S4_3_OutOfOrderSegmentDoesNotMoveTheEcho) {
  Send(Data("b").Seq(2).Ack(1).Ts(1005, host_ts));
  EXPECT_EQ(Next().timestamps->second, 1000u);
  Send(Data("a").Seq(1).Ack(1).Ts(1006, host_ts));
  EXPECT_EQ(Next().timestamps->second, 1006u);
}

TEST_F(Story, Rfc7323_S3_2_OnlyOfferedWhenTheSynDid) {
  Listen();
  Send(Syn().Seq(0));
  EXPECT_EQ(Next().timestamps, std::nullopt);
  peer_port = 999;
  Send(Syn().Seq(0).Ts(7, 0));
  EXPECT_EQ(Next().timestamps->second, 7u);
}

// --- Backlog -------------------------------------------------------------------------------------

class Backlog : public Story {
 protected:
  // A handshake from another port; returns whether the SYN was answered.
  bool Knock(uint16_t port) {
    peer_port = port;
    Send(Syn().Seq(0).Mss(1460));
    const Packet answer = Next();
    if (answer.flags != (tcp_flag::kSyn | tcp_flag::kAck)) return false;
    Send(Ack(1).Seq(1));
    return true;
  }
};

TEST_F(Backlog, AcceptQueueHoldsBacklogPlusOneAndThenDropsSyns) {
  Listen(2);
  EXPECT_TRUE(Knock(1001));
  EXPECT_TRUE(Knock(1002));
  EXPECT_TRUE(Knock(1003));
  EXPECT_FALSE(Knock(1004));
  EXPECT_EQ(Counter("TcpExt.ListenOverflows"), 1u);
  EXPECT_EQ(Counter("TcpExt.ListenDrops"), 1u);
  socket = Accept();
  EXPECT_TRUE(Knock(1004));
}

TEST_F(Backlog, FinalAckIsDroppedWhenTheQueueIsFull) {
  Listen(0);
  peer_port = 1001;
  Send(Syn().Seq(0));
  Next();
  const SeqNum first = host_iss;
  peer_port = 1002;
  Send(Syn().Seq(0));
  Next();
  Send(Ack(1).Seq(1));
  host_iss = first;
  peer_port = 1001;
  Send(Ack(1).Seq(1));
  EXPECT_TRUE(Quiet());
  std::vector<SocketInfo> sockets = host.Sockets();
  EXPECT_EQ(std::count_if(sockets.begin(), sockets.end(),
                          [](const SocketInfo& s) { return s.state == "SYN-RECV"; }), 1);
}

TEST_F(Backlog, AbortOnOverflowResets) {
  host.Sysctl("ipv4.tcp_abort_on_overflow", "1");
  Listen(0);
  peer_port = 1001;
  Send(Syn().Seq(0));
  Next();
  const SeqNum first = host_iss;
  EXPECT_TRUE(Knock(1002));
  host_iss = first;
  peer_port = 1001;
  Send(Ack(1).Seq(1));
  EXPECT_THAT(Next(), Is(Rst().Seq(1)));
}

TEST_F(Backlog, SomaxconnLimitsTheBacklog) {
  host.Sysctl("core.somaxconn", "1");
  Listen(100);
  EXPECT_TRUE(Knock(1001));
  EXPECT_TRUE(Knock(1002));
  EXPECT_FALSE(Knock(1003));
}

TEST_F(Backlog, ClosingTheListenerResetsWhatWasNotAccepted) {
  Listen();
  EXPECT_TRUE(Knock(1001));
  listener.reset();
  EXPECT_THAT(Next(), Is(Rst().Seq(1).Ack(1)));
  EXPECT_EQ(host.Sockets().size(), 0u);
  EXPECT_EQ(host.armed_timers(), 0u);
}

TEST_F(Backlog, ResetBeforeAcceptIsReportedByTheAcceptedSocket) {
  Listen();
  EXPECT_TRUE(Knock(1001));
  Send(Rst().Seq(1));
  socket = Accept();
  ASSERT_NE(socket, nullptr);
  EXPECT_EQ(socket->TakeError(), Error::kConnectionReset);
}

TEST_F(Backlog, Rfc4987_S3_6_FullSynQueueAnswersWithCookies) {
  host.Sysctl("ipv4.tcp_max_syn_backlog", "0");
  Listen();
  Send(Syn().Seq(0).Mss(1460).SackOk().Shift(9).Ts(500, 0).Wnd(1000));
  EXPECT_THAT(Next(), Is(SynAck().Seq(0).Ack(1).SackOk().Mss(1460)));
  EXPECT_EQ(host.StateOf(kHostPort), "");  // nothing is kept
  Send(Ack(1).Seq(1).Ts(501, host_ts).Wnd(10));
  socket = Accept();
  ASSERT_NE(socket, nullptr);
  const TcpInfo info = socket->Info();
  EXPECT_TRUE(info.sack && info.timestamps && info.window_scaling);
  EXPECT_EQ(info.send_window, 10u << 9);
  EXPECT_EQ(info.send_mss, 1448u);
  Send(Data("GET").Seq(1).Ack(1).Ts(502, host_ts));
  EXPECT_EQ(Read(), "GET");
  EXPECT_EQ(Counter("TcpExt.SyncookiesRecv"), 1u);
  peer_port = 999;
  Send(Ack(77).Seq(1).Ts(502, host_ts));  // made up
  EXPECT_THAT(All().back(), Is(Rst().Seq(77)));
  EXPECT_EQ(Counter("TcpExt.SyncookiesFailed"), 1u);
}

TEST_F(Backlog, FullSynQueueDropsWithoutCookies) {
  host.Sysctl("ipv4.tcp_syncookies", "0");
  host.Sysctl("ipv4.tcp_max_syn_backlog", "1");
  Listen();
  Send(Syn().Seq(0));
  Next();
  peer_port = 999;
  Send(Syn().Seq(0));
  EXPECT_TRUE(Quiet());
  EXPECT_EQ(Counter("TcpExt.TCPReqQFullDrop"), 1u);
}

TEST_F(Backlog, DeferAcceptWaitsForData) {
  Listen();
  TcpOptions options = listener->tcp_options();
  options.defer_accept = true;
  listener->SetTcpOptions(options);
  Send(Syn().Seq(0));
  Next();
  Send(Ack(1).Seq(1));
  EXPECT_EQ(Accept(), nullptr);
  Send(Data("GET").Seq(1).Ack(1));
  EXPECT_NE(Accept(), nullptr);
}

TEST_F(Backlog, ObserverIsToldOfEachConnection) {
  Listen();
  listener->SetObserver(&observer);
  EXPECT_TRUE(Knock(1001));
  EXPECT_TRUE(Knock(1002));
  EXPECT_EQ(observer.calls, 2);
}

TEST_F(Backlog, ReusePortGroupShares) {
  std::vector<std::unique_ptr<TcpSocket>> group;
  for (int i = 0; i < 2; ++i) {
    group.push_back(host.tcp->NewSocket(Family::kIpv4));
    SocketOptions options;
    options.reuse_port = true;
    group.back()->SetOptions(options);
    Endpoint at;
    at.port = kHostPort;
    ASSERT_EQ(group.back()->Bind(at), Error::kOk);
    ASSERT_EQ(group.back()->Listen(200), Error::kOk);
  }
  for (uint16_t port = 2000; port < 2100; ++port) EXPECT_TRUE(Knock(port));
  int counts[2] = {};
  for (int i = 0; i < 2; ++i) {
    while (group[static_cast<size_t>(i)]->Accept().ok()) ++counts[i];
  }
  EXPECT_EQ(counts[0] + counts[1], 100);
  EXPECT_GT(counts[0], 20);
  EXPECT_GT(counts[1], 20);
}

}  // namespace
}  // namespace moat::netstack::tcp
