// A stack with one interface and one socket, and the words in which it speaks to routers about
// groups: IGMPv3 and MLDv2 as one language, and their older versions.
#ifndef MOAT_NETSTACK_STACK_GROUPS_TEST_WORLD_H_
#define MOAT_NETSTACK_STACK_GROUPS_TEST_WORLD_H_

#include <algorithm>
#include <initializer_list>
#include <memory>
#include <ostream>
#include <vector>

#include "netstack/stack/stack_test_world.h"
#include "netstack/wire/ipv4_options.h"
#include "netstack/wire/ipv6_extension.h"

namespace moat::netstack {

// One record of a report: what is said about which group.
struct Said {
  uint8_t type = 0;
  IpAddress group;
  std::vector<IpAddress> sources{};
  bool operator==(const Said&) const = default;
};
using Report = std::vector<Said>;
inline void PrintTo(const Said& said, std::ostream* out) {
  *out << int{said.type} << " " << said.group.ToString();
  for (const IpAddress& source : said.sources) *out << " " << source.ToString();
}
inline constexpr uint8_t kIsInclude = 1, kIsExclude = 2, kToInclude = 3, kToExclude = 4,
                         kAllow = 5, kBlock = 6;
// Older messages, told apart from record types.
inline constexpr uint8_t kOldReport = 100, kOldLeave = 101;

class Groups : public testing::TestWithParam<Family> {
 protected:
  Groups() {
    // Nothing but what the test does is reported.
    EXPECT_TRUE(world.stack.RemoveInterface(kEth0).ok());
    EXPECT_TRUE(world.stack
                    .AddInterface({.index = kEth0, .name = "eth0", .mac = kOwnMac, .mtu = 1500,
                                   .up = true, .running = true, .link = &world.link})
                    .ok());
    EXPECT_TRUE(world.stack.AddAddress(kEth0, *Prefix::Parse("192.0.2.1/24"), {}).ok());
    world.link.Clear();
    socket = world.UdpSocket(GetParam());
  }
  bool v4() const { return GetParam() == Family::kIpv4; }
  IpAddress Group(uint8_t n) const {
    if (v4()) return IpAddress::V4(239, 1, 1, n);
    uint8_t bytes[16] = {0xff, 0x05};
    bytes[15] = n;
    return IpAddress::V6(bytes);
  }

  // The records of the next frame, which must be a sound report.
  Report NextReport() {
    const Bytes wire = world.link.TakeFrame();
    if (wire.empty()) return {};
    return v4() ? ParseIgmp(wire) : ParseMld(wire);
  }
  static Report ParseRecords(std::span<const uint8_t> message, size_t size) {
    const auto address = [&](size_t at) {
      return size == 4 ? IpAddress::V4(message.data() + at) : IpAddress::V6(message.data() + at);
    };
    Report said;
    size_t at = 8;
    for (int left = LoadBe16(message.data() + 6); left > 0; --left) {
      Said& record = said.emplace_back(Said{message[at], address(at + 4)});
      for (size_t i = LoadBe16(message.data() + at + 2); i > 0; --i) {
        record.sources.push_back(address(at + 4 + i * size));
      }
      std::sort(record.sources.begin(), record.sources.end());
      at += 4 + size * (1 + record.sources.size());
    }
    EXPECT_EQ(at, message.size());
    return said;
  }
  Report ParseIgmp(const Bytes& wire) {
    const std::span<const uint8_t> ip = std::span(wire).subspan(kEthernetHeaderSize);
    Ipv4View view;
    EXPECT_EQ(Ipv4View::Parse(ip, &view), Ipv4Parse::kOk);
    EXPECT_TRUE(view.ChecksumValid());
    EXPECT_EQ(view.ttl(), 1);
    EXPECT_EQ(view.protocol(), 2);
    EXPECT_EQ(view.options()[0], ipv4_option::kRouterAlert);
    EXPECT_EQ(EthernetView::Parse(wire)->destination(), MulticastMac(view.destination()));
    const auto message = ip.subspan(view.header_size());
    EXPECT_EQ(ChecksumOf(message), 0);
    if (message[0] == 0x12 || message[0] == 0x16) {
      EXPECT_EQ(view.destination(), IpAddress::V4(message.data() + 4));
      return {{kOldReport, IpAddress::V4(message.data() + 4)}};
    }
    if (message[0] == 0x17) {
      EXPECT_EQ(view.destination(), Ip("224.0.0.2"));
      return {{kOldLeave, IpAddress::V4(message.data() + 4)}};
    }
    EXPECT_EQ(message[0], 0x22);
    EXPECT_EQ(view.destination(), Ip("224.0.0.22"));
    return ParseRecords(message, 4);
  }
  Report ParseMld(const Bytes& wire) {
    const std::span<const uint8_t> ip = std::span(wire).subspan(kEthernetHeaderSize);
    Ipv6View view;
    EXPECT_EQ(Ipv6View::Parse(ip, &view), Ipv6Parse::kOk);
    EXPECT_EQ(view.hop_limit(), 1);
    const Ipv6Chain chain = WalkIpv6Chain(ip);
    EXPECT_EQ(chain.protocol, ip_protocol::kIcmpV6);
    EXPECT_TRUE(chain.router_alert);
    const auto message = ip.subspan(chain.offset);
    EXPECT_TRUE(TransportChecksumValid(view.source(), view.destination(), 58, message));
    if (message[0] == icmpv6_type::kMldReport) {
      return {{kOldReport, IpAddress::V6(message.data() + 8)}};
    }
    if (message[0] == icmpv6_type::kMldDone) {
      EXPECT_EQ(view.destination(), Ip("ff02::2"));
      return {{kOldLeave, IpAddress::V6(message.data() + 8)}};
    }
    EXPECT_EQ(message[0], icmpv6_type::kMldV2Report);
    EXPECT_EQ(view.destination(), Ip("ff02::16"));
    return ParseRecords(message, 16);
  }

  // `version` 3 stands for MLDv2, 2 for MLDv1.
  void ReceiveQuery(int version, const IpAddress& group, int response_seconds = 1,
                    const std::vector<IpAddress>& sources = {}, uint8_t robustness = 0) {
    const auto tail = [&](Bytes& message) {
      if (version != 3) return;
      Bytes more = {robustness, 0, 0, static_cast<uint8_t>(sources.size())};
      for (const IpAddress& source : sources) {
        more.insert(more.end(), source.data(), source.data() + source.size());
      }
      message.insert(message.end(), more.begin(), more.end());
    };
    if (v4()) {
      Bytes message(8);
      message[0] = 0x11;
      message[1] = static_cast<uint8_t>(version == 1 ? 0 : response_seconds * 10);
      std::memcpy(message.data() + 4, group.data(), 4);
      tail(message);
      StoreBe16(message.data() + 2, ChecksumOf(message));
      const IpAddress to = group.IsUnspecified() ? Ip("224.0.0.1") : group;
      ReceiveIgmp(to, message);
    } else {
      Bytes message(24);
      message[0] = icmpv6_type::kMldQuery;
      StoreBe16(message.data() + 4, static_cast<uint16_t>(response_seconds * 1000));
      std::memcpy(message.data() + 8, group.data(), 16);
      tail(message);
      ReceiveMld(Ip("fe80::9"), group.IsUnspecified() ? Ip("ff02::1") : group, message);
    }
  }
  // With a router alert unless told otherwise.
  void ReceiveIgmp(const IpAddress& to, const Bytes& message, bool alert = true) {
    Bytes packet = IpPacket(Ip("192.0.2.9"), to, 2, message, 1);
    if (alert) {
      const Bytes option = {ipv4_option::kRouterAlert, 4, 0, 0};
      packet.insert(packet.begin() + 20, option.begin(), option.end());
      packet[0] = 0x46;
      StoreBe16(packet.data() + 2, static_cast<uint16_t>(packet.size()));
      FixIpv4Checksum({packet.data(), 24});
    }
    world.ReceiveIp(packet, to.IsMulticast() ? MulticastMac(to) : kOwnMac);
  }
  void ReceiveMld(const IpAddress& source, const IpAddress& to, Bytes message) {
    FixChecksum(source, to, ip_protocol::kIcmpV6, message);
    const Bytes alert = {58, 0, 5, 2, 0, 0, 1, 0};
    world.ReceiveIp(IpPacket(source, to, 0, alert + message, 1), MulticastMac(to));
  }
  // Another member's report of the older version.
  void ReceiveOldReport(const IpAddress& group) {
    if (v4()) {
      Bytes message(8);
      message[0] = 0x16;
      std::memcpy(message.data() + 4, group.data(), 4);
      StoreBe16(message.data() + 2, ChecksumOf(message));
      world.ReceiveIp(IpPacket(Ip("192.0.2.8"), group, 2, message, 1), MulticastMac(group));
    } else {
      Bytes message(24);
      message[0] = icmpv6_type::kMldReport;
      std::memcpy(message.data() + 8, group.data(), 16);
      ReceiveMld(Ip("fe80::8"), group, message);
    }
  }
  IpAddress Source(uint8_t n) const {
    if (v4()) return IpAddress::V4(198, 51, 100, n);
    uint8_t bytes[16] = {0x20, 0x01, 0x0d, 0xb8, 0, 9};
    bytes[15] = n;
    return IpAddress::V6(bytes);
  }
  std::vector<IpAddress> Sources(std::initializer_list<uint8_t> numbers) const {
    std::vector<IpAddress> out;
    for (uint8_t n : numbers) out.push_back(Source(n));
    return out;
  }
  void Join(uint8_t n) { ASSERT_EQ(socket->JoinGroup(Group(n), kEth0), Error::kOk); }
  void JoinQuietly(uint8_t n) {
    Join(n);
    world.Advance(std::chrono::seconds(2));
    world.link.Clear();
  }

  StackWorld world;
  std::unique_ptr<DatagramSocket> socket;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_STACK_GROUPS_TEST_WORLD_H_
