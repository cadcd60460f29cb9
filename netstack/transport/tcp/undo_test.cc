// Recoveries that were needless: F-RTO (RFC 5682), Eifel (RFC 3522, 4015), D-SACK (RFC 2883, 3708).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "netstack/transport/tcp/testing/story.h"

namespace moat::netstack::tcp {
namespace {

using std::chrono::milliseconds;

constexpr uint32_t kMss = 1460;
constexpr Duration kRtt = milliseconds(40);

class UndoStory : public Story {
 protected:
  void Begin(Packet syn_ack) {
    Connect();
    Advance(kRtt);
    if (syn_ack.timestamps) {
      timestamps_ = true;
      syn_ack.Ts(1000, host_ts);
    }
    Send(syn_ack.Flag(tcp_flag::kSyn).Seq(0).Ack(1));
    Next();
    mss_ = timestamps_ ? kMss - 12 : kMss;
  }
  uint32_t Seg(uint32_t n) const { return 1 + n * mss_; }
  // Returns the TSval that they carry.
  uint32_t Fly(uint32_t count) {
    EXPECT_EQ(WriteBytes(count * mss_), Error::kOk);
    EXPECT_EQ(All().size(), count);
    return host_ts;
  }
  Packet AckOf(uint32_t n, uint32_t echo) {
    Packet packet = Ack(Seg(n)).Seq(1);
    if (timestamps_) packet.Ts(1001, echo);
    return packet;
  }
  Packet AckOf(uint32_t n) { return AckOf(n, host_ts); }
  uint32_t Window() { return socket->Info().congestion_window; }

  bool timestamps_ = false;
  uint32_t mss_ = kMss;
};

// --- F-RTO ---------------------------------------------------------------------------------------

TEST_F(UndoStory, Rfc5682_S2_1_3b_AckOfWhatWasNotRetransmittedUndoesTheTimeout) {
  Begin(Packet().Mss(1460));
  Fly(6);
  const uint32_t before = Window();
  Advance(milliseconds(300));
  EXPECT_THAT(Next(), Is(Packet().Size(mss_).Seq(Seg(0))));
  EXPECT_EQ(Window(), 1u);
  ASSERT_EQ(WriteBytes(4 * mss_), Error::kOk);
  EXPECT_TRUE(Quiet());
  // Step 2.b: the ACK advances; two segments of new data go, none again.
  Send(AckOf(1));
  EXPECT_THAT(Next(), Is(Packet().Size(mss_).Seq(Seg(6))));
  EXPECT_THAT(Next(), Is(Packet().Size(mss_).Seq(Seg(7))));
  EXPECT_TRUE(Quiet());
  // Step 3.b: what was sent once has arrived.
  Send(AckOf(2));
  EXPECT_EQ(Counter("TcpExt.TCPSpuriousRTOs"), 1u);
  EXPECT_GE(Window(), before);
  EXPECT_EQ(socket->Info().ca_state, 0);
  Send(AckOf(8));
  EXPECT_EQ(Counter("Tcp.RetransSegs"), 1u);
}

// However much the ACK covers.
TEST_F(UndoStory, Rfc5682_S2_1_2b_TwoNewSegmentsGoAndNoMore) {
  Begin(Packet().Mss(1460));
  Fly(8);
  Advance(milliseconds(300));
  EXPECT_THAT(Next(), Is(Packet().Size(mss_).Seq(Seg(0))));
  ASSERT_EQ(WriteBytes(8 * mss_), Error::kOk);
  Send(AckOf(5));
  EXPECT_THAT(Next(), Is(Packet().Size(mss_).Seq(Seg(8))));
  EXPECT_THAT(Next(), Is(Packet().Size(mss_).Seq(Seg(9))));
  EXPECT_TRUE(Quiet());
  // Step 3.a: a loss after all; the window is three segments at most.
  Send(AckOf(5));
  EXPECT_THAT(Next(), Is(Packet().Size(mss_).Seq(Seg(5))));
  All();
  EXPECT_LE(Window(), 3u);
}

TEST_F(UndoStory, Rfc5682_S2_1_2a_DuplicateAckAfterTheTimeoutMeansLoss) {
  Begin(Packet().Mss(1460));
  Fly(6);
  Advance(milliseconds(300));
  Next();
  ASSERT_EQ(WriteBytes(4 * mss_), Error::kOk);
  Send(AckOf(0));
  Send(AckOf(1));
  EXPECT_THAT(Next(), Is(Packet().Size(mss_).Seq(Seg(1))));
  EXPECT_EQ(Counter("TcpExt.TCPSpuriousRTOs"), 0u);
}

TEST_F(UndoStory, Rfc5682_S2_1_3a_DuplicateAckForNewDataMeansLoss) {
  Begin(Packet().Mss(1460));
  Fly(6);
  Advance(milliseconds(300));
  Next();
  ASSERT_EQ(WriteBytes(4 * mss_), Error::kOk);
  Send(AckOf(1));
  EXPECT_EQ(All().size(), 2u);
  Send(AckOf(1));
  EXPECT_THAT(Next(), Is(Packet().Size(mss_).Seq(Seg(1))));
  EXPECT_EQ(Counter("TcpExt.TCPSpuriousRTOs"), 0u);
}

TEST_F(UndoStory, Rfc5682_S2_1_WithoutNewDataRecoveryIsConventional) {
  Begin(Packet().Mss(1460));
  Fly(6);
  Advance(milliseconds(300));
  Next();
  Send(AckOf(1));
  EXPECT_THAT(Next(), Is(Packet().Size(mss_).Seq(Seg(1))));
  EXPECT_THAT(Next(), Is(Packet().Size(mss_).Seq(Seg(2))));
}

TEST_F(UndoStory, Rfc5682_S3_1_3b_SackOfWhatWasNotRetransmittedUndoesTheTimeout) {
  Begin(Packet().Mss(1460).SackOk());
  host.Sysctl("ipv4.tcp_early_retrans", "0");
  Fly(6);
  const uint32_t before = Window();
  Advance(milliseconds(300));
  EXPECT_THAT(Next(), Is(Packet().Size(mss_).Seq(Seg(0))));
  Send(AckOf(0).Sack({{Seg(3), Seg(4)}}));
  EXPECT_EQ(Counter("TcpExt.TCPSpuriousRTOs"), 1u);
  EXPECT_GE(Window(), before);
}

TEST_F(UndoStory, Rfc5682_S3_1_2a_AnAckOfAllAtOnceProvesNothing) {
  Begin(Packet().Mss(1460).SackOk());
  host.Sysctl("ipv4.tcp_early_retrans", "0");
  Fly(6);
  Advance(milliseconds(300));
  Next();
  Send(AckOf(6));  // the first was lost, and so were the SACKs of the others
  EXPECT_EQ(Counter("TcpExt.TCPSpuriousRTOs"), 0u);
}

TEST_F(UndoStory, TcpFrto0_RetransmitsAtOnce) {
  host.Sysctl("ipv4.tcp_frto", "0");
  Begin(Packet().Mss(1460));
  Fly(6);
  Advance(milliseconds(300));
  Next();
  ASSERT_EQ(WriteBytes(4 * mss_), Error::kOk);
  Send(AckOf(1));
  EXPECT_THAT(Next(), Is(Packet().Size(mss_).Seq(Seg(1))));
}

// --- Eifel ---------------------------------------------------------------------------------------

TEST_F(UndoStory, Rfc3522_S3_2_AnEchoOlderThanTheRetransmissionUndoesTheTimeout) {
  Begin(Packet().Mss(1460).SackOk().Ts(1, 0));
  host.Sysctl("ipv4.tcp_early_retrans", "0");
  const uint32_t original = Fly(6);
  const uint32_t before = Window();
  Advance(milliseconds(300));
  EXPECT_THAT(Next(), Is(Packet().Size(mss_).Seq(Seg(0))));
  ASSERT_NE(host_ts, original);
  Send(AckOf(1, original));
  EXPECT_EQ(Counter("TcpExt.TCPLossUndo"), 1u);
  EXPECT_EQ(Counter("TcpExt.TCPSpuriousRTOs"), 1u);
  EXPECT_GE(Window(), before);
  Advance(milliseconds(30));
  EXPECT_EQ(Counter("Tcp.RetransSegs"), 1u);
}

TEST_F(UndoStory, Rfc3522_S3_2_TheRetransmissionsEchoUndoesNothing) {
  Begin(Packet().Mss(1460).SackOk().Ts(1, 0));
  host.Sysctl("ipv4.tcp_early_retrans", "0");
  Fly(6);
  Advance(milliseconds(300));
  Next();
  Send(AckOf(1, host_ts));
  EXPECT_EQ(Counter("TcpExt.TCPLossUndo"), 0u);
  EXPECT_LE(Window(), 2u);
}

TEST_F(UndoStory, Rfc4015_AFastRecoveryThatReorderingCausedIsUndone) {
  Begin(Packet().Mss(1460).SackOk().Ts(1, 0));
  const uint32_t original = Fly(8);
  const uint32_t before = Window();
  Advance(kRtt);
  Send(AckOf(0, original).Sack({{Seg(1), Seg(5)}}));
  EXPECT_THAT(Next(), Is(Packet().Size(mss_).Seq(Seg(0))));
  All();
  Send(AckOf(8, original));
  EXPECT_EQ(Counter("TcpExt.TCPFullUndo"), 1u);
  EXPECT_GE(Window(), before);
  EXPECT_EQ(socket->Info().ca_state, 0);
}

// --- D-SACK --------------------------------------------------------------------------------------

TEST_F(UndoStory, Rfc3708_AReportedDuplicateOfAllThatWasRetransmittedUndoes) {
  Begin(Packet().Mss(1460).SackOk());
  Fly(8);
  const uint32_t before = Window();
  Advance(kRtt);
  Send(AckOf(0).Sack({{Seg(1), Seg(5)}}));
  EXPECT_THAT(Next(), Is(Packet().Size(mss_).Seq(Seg(0))));
  Send(AckOf(8));
  EXPECT_LT(Window(), before);
  Send(AckOf(8).Sack({{Seg(0), Seg(1)}}));
  EXPECT_EQ(Counter("TcpExt.TCPDSACKUndo"), 1u);
  EXPECT_GE(Window(), before);
}

TEST_F(UndoStory, Rfc3708_AReportOfOneOfTwoIsNotEnough) {
  Begin(Packet().Mss(1460).SackOk());
  Fly(8);
  const uint32_t before = Window();
  Advance(kRtt);
  Send(AckOf(0).Sack({{Seg(2), Seg(8)}}));
  Advance(kRtt);
  EXPECT_GE(All().size(), 2u);
  Send(AckOf(8));
  Send(AckOf(8).Sack({{Seg(0), Seg(1)}}));
  EXPECT_EQ(Counter("TcpExt.TCPDSACKUndo"), 0u);
  EXPECT_LT(Window(), before);
}

}  // namespace
}  // namespace moat::netstack::tcp
