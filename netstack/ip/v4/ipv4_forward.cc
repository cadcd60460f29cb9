#include "netstack/ip/v4/ipv4_forward.h"

#include <algorithm>

#include "netstack/ip/source_selection.h"
#include "netstack/ip/v4/record_here.h"
#include "netstack/wire/ethernet.h"

namespace moat::netstack {
namespace {

// RFC 1812 5.3.1, RFC 1141: the checksum follows the changed word.
void DecrementTtl(uint8_t* header) {
  --header[8];
  const uint32_t sum = LoadBe16(header + 10) + 0x100u;
  StoreBe16(header + 10, static_cast<uint16_t>(sum + (sum >= 0xffff ? 1 : 0)));
}

// The header of all fragments but the first.
size_t CopyLaterHeader(std::span<const uint8_t> from, uint8_t* to) {
  std::memcpy(to, from.data(), kIpv4HeaderSize);
  const size_t size = kIpv4HeaderSize + LaterFragmentIpv4Options(from.subspan(kIpv4HeaderSize),
                                                                 to + kIpv4HeaderSize);
  to[0] = static_cast<uint8_t>(0x40 | size / 4);
  return size;
}

}  // namespace

void Ipv4Forward::Drop(DropReason reason, Counter& counter) {
  state_.drops.Count(reason);
  ++counter;
}

bool Ipv4Forward::Forward(Interface& in, IpPacketIn& packet) {
  IpCounters& counters = state_.v4_counters;
  const IpAddress& destination = packet.destination;
  // RFC 1812 5.3.7: net 0 and class E are nowhere. RFC 3927 7: link-local stays on its link.
  if (destination.data()[0] == 0 || destination.data()[0] >= 240) {
    Drop(DropReason::kMartianDestination, counters.in_address_errors);
    return false;
  }
  if (destination.IsLinkLocal() || packet.source.IsLinkLocal() || packet.source.IsUnspecified()) {
    Drop(DropReason::kForwardScope, counters.in_address_errors);
    return false;
  }
  const Result<RouteHandle*> found = finder_.FindForward(
      {destination, packet.source, in.index, finder_.FlowOf(packet.ip_packet.span())});
  if (!found.ok()) {
    Refuse(packet, found.error());
    return false;
  }
  const RouteHandle& route = **found;
  if (route.is_local) return true;
  if (route.is_broadcast) {
    Drop(DropReason::kForwardBroadcast, counters.in_discards);
    return false;
  }
  if (packet.hop_limit <= 1) {  // RFC 1812 5.3.1
    Drop(DropReason::kHopLimit, counters.in_header_errors);
    icmp_.SendError(packet, icmpv4_type::kTimeExceeded, icmpv4_code::kTtl);
    return false;
  }
  if (route.interface == in.index) MaybeRedirect(in, packet, route);
  Send(route, packet);
  return false;
}

// RFC 1812 5.2.7.1: what the routing table refuses, by its reason.
void Ipv4Forward::Refuse(const IpPacketIn& packet, Error why) {
  IpCounters& counters = state_.v4_counters;
  switch (why) {
    case Error::kInvalid:  // blackhole
      return Drop(DropReason::kRouteRefused, counters.in_discards);
    case Error::kAccess:
      Drop(DropReason::kRouteRefused, counters.in_discards);
      return icmp_.SendError(packet, icmpv4_type::kDestinationUnreachable,
                             icmpv4_code::kAdministrativelyProhibited);
    case Error::kHostUnreachable:
      Drop(DropReason::kRouteRefused, counters.in_discards);
      return icmp_.SendError(packet, icmpv4_type::kDestinationUnreachable, icmpv4_code::kHost);
    default:
      Drop(DropReason::kNoRoute, counters.in_no_routes);
      return icmp_.SendError(packet, icmpv4_type::kDestinationUnreachable, icmpv4_code::kNetwork);
  }
}

// RFC 1812 5.2.7.2: the packet goes out where it came in, its source is on that network, and so is
// the better hop. Only redirects for hosts are sent.
void Ipv4Forward::MaybeRedirect(const Interface& in, const IpPacketIn& packet,
                                const RouteHandle& route) {
  if (!in.conf.either(Conf::kSendRedirects) || !route.next_hop.is_v4()) return;
  const bool one_network =
      std::any_of(in.addresses.begin(), in.addresses.end(), [&](const AssignedAddress& assigned) {
        const IpAddress& own = assigned.prefix.address;
        const int length = assigned.prefix.length;
        return own.is_v4() && assigned.usable() && packet.source.InPrefix(own, length) &&
               route.next_hop.InPrefix(own, length);
      });
  if (!one_network || route.next_hop == packet.source) return;
  if (!redirects_.Allow(packet.source, state_.clock.Now())) return;
  icmp_.SendRedirect(packet, route.next_hop);
}

void Ipv4Forward::Send(const RouteHandle& route, IpPacketIn& packet) {
  Ipv4View view;
  if (Ipv4View::Parse(packet.ip_packet.span(), &view) != Ipv4Parse::kOk) return;
  const size_t transport = view.is_fragment() ? 0 : view.header_size();
  const bool fits = ForwardOutput::WireSize(packet, view.header_size()) <= route.mtu;
  if (!fits && view.dont_fragment()) {  // RFC 1812 4.2.2.7, RFC 1191 4
    Drop(DropReason::kPacketTooBig, state_.v4_counters.fragment_fails);
    return icmp_.SendError(packet, icmpv4_type::kDestinationUnreachable,
                           icmpv4_code::kFragmentationNeeded, route.mtu);
  }
  ++state_.v4_counters.forwarded;
  ForwardOutput::MakeWritable(packet.ip_packet);
  DecrementTtl(packet.ip_packet.mutable_data());
  if (view.header_size() != kIpv4HeaderSize) RecordOptions(route, packet);
  if (!fits) return SendFragments(route, packet);
  output_.Send(route, packet, packet.protocol, transport);
}

// RFC 1812 5.3.13: the address is that of the interface it leaves by.
void Ipv4Forward::RecordOptions(const RouteHandle& route, IpPacketIn& packet) {
  uint8_t* header = packet.ip_packet.mutable_data();
  const std::span<uint8_t> span(header, static_cast<size_t>(header[0] & 15) * 4);
  const IpAddress own =
      SelectSource(state_.interfaces, state_.policies, *route.out, packet.destination,
                   route.next_hop)
          .value_or(IpAddress::Any(Family::kIpv4));
  RecordHere(state_, own, span.subspan(kIpv4HeaderSize));
  FixIpv4Checksum(span);
}

// RFC 791 3.2, RFC 1812 4.2.2.7: a fragment may be cut again; offsets count from the original.
void Ipv4Forward::SendFragments(const RouteHandle& route, IpPacketIn& packet) {
  IpCounters& counters = state_.v4_counters;
  if (packet.checksum == RxChecksum::kVerified || packet.gso_size != 0) {
    // Merged or never summed: a packet of that kind is one of a flow that does not fragment.
    return Drop(DropReason::kPacketTooBig, counters.fragment_fails);
  }
  Ipv4View view;
  if (Ipv4View::Parse(packet.ip_packet.span(), &view) != Ipv4Parse::kOk) return;
  const std::span<const uint8_t> data =
      packet.ip_packet.span().subspan(view.header_size());
  uint8_t buffer[kEthernetHeaderSize + kIpv4MaxHeaderSize];
  uint8_t* header = buffer + kEthernetHeaderSize;
  for (size_t offset = 0; offset < data.size();) {
    size_t header_size = view.header_size();
    if (offset == 0) {
      std::memcpy(header, view.header().data(), header_size);
    } else {
      header_size = CopyLaterHeader(view.header(), header);
    }
    const size_t step = std::max<size_t>(8, (route.mtu - header_size) & ~size_t{7});
    const size_t size = std::min(step, data.size() - offset);
    const bool more = offset + size < data.size() || view.more_fragments();
    StoreBe16(header + 2, static_cast<uint16_t>(header_size + size));
    StoreBe16(header + 6, static_cast<uint16_t>((more ? 0x2000 : 0) |
                                                (view.fragment_offset() + offset) / 8));
    FixIpv4Checksum({header, header_size});
    output_.SendPiece(route, packet.source, header, header_size, data.subspan(offset, size));
    ++counters.fragment_creates;
    offset += size;
  }
  ++counters.fragment_oks;
}

void Ipv4Forward::ForwardBroadcast(const Interface& in, const IpPacketIn& packet,
                                   InterfaceIndex to) {
  if (to == in.index || !in.conf.both(Conf::kForwardBroadcast) || packet.hop_limit <= 1) return;
  if (packet.destination.IsLinkLocal() || packet.source.IsLinkLocal()) return;  // RFC 3927 7
  RouteHandle route(state_.generation);
  route.out = state_.interfaces.Share(to);
  if (route.out == nullptr || !route.out->active() || route.out->loopback) return;
  route.interface = to;
  route.mtu = route.out->mtu;
  route.is_broadcast = true;
  route.group_mac = MacAddress::Broadcast();
  IpPacketIn copy = packet;
  Send(route, copy);
}

}  // namespace moat::netstack
