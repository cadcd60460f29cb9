// Accurate ECN feedback (RFC 9768): the counters by themselves, and packet stories.
#include "netstack/transport/tcp/accecn.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "netstack/transport/tcp/testing/story.h"

namespace moat::netstack::tcp {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using tcp_flag::kCwr;
using tcp_flag::kEce;

constexpr uint32_t kMss = 1460;
constexpr uint8_t kNotEct = 0, kEct1 = 1, kEct0 = 2, kCe = 3;
constexpr uint8_t kFirstAce = 5;

class Rfc9768 : public Story {
 protected:
  Rfc9768() { host.Sysctl("ipv4.tcp_ecn", "3"); }

  void StartConnect() {
    socket = host.tcp->NewSocket(Family::kIpv4);
    socket->SetObserver(&observer);
    Endpoint to;
    to.address = peer;
    to.port = peer_port;
    ASSERT_EQ(socket->Connect(to), Error::kInProgress);
    host_port = socket->Local().port;
  }
  void Answer(uint8_t ace, Packet syn_ack = Packet().Mss(1460)) {
    Send(syn_ack.Flag(tcp_flag::kSyn).Ace(ace).Seq(0).Ack(1));
  }
  // By our SYN; the round trip is 40 ms.
  void EstablishAccurate(Packet syn_ack = Packet().Mss(1460)) {
    StartConnect();
    ASSERT_THAT(Next(), Is(Syn().Seq(0).Ace(7)));
    Advance(milliseconds(40));
    Answer(2, syn_ack);
    ASSERT_THAT(Next(), Is(Ack(1).Seq(1).Ace(2)));
  }
  // By the peer's; `ace` is that of its ACK.
  void AcceptAccurate(uint8_t ace = 2, Packet syn = Packet().Mss(1460)) {
    Listen();
    Send(syn.Flag(tcp_flag::kSyn).Ace(7).Seq(0));
    ASSERT_THAT(Next(), Is(SynAck().Seq(0).Ace(2)));
    Packet ack = Ack(1).Seq(1).Ace(ace);
    if (syn.timestamps) ack.Ts(syn.timestamps->first, host_ts);
    Send(ack);
    socket = Accept();
    ASSERT_NE(socket, nullptr);
  }
  // What new text is marked as.
  uint8_t CodepointOfText() {
    All();
    EXPECT_EQ(Write("x"), Error::kOk);
    return Next().ecn.value_or(9);
  }
  // A window of ten segments in flight.
  void Fill() {
    ASSERT_EQ(WriteBytes(10 * kMss), Error::kOk);
    All();
    Advance(milliseconds(40));
  }
  static uint32_t Seg(uint32_t n) { return 1 + n * kMss; }
};

// --- 3.1: negotiation -------------------------------------------------------------------------------

TEST_F(Rfc9768, S3_1_1_AClientAsksWithAllThreeFlagsAndWithoutAnOption) {
  StartConnect();
  EXPECT_THAT(Next(), Is(Syn().Seq(0).Ace(7).Ecn(kNotEct).NoAccEcn()));
}

TEST_F(Rfc9768, S3_1_1_AServerFeedsTheCodepointOfTheSynBack) {
  Listen();
  constexpr uint8_t kAnswers[] = {2, 3, 4, 6};
  for (uint8_t codepoint = 0; codepoint < 4; ++codepoint) {
    peer_port = static_cast<uint16_t>(1000 + codepoint);
    Send(Syn().Seq(0).Mss(1460).Ace(7).Ecn(codepoint));
    EXPECT_THAT(Next(), Is(SynAck().Seq(0).Ack(1).Ace(kAnswers[codepoint]).Ecn(kNotEct)));
  }
}

TEST_F(Rfc9768, S3_1_2_Table2_WhatTheClientMakesOfAnAnswer) {
  // Not ECN, classic, accurate by the answer; 7 is the reflection of broken hosts.
  constexpr int kModes[] = {0, 1, 2, 2, 2, 2, 2, 0};
  for (uint8_t ace = 0; ace < 8; ++ace) {
    peer_port = static_cast<uint16_t>(1000 + ace);
    StartConnect();
    Next();
    Answer(ace);
    Next();
    EXPECT_EQ(socket->Info().ecn, kModes[ace] != 0) << int{ace};
    EXPECT_EQ(socket->Info().accurate_ecn, kModes[ace] == 2) << int{ace};
    socket.reset();
    All();
  }
}

TEST_F(Rfc9768, S3_1_2_AServerFallsBackToWhatTheSynAsksFor) {
  Listen();
  Send(Syn().Seq(0).Mss(1460).Ace(3));
  EXPECT_THAT(Next(), Is(SynAck().Ace(1).NoAccEcn()));
  peer_port = 999;
  Send(Syn().Seq(0).Mss(1460).Ace(0));
  EXPECT_THAT(Next(), Is(SynAck().Ace(0).NoAccEcn()));
}

TEST_F(Rfc9768, S3_1_2_AHostWithClassicEcnOnlyDoesNotLookAtAe) {
  host.Sysctl("ipv4.tcp_ecn", "2");
  Listen();
  Send(Syn().Seq(0).Mss(1460).Ace(7));
  EXPECT_THAT(Next(), Is(SynAck().Ace(1).NoAccEcn()));
}

TEST_F(Rfc9768, S3_1_2_SimultaneousOpenAnswersAsAServerWould) {
  StartConnect();
  Next();
  Send(Syn().Seq(0).Mss(1460).Ace(7).Ecn(kEct0));
  EXPECT_THAT(Next(), Is(SynAck().Seq(0).Ack(1).Ace(4)));
  Send(SynAck().Seq(0).Ack(1).Ace(2));
  EXPECT_TRUE(socket->Info().accurate_ecn);
  EXPECT_EQ(state(), TcpState::kEstablished);
  EXPECT_EQ(CodepointOfText(), kEct0);
}

TEST_F(Rfc9768, S3_1_3_EveryOtherCombinationOnASynIsARequest) {
  Listen();
  for (const uint8_t ace : {1, 2, 4, 5, 6}) {
    peer_port = static_cast<uint16_t>(1000 + ace);
    Send(Syn().Seq(0).Mss(1460).Ace(ace));
    EXPECT_THAT(Next(), Is(SynAck().Ace(2)));
  }
}

TEST_F(Rfc9768, TcpEcnSaysWhatIsAskedForAndAcceptedAsOnLinux) {
  constexpr uint8_t kAsks[] = {0, 3, 0, 7, 3, 0};
  constexpr uint8_t kGrants[] = {0, 1, 1, 2, 2, 2};
  Listen();
  for (uint8_t value = 0; value < 6; ++value) {
    host.Sysctl("ipv4.tcp_ecn", std::to_string(value));
    peer_port = static_cast<uint16_t>(2000 + value);
    host_port = kHostPort;
    Send(Syn().Seq(0).Mss(1460).Ace(7));
    EXPECT_THAT(Next(), Is(SynAck().Ace(kGrants[value])));
    StartConnect();
    EXPECT_THAT(Next(), Is(Syn().Ace(kAsks[value])));
    socket.reset();
    All();
  }
}

TEST_F(Rfc9768, S3_1_4_1_TheSecondRepetitionOfASynDoesNotAskAndTheFirstAnswerCounts) {
  StartConnect();
  Next();
  Advance(seconds(1));
  EXPECT_THAT(Next(), Is(Syn().Seq(0).Ace(7)));
  Advance(seconds(2));
  EXPECT_THAT(Next(), Is(Syn().Seq(0).Ace(0)));
  Answer(2);
  EXPECT_TRUE(socket->Info().accurate_ecn);
  EXPECT_EQ(CodepointOfText(), kEct0);  // a client may
}

TEST_F(Rfc9768, S3_1_4_1_WithoutTcpEcnFallbackItGoesOnAsking) {
  host.Sysctl("ipv4.tcp_ecn_fallback", "0");
  StartConnect();
  Advance(seconds(8));
  for (const Packet& syn : All()) EXPECT_THAT(syn, Is(Syn().Seq(0).Ace(7)));
}

TEST_F(Rfc9768, S3_1_4_2_TheSynAckIsRepeatedWithoutTheOptionAndThenWithoutEcn) {
  Listen();
  Send(Syn().Seq(0).Mss(1460).Ace(7));
  EXPECT_THAT(Next(), Is(SynAck().Ace(2).AccEcn0({1, 0, 1})));
  Advance(seconds(1));
  EXPECT_THAT(Next(), Is(SynAck().Ace(2).NoAccEcn()));
  Advance(seconds(2));
  EXPECT_THAT(Next(), Is(SynAck().Ace(0).NoAccEcn()));
  Send(Ack(1).Seq(1).Ace(2));
  socket = Accept();
  EXPECT_TRUE(socket->Info().accurate_ecn);
  EXPECT_EQ(CodepointOfText(), kNotEct);  // 3.1.5
}

TEST_F(Rfc9768, S3_1_5_TheCodepointOfTheLatestSynIsFedBack) {
  Listen();
  Send(Syn().Seq(0).Mss(1460).Ace(7).Ecn(kNotEct));
  EXPECT_THAT(Next(), Is(SynAck().Ace(2)));
  Send(Syn().Seq(0).Mss(1460).Ace(7).Ecn(kCe));
  EXPECT_THAT(Next(), Is(SynAck().Ace(6).NoAccEcn()));
}

TEST_F(Rfc9768, S3_1_5_AServerThatSawASynWithoutEcnSendsNothingEct) {
  Listen();
  Send(Syn().Seq(0).Mss(1460).Ace(7));
  Next();
  Send(Syn().Seq(0).Mss(1460).Ace(0));
  EXPECT_THAT(Next(), Is(SynAck().Ace(2)));
  Send(Ack(1).Seq(1).Ace(2));
  socket = Accept();
  EXPECT_EQ(CodepointOfText(), kNotEct);
  Send(Data("a").Seq(1).Ack(2).Ace(kFirstAce).Ecn(kCe));
  EXPECT_THAT(Next(), Is(Ack(2).Ace(6)));
}

TEST_F(Rfc9768, S3_1_5_TwoKindsOfEcnInOneHandshakeEndIt) {
  Listen();
  Send(Syn().Seq(0).Mss(1460).Ace(7));
  Next();
  Send(Syn().Seq(0).Mss(1460).Ace(3));
  EXPECT_THAT(Next(), Is(Packet().Flag(tcp_flag::kRst | tcp_flag::kAck).Ace(kFirstAce)));
  EXPECT_EQ(host.StateOf(kHostPort), "");
  peer_port = 999;
  Send(Syn().Seq(0).Mss(1460).Ace(3));
  Next();
  Send(Syn().Seq(0).Mss(1460).Ace(7));
  EXPECT_EQ(host.StateOf(kHostPort), "");
}

TEST_F(Rfc9768, S3_1_5_NotEcnStaysNotEcn) {
  Listen();
  Send(Syn().Seq(0).Mss(1460).Ace(0));
  Next();
  Send(Syn().Seq(0).Mss(1460).Ace(7));
  EXPECT_THAT(Next(), Is(SynAck().Ace(0)));
}

TEST_F(Rfc9768, S3_1_5_TextIsEctAndAcksRetransmissionsAndProbesAreNot) {
  EstablishAccurate();
  ASSERT_EQ(Write("x"), Error::kOk);
  EXPECT_THAT(Next(), Is(Packet().Size(1).Ecn(kEct0).Ace(kFirstAce)));
  Advance(seconds(1));
  EXPECT_THAT(Next(), Is(Packet().Size(1).Seq(1).Ecn(kNotEct).Ace(kFirstAce)));
  Send(Data("y").Seq(1).Ack(2).Ace(kFirstAce));
  All();
  Send(Data("z").Seq(2).Ack(2).Ace(kFirstAce));
  EXPECT_THAT(Next(), Is(Ack(3).Ecn(kNotEct).Ace(kFirstAce)));
}

// --- 3.2.2.1: the ACK of the SYN,ACK ----------------------------------------------------------------

TEST_F(Rfc9768, S3_2_2_1_TheClientFeedsTheCodepointOfTheSynAckBack) {
  constexpr uint8_t kAnswers[] = {2, 3, 4, 6};
  for (uint8_t codepoint = 0; codepoint < 4; ++codepoint) {
    peer_port = static_cast<uint16_t>(1000 + codepoint);
    StartConnect();
    Next();
    Answer(2, Packet().Mss(1460).Ecn(codepoint));
    EXPECT_THAT(Next(), Is(Ack(1).Seq(1).Ace(kAnswers[codepoint])));
    // From then on it is the counter, in which CE on the SYN,ACK is one.
    ASSERT_EQ(Write("x"), Error::kOk);
    EXPECT_THAT(Next(), Is(Packet().Size(1).Ace(codepoint == kCe ? 6 : 5)));
    socket.reset();
    All();
  }
}

TEST_F(Rfc9768, S3_2_2_1_ARepeatedSynAckIsAnsweredLikeTheFirstAndItsMarkCountsOnce) {
  EstablishAccurate();
  Answer(2, Packet().Mss(1460).Ecn(kCe));
  EXPECT_THAT(Next(), Is(Ack(1).Seq(1).Ace(6)));
  Advance(seconds(1));
  Answer(2, Packet().Mss(1460).Ecn(kCe));
  EXPECT_THAT(Next(), Is(Ack(1).Seq(1).Ace(6)));
  ASSERT_EQ(Write("x"), Error::kOk);
  EXPECT_THAT(Next(), Is(Packet().Size(1).Ace(6)));
}

TEST_F(Rfc9768, S3_2_2_1_Table4_WhatTheServerMakesOfTheAck) {
  for (uint8_t ace = 0; ace < 8; ++ace) {
    SCOPED_TRACE(int{ace});
    peer_port = static_cast<uint16_t>(1000 + ace);
    host_port = kHostPort;
    listener.reset();
    AcceptAccurate(ace);
    EXPECT_TRUE(socket->Info().accurate_ecn);
    EXPECT_EQ(socket->Info().delivered_marked, ace == 6 ? 1u : 0u);
    // We sent the SYN,ACK as Not-ECT: 3, 4 and 6 say that it was mangled (3.2.2.3).
    const bool mangled = ace == 3 || ace == 4 || ace == 6;
    EXPECT_EQ(CodepointOfText(), mangled || ace == 0 ? kNotEct : kEct0);
    EXPECT_EQ(socket->Info().congestion_window, ace == 6 ? 1u : 10u);
    // As a receiver it goes on feeding back.
    Send(Data("a").Seq(1).Ack(2).Ace(kFirstAce).Ecn(kCe));
    EXPECT_THAT(Next(), Is(Ack(2).Ace(6)));
    socket.reset();
    All();
  }
}

TEST_F(Rfc9768, S3_2_2_1_WithTextTheAckOfTheSynAckIsACounter) {
  Listen();
  Send(Syn().Seq(0).Mss(1460).Ace(7));
  Next();
  Send(Data("a").Seq(1).Ack(1).Ace(6));
  socket = Accept();
  ASSERT_NE(socket, nullptr);
  EXPECT_EQ(CodepointOfText(), kEct0);  // 6 is no CE here
}

// --- 3.2.2.2: counting ------------------------------------------------------------------------------

TEST_F(Rfc9768, S3_2_2_2_AceIsTheNumberOfMarkedPackets) {
  AcceptAccurate();
  uint32_t seq = 1;
  for (uint8_t i = 1; i < 12; ++i, ++seq) {
    Send(Data("a").Seq(seq).Ack(1).Ace(kFirstAce).Ecn(kCe));
    Advance(milliseconds(300));
    const std::vector<Packet> acks = All();
    ASSERT_FALSE(acks.empty());
    EXPECT_EQ(*acks.back().ace, (kFirstAce + i) % 8);
  }
  EXPECT_EQ(socket->Info().received_marked, 11u);
  EXPECT_EQ(socket->Info().received_ce_bytes, 11u);
}

TEST_F(Rfc9768, S3_2_2_2_CeOnTheSynIsNotCounted) {
  Listen();
  Send(Syn().Seq(0).Mss(1460).Ace(7).Ecn(kCe));
  EXPECT_THAT(Next(), Is(SynAck().Ace(6)));
  Send(Ack(1).Seq(1).Ace(2));
  socket = Accept();
  ASSERT_EQ(Write("x"), Error::kOk);
  EXPECT_THAT(Next(), Is(Packet().Size(1).Ace(kFirstAce)));
}

TEST_F(Rfc9768, S3_2_MarkedRetransmissionsOutOfOrderTextAndAcksCountToo) {
  AcceptAccurate();
  Send(Ack(1).Seq(1).Ace(kFirstAce).Ecn(kCe));
  Send(Data("b").Seq(2).Ack(1).Ace(kFirstAce).Ecn(kCe));
  EXPECT_THAT(Next(), Is(Ack(1).Ace(7)));
  Send(Fin().Seq(3).Ack(1).Ace(kFirstAce).Ecn(kCe));
  All();
  EXPECT_EQ(socket->Info().received_marked, 3u);
  EXPECT_EQ(socket->Info().received_ce_bytes, 1u);
}

TEST_F(Rfc9768, S3_2_WhatIsOutsideOfTheWindowIsNotCounted) {
  AcceptAccurate();
  Send(Data("a").Seq(200000).Ack(1).Ace(kFirstAce).Ecn(kCe));
  EXPECT_THAT(Next(), Is(Ack(1).Ace(kFirstAce)));
}

TEST_F(Rfc9768, S3_2_AMergedSegmentCountsAsManyPacketsAsItHas) {
  AcceptAccurate();
  Send(Packet().Size(2500).Seq(1).Ack(1).Ace(kFirstAce).Ecn(kCe).Gso(1000));
  EXPECT_THAT(Next(), Is(Ack(2501).Ace(0)));
  EXPECT_EQ(socket->Info().received_marked, 3u);
}

TEST_F(Rfc9768, S3_2_2_AnAckInTimeWaitHasTheCounter) {
  AcceptAccurate();
  Send(Data("a").Seq(1).Ack(1).Ace(kFirstAce).Ecn(kCe));
  (void)Read();
  All();
  ASSERT_EQ(socket->Shutdown(ShutdownHow::kWrite), Error::kOk);
  All();
  Send(Fin().Seq(2).Ack(2).Ace(kFirstAce));
  All();
  EXPECT_EQ(host.StateOf(kHostPort), "TIME-WAIT");
  Send(Fin().Seq(2).Ack(2).Ace(kFirstAce));
  EXPECT_THAT(Next(), Is(Ack(3).Seq(2).Ace(6)));
}

// --- 3.2.2.3, 3.2.2.4: mangling ---------------------------------------------------------------------

TEST_F(Rfc9768, S3_2_2_3_AMangledSynMeansThatNothingIsSentAsEct) {
  for (const uint8_t ace : {3, 4, 6}) {
    SCOPED_TRACE(int{ace});
    peer_port = static_cast<uint16_t>(1000 + ace);
    StartConnect();
    Next();
    Answer(ace);
    EXPECT_EQ(CodepointOfText(), kNotEct);
    // CE on the SYN is answered as congestion, without counting (3.2.2.2).
    EXPECT_EQ(socket->Info().congestion_window, ace == 6 ? 1u : 10u);
    EXPECT_EQ(socket->Info().delivered_marked, 0u);
    // Feedback is still answered.
    Advance(milliseconds(40));
    Send(Ack(2).Seq(1).Ace(6));
    EXPECT_EQ(socket->Info().ca_state, 2);
    socket.reset();
    All();
  }
}

TEST_F(Rfc9768, S3_2_2_3_MarksWithoutEndAreNoCongestion) {
  EstablishAccurate();
  uint32_t sent = 0;
  for (int round = 0; round < 60; ++round) {
    ASSERT_EQ(WriteBytes(kMss), Error::kOk);
    ASSERT_EQ(All().size(), 1u);
    Advance(milliseconds(40));
    ++sent;
    Send(Ack(Seg(sent)).Seq(1).Ace(static_cast<uint8_t>((kFirstAce + sent) % 8)));
  }
  EXPECT_EQ(CodepointOfText(), kNotEct);
  EXPECT_EQ(socket->Info().delivered_marked, 60u);
}

TEST_F(Rfc9768, S3_2_2_4_AZeroInTheFirstFeedbackDisablesEcn) {
  EstablishAccurate();
  Fill();
  Send(Ack(Seg(2)).Seq(1).Ace(0));
  EXPECT_EQ(socket->Info().ca_state, 0);
  EXPECT_EQ(CodepointOfText(), kNotEct);
  Send(Ack(Seg(4)).Seq(1).Ace(2));
  EXPECT_EQ(socket->Info().ca_state, 0);
  // But the peer's marks are still counted for it.
  Send(Data("a").Seq(1).Ack(Seg(4)).Ace(2).Ecn(kCe));
  EXPECT_EQ(*All().back().ace, 6);
}

TEST_F(Rfc9768, S3_2_2_4_LaterZerosAreCounts) {
  EstablishAccurate();
  Fill();
  Send(Ack(Seg(1)).Seq(1).Ace(kFirstAce));
  Send(Ack(Seg(4)).Seq(1).Ace(0));
  EXPECT_EQ(socket->Info().delivered_marked, 3u);
  EXPECT_EQ(socket->Info().ca_state, 2);
  EXPECT_EQ(CodepointOfText(), kEct0);
}

// --- 3.2.2.5.1: when to acknowledge -----------------------------------------------------------------

class Rfc9768Acks : public Rfc9768 {
 protected:
  // Past quick acknowledgements: text waits for its ACK.
  void AcceptDelayed() {
    AcceptAccurate();
    TcpOptions options = socket->tcp_options();
    options.quick_ack = false;
    socket->SetTcpOptions(options);
    Send(Data("a").Seq(1).Ack(1).Ace(kFirstAce).Ecn(kEct0));
    ASSERT_TRUE(Quiet());
  }
};

TEST_F(Rfc9768Acks, S3_2_2_5_1_TheFirstMarkIsAcknowledgedAtOnce) {
  AcceptDelayed();
  SendBatched(Data("b").Seq(2).Ack(1).Ace(kFirstAce).Ecn(kCe));
  EXPECT_THAT(Next(), Is(Ack(3).Ace(6)));
}

TEST_F(Rfc9768Acks, S3_2_2_5_1_EverySecondOfARowOfMarksIsAcknowledged) {
  AcceptDelayed();
  Send(Data("b").Seq(2).Ack(1).Ace(kFirstAce).Ecn(kCe));
  Next();
  Send(Data("c").Seq(3).Ack(1).Ace(kFirstAce).Ecn(kCe));
  EXPECT_TRUE(Quiet());
  SendBatched(Data("d").Seq(4).Ack(1).Ace(kFirstAce).Ecn(kCe));
  EXPECT_THAT(Next(), Is(Ack(5).Ace(0)));
  Send(Data("e").Seq(5).Ack(1).Ace(kFirstAce).Ecn(kEct0));
  EXPECT_TRUE(Quiet());
  // An unmarked ACK in between makes the next mark a change.
  Send(Ack(1).Seq(6).Ace(kFirstAce));
  Send(Data("f").Seq(6).Ack(1).Ace(kFirstAce).Ecn(kCe));
  EXPECT_THAT(Next(), Is(Ack(7).Ace(1)));
}

TEST_F(Rfc9768Acks, S3_2_2_5_1_OfMarkedAcksEveryThird) {
  AcceptAccurate();
  for (int i = 0; i < 2; ++i) Send(Ack(1).Seq(1).Ace(kFirstAce).Ecn(kCe));
  EXPECT_TRUE(Quiet());
  Send(Ack(1).Seq(1).Ace(kFirstAce).Ecn(kCe));
  EXPECT_THAT(Next(), Is(Ack(1).Seq(1).Ace(0).Sack({})));
}

TEST_F(Rfc9768Acks, S3_2_2_5_1_AnAckOfAcksHasNoSack) {
  AcceptAccurate(2, Packet().Mss(1460).SackOk());
  Send(Data("c").Seq(3).Ack(1).Ace(kFirstAce));
  EXPECT_THAT(Next(), Is(Ack(1).Ace(kFirstAce).Sack({{3, 4}})));
  for (int i = 0; i < 3; ++i) Send(Ack(1).Seq(1).Ace(kFirstAce).Ecn(kCe));
  EXPECT_THAT(Next(), Is(Ack(1).Ace(0).Sack({})));
}

TEST_F(Rfc9768Acks, S3_2_2_5_1_WhatCameAsOneIsAcknowledgedByOne) {
  AcceptDelayed();
  SendBatched(Packet().Size(9000).Seq(2).Ack(1).Ace(kFirstAce).Ecn(kCe).Gso(1000));
  EXPECT_EQ(All().size(), 1u);
  Flush();
  EXPECT_TRUE(Quiet());
}

// --- 3.2.2.5.2, 4: the sender -----------------------------------------------------------------------

TEST_F(Rfc9768, S3_1_5_MarksReduceTheWindowOncePerRoundTripAndCwrIsNotSaid) {
  EstablishAccurate();
  Fill();
  Send(Ack(Seg(2)).Seq(1).Ace(6));
  EXPECT_EQ(socket->Info().ca_state, 2);
  const uint32_t ssthresh = socket->Info().send_ssthresh;
  EXPECT_EQ(ssthresh, 7u);  // CUBIC
  Send(Ack(Seg(4)).Seq(1).Ace(0));
  EXPECT_EQ(socket->Info().send_ssthresh, ssthresh);
  EXPECT_EQ(socket->Info().delivered_marked, 3u);
  EXPECT_EQ(Counter("TcpExt.TCPEcnReductions"), 1u);
  EXPECT_EQ(Counter("TcpExt.TCPDeliveredCE"), 3u);
  // Up to the end of that window nothing changes, then the next mark counts.
  ASSERT_EQ(WriteBytes(8 * kMss), Error::kOk);
  for (const Packet& text : All()) EXPECT_EQ(*text.ace, kFirstAce);
  Send(Ack(Seg(10)).Seq(1).Ace(0));
  All();
  Send(Ack(Seg(12)).Seq(1).Ace(1));
  EXPECT_LT(socket->Info().send_ssthresh, ssthresh);
  EXPECT_EQ(Counter("TcpExt.TCPEcnReductions"), 2u);
}

TEST_F(Rfc9768, S3_2_2_5_2_OldAcksSayNothing) {
  EstablishAccurate();
  Fill();
  Send(Ack(Seg(4)).Seq(1).Ace(kFirstAce));
  Send(Ack(Seg(2)).Seq(1).Ace(4));
  Send(Ack(Seg(4)).Seq(1).Ace(4));
  EXPECT_EQ(socket->Info().delivered_marked, 0u);
}

TEST_F(Rfc9768, A_1_WithTimestampsAnAckThatIsNewerCounts) {
  EstablishAccurate(Packet().Mss(1460).Ts(100, 0));
  ASSERT_EQ(WriteBytes(kMss), Error::kOk);
  All();
  Send(Ack(1).Seq(1).Ts(100, host_ts).Ace(kFirstAce));
  Send(Ack(1).Seq(1).Ts(105, host_ts).Ace(6));
  EXPECT_EQ(socket->Info().delivered_marked, 1u);
}

TEST_F(Rfc9768, WhileAceHasCwrNoSuperSegmentsAreSent) {
  host.ip.set_max_gso_bytes(65535);
  EstablishAccurate();
  ASSERT_EQ(WriteBytes(4 * kMss), Error::kOk);
  EXPECT_THAT(Next(), Is(Packet().Size(4 * kMss).Gso(kMss).Ace(kFirstAce)));
  Send(Data("a").Seq(1).Ack(Seg(4)).Ace(kFirstAce).Ecn(kCe));
  All();
  ASSERT_EQ(WriteBytes(3 * kMss), Error::kOk);
  EXPECT_THAT(Next(), Is(Packet().Size(kMss).Ace(6)));
  All();
}

// --- 3.2.3: options ---------------------------------------------------------------------------------

TEST_F(Rfc9768, S3_2_3_2_1_TheHandshakeAndTheFirstTextTryTheOption) {
  StartConnect();
  Next();
  Answer(2);
  EXPECT_THAT(Next(), Is(Ack(1).AccEcn0({1, 0, 1})));
  ASSERT_EQ(Write("x"), Error::kOk);
  EXPECT_THAT(Next(), Is(Packet().Size(1).AccEcn0({1, 0, 1})));
  TcpOptions options = socket->tcp_options();
  options.no_delay = true;
  socket->SetTcpOptions(options);
  ASSERT_EQ(Write("y"), Error::kOk);
  EXPECT_THAT(Next(), Is(Packet().Size(1).NoAccEcn()));
}

TEST_F(Rfc9768, S3_2_3_3_EachIncrementIsToldWithTheFieldsThatEverChanged) {
  AcceptAccurate();
  Send(Data("abc").Seq(1).Ack(1).Ace(kFirstAce).Ecn(kEct0));
  EXPECT_THAT(Next(), Is(Ack(4).AccEcn0({4})));
  Send(Data("de").Seq(4).Ack(1).Ace(kFirstAce).Ecn(kCe));
  EXPECT_THAT(Next(), Is(Ack(6).AccEcn0({4, 2})));
  Send(Data("f").Seq(6).Ack(1).Ace(kFirstAce).Ecn(kEct0));
  EXPECT_THAT(Next(), Is(Ack(7).AccEcn0({5, 2})));
  // A change is said twice.
  Send(Data("g").Seq(7).Ack(1).Ace(kFirstAce));
  EXPECT_THAT(Next(), Is(Ack(8).AccEcn0({5, 2})));
  Send(Data("h").Seq(8).Ack(1).Ace(kFirstAce));
  EXPECT_THAT(Next(), Is(Ack(9).NoAccEcn()));
}

TEST_F(Rfc9768, S3_2_3_Ect1ComesFirstWhereItIsAllThereIs) {
  AcceptAccurate();
  Send(Data("abc").Seq(1).Ack(1).Ace(kFirstAce).Ecn(kEct1));
  EXPECT_THAT(Next(), Is(Ack(4).AccEcn1({4})));
  Send(Data("d").Seq(4).Ack(1).Ace(kFirstAce).Ecn(kCe));
  EXPECT_THAT(Next(), Is(Ack(5).AccEcn1({4, 1})));
  Send(Data("e").Seq(5).Ack(1).Ace(kFirstAce).Ecn(kEct0));
  EXPECT_THAT(Next(), Is(Ack(6).AccEcn0({2, 1, 4})));
}

TEST_F(Rfc9768, S3_2_3_3_TwoSackBlocksHavePrecedence) {
  AcceptAccurate(2, Packet().Mss(1460).SackOk().Ts(100, 0));
  const uint32_t echo = host_ts;
  const auto text = [&](uint32_t seq, uint8_t codepoint) {
    return Data("a").Seq(seq).Ack(1).Ts(100, echo).Ace(kFirstAce).Ecn(codepoint);
  };
  Send(text(3, kEct0));
  EXPECT_THAT(Next(), Is(Ack(1).Sack({{3, 4}}).AccEcn0({2})));
  Send(text(5, kCe));
  EXPECT_THAT(Next(), Is(Ack(1).Sack({{5, 6}, {3, 4}}).AccEcn0({2, 1})));
  // Three fields do not fit beside timestamps and two blocks: then there is no option at all.
  Send(text(7, kEct1));
  EXPECT_THAT(Next(), Is(Ack(1).Sack({{7, 8}, {5, 6}, {3, 4}}).NoAccEcn()));
}

TEST_F(Rfc9768, S3_2_3_3_AFullSegmentHasNoRoomForIt) {
  EstablishAccurate();
  Send(Data("abc").Seq(1).Ack(1).Ace(kFirstAce).Ecn(kEct0));
  All();
  ASSERT_EQ(WriteBytes(kMss), Error::kOk);
  EXPECT_THAT(Next(), Is(Packet().Size(kMss).NoAccEcn()));
}

TEST_F(Rfc9768, TcpEcnOption0SendsNone) {
  host.Sysctl("ipv4.tcp_ecn_option", "0");
  Listen();
  Send(Syn().Seq(0).Mss(1460).Ace(7));
  EXPECT_THAT(Next(), Is(SynAck().Ace(2).NoAccEcn()));
  Send(Ack(1).Seq(1).Ace(2));
  Send(Data("a").Seq(1).Ack(1).Ace(kFirstAce).Ecn(kCe));
  EXPECT_THAT(Next(), Is(Ack(2).Ace(6).NoAccEcn()));
}

TEST_F(Rfc9768, TcpEcnOption1SendsItWhenTheCodepointChangesAndForMarks) {
  host.Sysctl("ipv4.tcp_ecn_option", "1");
  AcceptAccurate();
  const auto text = [](uint32_t seq, uint8_t codepoint) {
    return Data("a").Seq(seq).Ack(1).Ace(kFirstAce).Ecn(codepoint);
  };
  Send(text(1, kEct0));
  EXPECT_THAT(Next(), Is(Ack(2).AccEcn0({2})));
  Send(text(2, kEct0));
  EXPECT_THAT(Next(), Is(Ack(3).AccEcn0({3})));
  Send(text(3, kEct0));
  EXPECT_THAT(Next(), Is(Ack(4).NoAccEcn()));
  for (uint32_t seq = 4; seq < 8; ++seq) {
    Send(text(seq, kCe));
    Advance(milliseconds(300));
    EXPECT_THAT(All().back(), Is(Ack(seq + 1).AccEcn0({4, seq - 3})));
  }
}

TEST_F(Rfc9768, S3_2_3_2_2_AClientWhoseFirstTextWithItIsLostStopsSendingIt) {
  EstablishAccurate();
  ASSERT_EQ(Write("x"), Error::kOk);
  EXPECT_THAT(Next(), Is(Packet().Size(1).AccEcn0({1, 0, 1})));
  Advance(seconds(1));
  EXPECT_THAT(Next(), Is(Packet().Size(1).Seq(1).NoAccEcn()));
  All();
  Send(Data("a").Seq(1).Ack(2).Ace(kFirstAce).Ecn(kCe));
  EXPECT_THAT(Next(), Is(Ack(2).Ace(6).NoAccEcn()));
}

TEST_F(Rfc9768, S3_2_3_2_2_AcksWithItThatNeverArriveAreSentWithout) {
  AcceptAccurate();
  for (uint32_t seq = 1; seq < 4; ++seq) {
    Send(Data("a").Seq(seq).Ack(1).Ace(kFirstAce).Ecn(kCe));
    EXPECT_THAT(Next(), Is(Ack(seq + 1).AccEcn0({1, seq})));
    Advance(seconds(1));
    Send(Data("a").Seq(seq).Ack(1).Ace(kFirstAce));  // it has not heard of it
    All();
  }
  Send(Data("a").Seq(4).Ack(1).Ace(kFirstAce).Ecn(kCe));
  EXPECT_THAT(Next(), Is(Ack(5).NoAccEcn()));
}

TEST_F(Rfc9768, S3_2_3_1_OctetsOfTheOptionAreReported) {
  EstablishAccurate(Packet().Mss(1460).AccEcn0({1, 0, 1}));
  Fill();
  Send(Ack(Seg(4)).Seq(1).Ace(6).AccEcn0({1 + 3 * kMss, kMss}));
  const TcpInfo info = socket->Info();
  EXPECT_EQ(info.delivered_e0_bytes, 3 * kMss);
  EXPECT_EQ(info.delivered_ce_bytes, kMss);
  EXPECT_EQ(info.delivered_e1_bytes, 0u);
  EXPECT_EQ(info.delivered_marked, 1u);
}

TEST_F(Rfc9768, S3_2_3_2_5_MarkedOctetsWithoutMarkedPacketsEndEct) {
  EstablishAccurate(Packet().Mss(1460).AccEcn0({1, 0, 1}));
  Fill();
  Send(Ack(Seg(4)).Seq(1).Ace(kFirstAce).AccEcn0({1 + 3 * kMss, kMss}));
  EXPECT_EQ(CodepointOfText(), kNotEct);
}

// --- With others ------------------------------------------------------------------------------------

TEST_F(Rfc9768, S5_1_SynCookiesNeedNotRememberIt) {
  host.Sysctl("ipv4.tcp_syncookies", "2");
  Listen();
  for (const bool timestamps : {false, true}) {
    peer_port = timestamps ? 1000 : 1001;
    Packet syn = Syn().Seq(0).Mss(1460).Ace(7).Ecn(kEct0);
    Packet ack = Ack(1).Seq(1).Ace(2);
    if (timestamps) syn.Ts(100, 0);
    Send(syn);
    EXPECT_THAT(Next(), Is(SynAck().Ace(4)));
    if (timestamps) ack.Ts(101, host_ts);
    Send(ack);
    socket = Accept();
    ASSERT_NE(socket, nullptr);
    EXPECT_TRUE(socket->Info().accurate_ecn);
    EXPECT_EQ(CodepointOfText(), kEct0);
  }
}

TEST_F(Rfc9768, S5_1_ACookieOfAClientWithoutAccEcnIsNotOneWith) {
  host.Sysctl("ipv4.tcp_syncookies", "2");
  Listen();
  Send(Syn().Seq(0).Mss(1460).Ts(100, 0).Ace(3));
  EXPECT_THAT(Next(), Is(SynAck().Ace(1)));
  Send(Ack(1).Seq(1).Ts(101, host_ts));
  socket = Accept();
  EXPECT_TRUE(socket->Info().ecn);
  EXPECT_FALSE(socket->Info().accurate_ecn);
  peer_port = 999;
  Send(Syn().Seq(0).Mss(1460).Ace(0));
  Next();
  Send(Ack(1).Seq(1));
  socket = Accept();
  EXPECT_FALSE(socket->Info().ecn);
}

TEST_F(Rfc9768, S5_2_FastOpenAnswersAPureAckFirstAndTextOfTheSynIsNotCounted) {
  host.Sysctl("ipv4.tcp_fastopen", "515");  // without cookies
  Listen();
  TcpOptions options = listener->tcp_options();
  options.fast_open_queue = 4;
  options.fast_open_no_cookie = true;
  listener->SetTcpOptions(options);
  Send(Syn().Seq(0).Mss(1460).Ace(7).Data("hello").Ecn(kCe));
  EXPECT_THAT(Next(), Is(SynAck().Ack(6).Ace(6)));
  socket = Accept();
  ASSERT_NE(socket, nullptr);
  EXPECT_EQ(Read(), "hello");
  EXPECT_EQ(socket->Info().received_ce_bytes, 0u);
  ASSERT_EQ(Write("early"), Error::kOk);
  EXPECT_THAT(Next(), Is(Packet().Size(5).Ecn(kEct0).Ace(kFirstAce)));
  // The SYN,ACK arrived marked: what is in flight is answered for.
  Send(Ack(1).Seq(6).Ace(6));
  EXPECT_EQ(socket->Info().delivered_marked, 1u);
  EXPECT_EQ(socket->Info().ca_state, 2);
}

TEST_F(Rfc9768, ConnectionsThatDidNotNegotiateItHaveNoneOfIt) {
  host.Sysctl("ipv4.tcp_ecn", "2");
  Establish();
  Send(Data("a").Seq(1).Ack(1).Ecn(kCe));
  EXPECT_THAT(Next(), Is(Ack(2).Ace(0).NoAccEcn()));
  EXPECT_FALSE(socket->Info().accurate_ecn);
  EXPECT_EQ(socket->Info().received_marked, 0u);
}

// --- The counters -----------------------------------------------------------------------------------

constexpr uint32_t Octets(uint32_t packets) { return packets * kMss; }

struct Fields {
  std::array<uint8_t, 9> bytes{};
  TcpOptionSet set;
  explicit Fields(uint32_t e0, uint32_t ce) {
    const uint32_t values[] = {e0, ce};
    for (size_t i = 0; i < 2; ++i) {
      for (size_t k = 0; k < 3; ++k) bytes[3 * i + k] = static_cast<uint8_t>(values[i] >> (16 - 8 * k));
    }
    set.accecn_kind = tcp_option::kAccEcn0;
    set.accecn_fields = 2;
    set.accecn = bytes.data();
  }
};

TEST(AccEcnSenderTest, A_2_1_WithoutOptionsTheSafestLikelyCaseIsTaken) {
  const TcpOptionSet none;
  AccEcnSender nine, ten;
  nine.TestOption(none);
  ten.TestOption(none);
  EXPECT_EQ(nine.OnAck(7, none, Octets(9), kMss), 2u);
  EXPECT_EQ(ten.OnAck(7, none, Octets(10), kMss), 10u);
}

TEST(AccEcnSenderTest, A_2_1_LargeAcksAloneAreNoMarks) {
  const TcpOptionSet none;
  AccEcnSender sender;
  sender.TestOption(none);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(sender.OnAck(5, none, Octets(40), kMss), 0u);
  // When they are the rule, a mark is what ACE says it is.
  EXPECT_EQ(sender.OnAck(6, none, Octets(40), kMss), 1u);
}

TEST(AccEcnSenderTest, A_2_1_AmongMarksAMissingCycleIsOne) {
  const TcpOptionSet none;
  AccEcnSender sender;
  sender.TestOption(none);
  EXPECT_EQ(sender.OnAck(7, none, Octets(2), kMss), 2u);
  EXPECT_EQ(sender.OnAck(7, none, Octets(8), kMss), 8u);
}

TEST(AccEcnSenderTest, A_2_2_OctetsDecide) {
  const struct {
    uint8_t ace;
    uint32_t octets, packets, expected;
  } kCases[] = {
      {5, 1460, 8, 8},     // no packet can have so many octets
      {7, 1460, 10, 2},    // ten would be too small
      {4, 10200, 15, 7},   // so would fifteen
      {7, 14600, 10, 10},  // all of them
      {5, 0, 40, 0},
  };
  for (const auto& c : kCases) {
    AccEcnSender sender;
    const Fields fields(1, c.octets);
    sender.TestOption(Fields(1, 0).set);
    EXPECT_EQ(sender.OnAck(c.ace, fields.set, Octets(c.packets), kMss), c.expected) << c.octets;
    EXPECT_FALSE(sender.mangled());
  }
}

TEST(AccEcnSenderTest, S3_2_3_1_CountersWrapAt24Bits) {
  AccEcnSender sender;
  sender.TestOption(Fields(1, 0).set);
  for (uint32_t i = 1; i <= 40; ++i) {
    (void)sender.OnAck(static_cast<uint8_t>((5 + i) & 7), Fields(1, i << 20).set, Octets(1), kMss);
  }
  EXPECT_EQ(sender.octets(EcnOctets::kCe), 40u << 20);
  EXPECT_EQ(sender.marked(), 40u);
}

TEST(AccEcnSenderTest, S3_2_3_2_4_AnOptionThatBeginsWithZeroIsIgnored) {
  AccEcnSender sender;
  sender.TestOption(Fields(0, 0).set);
  EXPECT_EQ(sender.OnAck(7, Fields(1, 1460).set, Octets(10), kMss), 10u);
  EXPECT_EQ(sender.octets(EcnOctets::kCe), 0u);
}

TEST(AccEcnSenderTest, S3_2_3_2_3_AnOptionThatComesLaterIsBelieved) {
  AccEcnSender sender;
  sender.TestOption(TcpOptionSet());
  EXPECT_EQ(sender.OnAck(7, Fields(1, 1460).set, Octets(10), kMss), 2u);
  EXPECT_EQ(sender.octets(EcnOctets::kCe), 1460u);
}

TEST(AccEcnSenderTest, S3_2_3_2_5_MarksToldBeforeTheirOctetsAreNoContradiction) {
  AccEcnSender sender;
  sender.TestOption(Fields(1, 0).set);
  EXPECT_EQ(sender.OnAck(6, TcpOptionSet(), Octets(1), kMss), 1u);
  EXPECT_EQ(sender.OnAck(6, Fields(1, 1460).set, Octets(1), kMss), 0u);
  EXPECT_FALSE(sender.mangled());
  EXPECT_EQ(sender.OnAck(6, Fields(1, 2920).set, Octets(1), kMss), 0u);
  EXPECT_TRUE(sender.mangled());
}

TEST(AccEcnReceiverTest, S3_2_3_3_SparinglyMeansEvery4MiBAtLeast) {
  AccEcnReceiver receiver;
  TcpOptionSet set;
  const auto sent = [&] {
    return receiver.PutOption(AccEcnReceiver::Options::kSparingly, false, 40, set);
  };
  (void)receiver.OnPacket(kEct0, 1, 1, true);
  EXPECT_TRUE(sent());
  EXPECT_TRUE(sent());
  EXPECT_FALSE(sent());
  (void)receiver.OnPacket(kEct0, 1, (1 << 22) - 1, true);
  EXPECT_FALSE(sent());
  (void)receiver.OnPacket(kEct0, 1, 1, true);
  EXPECT_TRUE(sent());
}

TEST(AccEcnReceiverTest, S3_2_3_3_WhatDoesNotFitIsLeftOutFromTheEndButNotWhatChanged) {
  const auto fields = [](size_t room, bool twice) -> int {
    AccEcnReceiver receiver;
    TcpOptionSet set;
    (void)receiver.OnPacket(kEct1, 1, 10, true);
    (void)receiver.OnPacket(kEct0, 1, 10, true);
    if (twice) {
      (void)receiver.PutOption(AccEcnReceiver::Options::kAlways, false, 40, set);
      (void)receiver.OnPacket(kEct0, 1, 10, true);
    }
    return receiver.PutOption(AccEcnReceiver::Options::kAlways, false, room, set) ? set.accecn_fields : -1;
  };
  EXPECT_EQ(fields(12, false), 3);
  EXPECT_EQ(fields(11, false), -1);
  EXPECT_EQ(fields(12, true), 3);
  EXPECT_EQ(fields(11, true), 2);
  EXPECT_EQ(fields(7, true), -1);
}

}  // namespace
}  // namespace moat::netstack::tcp
