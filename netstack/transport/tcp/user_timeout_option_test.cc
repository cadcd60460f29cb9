// The user timeout option (RFC 5482).
#include "netstack/transport/tcp/user_timeout_option.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "netstack/transport/tcp/testing/story.h"

namespace moat::netstack::tcp {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr uint16_t kMinutes = 0x8000;
// tcp_retries2's 924.6 seconds.
constexpr uint16_t kDefault = 925;

TEST(Rfc5482, S3_3_SecondsAndBeyondThemMinutesRoundedUp) {
  EXPECT_EQ(EncodeUserTimeout(milliseconds(1)), 1);
  EXPECT_EQ(EncodeUserTimeout(seconds(0)), 1);  // zero must not be sent
  EXPECT_EQ(EncodeUserTimeout(milliseconds(1001)), 2);
  EXPECT_EQ(EncodeUserTimeout(seconds(0x7fff)), 0x7fff);
  EXPECT_EQ(EncodeUserTimeout(seconds(0x8000)), kMinutes | 547);
  EXPECT_EQ(EncodeUserTimeout(hours(10)), kMinutes | 600);
  EXPECT_EQ(EncodeUserTimeout(hours(24 * 365)), kMinutes | 0x7fff);
  EXPECT_EQ(DecodeUserTimeout(300), seconds(300));
  EXPECT_EQ(DecodeUserTimeout(kMinutes | 300), minutes(300));
  EXPECT_EQ(DecodeUserTimeout(0), seconds(0));
  EXPECT_EQ(std::chrono::ceil<seconds>(DecodeUserTimeout(0xffff)).count(), kMostUserTimeout);
}

TEST(Rfc5482, S3_1_TheGreaterOfBothWithinTheLimits) {
  const auto adopted = [](int advertised, int remote) {
    return AdoptedUserTimeout({.advertised = seconds(advertised), .remote = seconds(remote),
                               .least = seconds(100), .most = seconds(3600)});
  };
  EXPECT_EQ(adopted(200, 300), seconds(300));
  EXPECT_EQ(adopted(300, 200), seconds(300));
  EXPECT_EQ(adopted(5, 7), seconds(100));
  EXPECT_EQ(adopted(200, 7200), seconds(3600));
  EXPECT_EQ(adopted(7200, 200), seconds(3600));
}

class UserTimeoutOption : public Story {
 protected:
  UserTimeoutOption() { host.Sysctl("ipv4.tcp_user_timeout_option", "1"); }

  void SetUserTimeout(Duration timeout) {
    TcpOptions options = socket->tcp_options();
    options.user_timeout = timeout;
    socket->SetTcpOptions(options);
  }
  // Patience without the option: three seconds.
  void BeImpatient() { host.Sysctl("ipv4.tcp_retries2", "3"); }
  // Since data was written that nobody acknowledges; at most `most`.
  Duration TimeUntilGivenUp(Duration most = hours(3)) {
    const Time start = clock.Now();
    EXPECT_EQ(WriteBytes(100), Error::kOk);
    while (state() != TcpState::kClosed && clock.Now() - start < most) Advance(milliseconds(500));
    return clock.Now() - start;
  }
  void ExpectPatience(Duration wanted) {
    const Duration waited = TimeUntilGivenUp();
    EXPECT_GE(waited, wanted);
    EXPECT_LE(waited, wanted + milliseconds(600));
    EXPECT_EQ(socket->TakeError(), Error::kTimedOut);
  }
};

// --- What is sent --------------------------------------------------------------------------------

TEST_F(UserTimeoutOption, Rfc5482_S3_WithoutTheSysctlItIsNeitherSentNorHeeded) {
  host.Sysctl("ipv4.tcp_user_timeout_option", "0");
  BeImpatient();
  Listen();
  Send(Syn().Seq(0).Mss(1460).UserTimeout(200));
  EXPECT_THAT(Next(), Is(SynAck().Seq(0).Ack(1).UserTimeout(0)));
  Send(Ack(1).Seq(1).UserTimeout(200));
  socket = Accept();
  ASSERT_NE(socket, nullptr);
  Send(Data("a").Seq(1).Ack(1).UserTimeout(200));
  SetUserTimeout(seconds(30));
  SetUserTimeout(seconds(0));
  EXPECT_EQ(socket->Info().peer_user_timeout, seconds(0));
  ExpectPatience(seconds(3));
  for (const Packet& packet : All()) EXPECT_EQ(packet.user_timeout, 0);
}

TEST_F(UserTimeoutOption, Rfc5482_S3_TheSynAndTheFirstSegmentWithoutSynHaveIt) {
  socket = host.tcp->NewSocket(Family::kIpv4);
  BeginConnect();
  EXPECT_THAT(Next(), Is(Syn().Seq(0).UserTimeout(kDefault)));
  Send(SynAck().Seq(0).Ack(1).Mss(1460));
  EXPECT_THAT(Next(), Is(Ack(1).UserTimeout(kDefault)));
  ASSERT_EQ(Write("a"), Error::kOk);
  EXPECT_THAT(Next(), Is(Data("a").UserTimeout(0)));
}

TEST_F(UserTimeoutOption, Rfc5482_S3_SoHasTheSynAckAndTheFirstSegmentAfterIt) {
  Listen();
  Send(Syn().Seq(0).Mss(1460));
  EXPECT_THAT(Next(), Is(SynAck().Seq(0).Ack(1).UserTimeout(kDefault)));
  Send(Ack(1).Seq(1));
  socket = Accept();
  ASSERT_NE(socket, nullptr);
  ASSERT_EQ(Write("a"), Error::kOk);
  EXPECT_THAT(Next(), Is(Data("a").UserTimeout(kDefault)));
  Send(Ack(2).Seq(1));
  ASSERT_EQ(Write("b"), Error::kOk);
  EXPECT_THAT(Next(), Is(Data("b").UserTimeout(0)));
}

// The server's answer goes before the handshake's end.
TEST_F(UserTimeoutOption, Rfc5482_S3_SoHasItWithFastOpen) {
  host.Sysctl("ipv4.tcp_fastopen", "3");
  Listen();
  TcpOptions options = listener->tcp_options();
  options.fast_open_queue = 8;
  listener->SetTcpOptions(options);
  Send(Syn().Seq(0).Mss(1460).Cookie(""));
  const std::string cookie = Next().cookie.value_or("");
  ASSERT_FALSE(cookie.empty());
  Send(Rst().Seq(1));
  Packet syn = Syn().Seq(0).Mss(1460).Cookie(cookie).UserTimeout(200);
  Send(syn.Data("hello"));
  EXPECT_THAT(Next(), Is(SynAck().Seq(0).Ack(6).UserTimeout(kDefault)));
  socket = Accept();
  ASSERT_NE(socket, nullptr);
  EXPECT_EQ(socket->Info().peer_user_timeout, seconds(200));
  ASSERT_EQ(Write("a"), Error::kOk);
  EXPECT_THAT(Next(), Is(Data("a").UserTimeout(kDefault)));
}

TEST_F(UserTimeoutOption, Rfc5482_S3_AfterASynCookieTheFirstSegmentHasIt) {
  host.Sysctl("ipv4.tcp_syncookies", "2");
  Listen();
  Send(Syn().Seq(0).Mss(1460));
  EXPECT_THAT(Next(), Is(SynAck().Seq(0).Ack(1).UserTimeout(0)));
  Send(Ack(1).Seq(1).UserTimeout(200));
  socket = Accept();
  ASSERT_NE(socket, nullptr);
  EXPECT_EQ(socket->Info().peer_user_timeout, seconds(200));
  ASSERT_EQ(Write("a"), Error::kOk);
  EXPECT_THAT(Next(), Is(Data("a").UserTimeout(kDefault)));
}

TEST_F(UserTimeoutOption, Rfc5482_S4_1_ASynThatIsSentAgainHasNone) {
  socket = host.tcp->NewSocket(Family::kIpv4);
  BeginConnect();
  EXPECT_THAT(Next(), Is(Syn().Seq(0).UserTimeout(kDefault)));
  Advance(milliseconds(1100));
  EXPECT_THAT(Next(), Is(Syn().Seq(0).UserTimeout(0)));
  Send(SynAck().Seq(0).Ack(1).Mss(1460));
  EXPECT_THAT(Next(), Is(Ack(1).UserTimeout(kDefault)));
}

TEST_F(UserTimeoutOption, Rfc5482_S3_ANewTimeoutIsToldByTheNextSegment) {
  Establish();
  All();
  SetUserTimeout(seconds(30));
  EXPECT_TRUE(Quiet());  // nothing goes for its sake alone
  ASSERT_EQ(Write("a"), Error::kOk);
  EXPECT_THAT(Next(), Is(Data("a").UserTimeout(30)));
  Send(Ack(2).Seq(1));
  SetUserTimeout(seconds(30));  // no news
  ASSERT_EQ(Write("b"), Error::kOk);
  EXPECT_THAT(Next(), Is(Data("b").UserTimeout(0)));
  Send(Ack(3).Seq(1));
  SetUserTimeout(seconds(0));
  ASSERT_EQ(Write("c"), Error::kOk);
  EXPECT_THAT(Next(), Is(Data("c").UserTimeout(kDefault)));
}

TEST_F(UserTimeoutOption, Rfc5482_S3_2_ATimeoutTellsItAgain) {
  Establish();
  All();
  ASSERT_EQ(Write("a"), Error::kOk);
  EXPECT_THAT(Next(), Is(Data("a").UserTimeout(0)));
  Advance(milliseconds(1100));
  EXPECT_THAT(Next(), Is(Data("a").UserTimeout(kDefault)));
}

TEST_F(UserTimeoutOption, Rfc5482_S3_FullSegmentsMakeRoomForItOnce) {
  Establish();
  All();
  SetUserTimeout(seconds(30));
  ASSERT_EQ(WriteBytes(3 * 1460), Error::kOk);
  ASSERT_EQ(socket->Shutdown(ShutdownHow::kWrite), Error::kOk);
  const Packet first = Next();
  EXPECT_THAT(first, Is(Packet().Seq(1).Ack(1).Size(1456).UserTimeout(30)));
  std::string text = *first.data;
  bool fin = false;
  for (int i = 0; i < 10 && !fin; ++i) {
    for (const Packet& packet : All()) {
      EXPECT_EQ(packet.user_timeout, 0);
      EXPECT_EQ(*packet.seq, 1 + text.size());
      text += *packet.data;
      fin = (packet.flags & tcp_flag::kFin) != 0;
    }
    Send(Ack(1 + static_cast<uint32_t>(text.size()) + (fin ? 1 : 0)).Seq(1));
  }
  EXPECT_TRUE(fin);
  const Slice wanted = Pattern(0, 3 * 1460);
  EXPECT_EQ(text, std::string(wanted.span().begin(), wanted.span().end()));
}

TEST_F(UserTimeoutOption, Rfc5482_S3_OtherOptionsGoBefore) {
  Establish(Packet().Mss(1460).SackOk().Ts(1, host_ts));
  All();
  SetUserTimeout(seconds(30));
  Send(Data("c").Seq(3).Ack(1).Ts(2, host_ts));
  const Packet duplicate = Next();
  EXPECT_EQ(duplicate.user_timeout, 0);
  EXPECT_EQ(duplicate.sack->size(), 1u);
  Send(Data("ab").Seq(1).Ack(1).Ts(3, host_ts));
  EXPECT_THAT(Next(), Is(Ack(4).UserTimeout(30)));
}

TEST_F(UserTimeoutOption, AResetHasNone) {
  Establish();
  All();
  SetUserTimeout(seconds(30));
  socket->Abort();
  EXPECT_THAT(Next(), Is(Rst().Ack(1).UserTimeout(0)));
}

// --- What is adopted -----------------------------------------------------------------------------

TEST_F(UserTimeoutOption, Rfc5482_S3_1_ThePeersTimeoutIsAdopted) {
  BeImpatient();
  Establish();
  Send(Data("a").Seq(1).Ack(1).UserTimeout(200));
  EXPECT_EQ(socket->Info().peer_user_timeout, seconds(200));
  ExpectPatience(seconds(200));
}

TEST_F(UserTimeoutOption, Rfc5482_S3_1_FromASynToo) {
  BeImpatient();
  EstablishPassive(Packet().Mss(1460).UserTimeout(kMinutes | 4));
  EXPECT_EQ(socket->Info().peer_user_timeout, minutes(4));
  ExpectPatience(minutes(4));
}

TEST_F(UserTimeoutOption, Rfc5482_S3_1_FromASynAckToo) {
  BeImpatient();
  Establish(Packet().Mss(1460).UserTimeout(200));
  ExpectPatience(seconds(200));
}

TEST_F(UserTimeoutOption, Rfc5482_S3_1_TheLastOneCounts) {
  BeImpatient();
  Establish(Packet().Mss(1460).UserTimeout(500));
  Send(Ack(1).Seq(1).UserTimeout(200));
  ExpectPatience(seconds(200));
}

TEST_F(UserTimeoutOption, Rfc5482_S3_1_WhileNoneCameRetriesDecide) {
  BeImpatient();
  Establish();
  ExpectPatience(seconds(3));
}

TEST_F(UserTimeoutOption, Rfc5482_S3_1_NoneIsShorterThanTheLeast) {
  BeImpatient();
  Establish(Packet().Mss(1460).UserTimeout(5));
  ExpectPatience(seconds(100));
}

TEST_F(UserTimeoutOption, Rfc5482_S3_1_NoneIsLongerThanTheMost) {
  BeImpatient();
  Establish(Packet().Mss(1460).UserTimeout(kMinutes | 0x7fff));
  ExpectPatience(hours(1));
}

TEST_F(UserTimeoutOption, Rfc5482_S3_1_TheLimitsCanBeChosen) {
  host.Sysctl("ipv4.tcp_user_timeout_limits", "10 20");
  BeImpatient();
  Establish(Packet().Mss(1460).UserTimeout(15));
  Send(Ack(1).Seq(1).UserTimeout(kMinutes | 1));
  ExpectPatience(seconds(20));
}

TEST_F(UserTimeoutOption, Rfc5482_S3_1_ARetransmissionHasItsTimeHoweverShortTheLimits) {
  host.Sysctl("ipv4.tcp_user_timeout_limits", "1 1");
  host.Sysctl("ipv4.tcp_retries2", "0");
  Connect();
  Advance(milliseconds(800));
  Send(SynAck().Seq(0).Ack(1).Mss(1460).UserTimeout(1));
  ASSERT_EQ(state(), TcpState::kEstablished);
  ASSERT_GT(socket->Info().rto, seconds(2));
  ExpectPatience(3 * socket->Info().rto);
}

TEST_F(UserTimeoutOption, Rfc5482_S3_1_WhatTheProgramSetIsNotChangedButItMayLearnThePeers) {
  Establish();
  SetUserTimeout(seconds(5));
  Send(Data("a").Seq(1).Ack(1).UserTimeout(200));
  EXPECT_EQ(socket->Info().peer_user_timeout, seconds(200));
  ExpectPatience(seconds(5));
}

TEST_F(UserTimeoutOption, Rfc5482_S3_3_AnOptionOfZeroIsIgnored) {
  BeImpatient();
  Establish(Packet().Mss(1460).UserTimeout(200));
  Send(Ack(1).Seq(1).UserTimeout(kMinutes));
  EXPECT_EQ(socket->Info().peer_user_timeout, seconds(200));
}

TEST_F(UserTimeoutOption, OnlyAcceptableSegmentsAreHeeded) {
  Establish();
  Send(Data("a").Seq(200'000).Ack(1).UserTimeout(200));
  Send(Ack(100'000).Seq(1).UserTimeout(200));
  EXPECT_EQ(socket->Info().peer_user_timeout, seconds(0));
}

TEST_F(UserTimeoutOption, AnOrphanIsNotKeptForAPeersWish) {
  BeImpatient();
  Establish(Packet().Mss(1460).UserTimeout(kMinutes | 30));
  ASSERT_EQ(WriteBytes(100), Error::kOk);
  const uint16_t port = socket->Local().port;
  socket.reset();
  Advance(minutes(4));  // tcp_orphan_retries: 102 seconds
  EXPECT_EQ(host.StateOf(port), "");
}

// A peer that answers probes of its closed window is waited for (RFC 9293 3.8.6.1).
TEST_F(UserTimeoutOption, AClosedWindowOutlivesIt) {
  host.Sysctl("ipv4.tcp_user_timeout_limits", "5 5");
  BeImpatient();
  Establish(Packet().Mss(1460).UserTimeout(5));
  Send(Ack(1).Seq(1).Wnd(0));
  ASSERT_EQ(WriteBytes(100), Error::kOk);
  for (int i = 0; i < 120; ++i) {
    Advance(milliseconds(500));
    for (const Packet& packet : All()) {
      if (!packet.data->empty()) Send(Ack(1).Seq(1).Wnd(0));
    }
  }
  EXPECT_EQ(state(), TcpState::kEstablished);
}

// --- Keepalive -----------------------------------------------------------------------------------

class UserTimeoutKeepalive : public UserTimeoutOption {
 protected:
  void KeepAlive() {
    TcpOptions tcp = socket->tcp_options();
    tcp.keepalive_idle = seconds(10);
    socket->SetTcpOptions(tcp);
    SocketOptions options = socket->options();
    options.keepalive = true;
    socket->SetOptions(options);
    All();
  }
};

TEST_F(UserTimeoutKeepalive, Rfc5482_S4_2_KeepalivesBeginAfterTheAdoptedTimeout) {
  BeImpatient();
  Establish();
  KeepAlive();
  Send(Ack(1).Seq(1).UserTimeout(300));
  Advance(seconds(300));
  EXPECT_TRUE(Quiet());
  Advance(seconds(2));
  EXPECT_THAT(Next(), Is(Packet().Seq(0).Ack(1)));
}

TEST_F(UserTimeoutKeepalive, WithoutAnOptionOfThePeersTheyBeginAsEver) {
  Establish();
  KeepAlive();
  Advance(seconds(11));
  EXPECT_THAT(Next(), Is(Packet().Seq(0).Ack(1)));
}

}  // namespace
}  // namespace moat::netstack::tcp
