// IPv4 address conflict detection (RFC 5227), address mask replies (RFC 950), and the options that
// a router writes into (RFC 1812 5.3.13).

#include "netstack/stack/router_test_world.h"

namespace moat::netstack {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class Conflicts : public testing::Test {
 protected:
  void Add() {
    AddressOptions options;
    options.detect_conflict = true;
    ASSERT_TRUE(world.stack.AddAddress(kEth0, {fresh, 24}, options).ok());
  }
  AddressInfo Info() const {
    for (const AddressInfo& info : world.stack.Addresses()) {
      if (info.prefix.address == fresh) return info;
    }
    return {};
  }
  // The ARP messages sent so far.
  std::vector<ArpMessage> Sent() {
    std::vector<ArpMessage> out;
    while (!world.Silent()) {
      const ParsedFrame frame = world.Next();
      ArpMessage message;
      if (frame.ethertype == ethertype::kArp &&
          ParseArp(frame.payload, &message) == ArpParse::kOk) {
        EXPECT_EQ(frame.to, MacAddress::Broadcast());
        out.push_back(message);
      }
    }
    return out;
  }
  void Claim() {
    world.ReceiveArp(ArpOperation::kReply, fresh, kOtherMac, Ip("192.0.2.1"), kOwnMac);
  }
  StackWorld world;
  const IpAddress fresh = Ip("192.0.2.77");
  const IpAddress nobody = Ip("0.0.0.0");
};

TEST_F(Conflicts, Rfc5227_S2_1_1_ThreeProbesThenTwoAnnouncements) {
  Add();
  const Time begin = world.clock.Now();
  EXPECT_TRUE(Info().tentative);
  EXPECT_FALSE(world.stack.IsLocalAddress(fresh));
  std::vector<Time> times;
  std::vector<ArpMessage> messages;
  const Time end = world.clock.Now() + seconds(60);
  while (messages.size() < 5 && world.clock.Now() < end) {
    world.Advance(milliseconds(10));
    for (const ArpMessage& message : Sent()) {
      messages.push_back(message);
      times.push_back(world.clock.Now());
    }
  }
  ASSERT_EQ(messages.size(), 5u);
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(messages[i].operation, ArpOperation::kRequest);
    EXPECT_EQ(messages[i].sender, i < 3 ? nobody : fresh);
    EXPECT_EQ(messages[i].target, fresh);
    EXPECT_EQ(messages[i].target_mac, MacAddress{});
    EXPECT_EQ(messages[i].sender_mac, kOwnMac);
  }
  EXPECT_LE(times[0] - begin, milliseconds(1010));
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_GE(times[i + 1] - times[i], milliseconds(990));
    EXPECT_LE(times[i + 1] - times[i], milliseconds(2020));
  }
  EXPECT_NEAR((times[3] - times[2]) / milliseconds(1), 2000, 20);
  EXPECT_NEAR((times[4] - times[3]) / milliseconds(1), 2000, 20);
  EXPECT_FALSE(Info().tentative);
  EXPECT_TRUE(world.stack.IsLocalAddress(fresh));
  world.Advance(std::chrono::hours(25));
  EXPECT_TRUE(Sent().empty());  // not periodically
}

// Nobody can foretell when the probes come.
TEST_F(Conflicts, Rfc5227_S2_1_1_TheTimesBetweenProbesAreRandom) {
  std::vector<int64_t> first, between;
  for (int round = 0; round < 30; ++round) {
    Add();
    Time last = world.clock.Now();
    const Time end = last + seconds(60);
    for (int probes = 0; probes < 3;) {
      ASSERT_LT(world.clock.Now(), end);
      world.Advance(milliseconds(5));
      if (Sent().empty()) continue;
      (probes == 0 ? first : between).push_back((world.clock.Now() - last) / milliseconds(1));
      last = world.clock.Now();
      ++probes;
    }
    ASSERT_TRUE(world.stack.RemoveAddress(kEth0, {fresh, 24}).ok());
  }
  const auto spread = [](const std::vector<int64_t>& times, int64_t least, int64_t most) {
    const auto [low, high] = std::minmax_element(times.begin(), times.end());
    EXPECT_GE(*low, least);
    EXPECT_LE(*low, least + 250);
    EXPECT_LE(*high, most + 5);
    EXPECT_GE(*high, most - 250);
  };
  spread(first, 0, 1000);
  spread(between, 1000, 2000);
}

// A request as well as a reply, and until ANNOUNCE_WAIT after the last probe.
TEST_F(Conflicts, Rfc5227_S2_1_1_AnythingFromTheAddressIsAConflictUntilTheWaitIsOver) {
  const auto after_the_last_probe = [this](Duration wait) {
    Add();
    const Time end = world.clock.Now() + seconds(60);
    size_t probes = 0;
    while (probes < 3 && world.clock.Now() < end) {
      world.Advance(milliseconds(1));
      probes += Sent().size();
    }
    EXPECT_EQ(probes, 3u);
    world.Advance(wait);
    world.ReceiveArp(ArpOperation::kRequest, fresh, kOtherMac, Ip("192.0.2.9"),
                     MacAddress::Broadcast());
    const bool duplicate = Info().duplicate;
    EXPECT_TRUE(world.stack.RemoveAddress(kEth0, {fresh, 24}).ok());
    (void)Sent();
    return duplicate;
  };
  EXPECT_TRUE(after_the_last_probe(milliseconds(1990)));
  EXPECT_FALSE(after_the_last_probe(milliseconds(2010)));  // it is ours, and defended
}

// Two of our interfaces may be on one link: they hear each other.
TEST_F(Conflicts, Rfc5227_S2_1_1_AnotherInterfaceOfOursIsNoConflict) {
  ChannelLink other_link{{}};
  ASSERT_TRUE(world.stack
                  .AddInterface({.index = 3, .name = "eth1", .mac = kOtherMac, .mtu = 1500,
                                 .up = true, .running = true, .link = &other_link})
                  .ok());
  Add();
  world.Advance(seconds(2));
  world.ReceiveArp(ArpOperation::kRequest, nobody, kOtherMac, fresh, MacAddress::Broadcast());
  EXPECT_FALSE(Info().duplicate);
  world.Advance(seconds(10));
  ASSERT_TRUE(world.stack.IsLocalAddress(fresh));
  (void)Sent();
  Claim();
  Claim();
  EXPECT_TRUE(Sent().empty());  // nothing to defend against
  EXPECT_TRUE(world.stack.IsLocalAddress(fresh));
  EXPECT_EQ(world.Count("Arp.Conflicts"), 0u);
}

TEST_F(Conflicts, Rfc5227_S2_1_1_ATentativeAddressIsNotAnsweredFor) {
  Add();
  world.ReceiveArp(ArpOperation::kRequest, Ip("192.0.2.2"), kPeerMac, fresh,
                   MacAddress::Broadcast());
  EXPECT_TRUE(Sent().empty());
}

TEST_F(Conflicts, Rfc5227_S2_1_1_AnOwnerEndsIt) {
  Add();
  world.Advance(seconds(2));
  Claim();
  EXPECT_TRUE(Info().duplicate);
  (void)Sent();
  world.Advance(seconds(20));
  EXPECT_TRUE(Sent().empty());
  EXPECT_FALSE(world.stack.IsLocalAddress(fresh));
}

TEST_F(Conflicts, Rfc5227_S2_1_1_AnotherProbeEndsIt) {
  Add();
  world.Advance(seconds(2));
  world.ReceiveArp(ArpOperation::kRequest, nobody, kOtherMac, fresh, MacAddress::Broadcast());
  EXPECT_TRUE(Info().duplicate);
}

TEST_F(Conflicts, OurOwnProbeLoopedBackIsNoConflict) {
  Add();
  world.Advance(seconds(2));
  world.ReceiveArp(ArpOperation::kRequest, nobody, kOwnMac, fresh, MacAddress::Broadcast());
  EXPECT_FALSE(Info().duplicate);
}

TEST_F(Conflicts, Rfc5227_S2_4_b_DefendedOnceThenGivenUp) {
  Add();
  world.Advance(seconds(12));
  (void)Sent();
  Claim();
  const std::vector<ArpMessage> defence = Sent();
  ASSERT_EQ(defence.size(), 1u);  // one announcement
  EXPECT_EQ(defence[0].sender, fresh);
  EXPECT_EQ(defence[0].target, fresh);
  EXPECT_EQ(defence[0].sender_mac, kOwnMac);
  EXPECT_TRUE(world.stack.IsLocalAddress(fresh));
  world.Advance(seconds(11));
  Claim();
  EXPECT_EQ(Sent().size(), 1u);  // the last conflict is long ago
  world.Advance(seconds(5));
  Claim();
  EXPECT_TRUE(Sent().empty());
  EXPECT_TRUE(Info().duplicate);
  EXPECT_FALSE(world.stack.IsLocalAddress(fresh));
}

TEST_F(Conflicts, AProbeForAnAddressInUseIsAnswered) {
  Add();
  world.Advance(seconds(12));
  (void)Sent();
  world.ReceiveArp(ArpOperation::kRequest, nobody, kOtherMac, fresh, MacAddress::Broadcast());
  const ParsedFrame frame = world.Next();
  ArpMessage reply;
  ASSERT_EQ(ParseArp(frame.payload, &reply), ArpParse::kOk);
  EXPECT_EQ(reply.operation, ArpOperation::kReply);
  EXPECT_EQ(reply.sender, fresh);
  EXPECT_TRUE(world.stack.IsLocalAddress(fresh));
}

TEST_F(Conflicts, Rfc5227_S2_1_ALinkThatComesUpIsProbedAnew) {
  Add();
  world.Advance(seconds(12));
  ASSERT_TRUE(world.stack.SetInterfaceUp(kEth0, false).ok());
  ASSERT_TRUE(world.stack.SetInterfaceUp(kEth0, true).ok());
  (void)Sent();
  EXPECT_TRUE(Info().tentative);
  EXPECT_FALSE(world.stack.IsLocalAddress(fresh));
  world.Advance(seconds(12));
  EXPECT_EQ(Sent().size(), 5u);
  EXPECT_TRUE(world.stack.IsLocalAddress(fresh));
}

TEST_F(Conflicts, Rfc5227_S2_1_ACarrierThatComesBackIsProbedAnew) {
  Add();
  world.Advance(seconds(12));
  ASSERT_TRUE(world.stack.SetInterfaceRunning(kEth0, false).ok());
  ASSERT_TRUE(world.stack.SetInterfaceRunning(kEth0, true).ok());
  (void)Sent();
  EXPECT_FALSE(world.stack.IsLocalAddress(fresh));
  world.Advance(seconds(12));
  EXPECT_EQ(Sent().size(), 5u);
  EXPECT_TRUE(world.stack.IsLocalAddress(fresh));
}

// From the first announcement on, and until the address is given up.
TEST_F(Conflicts, Rfc5227_S2_5_RequestsAreAnsweredWhileTheAddressIsUsed) {
  Add();
  const auto answered = [this] {
    (void)Sent();
    world.ReceiveArp(ArpOperation::kRequest, Ip("192.0.2.2"), kPeerMac, fresh,
                     MacAddress::Broadcast());
    const ParsedFrame frame = world.Next();
    ArpMessage reply;
    if (ParseArp(frame.payload, &reply) != ArpParse::kOk) return false;
    EXPECT_EQ(frame.to, kPeerMac);  // 2.6: not a broadcast
    return reply.operation == ArpOperation::kReply && reply.sender == fresh;
  };
  const Time end = world.clock.Now() + seconds(60);
  for (std::vector<ArpMessage> sent; sent.empty() || sent.back().sender != fresh; sent = Sent()) {
    ASSERT_LT(world.clock.Now(), end);
    EXPECT_FALSE(answered());
    world.Advance(milliseconds(1));
  }
  EXPECT_TRUE(answered());
  Claim();
  EXPECT_TRUE(answered());
  Claim();
  EXPECT_FALSE(answered());
}

TEST_F(Conflicts, Rfc5227_S2_1_1_AnotherInterfacesConflictsDoNotSlowDown) {
  ChannelLink other_link{{}};
  const MacAddress mac{{0x02, 0, 0, 0, 0, 0x09}};
  ASSERT_TRUE(world.stack
                  .AddInterface({.index = 3, .name = "eth1", .mac = mac, .mtu = 1500,
                                 .up = true, .running = true, .link = &other_link})
                  .ok());
  for (int i = 0; i < 12; ++i) {
    Add();
    Claim();
    ASSERT_TRUE(Info().duplicate);
    ASSERT_TRUE(world.stack.RemoveAddress(kEth0, {fresh, 24}).ok());
  }
  AddressOptions options;
  options.detect_conflict = true;
  ASSERT_TRUE(world.stack.AddAddress(3, *Prefix::Parse("198.51.100.7/24"), options).ok());
  Add();
  world.Advance(seconds(12));
  EXPECT_TRUE(world.stack.IsLocalAddress(Ip("198.51.100.7")));
  EXPECT_TRUE(Info().tentative);  // RATE_LIMIT_INTERVAL
  world.Advance(seconds(60));
  EXPECT_TRUE(world.stack.IsLocalAddress(fresh));
}

TEST_F(Conflicts, RemovalEndsDetection) {
  Add();
  ASSERT_TRUE(world.stack.RemoveAddress(kEth0, {fresh, 24}).ok());
  world.Advance(seconds(20));
  EXPECT_TRUE(Sent().empty());
}

// --- Address masks -----------------------------------------------------------------------------

TEST(AddressMask, Rfc1122_S3_2_2_9_OnlyAnAgentAnswers) {
  StackWorld world;
  world.Know(Ip("192.0.2.2"));
  world.ReceiveIcmp(Ip("192.0.2.2"), Ip("192.0.2.1"), icmpv4_type::kAddressMaskRequest, 0,
                    0x11112222, Bytes(4));
  EXPECT_TRUE(world.Silent());
  ASSERT_TRUE(world.stack.SetSysctl("ipv4.icmp_address_mask_agent", "1").ok());
  world.ReceiveIcmp(Ip("192.0.2.2"), Ip("192.0.2.1"), icmpv4_type::kAddressMaskRequest, 0,
                    0x11112222, Bytes(4));
  const ParsedFrame reply = world.Next();
  ASSERT_TRUE(reply.ok);
  EXPECT_EQ(reply.icmp_type(), icmpv4_type::kAddressMaskReply);
  EXPECT_EQ(reply.icmp_rest(), 0x11112222u);
  EXPECT_EQ(reply.icmp_body(), (Bytes{255, 255, 255, 0}));
}

TEST(AddressMask, Rfc950_WhoHasNoAddressHearsItByBroadcast) {
  StackWorld world;
  ASSERT_TRUE(world.stack.SetSysctl("ipv4.icmp_address_mask_agent", "1").ok());
  const IpAddress all = Ip("255.255.255.255"), nobody = Ip("0.0.0.0");
  world.ReceiveIp(IpPacket(nobody, all, ip_protocol::kIcmp,
                           IcmpMessage(nobody, all, icmpv4_type::kAddressMaskRequest, 0, 1,
                                       Bytes(4))),
                  MacAddress::Broadcast());
  const ParsedFrame reply = world.Next();
  EXPECT_EQ(reply.to, MacAddress::Broadcast());
  EXPECT_EQ(reply.destination, all);
  EXPECT_EQ(reply.source, Ip("192.0.2.1"));
}

// --- Options on the way through ----------------------------------------------------------------

Bytes WithOptions(const Bytes& options) {
  const Cast cast = CastOf(Family::kIpv4);
  Bytes packet = IpPacket(cast.peer, Ip("203.0.113.2"), 253, Pattern(8));
  packet.insert(packet.begin() + kIpv4HeaderSize, options.begin(), options.end());
  packet[0] = static_cast<uint8_t>(0x40 | (kIpv4HeaderSize + options.size()) / 4);
  StoreBe16(packet.data() + 2, static_cast<uint16_t>(packet.size()));
  FixIpv4Checksum({packet.data(), kIpv4HeaderSize + options.size()});
  return packet;
}
// The options of the packet that the router sent on, its checksum judged.
Bytes Forwarded(RouterWorld& world, const Bytes& options) {
  world.ReceiveIp(WithOptions(options));
  const Bytes frame = world.far_link.TakeFrame();
  if (!ParseFrame(frame).ok) return {};
  const auto begin = frame.begin() + kEthernetHeaderSize + kIpv4HeaderSize;
  return Bytes(begin, begin + static_cast<ptrdiff_t>(options.size()));
}

TEST(RouterOptions, Rfc1812_S5_3_13_5_RecordRoute) {
  RouterWorld world;
  EXPECT_EQ(Forwarded(world, {7, 7, 4, 0, 0, 0, 0, 0}), (Bytes{7, 7, 8, 203, 0, 113, 1, 0}));
  // Full: as it came.
  EXPECT_EQ(Forwarded(world, {7, 7, 8, 1, 2, 3, 4, 0}), (Bytes{7, 7, 8, 1, 2, 3, 4, 0}));
}

TEST(RouterOptions, Rfc1812_S5_3_13_6_Timestamps) {
  RouterWorld world;
  const Bytes times = Forwarded(world, {68, 8, 5, 0, 0, 0, 0, 0});
  ASSERT_EQ(times.size(), 8u);
  EXPECT_EQ(times[2], 9);
  EXPECT_NE(LoadBe32(times.data() + 4), 0u);
  const Bytes full = Forwarded(world, {68, 8, 9, 0, 1, 2, 3, 4});
  EXPECT_EQ(full, (Bytes{68, 8, 9, 0x10, 1, 2, 3, 4}));  // the overflow counts
  const Bytes addressed = Forwarded(world, {68, 12, 5, 1, 0, 0, 0, 0, 0, 0, 0, 0});
  EXPECT_EQ(IpAddress::V4(addressed.data() + 4), Ip("203.0.113.1"));
  EXPECT_EQ(addressed[2], 13);
  // Prespecified: only who is named writes.
  const Bytes other = Forwarded(world, {68, 12, 5, 3, 9, 9, 9, 9, 0, 0, 0, 0});
  EXPECT_EQ(other[2], 5);
  const Bytes ours = Forwarded(world, {68, 12, 5, 3, 192, 0, 2, 1, 0, 0, 0, 0});
  EXPECT_EQ(ours[2], 13);
  EXPECT_NE(LoadBe32(ours.data() + 8), 0u);
}

}  // namespace
}  // namespace moat::netstack
