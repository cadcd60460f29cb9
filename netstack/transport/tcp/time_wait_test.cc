// TIME-WAIT: what ends it, what it answers, and which SYN opens a connection anew
// (RFC 9293 3.10.7.4, RFC 1122 4.2.2.13, RFC 1337, RFC 6191).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "netstack/transport/tcp/testing/story.h"

namespace moat::netstack::tcp {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class TimeWaiting : public Story {
 protected:
  void Enter(const Packet& syn_ack = Packet().Mss(1460)) {
    Establish(syn_ack);
    // With timestamps the peer's are 1000 (SYN) and 1001 on.
    timestamps_ = syn_ack.timestamps.has_value();
    EXPECT_EQ(socket->Shutdown(ShutdownHow::kWrite), Error::kOk);
    Next();
    Send(Stamp(Fin().Seq(1).Ack(2)));
    EXPECT_THAT(Next(), Is(Ack(2).Seq(2)));
    EXPECT_EQ(host.StateOf(host_port), "TIME-WAIT");
    socket.reset();
  }
  Packet Stamp(Packet packet, uint32_t value = 1001) {
    return timestamps_ ? packet.Ts(value, host_ts) : packet;
  }
  bool timestamps_ = false;
};

TEST_F(TimeWaiting, Rfc9293_S3_10_7_4_RetransmittedFinIsAcknowledgedAndRestartsTheTimer) {
  Enter();
  Advance(seconds(50));
  Send(Fin().Seq(1).Ack(2));
  EXPECT_THAT(Next(), Is(Ack(2).Seq(2)));
  Advance(seconds(50));
  EXPECT_EQ(host.StateOf(host_port), "TIME-WAIT");
  Advance(seconds(11));
  EXPECT_EQ(host.StateOf(host_port), "");
}

TEST_F(TimeWaiting, Rfc1337_ResetEndsItUnlessForbidden) {
  Enter();
  host.Sysctl("ipv4.tcp_rfc1337", "1");
  Send(Rst().Seq(2));
  EXPECT_EQ(host.StateOf(host_port), "TIME-WAIT");
  host.Sysctl("ipv4.tcp_rfc1337", "0");
  Send(Rst().Seq(3));  // not exact (RFC 5961)
  EXPECT_EQ(host.StateOf(host_port), "TIME-WAIT");
  Send(Rst().Seq(2));
  EXPECT_EQ(host.StateOf(host_port), "");
}

TEST_F(TimeWaiting, Rfc1122_S4_2_2_13_HigherSynReopensOnAListener) {
  EstablishPassive();
  ASSERT_EQ(socket->Shutdown(ShutdownHow::kWrite), Error::kOk);
  Next();
  Send(Fin().Seq(1).Ack(2));
  Next();
  const SeqNum old_iss = host_iss;
  Send(Syn().Seq(100000));
  EXPECT_THAT(Next(), Is(SynAck().Ack(100001)));
  EXPECT_GT(host_iss, old_iss + 2);
  EXPECT_EQ(Counter("TcpExt.TWRecycled"), 1u);
}

TEST_F(TimeWaiting, Rfc6191_S2_OldTimestampDoesNotReopen) {
  Enter(Packet().Mss(1460).Ts(1000, 0));
  Send(Syn().Seq(100000).Ts(900, 0));
  EXPECT_THAT(Next(), Is(Ack(2).Seq(2)));
  EXPECT_EQ(host.StateOf(host_port), "TIME-WAIT");
}

TEST_F(TimeWaiting, Rfc6191_S2_NewTimestampReopensEvenWithALowerSequenceNumber) {
  EstablishPassive(Packet().Mss(1460).Ts(1000, 0));
  ASSERT_EQ(socket->Shutdown(ShutdownHow::kWrite), Error::kOk);
  Next();
  Send(Fin().Seq(1).Ack(2).Ts(1001, host_ts));
  Next();
  Send(Syn().Seq(uint32_t{0} - 5000).Ts(2000, 0));
  EXPECT_THAT(Next(), Is(SynAck()));
}

// What may take the place of a passive connection that began with `first`: a SYN at this distance
// from what would be next.
class Reopening : public TimeWaiting {
 protected:
  bool Reopens(Packet first, int32_t distance, Packet syn) {
    EstablishPassive(first);
    timestamps_ = first.timestamps.has_value();
    EXPECT_EQ(socket->Shutdown(ShutdownHow::kWrite), Error::kOk);
    Next();
    Send(Stamp(Fin().Seq(1).Ack(2)));
    Next();
    Send(syn.Flag(tcp_flag::kSyn).Seq(2 + static_cast<uint32_t>(distance)));
    return (Next().flags & tcp_flag::kSyn) != 0;
  }
};

TEST_F(Reopening, Rfc6191_S2_TheSameTimestampAndAHigherNumberDo) {
  EXPECT_TRUE(Reopens(Packet().Mss(1460).Ts(1000, 0), 1000, Packet().Ts(1001, 0)));
}
TEST_F(Reopening, Rfc6191_S2_TheSameTimestampAndALowerNumberDoNot) {
  EXPECT_FALSE(Reopens(Packet().Mss(1460).Ts(1000, 0), -1000, Packet().Ts(1001, 0)));
}
TEST_F(Reopening, Rfc6191_S2_AnEarlierTimestampAndAHigherNumberDoNot) {
  EXPECT_FALSE(Reopens(Packet().Mss(1460).Ts(1000, 0), 1000, Packet().Ts(900, 0)));
}
TEST_F(Reopening, Rfc6191_S2_WithoutTimestampsAHigherNumberDoes) {
  EXPECT_TRUE(Reopens(Packet().Mss(1460).Ts(1000, 0), 1000, Packet()));
}
TEST_F(Reopening, Rfc6191_S2_TheFirstTimestampsDo) {
  EXPECT_TRUE(Reopens(Packet().Mss(1460), -1000, Packet().Ts(5, 0)));
}
TEST_F(Reopening, Rfc6191_S2_UnlessTimestampsAreOff) {
  host.Sysctl("ipv4.tcp_timestamps", "0");
  EXPECT_FALSE(Reopens(Packet().Mss(1460), -1000, Packet().Ts(5, 0)));
}

TEST_F(TimeWaiting, TheNumberIsBounded) {
  host.Sysctl("ipv4.tcp_max_tw_buckets", "0");
  Establish();
  EXPECT_EQ(socket->Shutdown(ShutdownHow::kWrite), Error::kOk);
  Next();
  Send(Fin().Seq(1).Ack(2));
  EXPECT_EQ(host.StateOf(host_port), "");
  EXPECT_EQ(Counter("TcpExt.TCPTimeWaitOverflow"), 1u);
}

}  // namespace
}  // namespace moat::netstack::tcp
