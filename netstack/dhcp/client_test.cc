// The DHCP client against a server that the test plays, on a fake clock: RFC 2131.

#include "netstack/dhcp/client.h"

#include <set>

#include "netstack/dhcp/client_test_world.h"

namespace moat::netstack {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class Dhcp : public DhcpClientTest {
 protected:
  // An answer of the server to the transaction last seen.
  void Reply(DhcpType type, uint32_t transaction, const IpAddress& yours = kOffered,
             uint32_t lease = 3600, const IpAddress& server = kServer,
             const MacAddress& mac = kOwnMac) {
    const IpAddress to = client->state() == DhcpClient::State::kRenewing ? yours : kEverybody;
    ReceiveDhcp(world, to, {type, transaction, yours, lease, server, mac});
    client->Poll();
  }
  // Through the whole exchange.
  void GetBound(uint32_t lease = 3600) {
    Start();
    Advance(seconds(1));
    const Said discover = Next();
    ASSERT_EQ(discover.type, DhcpType::kDiscover);
    Reply(DhcpType::kOffer, discover.transaction);
    Reply(DhcpType::kAck, Next().transaction, kOffered, lease);
    bound_at = world.clock.Now();
    ASSERT_EQ(client->state(), DhcpClient::State::kBound);
  }
  // The same to where the granted address is probed (RFC 5227).
  void GetProbing() {
    options.probe = true;
    Start();
    Advance(seconds(1));
    Reply(DhcpType::kOffer, Next().transaction);
    Reply(DhcpType::kAck, Next().transaction);
  }
  // The probes and announcements are over.
  void GetProbedAndBound() {
    GetProbing();
    Advance(seconds(30));
    ASSERT_EQ(client->state(), DhcpClient::State::kBound);
  }
  void OtherHostClaimsTheAddress() {
    world.ReceiveArp(ArpOperation::kReply, kOffered, kOtherMac, kNobody, kOwnMac);
    client->Poll();
  }
  Said ExpectDecline() {
    const Said decline = Next();
    EXPECT_EQ(decline.type, DhcpType::kDecline);
    EXPECT_EQ(decline.requested, kOffered);
    return decline;
  }
  bool HasRoute() const {
    for (const RouteInfo& route : world.stack.Routes()) {
      if (route.destination == *Prefix::Parse("0.0.0.0/0") && route.gateway == kServer) return true;
    }
    return false;
  }

  Time bound_at{};
};

TEST_F(Dhcp, Rfc2131_S4_1_DiscoverIsBroadcastFromNobody) {
  Start();
  Advance(seconds(1));
  const Said discover = Next();
  ASSERT_TRUE(discover.ok);
  EXPECT_EQ(discover.type, DhcpType::kDiscover);
  EXPECT_EQ(discover.source, kNobody);
  EXPECT_EQ(discover.destination, kEverybody);
  EXPECT_EQ(discover.to, MacAddress::Broadcast());
  EXPECT_EQ(discover.client, kNobody);
  EXPECT_TRUE(discover.broadcast);
  EXPECT_FALSE(discover.server.has_value());
}

TEST_F(Dhcp, Rfc2131_S4_1_RetransmissionBacksOff) {
  Start();
  std::vector<Time> times;
  std::set<uint32_t> transactions;
  for (int i = 0; i < 4000 && times.size() < 6; ++i) {
    Advance(milliseconds(50));
    for (Said said = Next(); said.ok; said = Next()) {
      times.push_back(world.clock.Now());
      transactions.insert(said.transaction);
    }
  }
  ASSERT_EQ(times.size(), 6u);
  const int expected[] = {4000, 8000, 16000, 32000, 64000};
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_NEAR((times[i + 1] - times[i]) / milliseconds(1), expected[i], 1100) << i;
  }
  EXPECT_EQ(transactions.size(), 1u);
}

TEST_F(Dhcp, Rfc2131_S3_1_FourMessagesGiveALease) {
  Start();
  Advance(seconds(1));
  const Said discover = Next();
  Reply(DhcpType::kOffer, discover.transaction);
  const Said request = Next();
  EXPECT_EQ(request.type, DhcpType::kRequest);
  EXPECT_EQ(request.requested, kOffered);
  EXPECT_EQ(request.server, kServer);
  EXPECT_EQ(request.client, kNobody);  // table 4: ciaddr is zero while selecting
  EXPECT_EQ(request.destination, kEverybody);
  EXPECT_EQ(request.transaction, discover.transaction);
  Reply(DhcpType::kAck, request.transaction);
  ASSERT_TRUE(client->lease().has_value());
  EXPECT_EQ(client->lease()->address, *Prefix::Parse("192.0.2.77/24"));
  EXPECT_EQ(client->lease()->name_servers.size(), 2u);
  EXPECT_EQ(client->lease()->domain, "lan");
  EXPECT_TRUE(world.stack.IsLocalAddress(kOffered));
  EXPECT_TRUE(HasRoute());
  EXPECT_EQ(world.stack.FindInterface(kEth0)->mtu, 1400u);
}

TEST_F(Dhcp, AnswersThatAreNotForUsAreIgnored) {
  Start();
  Advance(seconds(1));
  const Said discover = Next();
  Reply(DhcpType::kOffer, discover.transaction + 1);
  Reply(DhcpType::kOffer, discover.transaction, kOffered, 3600, kServer, kOtherMac);
  Reply(DhcpType::kAck, discover.transaction);
  Reply(DhcpType::kOffer, discover.transaction, Ip("0.0.0.0"));
  EXPECT_EQ(client->state(), DhcpClient::State::kSelecting);
  Reply(DhcpType::kOffer, discover.transaction);
  // Another server's ACK or NAK does not decide.
  Reply(DhcpType::kAck, discover.transaction, kOffered, 3600, Ip("192.0.2.200"));
  Reply(DhcpType::kNak, discover.transaction, kOffered, 0, Ip("192.0.2.200"));
  EXPECT_EQ(client->state(), DhcpClient::State::kRequesting);
}

TEST_F(Dhcp, Rfc2131_S3_1_ANakStartsOver) {
  Start();
  Advance(seconds(1));
  const Said discover = Next();
  Reply(DhcpType::kOffer, discover.transaction);
  Reply(DhcpType::kNak, Next().transaction);
  EXPECT_EQ(client->state(), DhcpClient::State::kInit);
  Advance(seconds(1));
  const Said again = Next();
  EXPECT_EQ(again.type, DhcpType::kDiscover);
  EXPECT_NE(again.transaction, discover.transaction);
}

TEST_F(Dhcp, AServerThatFallsSilentIsLeft) {
  Start();
  Advance(seconds(1));
  Reply(DhcpType::kOffer, Next().transaction);
  int requests = 0;
  for (int i = 0; i < 1000; ++i) {
    Advance(milliseconds(100));
    const Said said = Next();
    if (!said.ok) continue;
    if (said.type == DhcpType::kDiscover) break;
    ++requests;
  }
  EXPECT_EQ(requests, 4);
}

TEST_F(Dhcp, Rfc2131_S4_4_5_RenewsByUnicastAtHalfTime) {
  GetBound();
  world.link.Clear();
  Advance(seconds(1799));
  EXPECT_FALSE(Next().ok);
  Advance(seconds(2));
  const Said request = Next();
  EXPECT_EQ(request.type, DhcpType::kRequest);
  EXPECT_EQ(request.destination, kServer);
  EXPECT_EQ(request.source, kOffered);
  EXPECT_EQ(request.client, kOffered);
  EXPECT_FALSE(request.requested.has_value());  // table 4
  EXPECT_FALSE(request.server.has_value());
  EXPECT_FALSE(request.broadcast);
  Reply(DhcpType::kAck, request.transaction);
  EXPECT_EQ(client->state(), DhcpClient::State::kBound);
  EXPECT_GE(client->lease()->expires, world.clock.Now() + seconds(3598));
}

TEST_F(Dhcp, Rfc2131_S4_4_5_RebindsByBroadcastThenGivesUp) {
  GetBound();
  Advance(seconds(3160));
  EXPECT_EQ(client->state(), DhcpClient::State::kRebinding);
  Said last;
  for (Said said = Next(); said.ok; said = Next()) last = said;
  EXPECT_EQ(last.destination, kEverybody);
  EXPECT_EQ(last.client, kOffered);
  EXPECT_TRUE(world.stack.IsLocalAddress(kOffered));
  Advance(seconds(445));
  EXPECT_FALSE(world.stack.IsLocalAddress(kOffered));
  EXPECT_FALSE(HasRoute());
  EXPECT_EQ(world.stack.FindInterface(kEth0)->mtu, 1500u);
  EXPECT_FALSE(client->lease().has_value());
}

TEST_F(Dhcp, Rfc2131_S3_3_AnInfiniteLeaseIsNotRenewed) {
  GetBound(0xffffffff);
  world.link.Clear();
  Advance(std::chrono::hours(24 * 365));
  EXPECT_FALSE(Next().ok);
  EXPECT_TRUE(world.stack.IsLocalAddress(kOffered));
}

TEST_F(Dhcp, Rfc2131_S4_4_6_ReleaseGivesBack) {
  GetBound();
  world.link.Clear();
  client->Release();
  const Said release = Next();
  EXPECT_EQ(release.type, DhcpType::kRelease);
  EXPECT_EQ(release.destination, kServer);
  EXPECT_EQ(release.client, kOffered);
  EXPECT_EQ(release.server, kServer);
  EXPECT_FALSE(world.stack.IsLocalAddress(kOffered));
  EXPECT_EQ(client->NextDeadline(), kNever);
}

TEST_F(Dhcp, Rfc2131_S3_2_APreviousAddressIsAskedForFirst) {
  options.previous = kOffered;
  Start();
  const Said request = Next();
  EXPECT_EQ(request.type, DhcpType::kRequest);
  EXPECT_EQ(request.requested, kOffered);
  EXPECT_FALSE(request.server.has_value());  // table 4
  Reply(DhcpType::kAck, request.transaction);
  EXPECT_EQ(client->state(), DhcpClient::State::kBound);
}

TEST_F(Dhcp, Rfc2131_S2_2_TheAddressIsProbedForFirst) {
  GetProbing();
  EXPECT_EQ(client->state(), DhcpClient::State::kProbing);
  EXPECT_FALSE(world.stack.IsLocalAddress(kOffered));
  Advance(seconds(9));
  EXPECT_EQ(client->state(), DhcpClient::State::kBound);
  EXPECT_TRUE(world.stack.IsLocalAddress(kOffered));
  EXPECT_TRUE(HasRoute());
}

TEST_F(Dhcp, Rfc2131_S4_4_1_ATakenAddressIsDeclined) {
  GetProbing();
  Advance(seconds(2));
  world.link.Clear();
  OtherHostClaimsTheAddress();
  const Said decline = ExpectDecline();
  EXPECT_EQ(decline.server, kServer);
  Advance(seconds(9));
  EXPECT_FALSE(Next().ok);
  Advance(seconds(2));
  EXPECT_EQ(Next().type, DhcpType::kDiscover);
}

// After ten conflicts the stack waits a minute before it probes (RFC 5227 2.1.1).
TEST_F(Dhcp, Rfc5227_S2_1_1_AfterManyConflictsTheNextAddressIsStillWaitedFor) {
  options.probe = true;
  Start();
  for (int declined = 0; declined <= 10; ++declined) {
    Advance(seconds(11));
    Reply(DhcpType::kOffer, Next().transaction);
    Reply(DhcpType::kAck, Next().transaction);
    ASSERT_EQ(client->state(), DhcpClient::State::kProbing) << declined;
    if (declined == 10) break;
    Advance(milliseconds(1500));
    world.link.Clear();
    OtherHostClaimsTheAddress();
    ExpectDecline();
  }
  world.link.Clear();
  Advance(seconds(59));
  EXPECT_EQ(client->state(), DhcpClient::State::kProbing);
  EXPECT_TRUE(world.Silent());
  Advance(seconds(10));
  EXPECT_EQ(client->state(), DhcpClient::State::kBound);
}

TEST_F(Dhcp, Rfc5227_S2_4_AnAddressThatIsLostLaterIsDeclined) {
  GetProbedAndBound();
  world.link.Clear();
  OtherHostClaimsTheAddress();  // answered by an announcement
  OtherHostClaimsTheAddress();
  const Said decline = ExpectDecline();
  EXPECT_EQ(decline.source, kNobody);
  EXPECT_FALSE(client->lease().has_value());
  EXPECT_FALSE(HasRoute());
  Advance(seconds(11));
  EXPECT_EQ(Next().type, DhcpType::kDiscover);
}

TEST_F(Dhcp, ALinkThatComesUpIsProbedWithoutLosingTheLease) {
  GetProbedAndBound();
  ASSERT_TRUE(world.stack.SetInterfaceUp(kEth0, false).ok());
  ASSERT_TRUE(world.stack.SetInterfaceUp(kEth0, true).ok());
  Advance(seconds(10));
  EXPECT_EQ(client->state(), DhcpClient::State::kBound);
  EXPECT_TRUE(world.stack.IsLocalAddress(kOffered));
}

TEST_F(Dhcp, DestructionTakesTheConfigurationAway) {
  GetBound();
  client.reset();
  EXPECT_FALSE(world.stack.IsLocalAddress(kOffered));
  EXPECT_FALSE(HasRoute());
}

TEST(DhcpMessage, SubnetMasks) {
  EXPECT_EQ(PrefixLengthOf(Ip("255.255.255.0")), 24);
  EXPECT_EQ(PrefixLengthOf(Ip("0.0.0.0")), 0);
  EXPECT_EQ(PrefixLengthOf(Ip("255.255.255.255")), 32);
  EXPECT_EQ(PrefixLengthOf(Ip("255.0.255.0")), std::nullopt);
}

}  // namespace
}  // namespace moat::netstack
