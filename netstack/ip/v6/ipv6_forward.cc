#include "netstack/ip/v6/ipv6_forward.h"

#include <algorithm>

#include "netstack/wire/ipv6_extension.h"

namespace moat::netstack {

void Ipv6Forward::Drop(DropReason reason, Counter& counter) {
  state_.drops.Count(reason);
  ++counter;
}

bool Ipv6Forward::Forward(Interface& in, IpPacketIn& packet) {
  IpCounters& counters = state_.v6_counters;
  // RFC 4291 2.5.2, 2.5.6: the unspecified address and link-local destinations stay where they are.
  if (packet.source.IsUnspecified() || packet.destination.IsLinkLocal() ||
      packet.destination.IsMappedV4()) {
    Drop(DropReason::kForwardScope, counters.in_address_errors);
    return false;
  }
  if (!CheckHopByHop(packet)) return false;
  const Result<RouteHandle*> found = finder_.FindForward(
      {packet.destination, packet.source, in.index, finder_.FlowOf(packet.ip_packet.span())});
  if (!found.ok()) {
    Refuse(packet, found.error());
    return false;
  }
  const RouteHandle& route = **found;
  if (route.is_local) return true;
  if (packet.source.IsLinkLocal() && route.interface != in.index) {  // RFC 4443 3.1, code 2
    Drop(DropReason::kForwardScope, counters.in_address_errors);
    icmp_.SendError(packet, icmpv6_type::kDestinationUnreachable, icmpv6_code::kBeyondScope);
    return false;
  }
  if (packet.hop_limit <= 1) {  // RFC 8200 3
    Drop(DropReason::kHopLimit, counters.in_header_errors);
    icmp_.SendError(packet, icmpv6_type::kTimeExceeded, icmpv6_code::kHopLimit);
    return false;
  }
  if (route.interface == in.index) MaybeRedirect(in, packet, route);
  Send(route, packet);
  return false;
}

bool Ipv6Forward::CheckHopByHop(const IpPacketIn& packet) {
  if (packet.ip_packet.data()[6] != ipv6_next_header::kHopByHop) return true;
  const Ipv6Chain chain = WalkIpv6HopByHop(packet.ip_packet.span());
  if (chain.outcome == Ipv6Chain::Outcome::kUpperLayer) return true;
  Drop(DropReason::kExtensionHeader, state_.v6_counters.in_header_errors);
  if (chain.outcome == Ipv6Chain::Outcome::kParameterProblem) {
    icmp_.SendError(packet, icmpv6_type::kParameterProblem, chain.problem_code,
                    chain.problem_pointer, chain.problem_even_if_multicast);
  }
  return false;
}

// RFC 4443 3.1. Linux's "unreachable" routes answer with code 0 as well.
void Ipv6Forward::Refuse(const IpPacketIn& packet, Error why) {
  IpCounters& counters = state_.v6_counters;
  switch (why) {
    case Error::kInvalid:  // blackhole
      return Drop(DropReason::kRouteRefused, counters.in_discards);
    case Error::kAccess:
      Drop(DropReason::kRouteRefused, counters.in_discards);
      return icmp_.SendError(packet, icmpv6_type::kDestinationUnreachable,
                             icmpv6_code::kProhibited);
    default:
      Drop(DropReason::kNoRoute, counters.in_no_routes);
      return icmp_.SendError(packet, icmpv6_type::kDestinationUnreachable, icmpv6_code::kNoRoute);
  }
}

// RFC 4861 8.2: the source is a neighbour, and so is the better hop. A router is named by its
// link-local address, or not at all.
void Ipv6Forward::MaybeRedirect(const Interface& in, const IpPacketIn& packet,
                                const RouteHandle& route) {
  if (!in.conf.either(Conf::kSendRedirects) || !route.next_hop.is_v6()) return;
  if (route.next_hop != packet.destination && !route.next_hop.IsLinkLocal()) return;
  const bool neighbor =
      packet.source.IsLinkLocal() ||
      std::any_of(in.addresses.begin(), in.addresses.end(), [&](const AssignedAddress& assigned) {
        return assigned.prefix.address.is_v6() &&
               packet.source.InPrefix(assigned.prefix.address, assigned.prefix.length);
      });
  if (!neighbor || route.next_hop == packet.source) return;
  const Time now = state_.clock.Now();
  if (!redirects_.Allow(packet.source, now) || !icmp_.AllowError(packet.source)) return;
  next_hops_.ndp().Redirect(in.index, packet.source, route.next_hop, packet.destination,
                            packet.ip_packet.span());
}

void Ipv6Forward::Send(const RouteHandle& route, IpPacketIn& packet) {
  const Ipv6Chain chain = WalkIpv6Chain(packet.ip_packet.span());
  const bool whole = chain.outcome == Ipv6Chain::Outcome::kUpperLayer;
  packet.protocol = whole ? chain.protocol : 0;
  if (ForwardOutput::WireSize(packet, whole ? chain.offset : 0) > route.mtu) {  // RFC 4443 3.2
    Drop(DropReason::kPacketTooBig, state_.v6_counters.in_too_big);
    return icmp_.SendError(packet, icmpv6_type::kPacketTooBig, 0,
                           std::max(route.mtu, kIpv6MinMtu), /*even_to_group=*/true);
  }
  ++state_.v6_counters.forwarded;
  ForwardOutput::MakeWritable(packet.ip_packet);
  --packet.ip_packet.mutable_data()[7];
  output_.Send(route, packet, packet.protocol, whole ? chain.offset : 0);
}

}  // namespace moat::netstack
