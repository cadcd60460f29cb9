// IP_MINTTL and IPV6_MINHOPCOUNT: the Generalized TTL Security Mechanism (RFC 5082).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "netstack/transport/tcp/testing/story.h"

namespace moat::netstack::tcp {
namespace {

class Rfc5082 : public Story, public testing::WithParamInterface<Family> {
 protected:
  Rfc5082() : Story(GetParam()) {}

  SocketOptions Near(uint8_t least = 255) const {
    SocketOptions options;
    if (GetParam() == Family::kIpv4) {
      options.minimum_ttl = least;
    } else {
      options.minimum_hop_count = least;
    }
    return options;
  }
  uint64_t Dropped() const { return Counter("TcpExt.TCPMinTTLDrop"); }
};

INSTANTIATE_TEST_SUITE_P(Families, Rfc5082, testing::Values(Family::kIpv4, Family::kIpv6));

TEST_P(Rfc5082, S3_AListenerHearsOnlyNeighbors) {
  Listen();
  listener->SetOptions(Near());
  hops = 254;
  Send(Syn().Seq(0).Mss(1460));
  EXPECT_TRUE(Quiet());
  EXPECT_EQ(Dropped(), 1u);
  hops = 255;
  Send(Syn().Seq(0).Mss(1460));
  EXPECT_THAT(Next(), Is(SynAck().Seq(0).Ack(1)));
}

TEST_P(Rfc5082, S3_WhatAListenerAcceptsInheritsTheLimit) {
  Listen();
  listener->SetOptions(Near());
  hops = 255;
  Send(Syn().Seq(0).Mss(1460));
  All();
  hops = 64;
  Send(Ack(1).Seq(1));
  EXPECT_EQ(Accept(), nullptr);
  hops = 255;
  Send(Ack(1).Seq(1));
  socket = Accept();
  ASSERT_NE(socket, nullptr);
  hops = 64;
  Send(Rst().Seq(1));
  EXPECT_EQ(state(), TcpState::kEstablished);
  EXPECT_EQ(Dropped(), 2u);
}

TEST_P(Rfc5082, S3_AConnectFailsToAPeerFromAfar) {
  socket = host.tcp->NewSocket(GetParam());
  socket->SetOptions(Near());
  BeginConnect();
  All();
  Send(SynAck().Seq(0).Ack(1).Mss(1460));
  EXPECT_EQ(state(), TcpState::kSynSent);
  EXPECT_TRUE(Quiet());
  EXPECT_EQ(Dropped(), 1u);
  hops = 255;
  Send(SynAck().Seq(0).Ack(1).Mss(1460));
  EXPECT_EQ(state(), TcpState::kEstablished);
}

TEST_P(Rfc5082, S3_TheLimitCanBeSetAndLiftedLater) {
  Establish();
  socket->SetOptions(Near(65));
  Send(Ack(1).Seq(1).Data("far"));
  EXPECT_EQ(Read(), "");
  socket->SetOptions(Near(64));
  Send(Ack(1).Seq(1).Data("far"));
  EXPECT_EQ(Read(), "far");
  EXPECT_EQ(Dropped(), 1u);
}

// As Linux: with an IPv4 error the quoted packet's TTL counts.
TEST_P(Rfc5082, S3_ErrorsFromAfarDoNotCount) {
  socket = host.tcp->NewSocket(GetParam());
  socket->SetOptions(Near());
  BeginConnect();
  All();
  SendIcmp(IcmpErrorIn::Kind::kPortUnreachable, Error::kConnectionRefused, 0);
  EXPECT_EQ(state(), TcpState::kSynSent);
  EXPECT_EQ(Dropped(), 1u);
  hops = 255;
  SendIcmp(IcmpErrorIn::Kind::kPortUnreachable, Error::kConnectionRefused, 0);
  EXPECT_EQ(state(), TcpState::kClosed);
  EXPECT_EQ(socket->TakeError(), Error::kConnectionRefused);
}

TEST_P(Rfc5082, TheOtherFamilysLimitIsNotAsked) {
  socket = host.tcp->NewSocket(GetParam());
  SocketOptions options;
  options.minimum_ttl = GetParam() == Family::kIpv6 ? 255 : 0;
  options.minimum_hop_count = GetParam() == Family::kIpv4 ? 255 : 0;
  socket->SetOptions(options);
  BeginConnect();
  All();
  Send(SynAck().Seq(0).Ack(1).Mss(1460));
  EXPECT_EQ(state(), TcpState::kEstablished);
}

}  // namespace
}  // namespace moat::netstack::tcp
