// Frames into a live stack: connections are up, sockets of all sorts are bound, an address is under
// detection, packets are forwarded. Input: records {kind, length, bytes}; fuzz_world.h says what
// each kind makes of its bytes.
//
// A goal is something that must come about in every bounded run: by its own seed, and by mutations.
// Every kind is in the seed of a goal that only its handler's work reaches; a kind that stops
// reaching its handler, or that no goal uses, fails the run.

#include <algorithm>
#include <string>
#include <vector>

#include "netstack/stack/fuzz_world.h"
#include "netstack/wire/ndp.h"
#include "test/fuzz/coverage.h"
#include "test/fuzz/goals.h"
#include "test/fuzz/records.h"
#include "test/fuzz/seeds.h"

namespace moat::netstack {
namespace {

enum Kind : uint8_t {
  kRaw, kArp, kIpv4, kIpv6, kOptions4, kExtension6, kIcmpv4, kIcmpv6, kQuoted4, kQuoted6,
  kFragment4, kFragment6, kTcp4, kTcp6, kUdp4, kUdp6, kIgmp, kMld, kNdp, kForward4, kForward6,
  kTime, kMode, kWhole, kOwnFrame, kCall, kProgram, kOperator, kKinds
};
constexpr void (FuzzWorld::*kFeeds[kKinds])(const Bytes&) = {
    &FuzzWorld::FeedFrame,     &FuzzWorld::FeedArp,       &FuzzWorld::FeedIpv4,
    &FuzzWorld::FeedIpv6,      &FuzzWorld::FeedOptions4,  &FuzzWorld::FeedExtension6,
    &FuzzWorld::FeedIcmpv4,    &FuzzWorld::FeedIcmpv6,    &FuzzWorld::FeedQuoted4,
    &FuzzWorld::FeedQuoted6,   &FuzzWorld::FeedFragment4, &FuzzWorld::FeedFragment6,
    &FuzzWorld::FeedTcp4,      &FuzzWorld::FeedTcp6,      &FuzzWorld::FeedUdp4,
    &FuzzWorld::FeedUdp6,      &FuzzWorld::FeedIgmp,      &FuzzWorld::FeedMld,
    &FuzzWorld::FeedNdp,       &FuzzWorld::FeedForward4,  &FuzzWorld::FeedForward6,
    &FuzzWorld::FeedTime,      &FuzzWorld::FeedMode,      &FuzzWorld::FeedWhole,
    &FuzzWorld::FeedOwnFrame,  &FuzzWorld::FeedCall,      &FuzzWorld::FeedProgram,
    &FuzzWorld::FeedOperator,
};

void Run(FuzzWorld& world, std::span<const uint8_t> input) {
  constexpr size_t kMostRecords = 4096;
  ForEachFuzzRecord(input, kMostRecords, [&](uint8_t kind, std::span<const uint8_t> bytes) {
    (world.*kFeeds[kind % kKinds])(Bytes(bytes.begin(), bytes.end()));
    world.Check();
  });
}

// --- Messages ------------------------------------------------------------------------------------

Bytes Record(Kind kind, const Bytes& bytes) { return FuzzRecord(kind, bytes); }
// A segment of connection `which` (0 accepted, 3 dialled; 0x80: places are segments).
Bytes Tcp(Kind kind, uint8_t which, uint8_t flags, uint8_t place, uint8_t size) {
  return Record(kind, {which, flags, place, 0, static_cast<uint8_t>(0xf0 | size)});
}
Bytes Later(uint8_t tenths) { return Record(kTime, {tenths}); }
Bytes Later(uint8_t tenths, uint8_t doublings) { return Record(kTime, {tenths, doublings}); }
Bytes Call(uint8_t what, uint8_t much) { return Record(kCall, {what, much}); }
// What FuzzWorld::FeedProgram() and FeedOperator() choose from; the first are of IPv4.
enum ProgramCall : uint8_t {
  kMember, kSource, kSources, kSendFar, kSendNear, kTune, kTuneTcp, kAgain,
  kSendNext, kWatch, kOf6 = 0x80
};
Bytes Program(int what, uint8_t how) { return Record(kProgram, {static_cast<uint8_t>(what), how}); }
enum Operation : uint8_t {
  kSetUp, kSetCarrier, kSetMtu, kSetFull, kSetAddress, kSetLength, kSetRoute, kSetRule,
  kSetNeighbor, kSetFarInterface, kSetSysctl, kSetPolicies, kList
};
Bytes Operate(Operation what, uint8_t how) { return Record(kOperator, {what, how}); }
constexpr uint8_t kOn = 1;

const Bytes kText4 = Tcp(kTcp4, 0, tcp_flag::kAck | tcp_flag::kPsh, 0, 3);

Bytes MacOption(uint8_t type) { return {type, 1, 0x02, 0, 0, 0, 0, 0x0a}; }

Bytes Solicitation(uint8_t who, const char* target, const Bytes& options) {
  Bytes message(8);
  message[0] = icmpv6_type::kNeighborSolicitation;
  const IpAddress address = Ip(target);
  message.insert(message.end(), address.data(), address.data() + 16);
  return Record(kNdp, Bytes{who} + message + options);
}

Bytes Advertisement(uint8_t who, const char* target, uint8_t flags) {
  Bytes message = {icmpv6_type::kNeighborAdvertisement, 0, 0, 0, flags, 0, 0, 0};
  const IpAddress address = Ip(target);
  message.insert(message.end(), address.data(), address.data() + 16);
  return Record(kNdp, Bytes{who} + message + MacOption(2));
}

// A router that has a prefix, a route, an MTU and a name server. The prefix stays for 18 hours, or
// for `valid` seconds.
Bytes RouterMessage(uint16_t valid = 0) {
  Bytes message(16);
  message[0] = icmpv6_type::kRouterAdvertisement;
  message[4] = 64;
  StoreBe16(&message[6], 1800);
  Bytes prefix = {3, 4, 64, 0xc0, 0, 1, 0, 0, 0, 0, 0x80, 0, 0, 0, 0, 0};
  const IpAddress base = Ip("2001:db8:5::");
  prefix.insert(prefix.end(), base.data(), base.data() + 16);
  if (valid != 0) {
    StoreBe32(&prefix[4], valid);
    StoreBe32(&prefix[8], valid / 2u);
  }
  const Bytes route = {24, 2, 48, 0, 0, 0, 2, 0, 0x20, 0x01, 0x0d, 0xb8, 0, 7, 0, 0};
  const Bytes mtu = {5, 1, 0, 0, 0, 0, 5, 0x78};
  Bytes server = {25, 3, 0, 0, 0, 0, 2, 0};
  server.insert(server.end(), base.data(), base.data() + 16);
  return Record(kNdp, Bytes{0} + message + MacOption(1) + prefix + route + mtu + server);
}

Bytes Redirect6() {
  const Cast cast = CastOf(Family::kIpv6);
  Bytes message(kMaxNdpRedirect);
  message.resize(EmitRedirect(Ip("fe80::fd"), cast.remote, std::nullopt,
                              IpPacket(cast.own, cast.remote, ip_protocol::kUdp, Pattern(16)),
                              message.data()));
  return Record(kNdp, Bytes{1 | 3 << 2} + message);
}

Bytes MldQuery(size_t more) {
  Bytes message(24 + more);
  message[0] = icmpv6_type::kMldQuery;
  StoreBe16(&message[4], 1000);
  return Record(kMld, Bytes{0} + message);
}
Bytes IgmpQuery(size_t more) {
  Bytes message(8 + more);
  message[0] = 0x11;
  message[1] = 10;
  return Record(kIgmp, Bytes{0} + message);
}

// An ICMP message of the peer's: an echo, its reply, or another with an identifier.
Bytes Echo(Kind kind, uint8_t type) {
  return Record(kind, Bytes{type, 0, 0, 0, 0, 77, 0, 1} + Pattern(12));
}
Bytes Fragments(Kind kind) {
  return Record(kind, Bytes{0, 1, 0, 1} + Pattern(16)) +
         Record(kind, Bytes{0, 1, 2, 0} + Pattern(9));
}
Bytes Forwarded(Kind kind, uint8_t where, uint8_t hops, uint8_t size) {
  return Record(kind, {where, hops, ip_protocol::kUdp, size, 1, 2, 3, 4});
}

Bytes Datagram(const IpAddress& from, const IpAddress& to, uint16_t port) {
  return UdpDatagram(from, to, 4000, port, Pattern(20));
}
// Laid over a UDP packet from the peer without a payload.
Bytes LaidPacket(Kind kind, Family family) {
  const Cast cast = CastOf(family);
  const size_t header = family == Family::kIpv4 ? kIpv4HeaderSize : kIpv6HeaderSize;
  return Record(kind, Bytes(header) + Datagram(cast.peer, cast.own, 53));
}
Bytes RawFrame() {
  const Cast cast = CastOf(Family::kIpv6);
  return Record(kRaw, EthernetFrame(kOwnMac, kPeerMac, ethertype::kIpv6,
                                    IpPacket(cast.peer, cast.own, ip_protocol::kUdp,
                                             Datagram(cast.peer, cast.own, 53))));
}
Bytes WholePacket() {
  const Cast cast = CastOf(Family::kIpv4);
  return Record(kWhole, IpPacket(cast.own, cast.peer, ip_protocol::kUdp,
                                 Datagram(cast.own, cast.peer, 9)));
}
// It leaves by eth0, and arrives by loopback: as from a wire, where 127.0.0.1 and our own addresses
// are no sources.
Bytes OwnFrame() {
  const Cast cast = CastOf(Family::kIpv4);
  return Record(kOwnFrame, EthernetFrame({}, {}, ethertype::kIpv4,
                                         IpPacket(cast.peer, cast.own, ip_protocol::kUdp,
                                                  Datagram(cast.peer, cast.own, 53))));
}

// Somebody else answers for what is asked about 192.0.2.9.
Bytes ArpOfAnother() {
  // Over a request of the peer's (192.0.2.2) for our address (192.0.2.1).
  Bytes arp(kArpSize);
  arp[7] = 2 ^ 1;       // a reply
  arp[17] = 2 ^ 9;      // the sender's address
  return Record(kArp, arp);
}
Bytes OctetsOf(const char* address) {
  const IpAddress ip = Ip(address);
  return Bytes(ip.data(), ip.data() + 16);
}
// The gateway does not answer, but there is another. IPv6: 2.
Bytes FailingGateway(uint8_t family) {
  const uint8_t call = family == 0 ? 8 : 9;
  const uint8_t route = 6 << 2 | 0x40 | kOn, neighbor = 3 << 2;
  return Operate(kSetRoute, route | family) + Operate(kSetNeighbor, neighbor | family) +
         Call(call, 1) + Later(50) + Call(call, 1) + Later(255, 4) + Call(call, 1);
}
// To be forwarded, with options.
Bytes Towards(const IpAddress& to, const Bytes& options) {
  Bytes header(kIpv4HeaderSize);
  const IpAddress own = CastOf(Family::kIpv4).own;
  for (size_t i = 0; i < 4; ++i) header[16 + i] = own.data()[i] ^ to.data()[i];
  header[0] = static_cast<uint8_t>(0x45 ^ (0x45 + options.size() / 4));
  return Record(kIpv4, header + options + Bytes(8));
}
// From where eth1 leads to, on eth0.
Bytes WrongWay() {
  Bytes header(kIpv4HeaderSize);
  const IpAddress from = CastOf(Family::kIpv4).peer, claimed = FarCastOf(Family::kIpv4).beyond;
  for (size_t i = 0; i < 4; ++i) header[12 + i] = from.data()[i] ^ claimed.data()[i];
  return Record(kIpv4, header + Bytes(8));
}

// --- Goals ---------------------------------------------------------------------------------------

struct Goal {
  const char* name;  // of a counter when there is no `value`
  uint8_t mode;  // what is switched on first
  Bytes records;
  uint64_t (*value)(const FuzzWorld&) = nullptr;

  bool Reached(const FuzzWorld& world) const {
    return (value == nullptr ? world.Count(name) : value(world)) != 0;
  }
  Bytes Seed() const { return mode == 0 ? records : Record(kMode, {mode}) + records; }
};

template <size_t kConnection>
uint64_t Delivered(const FuzzWorld& world) {
  return world.delivered(kConnection);
}
template <Family kFamily>
uint64_t Redirected(const FuzzWorld& world) {
  return world.redirected(kFamily);
}
template <uint64_t (FuzzWorld::*kGet)() const>
uint64_t Get(const FuzzWorld& world) {
  return (world.*kGet)();
}
template <uint64_t (FuzzWorld::*kGet)(Family) const, Family kFamily>
uint64_t Get(const FuzzWorld& world) {
  return (world.*kGet)(kFamily);
}
template <FuzzChanges::Changes FuzzChanges::*kTable>
uint64_t Made(const FuzzWorld& world) {
  return (world.changes().*kTable).made;
}
template <FuzzChanges::Changes FuzzChanges::*kTable>
uint64_t Removed(const FuzzWorld& world) {
  return (world.changes().*kTable).removed;
}
uint64_t Datagrams4(const FuzzWorld& world) { return world.Count("Udp.InDatagrams"); }
uint64_t Datagrams6(const FuzzWorld& world) { return world.Count("Udp6.InDatagrams"); }

constexpr uint8_t kTextFlags = tcp_flag::kAck | tcp_flag::kPsh;
constexpr uint8_t kRouter = fuzz_mode::kForward, kHost = 0;

const std::vector<Goal>& Goals() {
  static const std::vector<Goal> goals = {
      {"accepted IPv4 connection", kHost, kText4, Delivered<0>},
      {"dialled IPv4 connection", kHost, Tcp(kTcp4, 3, kTextFlags, 0, 3), Delivered<1>},
      {"accepted IPv6 connection", kHost, Tcp(kTcp6, 0, kTextFlags, 0, 3), Delivered<2>},
      {"dialled IPv6 connection", kHost, Tcp(kTcp6, 3, kTextFlags, 0, 3), Delivered<3>},
      {"TcpExt.TCPOFOQueue", kHost, Tcp(kTcp4, 0x80, kTextFlags, 1, 7) + kText4},
      {"TcpExt.TCPDelivered", kHost, Call(0, 200) + kText4},
      {"Tcp.RetransSegs", kHost, Call(1, 90) + Later(30) + Tcp(kTcp4, 3, kTextFlags, 0, 0)},
      {"Tcp.EstabResets", kHost, Tcp(kTcp6, 3, tcp_flag::kRst, 0, 0)},
      {"TcpExt.TW", kHost,
       Call(5, 100) + Tcp(kTcp4, 3, tcp_flag::kAck | tcp_flag::kFin, 0, 0) + Later(255) +
           Later(255) + Later(255)},
      {"listener IPv4", kHost, Record(kTcp4, {6, 1, 7, 0, 100}),
       Get<&FuzzWorld::syn_acks, Family::kIpv4>},
      {"listener IPv6", kHost, Record(kTcp6, {6, 1, 7, 0, 100}),
       Get<&FuzzWorld::syn_acks, Family::kIpv6>},
      {"a frame", kHost, RawFrame(), Datagrams6},
      {"an IPv4 packet", kHost, LaidPacket(kIpv4, Family::kIpv4), Datagrams4},
      {"an IPv6 packet", kHost, LaidPacket(kIpv6, Family::kIpv6), Datagrams6},
      {"a program's packet", kHost, WholePacket(), Get<&FuzzWorld::wholes>},
      {"a program's frame, sent", kHost, OwnFrame(), Get<&FuzzWorld::own_frames>},
      {"a program's frame, looped back", kHost, OwnFrame(), Datagrams4},
      {"Udp.InDatagrams", kHost, Record(kUdp4, Bytes{0} + Pattern(20))},
      {"Udp6.InDatagrams", kHost, Record(kUdp6, Bytes{1} + Pattern(20))},
      {"ping socket IPv4", kHost, Echo(kIcmpv4, 0),
       Get<&FuzzWorld::pings, Family::kIpv4>},
      {"ping socket IPv6", kHost, Echo(kIcmpv6, icmpv6_type::kEchoReply),
       Get<&FuzzWorld::pings, Family::kIpv6>},
      {"raw socket IPv4", kHost, Echo(kIcmpv4, 0), Get<&FuzzWorld::raws, Family::kIpv4>},
      {"raw socket IPv6", kHost, Echo(kIcmpv6, icmpv6_type::kEchoReply),
       Get<&FuzzWorld::raws, Family::kIpv6>},
      {"Packet.Captured", kHost, Record(kUdp4, {0})},
      {"Arp.InRequests", kHost, Record(kArp, {0})},
      {"Ip.ReasmOKs", kHost, Fragments(kFragment4)},
      {"Ip6.ReasmOKs", kHost, Fragments(kFragment6)},
      {"IPv4 options", kHost, Record(kOptions4, {7, 11, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0}),
       Datagrams4},
      {"Icmp6.OutParmProblems", kHost, Record(kExtension6, {60, 17, 0, 0x85, 4, 0, 0, 0, 0})},
      {"Igmp.InQueries", kHost, IgmpQuery(4)},
      {"Igmp.OutReports", kHost, IgmpQuery(0) + Later(12)},
      {"Icmp6.OutMLDv2Reports", kHost, MldQuery(4) + Later(12)},
      {"Ndp.DuplicatesSeen", kHost, Solicitation(2 | 2 << 2, "2001:db8::77", {})},
      {"solicited neighbour", kHost,
       Solicitation(0 | 1 << 2, "fe80::1", MacOption(1)) + Advertisement(1 << 2, "fe80::a", 0x60),
       Get<&FuzzWorld::ReachableNeighbors>},
      {"router advertisement: routes", fuzz_mode::kAcceptRa, RouterMessage(),
       Get<&FuzzWorld::LearnedRoutes>},
      {"router advertisement: addresses", fuzz_mode::kAcceptRa | fuzz_mode::kForward,
       RouterMessage(), Get<&FuzzWorld::LearnedAddresses>},
      {"own router advertisements", fuzz_mode::kForward | fuzz_mode::kAdvertise,
       Record(kNdp, Bytes{0 | 4 << 2, icmpv6_type::kRouterSolicitation, 0, 0, 0, 0, 0, 0, 0}) +
           Later(200),
       Get<&FuzzWorld::advertised>},
      {"redirect IPv4", kHost,
       Record(kQuoted4, {0, icmpv4_type::kRedirect, 1, 192, 0, 2, 253}) + Call(8, 1),
       Redirected<Family::kIpv4>},
      {"redirect IPv6", kHost, Redirect6() + Call(9, 1), Redirected<Family::kIpv6>},
      {"path MTU IPv4", kHost, Call(1, 1) + Record(kQuoted4, {6, 3, 4, 0, 0, 4, 0xb0}),
       Get<&FuzzWorld::NarrowedPaths, Family::kIpv4>},
      {"path MTU IPv6", kHost, Call(2, 1) + Record(kQuoted6, {5, 2, 0, 0, 0, 5, 0}),
       Get<&FuzzWorld::NarrowedPaths, Family::kIpv6>},
      {"Ip.ForwDatagrams", kRouter, Forwarded(kForward4, 0, 0, 0)},
      {"Ip6.OutForwDatagrams", kRouter, Forwarded(kForward6, 1, 0, 0)},
      {"Icmp.OutRedirects", kRouter, Forwarded(kForward4, 3, 0, 0)},
      {"Icmp6.OutRedirects", kRouter, Forwarded(kForward6, 3, 0, 0)},
      {"Icmp.OutTimeExcds", kRouter, Forwarded(kForward4, 0x80, 1, 0)},
      {"Icmp6.OutTimeExcds", kRouter, Forwarded(kForward6, 0, 1, 0)},
      {"Ip.FragCreates", kRouter, Forwarded(kForward4, 0, 0, 230)},
      {"Icmp6.OutPktTooBigs", kRouter, Forwarded(kForward6, 0, 0, 230)},
      {"Icmp.OutEchoReps", kHost, Echo(kIcmpv4, icmpv4_type::kEchoRequest)},
      {"Icmp6.OutEchoReplies", kHost, Echo(kIcmpv6, icmpv6_type::kEchoRequest)},
      {"Icmp.OutTimestampReps", kHost, Echo(kIcmpv4, 13)},
      {"Icmp.OutAddrMaskReps", kHost,
       Operate(kSetSysctl, kOn) + Record(kIcmpv4, {17, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0})},
      {"Ip.ReasmTimeout", kHost, Record(kFragment4, {0, 1, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8}) +
                                     Later(200, 1)},
      {"Ip6.ReasmTimeout", kHost, Record(kFragment6, {0, 1, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8}) +
                                      Later(200, 2)},
      {"IpExt.ReasmOverlaps", kHost, Fragments(kFragment4) + Record(kFragment4,
       {0, 2, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8}) +
       Record(kFragment4, {0, 2, 1, 1, 1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8})},
      {"Arp.Conflicts", kHost,
       Operate(kSetAddress, 0 << 2 | 2 | kOn) + Later(100) + ArpOfAnother() + ArpOfAnother()},
      {"an address that is taken", kHost,
       Operate(kSetAddress, 0 << 2 | 2 | kOn) + Later(10) + ArpOfAnother(),
       Get<&FuzzWorld::Duplicates>},
      {"TcpExt.IPReversePathFilter", kHost, Operate(kSetSysctl, 1 << 1 | kOn) + WrongWay()},
      {"learned routes that expire", fuzz_mode::kAcceptRa, RouterMessage() + Later(255, 7),
       Removed<&FuzzChanges::learned>},
      {"learned addresses that expire", fuzz_mode::kAcceptRa,
       RouterMessage(60) + Later(255, 7) + Later(255, 7) + Later(255, 7),
       Removed<&FuzzChanges::addresses>},
      {"temporary addresses", fuzz_mode::kAcceptRa,
       Operate(kSetSysctl, 2 << 1 | kOn) + RouterMessage(), Made<&FuzzChanges::temporary>},
      {"temporary addresses that go", fuzz_mode::kAcceptRa,
       Operate(kSetSysctl, 2 << 1 | kOn) + Operate(kSetSysctl, 18 << 1 | kOn) +
           Operate(kSetSysctl, 19 << 1 | kOn) + RouterMessage() + Later(255, 6) + Later(255, 6),
       Removed<&FuzzChanges::temporary>},
      {"an address removed", kHost, Operate(kSetAddress, 2 << 2), Removed<&FuzzChanges::addresses>},
      {"a link down", kHost, Operate(kSetUp, 0) + Operate(kSetUp, kOn),
       Made<&FuzzChanges::interfaces>},
      {"an interface removed", kHost,
       Operate(kSetFarInterface, 0) + Operate(kSetFarInterface, kOn) + Operate(kList, 1),
       Removed<&FuzzChanges::interfaces>},
      {"a route", kHost, Operate(kSetRoute, 1 << 2 | 0x20 | kOn), Made<&FuzzChanges::routes>},
      {"several ways", kRouter,
       Operate(kSetRoute, 5 << 2 | 0x20 | kOn) + Forwarded(kForward4, 3, 0, 0) + Call(8, 1),
       Made<&FuzzChanges::routes>},
      {"a rule", kHost,
       Operate(kSetRule, 1 << 3 | kOn) + Call(8, 1) + Operate(kSetRule, 1 << 3),
       Removed<&FuzzChanges::rules>},
      {"address policies", kHost, Operate(kSetPolicies, 0x25) + Operate(kList, 7),
       Made<&FuzzChanges::policies>},
      {"Neigh4.ResFailed", kHost,
       Operate(kSetNeighbor, 3 << 2) + Call(8, 1) + Later(50), nullptr},
      {"Neigh6.ResFailed", kHost,
       Operate(kSetNeighbor, 3 << 2 | 2) + Call(9, 1) + Later(50), nullptr},
      {"Neigh4.ResFailed", kHost, FailingGateway(0), nullptr},
      {"Neigh6.ResFailed", kHost, FailingGateway(2), nullptr},
      {"a neighbour put out", kHost,
       Operate(kSetSysctl, 10 << 1 | kOn) + Program(kSendNext, 50) + Program(kSendNext, 51) +
           Later(60) + Program(kSendNext, 52) + Program(kSendNext, 53),
       Removed<&FuzzChanges::neighbors>},
      {"Igmp.InQueries", kHost,  // and a report that makes ours needless
       IgmpQuery(0) + Record(kIgmp, {1, 0x16, 0, 0, 0, 224, 0, 0, 251}) + Later(120)},
      {"Icmp6.InGroupMembResponses", kHost,
       MldQuery(0) + Record(kMld, Bytes{1, 131, 0, 0, 0, 0, 0, 0, 0} + OctetsOf("ff02::fb")) +
           Later(120)},
      {"an anycast address", kRouter,
       Solicitation(0 | 3 << 2, "2001:db8::", MacOption(1)) + Later(30),
       [](const FuzzWorld& world) { return world.Count("Icmp6.OutNeighborAdvertisements"); }},
      {"an address of a router's that is taken", fuzz_mode::kAcceptRa,
       RouterMessage() + Solicitation(2 | 5 << 2, "2001:db8:5::ff:fe00:1", {}),
       Get<&FuzzWorld::Duplicates>},
      {"lifetimes that change", fuzz_mode::kAcceptRa,
       Operate(kSetSysctl, 2 << 1 | kOn) + RouterMessage() + Later(100) + RouterMessage(9000) +
           Later(255, 7) + RouterMessage() + Later(255, 7),
       Made<&FuzzChanges::temporary>},
      {"a broadcast forwarded", kRouter,
       Operate(kSetSysctl, 3 << 1 | kOn) + Operate(kSetSysctl, 20 << 1 | kOn) +
           Operate(kSetSysctl, 21 << 1 | kOn) + Towards(Ip("203.0.113.255"), {}),
       [](const FuzzWorld& world) { return world.Count("Ip.ForwDatagrams"); }},
      {"a route recorded on the way", kRouter,
       Towards(FarCastOf(Family::kIpv4).far, {7, 7, 4, 0, 0, 0, 0, 0}),
       [](const FuzzWorld& world) { return world.Count("Ip.ForwDatagrams"); }},
      {"a path MTU forgotten", kHost,
       Call(1, 1) + Record(kQuoted4, {6, 3, 4, 0, 0, 4, 0xb0}) + Later(255, 6),
       [](const FuzzWorld& world) { return world.Count("Icmp.InDestUnreachs"); }},
      {"other frames captured", kHost, Program(kWatch, 5) + Record(kUdp4, {0}),
       [](const FuzzWorld& world) { return world.Count("Packet.Captured"); }},
      {"memberships", kHost, Program(kMember, 2 << 1 | 1) + Later(30) + IgmpQuery(4) + Later(100),
       Get<&FuzzWorld::memberships>},
      {"sources IPv4", kHost, Program(kSource, 0) + Program(kSource, 1 << 2) + IgmpQuery(4) +
                                  Later(30) + Program(kSource, 1), Get<&FuzzWorld::filters>},
      {"sources IPv6", kHost, Program(kSources | kOf6, 1 << 5 | 7) + MldQuery(4) + Later(30) +
                                  Program(kSources | kOf6, 1 << 5 | 8), Get<&FuzzWorld::filters>},
      {"IpExt.OutBcastPkts", kHost, Program(kSendFar, 0)},
      {"to a group, looped back", kHost, Program(kSendFar | kOf6, 1 << 3 | 4), Datagrams6},
      {"to itself", kHost, Program(kSendNear | kOf6, 1), Datagrams6},
      {"errors queued", kHost,
       Program(kTune, 1) + Record(kQuoted4, {0, 3, 1, 0, 0, 0, 0}), Get<&FuzzWorld::errors>},
      {"TcpExt.TCPKeepAlive", kHost, Program(kTuneTcp, 1 << 1 | 1) + Later(255)},
      {"another peer", kHost, Program(kAgain, kOn) + Record(kUdp6, Bytes{1} + Pattern(20)),
       Datagrams6},
      {"a train", kHost, Program(kAgain, 0x12), Get<&FuzzWorld::trains>},
  };
  return goals;
}

FuzzGoals& Tally() {
  static FuzzGoals tally(
      [] {
        std::vector<std::string> names;
        for (const Goal& goal : Goals()) names.push_back(goal.name);
        return names;
      }(),
      /*least=*/10);
  return tally;
}

// The kinds that are in no goal's seed.
std::vector<int> UnusedKinds() {
  std::vector<int> unused;
  for (int kind = 0; kind < kKinds; ++kind) {
    bool used = false;
    for (const Goal& goal : Goals()) {
      ForEachFuzzRecord(goal.Seed(), SIZE_MAX,
                        [&](uint8_t in, std::span<const uint8_t>) { used = used || in == kind; });
    }
    if (!used) unused.push_back(kind);
  }
  return unused;
}

}  // namespace
}  // namespace moat::netstack

std::vector<std::vector<uint8_t>> FuzzSeeds() {
  std::vector<std::vector<uint8_t>> seeds;
  for (const moat::netstack::Goal& goal : moat::netstack::Goals()) seeds.push_back(goal.Seed());
  return seeds;
}

std::vector<std::string> FuzzUnreached() {
  using namespace moat::netstack;  // NOLINT: this is their test
  std::vector<std::string> unreached = Tally().Unreached();
  FuzzWorld idle;
  idle.Finish();
  for (const Goal& goal : Goals()) {
    FuzzWorld world;
    Run(world, goal.Seed());
    world.Finish();
    if (!goal.Reached(world)) unreached.push_back(std::string(goal.name) + ", by its own seed");
    if (goal.Reached(idle)) unreached.push_back(std::string(goal.name) + ", but by nothing at all");
  }
  for (const int kind : UnusedKinds()) {
    unreached.push_back("kind " + std::to_string(kind) + ", which is in no goal");
  }
  return unreached;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace moat::netstack;  // NOLINT: this is their test
  FuzzWorld world;
  ForgetFuzzCoverage();  // to make a world is most of what is run
  Run(world, {data, size});
  if (!FuzzGoals::Wanted()) return 0;
  world.Finish();
  Tally().Count([&](size_t i) { return Goals()[i].Reached(world); });
  return 0;
}
