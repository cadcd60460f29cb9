#include "netstack/ip/v6/icmpv6.h"

#include <algorithm>

#include "netstack/wire/checksum.h"
#include "netstack/wire/ipv6.h"
#include "netstack/wire/ipv6_extension.h"

namespace moat::netstack {
Icmpv6::Icmpv6(IpState& state, IpSender& sender, ErrorDelivery& errors,
               IcmpLimiter& limiter, Ndp& ndp, Mld& mld)
    : state_(state),
      sender_(sender),
      errors_(errors),
      limiter_(limiter),
      ndp_(ndp),
      mld_(mld),
      counters_(state.icmpv6_counters) {}

const Icmpv6::Row* Icmpv6::FindRow(uint8_t type) {
  struct TypedRow {
    uint8_t type;
    Row row;
  };
  static constexpr TypedRow kRows[] = {
      {icmpv6_type::kEchoRequest, {&Icmpv6::HandleEchoRequest}},
      {icmpv6_type::kEchoReply, {&Icmpv6::HandleEchoReply}},
      {icmpv6_type::kNeighborSolicitation, {&Icmpv6::HandleNdp, true}},
      {icmpv6_type::kNeighborAdvertisement, {&Icmpv6::HandleNdp, true}},
      {icmpv6_type::kRouterSolicitation, {&Icmpv6::HandleNdp, true}},
      {icmpv6_type::kRouterAdvertisement, {&Icmpv6::HandleNdp, true}},
      {icmpv6_type::kRedirect, {&Icmpv6::HandleNdp, true}},
      {icmpv6_type::kDestinationUnreachable, {&Icmpv6::HandleError}},
      {icmpv6_type::kPacketTooBig, {&Icmpv6::HandleError}},
      {icmpv6_type::kTimeExceeded, {&Icmpv6::HandleError}},
      {icmpv6_type::kParameterProblem, {&Icmpv6::HandleError}},
      {icmpv6_type::kMldQuery, {nullptr, false, true}},
      {icmpv6_type::kMldReport, {nullptr, false, true}},
      {icmpv6_type::kMldDone, {nullptr, false, true}},
      {icmpv6_type::kMldV2Report, {nullptr, false, true}},
  };
  for (const TypedRow& row : kRows) {
    if (row.type == type) return &row.row;
  }
  return nullptr;
}

void Icmpv6::Receive(const IpPacketIn& packet, const Ipv6Arrival& arrival) {
  ++counters_.in_messages;
  const std::optional<IcmpView> icmp = IcmpView::Parse(packet.payload.span());
  if (!icmp.has_value()) {
    ++counters_.in_errors;
    return state_.drops.Count(DropReason::kIcmpTruncated);
  }
  if (packet.checksum != RxChecksum::kVerified &&
      !TransportChecksumValid(packet.source, packet.destination, ip_protocol::kIcmpV6,
                              packet.payload.span())) {
    ++counters_.in_errors;
    ++counters_.in_checksum_errors;
    return state_.drops.Count(DropReason::kIcmpChecksum);
  }
  const Row* row = FindRow(icmp->type());
  if (row == nullptr) {
    ++counters_.in_errors;
    if (icmp->type() < 128) return HandleError(packet, *icmp);  // RFC 4443 2.4 (a)
    return state_.drops.Count(DropReason::kIcmpUnknownType);
  }
  counters_.CountIn(icmp->type());
  if (row->mld) return mld_.Receive(packet, arrival.router_alert);
  if (row->handler == nullptr) return state_.drops.Count(DropReason::kIcmpUnsupported);
  if (row->ndp && arrival.was_fragmented) return state_.drops.Count(DropReason::kNdpInFragment);
  (this->*row->handler)(packet, *icmp);
}

// RFC 4443 4.2: from the address that was asked; from one of ours when that was a group or anycast.
void Icmpv6::HandleEchoRequest(const IpPacketIn& packet, const IcmpView& icmp) {
  if (state_.tunables.echo_ignore_all_v6->value() != 0 || packet.source.IsUnspecified() ||
      (packet.to_multicast && state_.tunables.echo_ignore_multicast_v6->value() != 0)) {
    return state_.drops.Count(DropReason::kEchoIgnored);
  }
  RouteQuery query;
  query.destination = packet.source;
  query.source = packet.to_several() ? IpAddress::Any(Family::kIpv6) : packet.destination;
  if (packet.source.IsLinkLocal()) query.interface = packet.interface;
  const Result<RouteRef> route = sender_.FindRoute(query);
  if (!route.ok()) {
    ++counters_.out_errors;
    return;
  }
  uint8_t header[kIcmpHeaderSize];
  EmitIcmp(header, icmpv6_type::kEchoReply, 0, icmp.rest());
  const std::span<const uint8_t> body = icmp.body();
  IpPacketOut out;
  out.protocol = ip_protocol::kIcmpV6;
  out.traffic_class = packet.traffic_class;
  out.dont_fragment = false;
  out.transport_header = header;
  out.payload = {&body, body.empty() ? size_t{0} : size_t{1}};
  out.checksum_offset = 2;
  counters_.CountOut(icmpv6_type::kEchoReply);
  if (sender_.Send(**route, out) != Error::kOk) ++counters_.out_errors;
}

void Icmpv6::HandleEchoReply(const IpPacketIn& packet, const IcmpView& icmp) {
  TransportProtocol* ping = state_.transports[ip_protocol::kIcmpV6];
  if (ping != nullptr) (void)ping->Receive(packet);
}

void Icmpv6::HandleError(const IpPacketIn& packet, const IcmpView& icmp) {
  errors_.Received(packet.source, packet.interface, packet.hop_limit, icmp.type(), icmp.code(),
                   icmp.rest(), icmp.body());
}

void Icmpv6::HandleNdp(const IpPacketIn& packet, const IcmpView& icmp) {
  ndp_.Receive({packet.interface, packet.source, packet.destination, packet.hop_limit},
               icmp.bytes());
}

// RFC 4443 2.4 (e), but for what SendError() asks last.
bool Icmpv6::MayAnswerWithError(const IpPacketIn& about, bool even_to_group) const {
  if ((about.to_multicast || about.in_group_frame) && !even_to_group) return false;
  if (about.source.IsUnspecified() || about.source.IsMulticast()) return false;
  const std::span<const uint8_t> packet = about.ip_packet.span();
  Ipv6View view;
  if (Ipv6View::ParseQuoted(packet, &view) != Ipv6Parse::kOk) return false;
  const std::optional<Ipv6UpperLayer> upper = FindIpv6UpperLayer(packet);
  if (!upper.has_value() || upper->protocol != ip_protocol::kIcmpV6) return true;
  if (upper->offset >= packet.size()) return false;
  const uint8_t type = packet[upper->offset];
  return type > icmpv6_type::kLastError && type != icmpv6_type::kRedirect;
}

void Icmpv6::SendError(const IpPacketIn& about, uint8_t type, uint8_t code, uint32_t rest,
                       bool even_to_group) {
  if (!MayAnswerWithError(about, even_to_group)) return;
  RouteQuery query;
  query.destination = about.source;
  query.source = IpAddress::Any(Family::kIpv6);
  if (!about.to_multicast && state_.addresses.IsLocal(about.destination)) {
    query.source = about.destination;
  }
  if (about.source.IsLinkLocal()) query.interface = about.interface;
  const Result<RouteRef> route = sender_.FindRoute(query);
  if (!route.ok()) return;
  if (!(*route)->is_local && !limiter_.Allow(about.source)) return;
  // RFC 4443 2.4 (e.6): nor to an anycast address. After the limit, because this looks at all of
  // our addresses, and whoever floods us chooses how often.
  if (state_.addresses.IsSubnetAnycast(about.source)) return;
  uint8_t header[kIcmpHeaderSize];
  EmitIcmp(header, type, code, rest);
  // RFC 4443 2.4 (c): as much as fits into the minimum MTU.
  constexpr size_t kMaxQuote = kIpv6MinMtu - kIpv6HeaderSize - kIcmpHeaderSize;
  const std::span<const uint8_t> quote =
      about.ip_packet.span().first(std::min(about.ip_packet.size(), kMaxQuote));
  IpPacketOut out;
  out.protocol = ip_protocol::kIcmpV6;
  out.dont_fragment = false;
  out.transport_header = header;
  out.payload = {&quote, 1};
  out.checksum_offset = 2;
  counters_.CountOut(type);
  if (sender_.Send(**route, out) != Error::kOk) ++counters_.out_errors;
}

bool Icmpv6::Describe(const Slice& ip_packet, InterfaceIndex interface, IpPacketIn* about) {
  Ipv6View view;
  if (Ipv6View::ParseQuoted(ip_packet.span(), &view) != Ipv6Parse::kOk) return false;
  about->source = view.source();
  about->destination = view.destination();
  about->interface = interface;
  about->to_multicast = about->destination.IsMulticast();
  about->ip_packet = ip_packet;
  return true;
}

void Icmpv6::SendAddressUnreachable(std::span<const uint8_t> ip_packet,
                                    InterfaceIndex interface) {
  IpPacketIn about;
  if (!Describe(Slice::Copy(ip_packet), interface, &about)) return;
  SendError(about, icmpv6_type::kDestinationUnreachable, icmpv6_code::kAddress);
}

void Icmpv6::SendTimeExceeded(const Slice& first_fragment, InterfaceIndex interface) {
  IpPacketIn about;
  if (!Describe(first_fragment, interface, &about)) return;
  SendError(about, icmpv6_type::kTimeExceeded, icmpv6_code::kReassembly);
}

}  // namespace moat::netstack
