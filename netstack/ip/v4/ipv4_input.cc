#include "netstack/ip/v4/ipv4_input.h"

#include "netstack/ip/ip_sender.h"
#include "netstack/ip/reassembly_counting.h"
#include "netstack/ip/transport_shape.h"
#include "netstack/wire/igmp.h"
#include "netstack/wire/ipv4_options.h"

namespace moat::netstack {
namespace {

const IpAddress kAllHosts = IpAddress::V4(224, 0, 0, 1);  // RFC 1112 7: every host is a member

}  // namespace

bool Ipv4Input::Drop(DropReason reason, Counter& counter) {
  state_.drops.Count(reason);
  ++counter;
  return false;
}

void Ipv4Input::Receive(Interface& in, Slice packet, const LinkMetadata& link) {
  IpCounters& counters = state_.v4_counters;
  ++counters.in_receives;
  counters.in_octets += packet.size();
  Ipv4View view;
  if (!Validate(packet, &view)) return;
  packet.RemoveSuffix(packet.size() - view.total_length());
  ++counters.in_codepoint[view.tos() % IpCounters::kCodepoints];

  IpPacketIn p;
  p.source = view.source();
  p.destination = view.destination();
  p.interface = in.index;
  p.protocol = view.protocol();
  p.traffic_class = view.tos();
  p.hop_limit = view.ttl();
  p.to_broadcast = link.link_broadcast;
  p.checksum = link.checksum;
  p.gso_size = link.gso_size;
  p.ip_packet = std::move(packet);
  if (p.gso_size != 0) CountMerged(p, view.header_size());
  if (!CheckSource(p, link, in)) return;
  const Fate fate = JudgeDestination(p, link, in);
  if (fate == Fate::kDropped) return;
  if (view.header_size() != kIpv4HeaderSize && !CheckOptions(p, view)) return;
  // A route of type local may still make it ours.
  if (fate == Fate::kForward && !forward_.Forward(in, p)) return;
  if (view.is_fragment()) return Reassemble(p, view);
  Deliver(p, view.header_size());
}

// The packets of a super-segment, but for the one that is counted already.
void Ipv4Input::CountMerged(const IpPacketIn& packet, size_t header_size) {
  state_.v4_counters.in_codepoint[packet.traffic_class % IpCounters::kCodepoints] +=
      SegmentsOf(packet.ip_packet.span(), packet.protocol, header_size, packet.gso_size) - 1;
}

// RFC 1122 3.2.1.1, 3.2.1.2: version and checksum; lengths.
bool Ipv4Input::Validate(const Slice& packet, Ipv4View* view) {
  IpCounters& counters = state_.v4_counters;
  switch (Ipv4View::Parse(packet.span(), view)) {
    case Ipv4Parse::kOk:
      break;
    case Ipv4Parse::kTruncated:
      return Drop(DropReason::kIpTruncated, counters.in_truncated);
    case Ipv4Parse::kVersion:
      return Drop(DropReason::kIpVersion, counters.in_header_errors);
    case Ipv4Parse::kHeaderLength:
      return Drop(DropReason::kIpHeaderLength, counters.in_header_errors);
    case Ipv4Parse::kTotalLength:
      return Drop(DropReason::kIpTotalLength, counters.in_header_errors);
  }
  if (view->ChecksumValid()) return true;
  ++counters.in_checksum_errors;
  return Drop(DropReason::kIpChecksum, counters.in_header_errors);
}

// RFC 1122 3.2.1.3: a source is never a group, loopback comes from no wire, and nobody else is us.
bool Ipv4Input::CheckSource(const IpPacketIn& packet, const LinkMetadata& link,
                            const Interface& in) {
  if (link.looped) return true;
  const IpAddress& source = packet.source;
  bool martian = source.IsMulticast() || source.IsLoopback() || source.data()[0] >= 240;
  if (source.data()[0] == 0) {
    // "This host on this network": only while it asks for its address.
    martian = !source.IsUnspecified() || !(link.link_group || packet.destination.IsMulticast());
  }
  if (!martian) martian = state_.addresses.Classify(source) != AddressKind::kOther;
  if (martian) return Drop(DropReason::kMartianSource, state_.v4_counters.in_address_errors);
  return !in.checks_reverse_path || CheckReversePath(packet, in);
}

// RFC 1812 5.3.8, RFC 3704 2.2, 2.4.
bool Ipv4Input::CheckReversePath(const IpPacketIn& packet, const Interface& in) {
  if (packet.source.IsUnspecified()) return true;
  const bool strict = in.conf.larger(Conf::kReversePath) == 1;
  const InterfaceIndex by = strict ? in.index : 0;
  const RouteChoice any = state_.routes.Find({packet.source, packet.destination, 0, 0, 0});
  // Of several equal ways back each will do.
  const bool several = any.route != nullptr && !any.route->next_hops.empty();
  const RouteChoice back =
      several ? state_.routes.Find({packet.source, packet.destination, 0, by, 0}) : any;
  if (back.route != nullptr && back.route->type == RouteType::kUnicast &&
      (!strict || back.interface == in.index)) {
    return true;
  }
  return Drop(DropReason::kReversePath, state_.v4_counters.reverse_path);  // as Linux
}

Ipv4Input::Fate Ipv4Input::DropAs(DropReason reason, Counter& counter) {
  (void)Drop(reason, counter);
  return Fate::kDropped;
}

Ipv4Input::Fate Ipv4Input::JudgeDestination(IpPacketIn& packet, const LinkMetadata& link,
                                            const Interface& in) {
  IpCounters& counters = state_.v4_counters;
  const IpAddress& destination = packet.destination;
  if (destination.IsMulticast()) {
    // What routers ask about a group is not the group's traffic, so no filter is for it.
    const bool member = packet.protocol == kIgmpProtocol
                            ? in.groups.contains(destination)
                            : in.groups.Accepts(destination, packet.source);
    if (!member && destination != kAllHosts) {
      return DropAs(DropReason::kNotMember, counters.in_discards);
    }
    packet.to_multicast = true;
    packet.to_broadcast = false;
    ++counters.in_multicast;
    return Fate::kOurs;
  }
  const AddressKind kind = state_.addresses.Classify(destination);
  if (kind == AddressKind::kBroadcast) {
    if (in.Forwards(Family::kIpv4) && !link.link_group && !destination.IsLimitedBroadcast()) {
      forward_.ForwardBroadcast(in, packet, state_.addresses.InterfaceOf(destination));
    }
    packet.to_broadcast = true;
    ++counters.in_broadcast;
    return Fate::kOurs;
  }
  if (!link.looped && (destination.IsLoopback() || destination.IsUnspecified())) {
    return DropAs(DropReason::kMartianDestination, counters.in_address_errors);
  }
  if (link.link_group && !link.looped) {
    return DropAs(DropReason::kLinkBroadcast, counters.in_discards);
  }
  if (kind == AddressKind::kLocal) return Fate::kOurs;
  if (in.Forwards(Family::kIpv4) && !link.looped) return Fate::kForward;
  const RouteInfo* route = state_.routes.Lookup(destination, 0);
  if (route != nullptr && route->type == RouteType::kLocal) return Fate::kOurs;
  return DropAs(DropReason::kNotOurAddress, counters.in_address_errors);
}

// Options are checked and skipped. A source route that is not used up asks for forwarding, which a
// host may refuse (RFC 1122 3.3.5).
bool Ipv4Input::CheckOptions(const IpPacketIn& packet, const Ipv4View& view) {
  const Ipv4OptionScan scan = ScanIpv4Options(view);
  if (!scan.well_formed) {
    icmp_.SendError(packet, icmpv4_type::kParameterProblem, 0,
                    static_cast<uint32_t>(scan.error_offset) << 24);
    return Drop(DropReason::kIpOptions, state_.v4_counters.in_header_errors);
  }
  if (scan.source_route) {
    icmp_.SendError(packet, icmpv4_type::kDestinationUnreachable, icmpv4_code::kSourceRouteFailed);
    return Drop(DropReason::kSourceRoute, state_.v4_counters.in_header_errors);
  }
  return true;
}

void Ipv4Input::Reassemble(IpPacketIn& packet, const Ipv4View& view) {
  ++state_.v4_counters.reassembly_requests;
  Fragment fragment;
  fragment.key = {packet.source, packet.destination, view.identification(), packet.protocol,
                  packet.interface};
  fragment.offset = view.fragment_offset();
  fragment.more = view.more_fragments();
  fragment.ecn = packet.traffic_class & 3;
  fragment.header_size = view.header_size();
  fragment.packet = std::move(packet.ip_packet);
  Reassembled whole;
  const Reassembler::Outcome outcome = reassembler_.Add(std::move(fragment), &whole);
  CountReassembly(state_, Family::kIpv4, outcome);
  if (outcome != Reassembler::Outcome::kComplete) return;
  // The whole packet's header: no longer a fragment.
  uint8_t* header = whole.packet.mutable_data();
  StoreBe16(header + 2, static_cast<uint16_t>(whole.packet.size()));
  StoreBe16(header + 6, 0);
  header[1] = static_cast<uint8_t>((header[1] & ~3) | whole.ecn);
  FixIpv4Checksum({header, whole.header_size});
  packet.traffic_class = header[1];
  packet.hop_limit = header[8];  // the first fragment's, whichever came last
  packet.checksum = RxChecksum::kUnverified;
  packet.gso_size = 0;
  packet.ip_packet = std::move(whole.packet);
  Deliver(packet, whole.header_size);
}

void Ipv4Input::Deliver(IpPacketIn& packet, size_t header_size) {
  packet.payload = packet.ip_packet;
  packet.payload.RemovePrefix(header_size);
  packet.ip_options_size = static_cast<uint8_t>(header_size - kIpv4HeaderSize);
  const bool taken = state_.DeliverRaw(packet);
  if (packet.protocol == ip_protocol::kIcmp) {
    ++state_.v4_counters.in_delivers;
    return icmp_.Receive(packet);
  }
  if (packet.protocol == kIgmpProtocol) {
    ++state_.v4_counters.in_delivers;
    return igmp_.Receive(packet);
  }
  // ICMPv6 inside IPv4 is nobody's (its transport row serves IPv6 only).
  TransportProtocol* transport =
      packet.protocol == ip_protocol::kIcmpV6 ? nullptr : state_.transports[packet.protocol];
  if (transport == nullptr && taken) {
    ++state_.v4_counters.in_delivers;
    return;
  }
  if (transport == nullptr) {
    ++state_.v4_counters.in_unknown_protocols;
    state_.drops.Count(DropReason::kUnknownProtocol);
    return icmp_.SendError(packet, icmpv4_type::kDestinationUnreachable, icmpv4_code::kProtocol);
  }
  ++state_.v4_counters.in_delivers;
  if (transport->Receive(packet) == TransportProtocol::Disposition::kPortUnreachable) {
    icmp_.SendError(packet, icmpv4_type::kDestinationUnreachable, icmpv4_code::kPort);
  }
}

}  // namespace moat::netstack
