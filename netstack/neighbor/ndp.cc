#include "netstack/neighbor/ndp.h"

#include "netstack/wire/icmpv6.h"
#include "netstack/wire/ipv6.h"

namespace moat::netstack {
namespace {

const IpAddress& AllNodes() {
  static const uint8_t bytes[16] = {0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  static const IpAddress address = IpAddress::V6(bytes);
  return address;
}

const IpAddress& AllRouters() {
  static const uint8_t bytes[16] = {0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2};
  static const IpAddress address = IpAddress::V6(bytes);
  return address;
}

// ff02::1:ff00:0/104
bool IsSolicitedNode(const IpAddress& address) {
  static const uint8_t prefix[13] = {0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff};
  return std::memcmp(address.data(), prefix, sizeof(prefix)) == 0;
}

// A group as link address would make unicast packets multicast.
bool Believable(const std::optional<MacAddress>& mac) {
  return mac.has_value() && !mac->IsMulticast();
}

}  // namespace

Ndp::Counters::Counters(CounterTable& table)
    : invalid(table, "Drop.NdpInvalid"),
      not_for_us(table, "Drop.NdpNotForUs"),
      unsupported(table, "Drop.NdpUnsupported"),
      duplicates(table, "Ndp.DuplicatesSeen"),
      anycast_full(table, "Drop.NdpAnycastQueueFull") {}

Ndp::Ndp(NdpHost& host, NeighborCache& cache, CounterTable& counters, const Clock& clock,
         Random& random, TimerQueue& timers)
    : host_(host),
      cache_(cache),
      counters_(counters),
      anycast_answers_(clock, random, timers, *this) {}

void Ndp::Receive(const NdpContext& context, std::span<const uint8_t> icmp) {
  // RFC 4861 6.1, 7.1: a packet that crossed a router is not from a neighbour.
  if (context.hop_limit != kNdpHopLimit) {
    ++counters_.invalid;
    return;
  }
  switch (icmp[0]) {
    case icmpv6_type::kNeighborSolicitation:
      return HandleSolicitation(context, icmp);
    case icmpv6_type::kNeighborAdvertisement:
      return HandleAdvertisement(context, icmp);
    case icmpv6_type::kRouterSolicitation:
      return HandleRouterSolicitation(context, icmp);
    case icmpv6_type::kRouterAdvertisement:
      return HandleRouterAdvertisement(context, icmp);
    case icmpv6_type::kRedirect:
      return HandleRedirect(context, icmp);
    default:
      ++counters_.unsupported;
  }
}

// RFC 4861 7.1.1 and 7.2.3, RFC 4862 5.4.3.
void Ndp::HandleSolicitation(const NdpContext& context, std::span<const uint8_t> icmp) {
  const std::optional<NeighborSolicitation> message = ParseNeighborSolicitation(icmp);
  const bool dad = context.source.IsUnspecified();
  if (!message.has_value() ||
      (dad && (!IsSolicitedNode(context.destination) ||
               message->options.source_link_address.has_value()))) {
    ++counters_.invalid;
    return;
  }
  switch (host_.Standing(context.interface, message->target)) {
    case AddressStanding::kNotOurs:
      ++counters_.not_for_us;
      return;
    case AddressStanding::kTentative:
      // From an address: the sender resolves, which a tentative owner must not answer.
      if (dad) {
        ++counters_.duplicates;
        host_.DuplicateSeen(context.interface, message->target, message->options.nonce);
      }
      return;
    case AddressStanding::kOurs:
      return Answer(context, *message);
    case AddressStanding::kAnycast:
      return AnswerForAnycast(context, *message);
  }
}

bool Ndp::HeardSolicitor(const NdpContext& context, const NeighborSolicitation& message) {
  if (context.source.IsUnspecified()) return true;
  if (host_.Standing(context.interface, context.source) == AddressStanding::kOurs) {
    ++counters_.invalid;  // our own frame, looped back, or a liar
    return false;
  }
  const std::optional<MacAddress>& mac = message.options.source_link_address;
  if (Believable(mac)) {
    cache_.HeardFrom(context.interface, context.source, *mac, /*create=*/true);
  }
  return true;
}

void Ndp::Answer(const NdpContext& context, const NeighborSolicitation& message) {
  if (!HeardSolicitor(context, message)) return;
  const bool dad = context.source.IsUnspecified();
  uint8_t bytes[kMaxNdpEmit];
  const size_t size = EmitNeighborAdvertisement(
      message.target, host_.IsRouter(context.interface), /*solicited=*/!dad, /*override_=*/true,
      host_.InterfaceMac(context.interface), bytes);
  host_.SendNdp(context.interface, message.target, dad ? AllNodes() : context.source, std::nullopt,
                {bytes, size});
}

void Ndp::AnswerForAnycast(const NdpContext& context, const NeighborSolicitation& message) {
  if (!HeardSolicitor(context, message)) return;
  const AnycastAnswer answer{context.interface, message.target, context.source};
  // A unicast question has reached no other node that could answer as well.
  if (!context.destination.IsMulticast()) return AnswerDue(answer);
  if (!anycast_answers_.Add(answer)) ++counters_.anycast_full;
}

// RFC 4861 7.2.4: without the override flag, so that who answers first is believed, and from an
// address that is ours alone. Who probes for the address learns as well that it is taken (as
// Linux).
void Ndp::AnswerDue(const AnycastAnswer& answer) {
  if (host_.Standing(answer.interface, answer.target) != AddressStanding::kAnycast) return;
  const bool dad = answer.solicitor.IsUnspecified();
  const IpAddress& to = dad ? AllNodes() : answer.solicitor;
  const IpAddress source = host_.SourceTowards(answer.interface, to);
  if (source.IsUnspecified()) return;
  uint8_t bytes[kMaxNdpEmit];
  const size_t size = EmitNeighborAdvertisement(
      answer.target, host_.IsRouter(answer.interface), /*solicited=*/!dad, /*override_=*/false,
      host_.InterfaceMac(answer.interface), bytes);
  host_.SendNdp(answer.interface, source, to, std::nullopt, {bytes, size});
}

// RFC 4861 7.1.2 and 7.2.5, RFC 4862 5.4.4.
void Ndp::HandleAdvertisement(const NdpContext& context, std::span<const uint8_t> icmp) {
  const std::optional<NeighborAdvertisement> message = ParseNeighborAdvertisement(icmp);
  if (!message.has_value() || (context.destination.IsMulticast() && message->solicited)) {
    ++counters_.invalid;
    return;
  }
  const AddressStanding standing = host_.Standing(context.interface, message->target);
  if (standing == AddressStanding::kAnycast) return;  // another one that has it, as it may
  if (standing != AddressStanding::kNotOurs) {
    ++counters_.duplicates;
    if (standing == AddressStanding::kTentative) {
      host_.DuplicateSeen(context.interface, message->target, std::nullopt);
    }
    return;
  }
  const std::optional<MacAddress>& mac = message->options.target_link_address;
  if (mac.has_value() && mac->IsMulticast()) {
    ++counters_.invalid;
    return;
  }
  cache_.Advertised(context.interface, message->target,
                    {.mac = mac, .solicited = message->solicited, .override_ = message->override_,
                     .router = message->router});
}

// RFC 4861 6.1.1 and 6.2.6: a host discards router solicitations.
void Ndp::HandleRouterSolicitation(const NdpContext& context, std::span<const uint8_t> icmp) {
  if (!host_.IsRouter(context.interface)) {
    ++counters_.not_for_us;
    return;
  }
  const std::optional<NdpOptions> options = ParseRouterSolicitation(icmp);
  const bool nameless = context.source.IsUnspecified();
  if (!options.has_value() || (nameless && options->source_link_address.has_value())) {
    ++counters_.invalid;
    return;
  }
  if (!nameless && Believable(options->source_link_address)) {
    // Who solicits routers is none.
    cache_.HeardFrom(context.interface, context.source, *options->source_link_address,
                     /*create=*/true, /*router=*/false);
  } else if (!nameless) {
    cache_.HeardRole(context.interface, context.source, /*router=*/false);
  }
  host_.RouterSolicited(context.interface);
}

// RFC 4861 6.1.2 and 6.3.4.
void Ndp::HandleRouterAdvertisement(const NdpContext& context, std::span<const uint8_t> icmp) {
  const std::optional<RouterAdvertisement> message = ParseRouterAdvertisement(icmp);
  if (!message.has_value() || !context.source.IsLinkLocal()) {
    ++counters_.invalid;
    return;
  }
  const std::optional<MacAddress>& mac = message->options.source_link_address;
  if (Believable(mac)) {
    cache_.HeardFrom(context.interface, context.source, *mac, /*create=*/true, /*router=*/true);
  } else {
    cache_.HeardRole(context.interface, context.source, /*router=*/true);
  }
  host_.RouterAdvertised(context.interface, context.source, *message);
}

// RFC 4861 8.1 and 8.3.
void Ndp::HandleRedirect(const NdpContext& context, std::span<const uint8_t> icmp) {
  const std::optional<RedirectMessage> message = ParseRedirect(icmp);
  if (!message.has_value() || !context.source.IsLinkLocal()) {
    ++counters_.invalid;
    return;
  }
  if (!host_.Redirected(context.interface, context.source, *message)) return;
  const std::optional<MacAddress>& mac = message->options.target_link_address;
  // A target that is not the destination itself is a router.
  std::optional<bool> router;
  if (message->target != message->destination) router = true;
  if (Believable(mac)) {
    cache_.HeardFrom(context.interface, message->target, *mac, /*create=*/true, router);
  } else if (router.has_value()) {
    cache_.HeardRole(context.interface, message->target, *router);
  }
}

void Ndp::Solicit(InterfaceIndex interface, const IpAddress& target, const IpAddress& source,
                  const std::optional<MacAddress>& to) {
  uint8_t bytes[kMaxNdpEmit];
  // RFC 4861 4.3: no link address option from the unspecified source.
  std::optional<MacAddress> own;
  if (!source.IsUnspecified()) own = host_.InterfaceMac(interface);
  const size_t size = EmitNeighborSolicitation(target, own, std::nullopt, bytes);
  const IpAddress destination = to.has_value() ? target : SolicitedNodeGroup(target);
  host_.SendNdp(interface, source, destination, to, {bytes, size});
}

void Ndp::SolicitForDad(InterfaceIndex interface, const IpAddress& target,
                        const std::array<uint8_t, 6>& nonce) {
  uint8_t bytes[kMaxNdpEmit];
  const size_t size = EmitNeighborSolicitation(target, std::nullopt, nonce, bytes);
  host_.SendNdp(interface, IpAddress::Any(Family::kIpv6), SolicitedNodeGroup(target), std::nullopt,
                {bytes, size});
}

void Ndp::Announce(InterfaceIndex interface, const IpAddress& address) {
  uint8_t bytes[kMaxNdpEmit];
  const size_t size =
      EmitNeighborAdvertisement(address, host_.IsRouter(interface), /*solicited=*/false,
                                /*override_=*/true, host_.InterfaceMac(interface), bytes);
  host_.SendNdp(interface, address, AllNodes(), std::nullopt, {bytes, size});
}

void Ndp::Redirect(InterfaceIndex interface, const IpAddress& to, const IpAddress& target,
                   const IpAddress& destination, std::span<const uint8_t> packet) {
  const IpAddress source = host_.LinkLocalAddress(interface);
  if (source.IsUnspecified()) return;
  uint8_t bytes[kMaxNdpRedirect];
  const size_t size =
      EmitRedirect(target, destination, host_.KnownMac(interface, target), packet, bytes);
  host_.SendNdp(interface, source, to, std::nullopt, {bytes, size});
}

void Ndp::SolicitRouters(InterfaceIndex interface, const IpAddress& source) {
  uint8_t bytes[kMaxNdpEmit];
  std::optional<MacAddress> own;
  if (!source.IsUnspecified()) own = host_.InterfaceMac(interface);
  const size_t size = EmitRouterSolicitation(own, bytes);
  host_.SendNdp(interface, source, AllRouters(), std::nullopt, {bytes, size});
}

}  // namespace moat::netstack
