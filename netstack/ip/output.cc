#include "netstack/ip/output.h"

#include <algorithm>

#include "netstack/ip/frame_taps.h"
#include "netstack/wire/checksum.h"
#include "netstack/wire/ethernet.h"
#include "netstack/wire/ipv4.h"
#include "netstack/wire/ipv4_options.h"
#include "netstack/wire/ipv6.h"

namespace moat::netstack {
namespace {

constexpr size_t kIpRoom = kIpv4MaxHeaderSize;
static_assert(kIpRoom >= kIpv6HeaderSize + kIpv6FragmentHeaderSize);

size_t IpHeaderSize(const RouteHandle& route, const IpPacketOut& packet) {
  return route.destination.is_v4() ? kIpv4HeaderSize + packet.options.size() : kIpv6HeaderSize;
}

// Puts options behind a header that has none; returns the new size.
size_t AppendOptions(std::span<const uint8_t> options, uint8_t* ip) {
  const size_t size = kIpv4HeaderSize + options.size();
  ip[0] = static_cast<uint8_t>(0x40 | size / 4);
  std::memcpy(ip + kIpv4HeaderSize, options.data(), options.size());
  FixIpv4Checksum({ip, size});
  return size;
}

size_t PayloadSize(const IpPacketOut& packet) {
  size_t size = 0;
  for (const auto& piece : packet.payload) size += piece.size();
  return size;
}

// Leaving the sum to the link is worth it for bulk only; and raw sockets of the receiving host look
// at ICMP's before anything completes it.
bool MayOffload(uint8_t protocol) {
  return protocol != ip_protocol::kIcmp && protocol != ip_protocol::kIcmpV6;
}

void CopyPieces(std::span<const std::span<const uint8_t>> pieces, uint8_t* to) {
  for (const auto& piece : pieces) {
    if (piece.empty()) continue;
    std::memcpy(to, piece.data(), piece.size());
    to += piece.size();
  }
}

}  // namespace

IpOutput::IpOutput(IpState& state, NextHops& next_hops)
    : state_(state), next_hops_(next_hops), identification_(state.random.U32()) {}

Error IpOutput::Send(const RouteHandle& route, const IpPacketOut& packet) {
  IpCounters& counters = state_.counters(route.destination.family());
  ++counters.out_requests;
  if (!route.out->active()) {
    ++counters.out_discards;
    return Error::kNetworkDown;
  }
  if (packet.transport_header.size() > kMaxTransportHeader ||
      packet.options.size() > kIpv4MaxOptions) {
    return Error::kInvalid;
  }
  const size_t payload_size = PayloadSize(packet);
  const size_t total = IpHeaderSize(route, packet) + packet.transport_header.size() + payload_size;
  const bool gso = packet.gso != GsoType::kNone && packet.gso_size != 0 &&
                   payload_size > packet.gso_size;
  if (total > kMaxIpPacket) {
    ++counters.out_discards;
    return Error::kMessageSize;
  }
  if (route.is_local || total <= (gso ? route.max_gso_bytes : route.mtu)) {
    counters.out_octets += total;
    CountGroup(route, counters);
    return SendWhole(route, packet, payload_size, gso);
  }
  if (packet.dont_fragment || gso) {
    ++counters.fragment_fails;
    return Error::kMessageSize;
  }
  counters.out_octets += total;
  CountGroup(route, counters);
  return SendFragments(route, packet, payload_size);
}

Error IpOutput::SendPacket(const RouteHandle& route, Slice packet, size_t header_size) {
  const Family family = route.destination.family();
  IpCounters& counters = state_.counters(family);
  ++counters.out_requests;
  if (!route.out->active() || (!route.is_local && packet.size() > route.mtu)) {
    ++counters.out_discards;
    return route.out->active() ? Error::kMessageSize : Error::kNetworkDown;
  }
  counters.out_octets += packet.size();
  CountGroup(route, counters);
  if (route.is_local) {
    return PushLooped({.packet = std::move(packet), .interface = kLoopbackIndex, .trusted = false},
                      family);
  }
  // The copy of what goes to a group is trusted, as Linux does (dev_loopback_xmit()).
  if (HearsItself(route, /*multicast_loop=*/true))
    (void)PushLooped({.packet = packet, .interface = route.out->index}, family);
  uint8_t buffer[kEthernetHeaderSize + kIpRoom];
  uint8_t* ip = buffer + kEthernetHeaderSize;
  std::memcpy(ip, packet.data(), header_size);
  const std::span<const uint8_t> rest = packet.span().subspan(header_size);
  return ToLink(route, {ip, header_size, {&rest, 1}, {}});
}

void IpOutput::CountGroup(const RouteHandle& route, IpCounters& counters) const {
  if (route.is_multicast) ++counters.out_multicast;
  if (route.is_broadcast) ++counters.out_broadcast;
}

uint8_t IpOutput::HopLimit(const RouteHandle& route, const IpPacketOut& packet) const {
  if (packet.hop_limit != 0) return packet.hop_limit;
  if (route.is_multicast) return 1;
  return static_cast<uint8_t>(route.destination.is_v4() ? state_.tunables.default_ttl->value()
                                                        : route.out->conf.own(Conf::kHopLimit));
}

size_t IpOutput::EmitIp(const RouteHandle& route, const IpPacketOut& packet, size_t size,
                        uint8_t* out) {
  if (route.destination.is_v6()) {
    EmitIpv6({packet.traffic_class, packet.flow_label, static_cast<uint16_t>(size),
              packet.protocol, HopLimit(route, packet), route.source, route.destination},
             out);
    return kIpv6HeaderSize;
  }
  Ipv4Fields fields;
  fields.tos = packet.traffic_class;
  fields.total_length = static_cast<uint16_t>(kIpv4HeaderSize + packet.options.size() + size);
  // RFC 6864: the identification of a packet that cannot be fragmented means nothing. A
  // super-segment's pieces are numbered on from here by who cuts it.
  if (!packet.dont_fragment) {
    fields.identification = static_cast<uint16_t>(identification_);
    identification_ += packet.gso == GsoType::kNone ? 1 : 1 + size / packet.gso_size;
  }
  fields.dont_fragment = packet.dont_fragment;
  fields.ttl = HopLimit(route, packet);
  fields.protocol = packet.protocol;
  fields.source = route.source;
  fields.destination = route.destination;
  EmitIpv4(fields, out);
  return packet.options.empty() ? kIpv4HeaderSize : AppendOptions(packet.options, out);
}

// Leaves the sum to the link when it can do it (RFC 1071's sum of the pseudo header goes into the
// field), else computes it.
void IpOutput::FillChecksum(const RouteHandle& route, const IpPacketOut& packet,
                            size_t payload_size, uint8_t* transport, TxOffload* offload) const {
  if (packet.checksum_offset < 0) return;
  const size_t header_size = packet.transport_header.size();
  Checksum sum;
  if (packet.protocol != ip_protocol::kIcmp) {
    sum.AddPseudoHeader(route.source, route.destination, packet.protocol,
                        static_cast<uint32_t>(header_size + payload_size));
  }
  uint8_t* field = transport + packet.checksum_offset;
  if (offload != nullptr) {
    StoreBe16(field, sum.Sum());
    offload->needs_checksum = true;
    offload->checksum_offset = static_cast<uint16_t>(packet.checksum_offset);
    return;
  }
  sum.Add({transport, header_size});
  for (const auto& piece : packet.payload) sum.Add(piece);
  uint16_t checksum = sum.Finish();
  if (packet.zero_checksum_means_none && checksum == 0) checksum = 0xffff;
  StoreBe16(field, checksum);
}

Error IpOutput::ToLink(const RouteHandle& route, const LinkPacket& packet) {
  if (route.is_broadcast || route.is_multicast) {
    return next_hops_.SendTo(*route.out, route.group_mac, route.destination.family(), packet);
  }
  return next_hops_.Send(*route.out, route.next_hop, route.source, route.neighbor, packet);
}

Error IpOutput::SendWhole(const RouteHandle& route, const IpPacketOut& packet, size_t payload_size,
                          bool gso) {
  if (route.is_local) return Loop(route, packet, payload_size, kLoopbackIndex);
  LoopGroupCopy(route, packet, payload_size);
  uint8_t buffer[kEthernetHeaderSize + kIpRoom + kMaxTransportHeader];
  uint8_t* ip = buffer + kEthernetHeaderSize;
  const size_t transport_size = packet.transport_header.size();
  const size_t ip_size = EmitIp(route, packet, transport_size + payload_size, ip);
  std::memcpy(ip + ip_size, packet.transport_header.data(), transport_size);
  LinkPacket out{ip, ip_size + transport_size, packet.payload, {}};
  const bool offload =
      route.out->capabilities.tx_checksum_offload && MayOffload(packet.protocol);
  if (offload) out.offload.checksum_start = static_cast<uint16_t>(ip_size);
  FillChecksum(route, packet, payload_size, ip + ip_size, offload ? &out.offload : nullptr);
  if (gso) {
    out.offload.gso = packet.gso;
    out.offload.gso_size = packet.gso_size;
  }
  return ToLink(route, out);
}

// A group that this host belongs to hears its own packets (RFC 1112 6.1, unless the sender says
// no); so does every broadcast's sender.
bool IpOutput::HearsItself(const RouteHandle& route, bool multicast_loop) const {
  return route.is_broadcast ||
         (route.is_multicast && multicast_loop && route.out->InGroup(route.destination));
}

void IpOutput::LoopGroupCopy(const RouteHandle& route, const IpPacketOut& packet,
                             size_t payload_size) {
  if (!HearsItself(route, packet.multicast_loop)) return;
  (void)Loop(route, packet, payload_size, route.out->index);
}

Error IpOutput::Loop(const RouteHandle& route, const IpPacketOut& packet, size_t payload_size,
                     InterfaceIndex interface) {
  const size_t transport_size = packet.transport_header.size();
  Slice slice = Slice::Allocate(IpHeaderSize(route, packet) + transport_size + payload_size);
  uint8_t* ip = slice.mutable_data();
  const size_t ip_size = EmitIp(route, packet, transport_size + payload_size, ip);
  std::memcpy(ip + ip_size, packet.transport_header.data(), transport_size);
  CopyPieces(packet.payload, ip + ip_size + transport_size);
  // As a link that offloads would carry it: never summed, but not the zero that means "none" to
  // UDP.
  TxOffload offload;
  FillChecksum(route, packet, payload_size, ip + ip_size,
               MayOffload(packet.protocol) ? &offload : nullptr);
  const bool gso = packet.gso != GsoType::kNone && payload_size > packet.gso_size;
  return PushLooped({.packet = std::move(slice),
                     .interface = interface,
                     .gso_size = gso ? packet.gso_size : static_cast<uint16_t>(0),
                     .trusted = packet.checksum_offset >= 0 || !route.is_local},
                    route.destination.family());
}

Error IpOutput::PushLooped(LoopedPacket looped, Family family) {
  const InterfaceIndex interface = looped.interface;
  if (state_.tapped() && interface == kLoopbackIndex) [[unlikely]] {
    TapLooped(*state_.tap, *state_.interfaces.Find(interface), looped, FrameType::kOutgoing);
  }
  Interface* lo = state_.interfaces.Find(interface);
  const size_t size = looped.packet.size();
  if (!state_.loopback.Push(std::move(looped))) {
    state_.drops.Count(DropReason::kLoopbackFull);
    ++state_.counters(family).out_discards;
    return Error::kNoBuffers;
  }
  if (interface == kLoopbackIndex && lo != nullptr) {
    ++lo->counters.tx_packets;
    lo->counters.tx_bytes += size;
  }
  return Error::kOk;
}

// RFC 791 3.2, RFC 8200 4.5. The checksum is over the whole, so it cannot be left to the link.
Error IpOutput::SendFragments(const RouteHandle& route, const IpPacketOut& packet,
                              size_t payload_size) {
  LoopGroupCopy(route, packet, payload_size);
  const bool v4 = route.destination.is_v4();
  IpCounters& counters = state_.counters(route.destination.family());
  uint8_t later_options[kIpv4MaxOptions];
  std::span<const uint8_t> options = packet.options;
  const size_t transport_size = packet.transport_header.size();
  Slice whole = Slice::Allocate(transport_size + payload_size);
  uint8_t* bytes = whole.mutable_data();
  std::memcpy(bytes, packet.transport_header.data(), transport_size);
  CopyPieces(packet.payload, bytes + transport_size);
  FillChecksum(route, packet, payload_size, bytes, nullptr);
  const uint32_t id = v4 ? static_cast<uint16_t>(identification_++) : state_.random.U32();

  for (size_t offset = 0, size = 0; offset < whole.size(); offset += size) {
    const size_t header =
        v4 ? kIpv4HeaderSize + options.size() : kIpv6HeaderSize + kIpv6FragmentHeaderSize;
    const size_t step = route.mtu > header + 8 ? (route.mtu - header) & ~size_t{7} : 8;
    size = std::min(step, whole.size() - offset);
    const bool more = offset + size < whole.size();
    uint8_t buffer[kEthernetHeaderSize + kIpRoom];
    uint8_t* ip = buffer + kEthernetHeaderSize;
    if (v4) {
      EmitIpv4({packet.traffic_class, static_cast<uint16_t>(header + size),
                static_cast<uint16_t>(id), false, more, static_cast<uint32_t>(offset),
                HopLimit(route, packet), packet.protocol, route.source, route.destination},
               ip);
      if (!options.empty()) {
        (void)AppendOptions(options, ip);
        options = {later_options, LaterFragmentIpv4Options(packet.options, later_options)};
      }
    } else {
      EmitIpv6({packet.traffic_class, packet.flow_label,
                static_cast<uint16_t>(kIpv6FragmentHeaderSize + size),
                ipv6_next_header::kFragment, HopLimit(route, packet), route.source,
                route.destination},
               ip);
      EmitIpv6FragmentHeader({packet.protocol, static_cast<uint32_t>(offset), more, id},
                             ip + kIpv6HeaderSize);
    }
    const std::span<const uint8_t> piece = whole.span().subspan(offset, size);
    const Error error = ToLink(route, {ip, header, {&piece, 1}, {}});
    if (error != Error::kOk) {
      ++counters.fragment_fails;
      return error;
    }
    ++counters.fragment_creates;
  }
  ++counters.fragment_oks;
  return Error::kOk;
}

}  // namespace moat::netstack
