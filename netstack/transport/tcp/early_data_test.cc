// TCP Fast Open (RFC 7413) of connections, both sides.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "netstack/transport/tcp/fast_open.h"
#include "netstack/transport/tcp/testing/story.h"

namespace moat::netstack::tcp {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// --- Server --------------------------------------------------------------------------------------

class FastOpenServer : public Story {
 protected:
  void ListenFast(uint32_t queue, const char* mode = "3") {
    host.Sysctl("ipv4.tcp_fastopen", mode);
    Listen();
    TcpOptions options = listener->tcp_options();
    options.fast_open_queue = queue;
    listener->SetTcpOptions(options);
  }
  std::string AskForCookie() {
    Send(Syn().Seq(0).Mss(1460).Cookie(""));
    const Packet answer = Next();
    EXPECT_THAT(answer, Is(SynAck().Seq(0).Ack(1)));
    Send(Rst().Seq(1));
    ++peer_port;
    return answer.cookie.value_or("");
  }
  Packet SynWith(const std::string& cookie, std::string text) {
    return Syn().Seq(0).Mss(1460).Cookie(cookie).Data(std::move(text));
  }
};

TEST_F(FastOpenServer, Rfc7413_4_2_2_ARequestGetsACookieOfItsAddress) {
  ListenFast(5);
  const std::string cookie = AskForCookie();
  EXPECT_EQ(cookie.size(), 8u);
  EXPECT_EQ(AskForCookie(), cookie);
  EXPECT_EQ(Counter("TcpExt.TCPFastOpenCookieReqd"), 2u);
}

TEST_F(FastOpenServer, Rfc7413_4_2_2_TextWithACookieIsDeliveredAndAnsweredAtOnce) {
  ListenFast(5);
  const std::string cookie = AskForCookie();
  Send(SynWith(cookie, "GET"));
  EXPECT_THAT(Next(), Is(SynAck().Seq(0).Ack(4)));
  socket = Accept();
  ASSERT_NE(socket, nullptr);
  EXPECT_EQ(Read(), "GET");
  EXPECT_EQ(Write("hello"), Error::kOk);
  EXPECT_THAT(Next(), Is(Data("hello").Seq(1).Ack(4)));
  Send(Ack(6).Seq(4));
  EXPECT_EQ(socket->UnackedBytes(), 0u);
  EXPECT_TRUE(socket->Info().syn_data);
  EXPECT_EQ(Counter("TcpExt.TCPFastOpenPassive"), 1u);
  Send(Data("more").Seq(4).Ack(6));
  EXPECT_EQ(Read(), "more");
  Advance(seconds(30));
  EXPECT_EQ(Counter("Tcp.RetransSegs"), 0u);
}

TEST_F(FastOpenServer, AWrongCookieMeansAPlainHandshakeAndANewCookie) {
  ListenFast(5);
  const std::string cookie = AskForCookie();
  Send(SynWith("abcdefgh", "GET"));
  const Packet answer = Next();
  EXPECT_THAT(answer, Is(SynAck().Seq(0).Ack(1)));
  EXPECT_EQ(answer.cookie, cookie);
  EXPECT_EQ(Accept(), nullptr);
  EXPECT_EQ(Counter("TcpExt.TCPFastOpenPassiveFail"), 1u);
  Send(Ack(1).Seq(1));
  socket = Accept();
  ASSERT_NE(socket, nullptr);
  Send(Data("GET").Seq(1).Ack(1));
  EXPECT_EQ(Read(), "GET");
}

TEST_F(FastOpenServer, AListenersKeyIsItsOwnAndAnOldOneIsReplaced) {
  ListenFast(5);
  const std::string of_the_stack = AskForCookie();
  TcpOptions options = listener->tcp_options();
  options.fast_open_secret.size = 16;
  options.fast_open_secret.bytes[0] = 7;
  listener->SetTcpOptions(options);
  const std::string first = AskForCookie();
  EXPECT_NE(first, of_the_stack);
  // The key moves to the second place, behind another.
  options.fast_open_secret.size = 32;
  std::copy_n(options.fast_open_secret.bytes.begin(), 16,
              options.fast_open_secret.bytes.begin() + 16);
  options.fast_open_secret.bytes[0] = 8;
  listener->SetTcpOptions(options);
  Send(SynWith(first, "GET"));
  const Packet answer = Next();
  EXPECT_THAT(answer, Is(SynAck().Seq(0).Ack(4)));
  ASSERT_TRUE(answer.cookie.has_value());
  EXPECT_NE(*answer.cookie, first);
  EXPECT_EQ(Counter("TcpExt.TCPFastOpenPassiveAltKey"), 1u);
  ++peer_port;
  Send(SynWith(*answer.cookie, "GET"));
  EXPECT_THAT(Next(), Is(SynAck().Seq(0).Ack(4)));
  EXPECT_EQ(Counter("TcpExt.TCPFastOpenPassive"), 2u);
}

TEST_F(FastOpenServer, TheStacksKeyIsASysctl) {
  ListenFast(5);
  const std::string made = AskForCookie();
  host.Sysctl("ipv4.tcp_fastopen_key", "1-2-3-4");
  const std::string set = AskForCookie();
  EXPECT_NE(set, made);
  host.Sysctl("ipv4.tcp_fastopen_key", "1-2-3-5");
  EXPECT_NE(AskForCookie(), set);
  host.Sysctl("ipv4.tcp_fastopen_key", "1-2-3-4");
  EXPECT_EQ(AskForCookie(), set);
}

TEST_F(FastOpenServer, IsOffByDefaultAndWithoutTheSocketOption) {
  for (const char* mode : {"1", "2"}) {
    ListenFast(mode[0] == '1' ? 5 : 0, mode);
    Send(Syn().Seq(0).Mss(1460).Cookie("").Data("GET"));
    const Packet answer = Next();
    EXPECT_THAT(answer, Is(SynAck().Seq(0).Ack(1)));
    EXPECT_FALSE(answer.cookie.has_value());
    Send(Rst().Seq(1));
    listener.reset();
  }
}

TEST_F(FastOpenServer, Rfc7413_5_1_PendingOnesAreLimitedAndResetsStillCount) {
  ListenFast(1);
  const std::string cookie = AskForCookie();
  Send(SynWith(cookie, "GET"));
  EXPECT_THAT(Next(), Is(SynAck().Seq(0).Ack(4)));
  ++peer_port;
  Send(SynWith(cookie, "GET"));
  EXPECT_THAT(Next(), Is(SynAck().Seq(0).Ack(1)));
  EXPECT_EQ(Counter("TcpExt.TCPFastOpenListenOverflow"), 1u);
  Send(Rst().Seq(1));
  --peer_port;
  Send(Rst().Seq(4));  // of the first
  ++peer_port;
  Send(SynWith(cookie, "GET"));
  EXPECT_THAT(Next(), Is(SynAck().Seq(0).Ack(1)));
  Send(Rst().Seq(1));
  Advance(seconds(61));
  Send(SynWith(cookie, "GET"));
  EXPECT_THAT(Next(), Is(SynAck().Seq(0).Ack(4)));
}

TEST_F(FastOpenServer, TheSynAckIsRepeatedUntilItsAckAndTextFollowsIt) {
  ListenFast(5);
  const std::string cookie = AskForCookie();
  Send(SynWith(cookie, "GET"));
  EXPECT_THAT(Next(), Is(SynAck().Seq(0).Ack(4)));
  socket = Accept();
  ASSERT_NE(socket, nullptr);
  EXPECT_EQ(Write("hello"), Error::kOk);
  EXPECT_THAT(Next(), Is(Data("hello").Seq(1).Ack(4)));
  Advance(milliseconds(1001));
  EXPECT_THAT(Next(), Is(SynAck().Seq(0).Ack(4)));
  Send(Syn().Seq(0).Mss(1460));  // the peer's timer, too
  EXPECT_THAT(Next(), Is(SynAck().Seq(0).Ack(4)));
  EXPECT_TRUE(Quiet());
  Send(Ack(1).Seq(4));
  Advance(seconds(3));
  EXPECT_THAT(Next(), Is(Data("hello").Seq(1).Ack(4)));
  Send(Ack(6).Seq(4));
  EXPECT_EQ(socket->UnackedBytes(), 0u);
}

TEST_F(FastOpenServer, ASynAckThatIsNeverAcknowledgedEndsTheConnection) {
  ListenFast(5);
  Send(SynWith(AskForCookie(), "GET"));
  socket = Accept();
  ASSERT_NE(socket, nullptr);
  Advance(seconds(200));
  EXPECT_EQ(socket->state(), TcpState::kClosed);
  EXPECT_EQ(socket->TakeError(), Error::kTimedOut);
}

TEST_F(FastOpenServer, AResetReachesTheUser) {
  ListenFast(5);
  Send(SynWith(AskForCookie(), "GET"));
  socket = Accept();
  ASSERT_NE(socket, nullptr);
  Send(Rst().Seq(4));
  EXPECT_EQ(socket->TakeError(), Error::kConnectionReset);
}

TEST_F(FastOpenServer, WithoutCookiesWhenToldSo) {
  ListenFast(5, "515");  // 0x203
  Send(Syn().Seq(0).Mss(1460).Data("GET"));
  EXPECT_THAT(Next(), Is(SynAck().Seq(0).Ack(4)));
}

// --- Client --------------------------------------------------------------------------------------

class FastOpenClient : public Story {
 protected:
  // A fresh socket that connects; what Connect() said.
  Error Open() {
    socket = host.tcp->NewSocket(host.address.family());
    SetTcp([](TcpOptions& o) { o.fast_open_connect = true; });
    socket->SetObserver(&observer);
    const Error error = socket->Connect({peer, peer_port});
    host_port = socket->Local().port;
    return error;
  }
  // Asks for a cookie, and gets one.
  void Learn() {
    EXPECT_EQ(Open(), Error::kInProgress);
    const Packet syn = Next();
    EXPECT_THAT(syn, Is(Syn().Seq(0)));
    EXPECT_EQ(syn.cookie, "");
    Send(SynAck().Seq(0).Ack(1).Mss(1460).Cookie("12345678"));
    EXPECT_THAT(Next(), Is(Ack(1).Seq(1)));
    socket->Abort();
    (void)All();
  }
  void ExpectEarlySyn(const std::string& text) {
    const Packet syn = Next();
    EXPECT_EQ(syn.flags & ~tcp_flag::kPsh, tcp_flag::kSyn);
    EXPECT_EQ(syn.cookie, "12345678");
    EXPECT_EQ(syn.data, text);
  }
};

TEST_F(FastOpenClient, Rfc7413_4_2_1_TheFirstWriteGoesWithTheSyn) {
  Learn();
  EXPECT_EQ(Open(), Error::kOk);
  EXPECT_TRUE(Quiet());
  EXPECT_NE(socket->Ready() & ready::kWritable, 0u);
  EXPECT_EQ(Write("GET"), Error::kOk);
  ExpectEarlySyn("GET");
  EXPECT_EQ(socket->WriteSpace(), 0u);
  EXPECT_EQ(Write("x"), Error::kWouldBlock);
  Send(SynAck().Seq(0).Ack(4).Mss(1460));
  EXPECT_EQ(state(), TcpState::kEstablished);
  EXPECT_THAT(Next(), Is(Ack(1).Seq(4)));
  EXPECT_EQ(socket->UnackedBytes(), 0u);
  EXPECT_TRUE(socket->Info().syn_data);
  EXPECT_EQ(Counter("TcpExt.TCPFastOpenActive"), 1u);
  EXPECT_EQ(Write("next"), Error::kOk);
  EXPECT_THAT(Next(), Is(Data("next").Seq(4).Ack(1)));
}

TEST_F(FastOpenClient, FullTablesAreCounted) {
  const auto server = [](size_t n) {
    return IpAddress::V4(10, 9, static_cast<uint8_t>(n >> 8), static_cast<uint8_t>(n));
  };
  for (size_t n = 0; n <= FastOpenCache::kMaxPeers; ++n) {
    EXPECT_EQ(Counter("Memory.FullFastOpenPeers"), 0u);
    peer = server(n);
    Learn();
  }
  EXPECT_EQ(Counter("Memory.FullFastOpenPeers"), 1u);
  for (size_t n = 0; n <= FastOpenRefusals::kMaxPaths; ++n) {
    EXPECT_EQ(Counter("Memory.FullFastOpenPaths"), 0u);
    peer_port = static_cast<uint16_t>(1000 + n);
    EXPECT_EQ(Open(), Error::kOk);
    EXPECT_EQ(Write("GET"), Error::kOk);
    ExpectEarlySyn("GET");
    Send(SynAck().Seq(0).Ack(1).Mss(1460));  // without its text
    socket->Abort();
    (void)All();
  }
  EXPECT_EQ(Counter("Memory.FullFastOpenPaths"), 1u);
}

TEST_F(FastOpenClient, WhatDoesNotFitTheSynFollows) {
  Learn();
  EXPECT_EQ(Open(), Error::kOk);
  EXPECT_EQ(WriteBytes(3000), Error::kOk);
  const Packet syn = Next();
  const size_t early = syn.data->size();
  EXPECT_GT(early, 1300u);
  EXPECT_LE(early, 1420u);
  Send(SynAck().Seq(0).Ack(static_cast<uint32_t>(1 + early)).Mss(1460));
  size_t rest = 0;
  for (const Packet& packet : All()) rest += packet.data->size();
  EXPECT_EQ(rest, 3000 - early);
}

TEST_F(FastOpenClient, TextThatIsNotAcknowledgedIsSentAgain) {
  Learn();
  EXPECT_EQ(Open(), Error::kOk);
  EXPECT_EQ(Write("GET"), Error::kOk);
  ExpectEarlySyn("GET");
  Send(SynAck().Seq(0).Ack(1).Mss(1460));
  EXPECT_THAT(Next(), Is(Data("GET").Seq(1).Ack(1)));
  EXPECT_EQ(Counter("TcpExt.TCPFastOpenActiveFail"), 1u);
  EXPECT_FALSE(socket->Info().syn_data);
}

TEST_F(FastOpenClient, ASynThatIsSentAgainIsPlain) {
  Learn();
  EXPECT_EQ(Open(), Error::kOk);
  EXPECT_EQ(Write("GET"), Error::kOk);
  ExpectEarlySyn("GET");
  Advance(milliseconds(1001));
  const Packet again = Next();
  EXPECT_THAT(again, Is(Syn().Seq(0)));
  EXPECT_FALSE(again.cookie.has_value());
  Send(SynAck().Seq(0).Ack(4).Mss(1460));  // the first one arrived all the same
  EXPECT_EQ(socket->UnackedBytes(), 0u);
}

TEST_F(FastOpenClient, AnAckBeyondTheTextIsNotBelieved) {
  Learn();
  EXPECT_EQ(Open(), Error::kOk);
  EXPECT_EQ(Write("GET"), Error::kOk);
  ExpectEarlySyn("GET");
  Send(SynAck().Seq(0).Ack(5).Mss(1460));
  EXPECT_THAT(Next(), Is(Rst().Seq(5)));
  EXPECT_EQ(state(), TcpState::kSynSent);
}

TEST_F(FastOpenClient, ACookieThatNobodyAskedForIsIgnored) {
  socket = host.tcp->NewSocket(host.address.family());
  Connect();
  Send(SynAck().Seq(0).Ack(1).Mss(1460).Cookie("12345678"));
  (void)All();
  EXPECT_EQ(Open(), Error::kInProgress);
}

TEST_F(FastOpenClient, CanBeSwitchedOff) {
  Learn();
  host.Sysctl("ipv4.tcp_fastopen", "0");
  EXPECT_EQ(Open(), Error::kInProgress);
  EXPECT_FALSE(Next().cookie.has_value());
}

TEST_F(FastOpenClient, ABlackHolePausesItForEverybody) {
  Learn();
  host.Sysctl("ipv4.tcp_fastopen_blackhole_timeout_sec", "60");
  EXPECT_EQ(Open(), Error::kOk);
  EXPECT_EQ(Write("GET"), Error::kOk);
  Advance(seconds(4));
  EXPECT_EQ(Counter("TcpExt.TCPFastOpenBlackhole"), 1u);
  EXPECT_EQ(Open(), Error::kInProgress);
  Advance(seconds(61));
  EXPECT_EQ(Open(), Error::kOk);
}

TEST_F(FastOpenClient, Rfc7413_4_1_3_1_AServerThatDoesNotAnswerIsOpenedPlainlyForAWhile) {
  Learn();
  EXPECT_EQ(Open(), Error::kOk);
  EXPECT_EQ(Write("GET"), Error::kOk);
  ExpectEarlySyn("GET");
  Advance(milliseconds(1001));
  EXPECT_THAT(Next(), Is(Syn().Seq(0)));
  Send(SynAck().Seq(0).Ack(1).Mss(1460));
  EXPECT_EQ(state(), TcpState::kEstablished);
  socket->Abort();
  (void)All();
  EXPECT_EQ(Open(), Error::kInProgress);
  EXPECT_FALSE(Next().cookie.has_value());
  socket->Abort();
  (void)All();
  ++peer_port;  // another service of the server has its own luck
  EXPECT_EQ(Open(), Error::kOk);
  socket->Abort();
  --peer_port;
  Advance(seconds(61));
  EXPECT_EQ(Open(), Error::kOk);
}

TEST_F(FastOpenClient, Rfc7413_4_1_3_1_SoIsOneThatDoesNotAcknowledgeTheText) {
  Learn();
  EXPECT_EQ(Open(), Error::kOk);
  EXPECT_EQ(Write("GET"), Error::kOk);
  ExpectEarlySyn("GET");
  Send(SynAck().Seq(0).Ack(1).Mss(1460).Cookie("abcdefgh"));  // ours was too old
  socket->Abort();
  (void)All();
  EXPECT_EQ(Open(), Error::kOk);
  EXPECT_EQ(Write("GET"), Error::kOk);
  EXPECT_EQ(Next().cookie, "abcdefgh");
  Send(SynAck().Seq(0).Ack(1).Mss(1460));
  socket->Abort();
  (void)All();
  EXPECT_EQ(Open(), Error::kInProgress);
  EXPECT_FALSE(Next().cookie.has_value());
}

TEST_F(FastOpenClient, Rfc7413_4_1_3_1_AnIcmpErrorCountsToo) {
  Learn();
  EXPECT_EQ(Open(), Error::kOk);
  EXPECT_EQ(Write("GET"), Error::kOk);
  ExpectEarlySyn("GET");
  SendIcmp(IcmpErrorIn::Kind::kProhibited, Error::kHostUnreachable, 0);
  EXPECT_EQ(state(), TcpState::kClosed);
  EXPECT_EQ(Open(), Error::kInProgress);
  EXPECT_FALSE(Next().cookie.has_value());
}

TEST_F(FastOpenClient, Rfc7413_4_1_3_1_SuccessEndsTheWait) {
  Learn();
  EXPECT_EQ(Open(), Error::kOk);
  EXPECT_EQ(Write("GET"), Error::kOk);
  ExpectEarlySyn("GET");
  Advance(milliseconds(1001));
  (void)Next();
  Send(SynAck().Seq(0).Ack(4).Mss(1460));  // the text had arrived, the answer was lost
  socket->Abort();
  (void)All();
  EXPECT_EQ(Open(), Error::kOk);
}

TEST_F(FastOpenClient, Rfc7413_4_1_1_TheOptionIsIgnoredWithoutSyn) {
  EXPECT_EQ(Open(), Error::kInProgress);
  EXPECT_EQ(Next().cookie, "");
  Send(SynAck().Seq(0).Ack(1).Mss(1460));
  (void)All();
  Send(Ack(1).Seq(1).Cookie("12345678"));
  EXPECT_EQ(state(), TcpState::kEstablished);
  socket->Abort();
  (void)All();
  EXPECT_EQ(Open(), Error::kInProgress);
  EXPECT_EQ(Next().cookie, "");
}

TEST_F(FastOpenClient, Rfc7413_4_2_1_TheTextFitsTheMssThatTheServerOnceHad) {
  EXPECT_EQ(Open(), Error::kInProgress);
  (void)Next();
  Send(SynAck().Seq(0).Ack(1).Mss(700).Cookie("12345678"));
  socket->Abort();
  (void)All();
  EXPECT_EQ(Open(), Error::kOk);
  EXPECT_EQ(WriteBytes(3000), Error::kOk);
  const size_t early = Next().data->size();
  EXPECT_LE(early, 700u);
  EXPECT_GT(early, 600u);
}

TEST_F(FastOpenServer, Rfc7413_4_2_2_ASynAckThatIsSentAgainHasNoCookie) {
  ListenFast(5);
  Send(Syn().Seq(0).Mss(1460).Cookie(""));
  EXPECT_TRUE(Next().cookie.has_value());
  Advance(milliseconds(1001));
  const Packet again = Next();
  EXPECT_THAT(again, Is(SynAck().Seq(0).Ack(1)));
  EXPECT_FALSE(again.cookie.has_value());
}

// RFC 9293 3.5, figure 8. The SYN that waited for text is the SYN,ACK now, and like any other it is
// sent until it is acknowledged.
TEST_F(FastOpenClient, APeerThatOpensFirstIsAnsweredUntilItAcknowledges) {
  Learn();
  EXPECT_EQ(Open(), Error::kOk);
  EXPECT_TRUE(Quiet());
  Send(Syn().Seq(0).Mss(1460));
  EXPECT_EQ(state(), TcpState::kSynReceived);
  EXPECT_THAT(Next(), Is(SynAck().Seq(0).Ack(1)));
  Advance(milliseconds(1001));
  EXPECT_THAT(Next(), Is(SynAck().Seq(0).Ack(1)));
  Send(Ack(1).Seq(1));
  EXPECT_EQ(state(), TcpState::kEstablished);
  EXPECT_EQ(Write("GET"), Error::kOk);
  EXPECT_THAT(Next(), Is(Data("GET").Seq(1).Ack(1)));
}

TEST_F(FastOpenClient, ClosedBeforeTheFirstWriteItNeverWas) {
  Learn();
  EXPECT_EQ(Open(), Error::kOk);
  socket.reset();
  Advance(seconds(10));
  EXPECT_TRUE(Quiet());
}

}  // namespace
}  // namespace moat::netstack::tcp
