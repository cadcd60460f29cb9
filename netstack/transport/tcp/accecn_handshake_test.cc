// Accurate ECN feedback (RFC 9768): what the handshake settles, with cookies and Fast Open too.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "netstack/transport/tcp/testing/ecn_story.h"

namespace moat::netstack::tcp {
namespace {

using std::chrono::seconds;

// --- 3.1: negotiation ----------------------------------------------------------------------------

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

// --- 3.2.2.1: the ACK of the SYN,ACK -------------------------------------------------------------

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

// --- With others ---------------------------------------------------------------------------------

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

}  // namespace
}  // namespace moat::netstack::tcp
