// What an operator and the programs' sockets do to the world of the fuzzer: none of it may hurt,
// whatever the peers send meanwhile.

#include <algorithm>
#include <array>
#include <iterator>

#include "netstack/stack/fuzz_world.h"

namespace moat::netstack {
namespace {

uint8_t At(const Bytes& bytes, size_t i) { return i < bytes.size() ? bytes[i] : uint8_t{0}; }

// --- The operator --------------------------------------------------------------------------------
// Each takes a choice whose lowest bit is off or on, most often. What is refused, is refused.

InterfaceIndex InterfaceOf(uint8_t how) { return (how & 2) == 0 ? kEth0 : kEth1; }

void SetUp(RouterWorld& world, uint8_t how) {
  (void)world.stack.SetInterfaceUp(InterfaceOf(how), (how & 1) != 0);
}
void SetCarrier(RouterWorld& world, uint8_t how) {
  (void)world.stack.SetInterfaceRunning(InterfaceOf(how), (how & 1) != 0);
}
void SetMtu(RouterWorld& world, uint8_t how) {
  constexpr uint32_t kMtus[] = {1500, 1280, 576, 1279, 9000, 68, 65535, 1400};
  (void)world.stack.SetInterfaceMtu(InterfaceOf(how), kMtus[how / 4 % std::size(kMtus)]);
}
void SetFull(RouterWorld& world, uint8_t how) {
  (InterfaceOf(how) == kEth0 ? world.link : world.far_link).set_full((how & 1) != 0);
}
void SetAddress(RouterWorld& world, uint8_t how) {
  constexpr const char* kAddresses[] = {"192.0.2.9/24", "2001:db8::9/64", "192.0.2.1/24",
                                        "2001:db8::1/64", "fe80::1/64", "203.0.113.1/24",
                                        "192.0.2.128/32", "2001:db8:5::1/128"};
  const Prefix prefix = *Prefix::Parse(kAddresses[how / 4 % std::size(kAddresses)]);
  const InterfaceIndex interface = prefix.address == Ip("203.0.113.1") ? kEth1 : kEth0;
  AddressOptions options;
  options.detect_conflict = prefix.address.is_v4() && (how & 2) != 0;
  options.no_dad = prefix.address.is_v6() && (how & 2) != 0;
  options.deprecated = (how & 0x40) != 0;
  options.no_prefix_route = (how & 0x80) != 0;
  if ((how & 1) != 0) {
    (void)world.stack.AddAddress(interface, prefix, options);
  } else {
    (void)world.stack.RemoveAddress(interface, prefix);
  }
}
void SetLength(RouterWorld& world, uint8_t how) {
  const IpAddress address = CastOf((how & 1) != 0 ? Family::kIpv6 : Family::kIpv4).own;
  (void)world.stack.ChangePrefixLength(kEth0, address, how / 2);
}
void SetRoute(RouterWorld& world, uint8_t how) {
  constexpr RouteType kTypes[] = {RouteType::kUnicast, RouteType::kBlackhole,
                                  RouteType::kUnreachable, RouteType::kProhibit, RouteType::kThrow,
                                  RouteType::kUnicast, RouteType::kUnicast, RouteType::kUnicast};
  const Cast cast = CastOf((how & 2) != 0 ? Family::kIpv6 : Family::kIpv4);
  RouteInfo route;
  route.destination = {cast.remote, (how & 0x20) != 0 ? (cast.remote.is_v4() ? 24 : 48) : 0};
  if (route.destination.length == 0) route.destination.address = IpAddress::Any(cast.own.family());
  route.type = kTypes[how / 4 % std::size(kTypes)];
  route.interface = route.type == RouteType::kUnicast ? kEth0 : InterfaceIndex{0};
  // A gateway; two ways; another gateway; on the link, in another table.
  if (how / 4 % 8 == 0) route.gateway = cast.gateway;
  if (how / 4 % 8 == 6) route.gateway = cast.other;
  if (how / 4 % 8 == 5) {
    route.next_hops = {{cast.peer, kEth0, 1}, {FarCastOf(cast.own.family()).far, kEth1, 3}};
  }
  if (how / 4 % 8 == 7) route.table = 7;
  route.metric = (how & 0x40) != 0 ? 5 : 0;
  route.mtu = (how & 0x80) != 0 ? 1290 : 0;
  (void)((how & 1) != 0 ? world.stack.AddRoute(route) : world.stack.RemoveRoute(route));
}
void SetRule(RouterWorld& world, uint8_t how) {
  constexpr RouteType kActions[] = {RouteType::kUnicast, RouteType::kProhibit,
                                    RouteType::kUnreachable, RouteType::kBlackhole};
  RuleInfo rule;
  rule.priority = 100u + how / 32;
  if ((how & 2) != 0) rule.from = *Prefix::Parse("192.0.2.0/24");
  if ((how & 4) != 0) rule.in_interface = (how & 2) != 0 ? "lo" : "eth0";
  rule.table = 7;
  rule.action = kActions[how / 8 % std::size(kActions)];
  (void)((how & 1) != 0 ? world.stack.AddRule(rule) : world.stack.RemoveRule(rule));
}
void SetNeighbor(RouterWorld& world, uint8_t how) {
  const Cast cast = CastOf((how & 2) != 0 ? Family::kIpv6 : Family::kIpv4);
  const IpAddress whose[] = {cast.peer, cast.gateway, cast.other,
                             cast.own.is_v4() ? Ip("192.0.2.254") : Ip("fe80::fe")};
  const IpAddress& address = whose[how / 4 % std::size(whose)];
  if ((how & 1) != 0) {
    world.Know(address, kOtherMac);
  } else {
    (void)world.stack.RemoveNeighbor(kEth0, address);
  }
}
void SetFarInterface(RouterWorld& world, uint8_t how) {
  if ((how & 1) == 0) {
    (void)world.stack.RemoveInterface(kEth1);
  } else if (world.stack
                 .AddInterface({.index = kEth1, .name = "eth1", .mac = kOwnMac1, .mtu = 1500,
                                .up = true, .running = true, .link = &world.far_link})
                 .ok()) {
    (void)world.stack.AddAddress(kEth1, *Prefix::Parse("203.0.113.1/24"), {});
    (void)world.stack.AddAddress(kEth1, *Prefix::Parse("2001:db8:1::1/64"), {});
  }
}
void SetOneSysctl(RouterWorld& world, uint8_t how) {
  struct Row {
    const char *name, *off, *on;
  };
  constexpr Row kRows[] = {
      {"ipv4.icmp_address_mask_agent", "0", "1"},
      {"ipv4.conf.all.rp_filter", "0", "1"},
      {"ipv6.conf.eth0.use_tempaddr", "0", "2"},
      {"ipv4.conf.all.bc_forwarding", "0", "1"},
      {"ipv4.icmp_echo_ignore_broadcasts", "1", "0"},
      {"ipv6.conf.eth0.disable_ipv6", "0", "1"},
      {"ipv4.conf.all.shared_media", "1", "0"},
      {"ipv4.conf.all.secure_redirects", "1", "0"},
      {"ipv4.conf.eth0.arp_notify", "0", "1"},
      {"ipv6.conf.eth0.ndisc_notify", "0", "1"},
      {"ipv4.neigh.default.gc_thresh3", "32", "2"},
      {"ipv6.neigh.default.gc_thresh3", "32", "2"},
      {"ipv4.ipfrag_high_thresh", "4194304", "65536"},
      {"ipv4.tcp_syncookies", "1", "2"},
      {"ipv6.conf.eth0.addr_gen_mode", "0", "2"},
      {"ipv6.conf.eth0.dad_transmits", "1", "3"},
      {"ipv6.conf.eth0.accept_dad", "1", "2"},
      {"ipv4.conf.all.arp_ignore", "0", "1"},
      {"ipv6.conf.eth0.temp_valid_lft", "172800", "900"},
      {"ipv6.conf.eth0.temp_prefered_lft", "86400", "600"},
      {"ipv4.conf.eth0.bc_forwarding", "0", "1"},
      {"ipv4.conf.eth1.bc_forwarding", "0", "1"},
  };
  const Row& row = kRows[how / 2 % std::size(kRows)];
  if (!world.stack.SetSysctl(row.name, (how & 1) != 0 ? row.on : row.off).ok()) {
    // But for those of an interface, or values that are no longer allowed, all can be set.
    if (std::string_view(row.name).find(".eth") == std::string_view::npos) std::abort();
  }
}
void SetPolicies(RouterWorld& world, uint8_t how) {
  std::vector<AddressPolicy> policies;
  if ((how & 1) != 0) {
    policies = {{*Prefix::Parse("2001:db8::/32"), how / 2 % 64, how / 8},
                {*Prefix::Parse("::ffff:0:0/96"), 40, how / 16}};
  }
  if (!world.stack.SetAddressPolicies(policies).ok()) std::abort();
}
void List(RouterWorld& world, uint8_t how) {
  Stack& stack = world.stack;
  if (stack.Interfaces().size() < 2 || stack.Rules().empty() || stack.AddressPolicies().empty()) {
    std::abort();
  }
  (void)stack.ListSockets();
  (void)stack.NameServers();
  (void)stack.RouterAdvertisements();
  std::vector<Endpoint> targets;
  for (const Family family : {Family::kIpv4, Family::kIpv6}) {
    const Cast cast = CastOf(family);
    const FarCast far = FarCastOf(family);
    for (const IpAddress& to : {cast.peer, cast.remote, far.far, far.beyond, cast.own}) {
      targets.push_back({to, how});
      (void)stack.SelectSource(to, 0);
    }
  }
  if (stack.OrderDestinations(targets).size() != targets.size()) std::abort();  // all are kept
}

constexpr void (*kOperations[])(RouterWorld&, uint8_t) = {
    SetUp,   SetCarrier,  SetMtu,          SetFull,      SetAddress,  SetLength, SetRoute,
    SetRule, SetNeighbor, SetFarInterface, SetOneSysctl, SetPolicies, List,
};

// --- Groups --------------------------------------------------------------------------------------

IpAddress GroupOf(Family family, uint8_t which) {
  constexpr const char* kGroups[2][4] = {
      {"232.1.1.1", "224.0.0.251", "239.1.2.3", "224.0.0.1"},
      {"ff3e::8000:1", "ff02::fb", "ff05::2", "ff02::1"}};
  return Ip(kGroups[family == Family::kIpv6][which % 4]);
}
IpAddress SourceOf(Family family, uint8_t which) {
  const Cast cast = CastOf(family);
  const IpAddress sources[] = {cast.peer, cast.other, cast.remote, cast.gateway};
  return sources[which % 4];
}

}  // namespace

void FuzzWorld::FeedOperator(const Bytes& bytes) {
  Check();  // as things are still
  kOperations[At(bytes, 0) % std::size(kOperations)](world_, At(bytes, 1));
  world_.stack.Flush();
}

void FuzzWorld::FeedProgram(const Bytes& bytes) {
  const uint8_t what = At(bytes, 0), how = At(bytes, 1);
  const Family family = (what & 0x80) != 0 ? Family::kIpv6 : Family::kIpv4;
  DatagramSocket& socket = family == Family::kIpv4 ? *client4_ : *udp_;
  constexpr void (FuzzWorld::*kCalls[])(DatagramSocket&, Family, uint8_t) = {
      &FuzzWorld::Member,  &FuzzWorld::Source, &FuzzWorld::Sources, &FuzzWorld::SendFar,
      &FuzzWorld::SendNear, &FuzzWorld::Tune,  &FuzzWorld::TuneTcp, &FuzzWorld::Again,
      &FuzzWorld::SendNext, &FuzzWorld::Watch,
  };
  (this->*kCalls[(what & 0x7f) % std::size(kCalls)])(socket, family, how);
  world_.stack.Flush();
}

void FuzzWorld::Member(DatagramSocket& socket, Family family, uint8_t how) {
  const IpAddress group = GroupOf(family, how / 2);
  const Error error = (how & 1) != 0 ? socket.JoinGroup(group, kEth0)
                                     : socket.LeaveGroup(group, kEth0);
  if (error == Error::kOk) ++memberships_;
}
void FuzzWorld::Source(DatagramSocket& socket, Family family, uint8_t how) {
  const Error error = socket.ChangeSource(static_cast<SourceChange>(how % 4),
                                          GroupOf(family, how / 16), SourceOf(family, how / 4),
                                          kEth0);
  if (error == Error::kOk) ++filters_;
}
void FuzzWorld::Sources(DatagramSocket& socket, Family family, uint8_t how) {
  const IpAddress group = GroupOf(family, how / 32);
  SourceFilter filter{(how & 1) != 0};
  for (uint8_t i = 0; i < 4; ++i) {
    if ((how >> (i + 1) & 1) != 0) filter.sources.push_back(SourceOf(family, i));
  }
  filter.Normalize();
  if (socket.SetSourceFilter(group, kEth0, filter) != Error::kOk) return;
  ++filters_;
  const auto now = socket.GetSourceFilter(group, kEth0);
  if (filter.IsNothing() ? now.ok() : !now.ok() || *now != filter) std::abort();
}
// To many: groups and broadcasts.
void FuzzWorld::SendFar(DatagramSocket& socket, Family family, uint8_t how) {
  SocketOptions options = socket.options();
  options.broadcast = (how & 1) == 0;
  options.multicast_loop = (how & 2) == 0;
  socket.SetOptions(options);
  const IpAddress broadcasts[] = {Ip("192.0.2.255"), Ip("255.255.255.255")};
  const bool group = (how & 4) != 0 || family == Family::kIpv6;
  const auto port = static_cast<uint16_t>(family == Family::kIpv4 ? 5353 : 53);
  SendTo(socket, {group ? GroupOf(family, how / 8) : broadcasts[how / 8 % 2], port}, how * 10u);
}
// To the host itself.
void FuzzWorld::SendNear(DatagramSocket& socket, Family family, uint8_t how) {
  const bool v4 = family == Family::kIpv4;
  const IpAddress own[] = {v4 ? v4_.own : v6_.own, Ip(v4 ? "127.0.0.1" : "::1"),
                           FarCastOf(family).own};
  SendTo(socket, {own[how % 3], static_cast<uint16_t>((how & 4) != 0 ? 9 : 53)}, how * 100u);
}
void FuzzWorld::Tune(DatagramSocket& socket, Family, uint8_t how) {
  socket.SetQueueErrors((how & 1) != 0);
  socket.SetReceiveOffload((how & 2) != 0);
  DatagramOptions datagrams = socket.datagram_options();
  datagrams.no_checksum = (how & 4) != 0;
  datagrams.dont_fragment = (how & 8) != 0;
  datagrams.receive_path_mtu = (how & 16) != 0;
  socket.SetDatagramOptions(datagrams);
  SocketOptions options = socket.options();
  options.mtu_discover = static_cast<SocketOptions::MtuDiscover>((how >> 5) % 6);
  socket.SetOptions(options);
}
void FuzzWorld::TuneTcp(DatagramSocket&, Family family, uint8_t how) {
  peers_[(family == Family::kIpv4 ? 0 : 2) + (how & 1)]->Tune(how / 2);
}
// To a neighbour that nobody has heard of.
void FuzzWorld::SendNext(DatagramSocket& socket, Family family, uint8_t how) {
  IpAddress to = family == Family::kIpv4 ? IpAddress::V4(192, 0, 2, how) : v6_.own;
  if (to.is_v6()) {
    std::array<uint8_t, 16> bytes;
    std::copy_n(to.data(), bytes.size(), bytes.begin());
    bytes[15] = how;
    to = IpAddress::V6(bytes.data());
  }
  SendTo(socket, {to, 9}, 20);
}
// Other frames are captured.
void FuzzWorld::Watch(DatagramSocket&, Family, uint8_t how) {
  constexpr uint16_t kProtocols[] = {frame_protocol::kAll, ethertype::kIpv4, ethertype::kArp, 0};
  constexpr InterfaceIndex kInterfaces[] = {0, kEth0, kEth1, kLoopbackIndex};
  const InterfaceIndex interface = kInterfaces[how / 4 % 4];
  (void)watch_->Bind(kProtocols[how % 4], interface);
  PacketMembership membership;
  membership.interface = interface;
  membership.kind = static_cast<PacketMembership::Kind>(how / 16 % 4);
  membership.size = 6;
  if ((how & 0x40) == 0) {
    (void)watch_->Join(membership);
  } else {
    watch_->Leave(membership);
  }
}

// Other peers, and a train of datagrams.
void FuzzWorld::Again(DatagramSocket& socket, Family family, uint8_t how) {
  if ((how & 1) != 0) {
    (void)client6_->Disconnect();
    (void)client6_->Connect({(how & 2) != 0 ? v6_.remote : v6_.peer, 4000});
    return;
  }
  Check();  // what was sent before
  const Bytes text = Pattern(how * 40u);
  const std::span<const uint8_t> piece = text;
  (void)socket.Send({&piece, 1}, {.destination = Endpoint{CastOf(family).peer, 4000},
                                  .segment_size = static_cast<uint16_t>(1 + (how & 0x70) * 12)});
  world_.stack.Flush();
  if (world_.link.sent().size() > 1) ++trains_;
}

}  // namespace moat::netstack
