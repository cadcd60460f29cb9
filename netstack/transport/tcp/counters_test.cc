// What seldom happens and is counted, with Linux's names.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "netstack/transport/tcp/testing/story.h"

namespace moat::netstack::tcp {
namespace {

using std::chrono::seconds;

class CountersStory : public Story {
 protected:
  static constexpr uint32_t kMss = 1460;
  // TCP_LINGER2 (tcp(7)): as an orphan it is not to wait in FIN-WAIT-2.
  void RefuseToLinger() {
    TcpOptions options = socket->tcp_options();
    options.linger2 = seconds(-1);
    socket->SetTcpOptions(options);
  }
};

TEST_F(CountersStory, SackBlocksThatCannotBeAreDiscarded) {
  Establish(Packet().Mss(kMss).SackOk());
  ASSERT_EQ(WriteBytes(4 * kMss), Error::kOk);
  (void)All();
  Send(Ack(1).Seq(1).Sack({{1 + 2 * kMss, 1 + 3 * kMss}}));
  EXPECT_EQ(Counter("TcpExt.TCPSACKDiscard"), 0u);
  Send(Ack(1).Seq(1).Sack({{1 + 9 * kMss, 1 + 10 * kMss}}));  // never sent
  EXPECT_EQ(Counter("TcpExt.TCPSACKDiscard"), 1u);
}

TEST_F(CountersStory, TextThatComesTwiceBeyondAHoleIsMerged) {
  Establish();
  Send(Data(std::string(100, 'b')).Seq(101).Ack(1));
  EXPECT_EQ(Counter("TcpExt.TCPOFOMerge"), 0u);
  Send(Data(std::string(100, 'b')).Seq(101).Ack(1));
  EXPECT_EQ(Counter("TcpExt.TCPOFOMerge"), 1u);
}

TEST_F(CountersStory, SmallPiecesOfTextAreJoined) {
  Establish();
  for (uint32_t i = 0; i < 10; ++i) Send(Data("x").Seq(1 + i).Ack(1));
  EXPECT_GT(Counter("TcpExt.TCPRcvCoalesce"), 0u);
  EXPECT_EQ(Read().size(), 10u);
}

TEST_F(CountersStory, OldTimestampsAreAnsweredSparingly) {
  Establish(Packet().Mss(kMss).Ts(1000, 0));
  Send(Ack(1).Seq(1).Ts(10, host_ts));
  Send(Ack(1).Seq(1).Ts(10, host_ts));
  EXPECT_EQ(Counter("TcpExt.PAWSEstab"), 2u);
  EXPECT_EQ(Counter("TcpExt.TCPACKSkippedPAWS"), 1u);
  EXPECT_EQ(Counter("TcpExt.TCPACKSkippedSeq"), 0u);
}

TEST_F(CountersStory, ANegativeLinger2EndsAnOrphanInFinWait2) {
  Establish();
  RefuseToLinger();
  ASSERT_EQ(socket->Shutdown(ShutdownHow::kWrite), Error::kOk);
  (void)All();
  Send(Ack(2).Seq(1));
  ASSERT_EQ(state(), TcpState::kFinWait2);
  socket.reset();
  EXPECT_THAT(Next(), Is(Rst().Seq(2).Ack(1)));
  EXPECT_EQ(Counter("TcpExt.TCPAbortOnLinger"), 1u);
}

TEST_F(CountersStory, ANegativeLinger2AllowsAnOrphanNoFinWait2) {
  Establish();
  RefuseToLinger();
  socket.reset();
  EXPECT_THAT(Next(), Is(Fin().Seq(1).Ack(1)));
  Send(Ack(2).Seq(1));
  EXPECT_EQ(host.StateOf(host_port), "");
  EXPECT_EQ(Counter("TcpExt.TCPAbortOnData"), 1u);
}

}  // namespace
}  // namespace moat::netstack::tcp
