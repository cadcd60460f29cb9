#include "netstack/stack/fuzz_world.h"

#include <algorithm>

#include "netstack/wire/igmp.h"
#include "netstack/wire/ipv4_options.h"
#include "netstack/wire/tcp.h"

namespace moat::netstack {
namespace {

// The gateway that routes name, and the one that is better.
IpAddress GatewayOf(Family family) {
  return Ip(family == Family::kIpv4 ? "192.0.2.254" : "fe80::fe");
}
IpAddress BetterOf(Family family) {
  return Ip(family == Family::kIpv4 ? "192.0.2.253" : "fe80::fd");
}

// `bytes` xored over `base`, the rest appended: zeros leave the base as it is.
Bytes Laid(Bytes base, std::span<const uint8_t> bytes) {
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (i < base.size()) {
      base[i] ^= bytes[i];
    } else {
      base.push_back(bytes[i]);
    }
  }
  return base;
}

Bytes From(const Bytes& bytes, size_t begin) {
  return Bytes(bytes.begin() + static_cast<ptrdiff_t>(std::min(begin, bytes.size())), bytes.end());
}

}  // namespace

FuzzWorld::FuzzWorld() {
  Stack& stack = world_.stack;
  FeedMode({0});
  for (const char* family : {"ipv4", "ipv6"}) {
    Set(std::string(family) + ".neigh.default.gc_thresh3", "32");  // kMostNeighbors
  }
  RouteInfo route;
  route.destination = *Prefix::Parse("::/0");
  if (!stack.RemoveRoute(route).ok()) std::abort();
  route.gateway = GatewayOf(Family::kIpv6);
  route.interface = kEth0;
  if (!stack.AddRoute(route).ok()) std::abort();
  for (Family family : {Family::kIpv4, Family::kIpv6}) {
    world_.Know(GatewayOf(family), kOtherMac);
    world_.Know(BetterOf(family), kBetterMac);
  }
  world_.Route("10.0.0.0/8", FarCastOf(Family::kIpv4).gateway, kEth1);
  world_.Route("2001:db8:ffff::/48", FarCastOf(Family::kIpv6).gateway, kEth1);
  if (!stack.SetInterfaceMtu(kEth1, 1300).ok()) std::abort();
  world_.Advance(std::chrono::seconds(2));
  world_.link.Clear();

  listener_ = stack.NewTcpSocket(Family::kIpv6);
  (void)listener_->Bind({IpAddress::Any(Family::kIpv6), 80});
  (void)listener_->Listen(16);
  for (size_t i = 0; i < peers_.size(); ++i) {
    peers_[i] = std::make_unique<FuzzTcpPeer>(i < 2 ? v4_ : v6_, static_cast<uint16_t>(8080 + i));
    if (i % 2 == 0) {
      peers_[i]->Dial(world_, *listener_);
    } else {
      peers_[i]->Answer(world_);
    }
  }
  udp_ = stack.NewUdpSocket(Family::kIpv6);
  (void)udp_->Bind({IpAddress::Any(Family::kIpv6), 53});
  (void)udp_->JoinGroup(Ip("ff02::fb"), kEth0);
  client4_ = stack.NewUdpSocket(Family::kIpv4);
  (void)client4_->Bind({v4_.own, 5353});
  (void)client4_->JoinGroup(Ip("224.0.0.251"), kEth0);
  client6_ = stack.NewUdpSocket(Family::kIpv6);
  (void)client6_->Connect({v6_.peer, 4000});
  ping4_ = stack.NewPingSocket(Family::kIpv4);
  (void)ping4_->Bind({v4_.own, 77});
  ping6_ = stack.NewPingSocket(Family::kIpv6);
  (void)ping6_->Bind({v6_.own, 77});
  raw4_ = stack.NewRawSocket(Family::kIpv4, ip_protocol::kIcmp);
  raw6_ = stack.NewRawSocket(Family::kIpv6, ip_protocol::kIcmpV6);
  whole_ = stack.NewRawSocket(Family::kIpv4, 255);
  watch_ = stack.NewPacketSocket(true, frame_protocol::kAll);
  sender_ = stack.NewPacketSocket(true, 0);
  world_.Advance(std::chrono::seconds(2));
  (void)stack.AddAddress(kEth0, *Prefix::Parse("2001:db8::77/64"), {});  // under detection
  routes_before_ = LearnedRoutes();
  addresses_before_ = LearnedAddresses();
  stack.AddObserver(&changes_);
}

// --- Below IP, and IP headers --------------------------------------------------------------------

void FuzzWorld::FeedArp(const Bytes& bytes) {
  Bytes arp(kArpSize);
  EmitArp({ArpOperation::kRequest, kPeerMac, v4_.peer, {}, v4_.own}, arp.data());
  FeedFrame(EthernetFrame(MacAddress::Broadcast(), kPeerMac, ethertype::kArp, Laid(arp, bytes)));
}

void FuzzWorld::FeedIpv4(const Bytes& bytes) {
  Bytes packet = Laid(IpPacket(v4_.peer, v4_.own, ip_protocol::kUdp, {}), bytes);
  if (bytes.size() >= kIpv4HeaderSize) {
    StoreBe16(packet.data() + 2, static_cast<uint16_t>(packet.size() ^ LoadBe16(&bytes[2])));
  }
  const size_t size = static_cast<size_t>(packet[0] & 15) * 4;
  if (size >= kIpv4HeaderSize && size <= packet.size()) FixIpv4Checksum({packet.data(), size});
  FeedFrame(EthernetFrame(kOwnMac, kPeerMac, ethertype::kIpv4, packet));
}

void FuzzWorld::FeedIpv6(const Bytes& bytes) {
  Bytes packet = Laid(IpPacket(v6_.peer, v6_.own, ip_protocol::kUdp, {}), bytes);
  if (bytes.size() >= kIpv6HeaderSize) {
    const size_t payload = packet.size() - kIpv6HeaderSize;
    StoreBe16(packet.data() + 4, static_cast<uint16_t>(payload ^ LoadBe16(&bytes[4])));
  }
  FeedFrame(EthernetFrame(kOwnMac, kPeerMac, ethertype::kIpv6, packet));
}

void FuzzWorld::FeedOptions4(const Bytes& bytes) {
  Bytes options(bytes.begin(), bytes.begin() + std::min<size_t>(bytes.size(), 40));
  options.resize((options.size() + 3) / 4 * 4);
  Bytes packet = IpPacket(v4_.peer, v4_.own, ip_protocol::kUdp,
                          UdpDatagram(v4_.peer, v4_.own, 4000, 53, Pattern(9)));
  packet.insert(packet.begin() + kIpv4HeaderSize, options.begin(), options.end());
  packet[0] = static_cast<uint8_t>(0x45 + options.size() / 4);
  StoreBe16(packet.data() + 2, static_cast<uint16_t>(packet.size()));
  FixIpv4Checksum({packet.data(), kIpv4HeaderSize + options.size()});
  world_.ReceiveIp(packet);
}

void FuzzWorld::FeedExtension6(const Bytes& bytes) {
  if (!bytes.empty()) Packet(v6_, bytes[0], From(bytes, 1));
}

void FuzzWorld::FeedFragment4(const Bytes& bytes) {
  if (bytes.size() < 4) return;
  Ipv4Fields fields;
  fields.source = v4_.peer;
  fields.destination = v4_.own;
  fields.protocol = bytes[0] % 2 == 0 ? ip_protocol::kUdp : ip_protocol::kIcmp;
  fields.identification = bytes[1] % 4;
  fields.fragment_offset = (bytes[2] % 16) * 8;
  fields.more_fragments = (bytes[3] & 1) != 0;
  world_.ReceiveIp(Ipv4Packet(fields, From(bytes, 4)));
}

void FuzzWorld::FeedFragment6(const Bytes& bytes) {
  if (bytes.size() < 4) return;
  Bytes header(kIpv6FragmentHeaderSize);
  header[0] = bytes[0] % 2 == 0 ? uint8_t{ip_protocol::kUdp} : bytes[0];
  StoreBe16(&header[2], static_cast<uint16_t>((bytes[2] % 16) * 8 | (bytes[3] & 1)));
  header[7] = bytes[1] % 4;
  Packet(v6_, ipv6_next_header::kFragment, header + From(bytes, 4));
}

void FuzzWorld::Packet(const Cast& cast, uint8_t protocol, const Bytes& bytes) {
  world_.ReceiveIp(IpPacket(cast.peer, cast.own, protocol, bytes));
}

// --- ICMP, IGMP, MLD, NDP ------------------------------------------------------------------------

void FuzzWorld::Icmp(const IpAddress& from, const IpAddress& to, Bytes message,
                     uint8_t hop_limit) {
  const uint8_t protocol = from.is_v4() ? ip_protocol::kIcmp : ip_protocol::kIcmpV6;
  FixChecksum(from, to, protocol, message);
  world_.ReceiveIp(IpPacket(from, to, protocol, message, hop_limit),
                   to.IsMulticast() ? MulticastMac(to) : kOwnMac);
}

void FuzzWorld::FeedIcmpv4(const Bytes& bytes) { Icmp(v4_.peer, v4_.own, bytes); }
void FuzzWorld::FeedIcmpv6(const Bytes& bytes) { Icmp(v6_.peer, v6_.own, bytes); }

void FuzzWorld::Quoted(const Cast& cast, const Bytes& bytes) {
  if (bytes.size() < 7) return;
  const size_t first = cast.own.is_v4() ? 0 : 2;
  const Bytes packets[] = {
      IpPacket(cast.own, cast.remote, ip_protocol::kUdp,
               UdpDatagram(cast.own, cast.remote, 5353, 9, Pattern(8))),
      peers_[first]->Quoted(),
      peers_[first + 1]->Quoted(),
      IpPacket(cast.own, cast.peer, ip_protocol::kUdp,
               UdpDatagram(cast.own, cast.peer, cast.own.is_v4() ? 5353 : client6_->Local().port,
                           4000, Pattern(8))),
  };
  const IpAddress routers[] = {GatewayOf(cast.own.family()), cast.peer, cast.remote, cast.other};
  const Bytes quote = Laid(packets[bytes[0] % 4], std::span(bytes).subspan(7));
  Icmp(routers[bytes[0] / 4 % 4], cast.own, Bytes{bytes[1], bytes[2], 0, 0, bytes[3], bytes[4],
       bytes[5], bytes[6]} + quote);
}
void FuzzWorld::FeedQuoted4(const Bytes& bytes) { Quoted(v4_, bytes); }
void FuzzWorld::FeedQuoted6(const Bytes& bytes) { Quoted(v6_, bytes); }

void FuzzWorld::FeedIgmp(const Bytes& bytes) {
  if (bytes.empty()) return;
  const IpAddress to[] = {Ip("224.0.0.1"), Ip("224.0.0.251"), v4_.own, Ip("224.0.0.2")};
  const IpAddress& destination = to[bytes[0] % 4];
  Bytes message = From(bytes, 1);
  FixChecksum(v4_.peer, destination, kIgmpProtocol, message);
  Bytes packet = IpPacket(v4_.peer, destination, kIgmpProtocol, message, 1);
  if ((bytes[0] & 0x80) == 0) {
    const Bytes alert = {ipv4_option::kRouterAlert, 4, 0, 0};
    packet.insert(packet.begin() + kIpv4HeaderSize, alert.begin(), alert.end());
    packet[0] = 0x46;
    StoreBe16(&packet[2], static_cast<uint16_t>(packet.size()));
    FixIpv4Checksum({packet.data(), kIpv4HeaderSize + alert.size()});
  }
  world_.ReceiveIp(packet, destination.IsMulticast() ? MulticastMac(destination) : kOwnMac);
}

void FuzzWorld::FeedMld(const Bytes& bytes) {
  if (bytes.empty()) return;
  const IpAddress to[] = {Ip("ff02::1"), Ip("ff02::fb"), Ip("fe80::1"), Ip("ff02::2")};
  const IpAddress& destination = to[bytes[0] % 4];
  const IpAddress source = (bytes[0] & 0x20) != 0 ? Ip("::") : Ip("fe80::9");
  Bytes message = From(bytes, 1);
  FixChecksum(source, destination, ip_protocol::kIcmpV6, message);
  const Bytes alert = {ip_protocol::kIcmpV6, 0, 5, 2, 0, 0, 1, 0};
  const bool alerted = (bytes[0] & 0x80) == 0;
  const uint8_t protocol = alerted ? uint8_t{ipv6_next_header::kHopByHop}
                                   : uint8_t{ip_protocol::kIcmpV6};
  world_.ReceiveIp(IpPacket(source, destination, protocol, alerted ? alert + message : message,
                            (bytes[0] & 0x40) != 0 ? 2 : 1),
                   destination.IsMulticast() ? MulticastMac(destination) : kOwnMac);
}

void FuzzWorld::FeedNdp(const Bytes& bytes) {
  if (bytes.empty()) return;
  const IpAddress from[] = {Ip("fe80::a"), GatewayOf(Family::kIpv6), Ip("::"), v6_.peer};
  const IpAddress to[] = {Ip("ff02::1"), Ip("fe80::1"), SolicitedNodeGroup(Ip("2001:db8::77")),
                          v6_.own, Ip("ff02::2"), SolicitedNodeGroup(v6_.own), Ip("2001:db8::77"),
                          Ip("ff02::fb")};
  Icmp(from[bytes[0] % 4], to[bytes[0] / 4 % 8], From(bytes, 1),
       (bytes[0] & 0x80) != 0 ? 64 : kNdpHopLimit);
}

// --- Transports ----------------------------------------------------------------------------------

void FuzzWorld::Tcp(const Cast& cast, size_t first, const Bytes& bytes) {
  if (bytes.size() < 5) return;
  const std::span<const uint8_t> rest = std::span(bytes).subspan(1);
  const uint8_t choice = bytes[0] % 8;
  if (choice < 6) {
    world_.ReceiveIp(peers_[first + choice / 3]->Segment(rest, (bytes[0] & 0x80) != 0));
    return;
  }
  Bytes segment = Bytes(rest.begin(), rest.end());
  if (choice == 6) {  // to the listener, from one of a few ports
    Bytes tcp(kTcpHeaderSize);
    EmitTcp({}, tcp.data());
    tcp = tcp + From(segment, 4);
    StoreBe16(&tcp[0], static_cast<uint16_t>(7000 + segment[0] % 4));
    StoreBe16(&tcp[2], 80);
    tcp[11] = segment[1];
    tcp[12] = static_cast<uint8_t>(std::min<size_t>(tcp.size() / 4, 15) << 4);
    tcp[13] = segment[2] == 0 ? uint8_t{tcp_flag::kSyn} : segment[2];
    StoreBe16(&tcp[14], static_cast<uint16_t>(segment[3] * 200));
    segment = std::move(tcp);
  } else if (segment.size() >= 4 && LoadBe16(&segment[0]) >= 8080 &&
             LoadBe16(&segment[0]) < 8080 + peers_.size()) {
    return;  // its text would not be what the streams hold
  }
  FixChecksum(cast.peer, cast.own, ip_protocol::kTcp, segment);
  Packet(cast, ip_protocol::kTcp, segment);
}
void FuzzWorld::FeedTcp4(const Bytes& bytes) { Tcp(v4_, 0, bytes); }
void FuzzWorld::FeedTcp6(const Bytes& bytes) { Tcp(v6_, 2, bytes); }

void FuzzWorld::Udp(const Cast& cast, const Bytes& bytes) {
  if (bytes.empty()) return;
  if (bytes[0] % 4 == 3) {  // with a header of its own
    Bytes datagram = From(bytes, 1);
    FixChecksum(cast.peer, cast.own, ip_protocol::kUdp, datagram);
    return Packet(cast, ip_protocol::kUdp, datagram);
  }
  const uint16_t ports[] = {
      53, cast.own.is_v4() ? uint16_t{5353} : client6_->Local().port, 9};
  world_.ReceiveUdp(cast.peer, cast.own, ports[bytes[0] % 4], From(bytes, 1));
}
void FuzzWorld::FeedUdp4(const Bytes& bytes) { Udp(v4_, bytes); }
void FuzzWorld::FeedUdp6(const Bytes& bytes) { Udp(v6_, bytes); }

// --- Routing -------------------------------------------------------------------------------------

void FuzzWorld::Forward(Family family, const Bytes& bytes) {
  if (bytes.size() < 4) return;
  const Cast& cast = family == Family::kIpv4 ? v4_ : v6_;
  const FarCast far = FarCastOf(family);
  const bool back = (bytes[0] & 0x80) != 0;
  const IpAddress to[] = {far.far, far.beyond, cast.other, cast.remote};
  const uint8_t hops = bytes[1] == 0 ? uint8_t{64} : bytes[1];
  const Bytes payload = From(bytes, 4) + Pattern(bytes[3] * 6u);
  Bytes packet = back ? IpPacket(far.far, cast.peer, bytes[2], payload, hops)
                      : IpPacket(cast.peer, to[bytes[0] % 4], bytes[2], payload, hops);
  if (family == Family::kIpv4) {
    packet[6] = static_cast<uint8_t>(bytes[0] & 0x40);  // DF
    FixIpv4Checksum({packet.data(), kIpv4HeaderSize});
  }
  if (back) {
    world_.ReceiveFar(packet);
  } else {
    world_.ReceiveIp(packet);
  }
}
void FuzzWorld::FeedForward4(const Bytes& bytes) { Forward(Family::kIpv4, bytes); }
void FuzzWorld::FeedForward6(const Bytes& bytes) { Forward(Family::kIpv6, bytes); }

// --- Time and programs ---------------------------------------------------------------------------

void FuzzWorld::FeedTime(const Bytes& bytes) {
  const int tenths = bytes.empty() ? 1 : bytes[0];
  const int doublings = bytes.size() < 2 ? 0 : bytes[1] % (kFuzzMostDoublings + 1);
  // What is sent meanwhile stays in the links, to be judged.
  world_.Advance(std::chrono::milliseconds(tenths * 100 << doublings));
}

void FuzzWorld::Set(const std::string& name, const char* value) {
  if (!world_.stack.SetSysctl(name, value).ok()) std::abort();
}

void FuzzWorld::FeedMode(const Bytes& bytes) {
  const uint8_t mode = bytes.empty() ? 0 : bytes[0];
  const bool forward = (mode & fuzz_mode::kForward) != 0;
  Set("ipv4.ip_forward", forward ? "1" : "0");
  Set("ipv6.conf.all.forwarding", forward ? "1" : "0");
  Set("ipv6.conf.eth0.accept_ra_rt_info_max_plen", "64");
  Set("ipv6.conf.eth0.accept_ra", (mode & fuzz_mode::kAcceptRa) == 0 ? "0" : forward ? "2" : "1");
  if ((mode & fuzz_mode::kAdvertise) != 0) {
    RouterAdvertisementOptions options;
    options.prefixes.push_back({*Prefix::Parse("2001:db8::/64")});
    if (!world_.stack.SetRouterAdvertisement(kEth0, options).ok()) std::abort();
  } else if (!world_.stack.StopRouterAdvertisement(kEth0).ok()) {
    std::abort();
  }
}

// What a program with CAP_NET_RAW sends need not be well-formed.
void FuzzWorld::FeedWhole(const Bytes& bytes) {
  Check();
  const std::span<const uint8_t> piece = bytes;
  (void)whole_->Send({&piece, 1}, {.destination = Endpoint{.address = v4_.peer}});
  world_.stack.Flush();
  wholes_ += world_.link.sent().size();
  world_.link.Clear();
}

void FuzzWorld::FeedOwnFrame(const Bytes& bytes) {
  Check();
  const std::span<const uint8_t> piece = bytes;
  for (const InterfaceIndex interface : {kEth0, kLoopbackIndex}) {
    (void)sender_->Send({&piece, 1}, LinkName{.interface = interface});
    world_.stack.Flush();
  }
  own_frames_ += world_.link.sent().size();
  world_.link.Clear();
}

void FuzzWorld::SendTo(DatagramSocket& socket, const Endpoint& to, size_t size) {
  (void)StackWorld::SendTo(socket, to, Pattern(size));
}

void FuzzWorld::Ping(DatagramSocket& socket, const Endpoint& to) {
  Bytes message(kIcmpHeaderSize);
  EmitIcmp(message.data(),
           to.address.is_v4() ? icmpv4_type::kEchoRequest : icmpv6_type::kEchoRequest, 0, 1);
  (void)StackWorld::SendTo(socket, to, message + Pattern(20));
}

void FuzzWorld::FeedCall(const Bytes& bytes) {
  const uint8_t what = bytes.empty() ? 0 : bytes[0] % 16;
  const uint8_t much = bytes.size() < 2 ? 1 : bytes[1];
  FuzzTcpPeer& peer = *peers_[what % 4];
  switch (what) {
    case 0:
    case 1:
    case 2:
    case 3:
      peer.Write(much * 40u + 1);
      break;
    case 4:
    case 5:
    case 6:
    case 7:
      if (much < 16) peer.Close();
      else if (much < 128) peer.ShutdownWrite();
      break;
    case 8: SendTo(*client4_, {v4_.remote, 9}, much * 30u); break;
    case 9: SendTo(*udp_, {v6_.remote, 9}, much * 30u); break;
    case 10: SendTo(*client4_, {v4_.peer, 4000}, much * 30u); break;
    case 11: SendTo(*client6_, {v6_.peer, 4000}, much * 30u); break;
    case 12: Ping(*ping4_, {much % 2 == 0 ? v4_.peer : v4_.own, 0}); break;
    case 13: Ping(*ping6_, {much % 2 == 0 ? v6_.peer : v6_.own, 0}); break;
    case 14:
      if (much % 2 == 0) (void)udp_->LeaveGroup(Ip("ff02::fb"), kEth0);
      else (void)udp_->JoinGroup(Ip("ff02::fb"), kEth0);
      break;
    case 15: world_.stack.FlushNeighbors(0); break;
  }
  world_.stack.Flush();
}

}  // namespace moat::netstack
