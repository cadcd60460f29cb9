#include "netstack/ip/v6/ipv6_input.h"

#include "netstack/ip/ip_sender.h"
#include "netstack/ip/reassembly_counting.h"
#include "netstack/ip/transport_shape.h"
#include "netstack/wire/ipv4.h"

namespace moat::netstack {
namespace {

using Outcome = Ipv6Chain::Outcome;

// ff01::1 and ff02::1: every node is a member (RFC 4291 2.8).
bool IsAllNodes(const IpAddress& group) {
  static const uint8_t tail[14] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  const uint8_t scope = group.data()[1];
  return (scope == 1 || scope == 2) && std::memcmp(group.data() + 2, tail, sizeof(tail)) == 0;
}

// MLD has a hop-by-hop header, for its router alert, and no other (RFC 3810 5).
bool IsMld(std::span<const uint8_t> packet) {
  if (packet[6] != ipv6_next_header::kHopByHop || packet.size() < kIpv6HeaderSize + 8) return false;
  const size_t icmp = kIpv6HeaderSize + (size_t{packet[kIpv6HeaderSize + 1]} + 1) * 8;
  if (packet[kIpv6HeaderSize] != ip_protocol::kIcmpV6 || icmp >= packet.size()) return false;
  return packet[icmp] == icmpv6_type::kMldQuery || packet[icmp] == icmpv6_type::kMldReport;
}

// The least header of an upper layer, all of which a first fragment must have (RFC 7112 5).
size_t LeastHeaderOf(uint8_t protocol) {
  struct Row {
    uint8_t protocol;
    uint8_t size;
  };
  static constexpr Row kRows[] = {
      {ip_protocol::kTcp, 20}, {ip_protocol::kUdp, 8}, {ip_protocol::kIcmpV6, 8}};
  for (const Row& row : kRows) {
    if (row.protocol == protocol) return row.size;
  }
  return 1;
}

}  // namespace

bool Ipv6Input::Drop(DropReason reason, Counter& counter) {
  state_.drops.Count(reason);
  ++counter;
  return false;
}

void Ipv6Input::Receive(Interface& in, Slice packet, const LinkMetadata& link) {
  IpCounters& counters = state_.v6_counters;
  ++counters.in_receives;
  counters.in_octets += packet.size();
  Ipv6View view;
  if (!Validate(packet, &view)) return;
  packet.RemoveSuffix(packet.size() - view.total_length());
  ++counters.in_codepoint[view.traffic_class() % IpCounters::kCodepoints];

  IpPacketIn p;
  p.source = view.source();
  p.destination = view.destination();
  p.interface = in.index;
  p.traffic_class = view.traffic_class();
  p.hop_limit = view.hop_limit();
  p.in_group_frame = link.link_group;
  p.checksum = link.checksum;
  p.gso_size = link.gso_size;
  p.ip_packet = std::move(packet);
  if (p.gso_size != 0) CountMerged(p);
  if (!CheckSource(p, link)) return;
  const Fate fate = JudgeDestination(p, link, in);
  if (fate == Fate::kDropped) return;
  // A route of type local may still make it ours.
  if (fate == Fate::kForward && !forward_.Forward(in, p)) return;
  Process(p, /*fragment_headers=*/0);
}

// The packets of a super-segment, but for the one that is counted already.
void Ipv6Input::CountMerged(const IpPacketIn& packet) {
  const std::span<const uint8_t> bytes = packet.ip_packet.span();
  const std::optional<Ipv6UpperLayer> upper = FindIpv6UpperLayer(bytes);
  if (!upper.has_value()) return;
  state_.v6_counters.in_codepoint[packet.traffic_class % IpCounters::kCodepoints] +=
      SegmentsOf(bytes, upper->protocol, upper->offset, packet.gso_size) - 1;
}

bool Ipv6Input::Validate(const Slice& packet, Ipv6View* view) {
  IpCounters& counters = state_.v6_counters;
  switch (Ipv6View::Parse(packet.span(), view)) {
    case Ipv6Parse::kOk:
      return true;
    case Ipv6Parse::kTruncated:
      return Drop(DropReason::kIpTruncated, counters.in_truncated);
    case Ipv6Parse::kVersion:
      return Drop(DropReason::kIpVersion, counters.in_header_errors);
  }
  return false;
}

// RFC 4291 2.5.3, 2.7: loopback stays inside a node, groups are no sources, and nobody else is us.
bool Ipv6Input::CheckSource(const IpPacketIn& packet, const LinkMetadata& link) {
  if (link.looped) return true;
  const IpAddress& source = packet.source;
  bool martian = source.IsMulticast() || source.IsLoopback() || source.IsMappedV4();
  if (!martian && !source.IsUnspecified()) {
    // Link-local addresses repeat on other links; duplicates of ours are NDP's business (and a
    // probe comes from the unspecified address anyway).
    martian = state_.addresses.IsLocalOn(source, packet.interface);
  }
  return !martian || Drop(DropReason::kMartianSource, state_.v6_counters.in_address_errors);
}

Ipv6Input::Fate Ipv6Input::DropAs(DropReason reason, Counter& counter) {
  (void)Drop(reason, counter);
  return Fate::kDropped;
}

Ipv6Input::Fate Ipv6Input::JudgeDestination(IpPacketIn& packet, const LinkMetadata& link,
                                            const Interface& in) {
  IpCounters& counters = state_.v6_counters;
  const IpAddress& destination = packet.destination;
  if (destination.IsMulticast()) {
    // Scope 0 is reserved, interface-local comes from no wire (RFC 4291 2.7).
    const int scope = destination.data()[1] & 15;
    if (!link.looped && scope <= 1) {
      return DropAs(DropReason::kMartianDestination, counters.in_address_errors);
    }
    // What routers ask about a group is not the group's traffic, so no filter is for it.
    const bool member = in.groups.Accepts(destination, packet.source) ||
                        (in.groups.contains(destination) && IsMld(packet.ip_packet.span()));
    if (!member && !IsAllNodes(destination)) {
      return DropAs(DropReason::kNotMember, counters.in_discards);
    }
    packet.to_multicast = true;
    ++counters.in_multicast;
    return Fate::kOurs;
  }
  if (!link.looped && (destination.IsLoopback() || destination.IsUnspecified())) {
    return DropAs(DropReason::kMartianDestination, counters.in_address_errors);
  }
  if (link.link_group && in.conf.own(Conf::kDropUnicastInGroupFrame) != 0) {
    return DropAs(DropReason::kLinkBroadcast, counters.in_discards);
  }
  const InterfaceIndex scope = link.looped ? 0 : in.index;
  if (state_.addresses.IsLocalOn(destination, scope)) return Fate::kOurs;
  if (state_.addresses.Classify(destination) == AddressKind::kTentative) {
    return DropAs(DropReason::kTentativeDestination, counters.in_address_errors);
  }
  if (state_.addresses.IsAnycastOn(destination, scope)) {
    packet.to_anycast = true;
    return Fate::kOurs;
  }
  const bool forwards = in.Forwards(Family::kIpv6) && !link.looped;
  if (forwards && !link.link_group) return Fate::kForward;
  const RouteInfo* route = state_.routes.Lookup(destination, 0);
  if (route != nullptr && route->type == RouteType::kLocal) return Fate::kOurs;
  // As Linux: every router that hears the frame would forward it.
  if (forwards) return DropAs(DropReason::kLinkBroadcast, counters.in_discards);
  return DropAs(DropReason::kNotOurAddress, counters.in_address_errors);
}

void Ipv6Input::Process(IpPacketIn& packet, int fragment_headers) {
  IpCounters& counters = state_.v6_counters;
  const Ipv6Chain chain = WalkIpv6Chain(packet.ip_packet.span());
  switch (chain.outcome) {
    case Outcome::kUpperLayer:
      return Deliver(packet, chain, /*was_fragmented=*/fragment_headers != 0);
    case Outcome::kFragment:
      // Each costs a copy of the packet: as many as there may be of other headers.
      if (fragment_headers >= kMaxExtensionHeaders) {
        (void)Drop(DropReason::kExtensionHeader, counters.in_header_errors);
        return;
      }
      return HandleFragment(packet, chain, fragment_headers + 1);
    case Outcome::kNoNextHeader:
      return state_.drops.Count(DropReason::kNoNextHeader);
    case Outcome::kDiscard:
      (void)Drop(DropReason::kExtensionHeader, counters.in_header_errors);
      return;
    case Outcome::kTruncated:
      (void)Drop(DropReason::kIpTruncated, counters.in_truncated);
      return;
    case Outcome::kParameterProblem:
      (void)Drop(DropReason::kExtensionHeader, counters.in_header_errors);
      return icmp_.SendError(packet, icmpv6_type::kParameterProblem, chain.problem_code,
                             chain.problem_pointer, chain.problem_even_if_multicast);
  }
}

void Ipv6Input::HandleFragment(IpPacketIn& packet, const Ipv6Chain& chain, int fragment_headers) {
  const Ipv6FragmentHeader header =
      ReadIpv6FragmentHeader(packet.ip_packet.data() + chain.offset);
  if (!CheckFragment(packet, chain, header)) return;
  // RFC 6946: an atomic fragment is whole, whatever other fragments carry its identification.
  const bool atomic = header.offset == 0 && !header.more;
  if (atomic) {
    TakeOutHeader(packet, chain, header);
  } else if (!Reassemble(packet, chain, header)) {
    return;
  }
  Process(packet, fragment_headers);
}

bool Ipv6Input::CheckFragment(const IpPacketIn& packet, const Ipv6Chain& chain,
                              const Ipv6FragmentHeader& header) {
  IpCounters& counters = state_.v6_counters;
  const size_t data = chain.offset + kIpv6FragmentHeaderSize;
  const size_t size = packet.ip_packet.size() - data;
  if (header.more && size % 8 != 0) {
    icmp_.SendError(packet, icmpv6_type::kParameterProblem, icmpv6_code::kErroneousHeader, 4);
    return Drop(DropReason::kReassemblyBadLength, counters.in_header_errors);
  }
  if (header.offset + size + chain.offset - kIpv6HeaderSize > kMaxIpPacket) {
    icmp_.SendError(packet, icmpv6_type::kParameterProblem, icmpv6_code::kErroneousHeader,
                    static_cast<uint32_t>(chain.offset + 2));
    return Drop(DropReason::kReassemblyTooBig, counters.in_header_errors);
  }
  if (header.offset != 0) return true;
  if (header.next_header == ipv6_next_header::kHopByHop) {  // RFC 8200 4: behind IPv6's header only
    icmp_.SendError(packet, icmpv6_type::kParameterProblem, icmpv6_code::kUnrecognizedNextHeader,
                    static_cast<uint32_t>(chain.offset));
    return Drop(DropReason::kExtensionHeader, counters.in_header_errors);
  }
  const Ipv6Chain rest = WalkIpv6ChainFrom(packet.ip_packet.span(), header.next_header, data,
                                           chain.offset);
  const bool complete =
      rest.outcome != Outcome::kTruncated &&
      (rest.outcome != Outcome::kUpperLayer ||
       rest.offset + LeastHeaderOf(rest.protocol) <= packet.ip_packet.size());
  if (complete || !header.more) return true;
  icmp_.SendError(packet, icmpv6_type::kParameterProblem, icmpv6_code::kIncompleteChain, 0);
  return Drop(DropReason::kIncompleteChain, counters.in_header_errors);
}

// What follows is as if the fragment header had never been there.
void Ipv6Input::TakeOutHeader(IpPacketIn& packet, const Ipv6Chain& chain,
                              const Ipv6FragmentHeader& header) {
  ++state_.v6_counters.reassembly_requests;
  ++state_.v6_counters.reassembly_oks;
  const std::span<const uint8_t> from = packet.ip_packet.span();
  const size_t tail = chain.offset + kIpv6FragmentHeaderSize;
  Slice whole = Slice::Allocate(from.size() - kIpv6FragmentHeaderSize);
  uint8_t* to = whole.mutable_data();
  std::memcpy(to, from.data(), chain.offset);
  std::memcpy(to + chain.offset, from.data() + tail, from.size() - tail);
  to[chain.next_header_offset] = header.next_header;
  StoreBe16(to + 4, static_cast<uint16_t>(whole.size() - kIpv6HeaderSize));
  packet.ip_packet = std::move(whole);
}

bool Ipv6Input::Reassemble(IpPacketIn& packet, const Ipv6Chain& chain,
                           const Ipv6FragmentHeader& header) {
  ++state_.v6_counters.reassembly_requests;
  Fragment fragment;
  fragment.key = {packet.source, packet.destination, header.identification, 0, packet.interface};
  fragment.offset = header.offset;
  fragment.more = header.more;
  fragment.ecn = packet.traffic_class & 3;
  fragment.in_group_frame = packet.in_group_frame;
  fragment.header_size = chain.offset + kIpv6FragmentHeaderSize;
  fragment.fragment_header = chain.offset;
  fragment.next_header_field = chain.next_header_offset;
  fragment.packet = std::move(packet.ip_packet);
  Reassembled whole;
  const Reassembler::Outcome outcome = reassembler_.Add(std::move(fragment), &whole);
  CountReassembly(state_, Family::kIpv6, outcome);
  if (outcome != Reassembler::Outcome::kComplete) return false;
  uint8_t* bytes = whole.packet.mutable_data();
  bytes[whole.next_header_field] = whole.next_header;
  StoreBe16(bytes + 4, static_cast<uint16_t>(whole.packet.size() - kIpv6HeaderSize));
  bytes[1] = static_cast<uint8_t>((bytes[1] & ~0x30) | whole.ecn << 4);
  // The header is the first fragment's, whichever came last (RFC 8200 4.5).
  packet.traffic_class = static_cast<uint8_t>(LoadBe16(bytes) >> 4);
  packet.hop_limit = bytes[7];
  packet.in_group_frame = whole.in_group_frame;
  packet.checksum = RxChecksum::kUnverified;
  packet.gso_size = 0;
  packet.ip_packet = std::move(whole.packet);
  return true;
}

void Ipv6Input::Deliver(IpPacketIn& packet, const Ipv6Chain& chain, bool was_fragmented) {
  packet.protocol = chain.protocol;
  packet.payload = packet.ip_packet;
  packet.payload.RemovePrefix(chain.offset);
  const bool taken = state_.DeliverRaw(packet);
  if (packet.protocol == ip_protocol::kIcmpV6) {
    ++state_.v6_counters.in_delivers;
    return icmp_.Receive(packet, {was_fragmented, chain.router_alert});
  }
  // ICMPv4 inside IPv6 is nobody's (its transport row serves IPv4 only).
  TransportProtocol* transport =
      packet.protocol == ip_protocol::kIcmp ? nullptr : state_.transports[packet.protocol];
  if (transport == nullptr && taken) {
    ++state_.v6_counters.in_delivers;
    return;
  }
  if (transport == nullptr) {
    (void)Drop(DropReason::kUnknownProtocol, state_.v6_counters.in_unknown_protocols);
    return icmp_.SendError(packet, icmpv6_type::kParameterProblem,
                           icmpv6_code::kUnrecognizedNextHeader,
                           static_cast<uint32_t>(chain.next_header_offset));
  }
  ++state_.v6_counters.in_delivers;
  if (transport->Receive(packet) == TransportProtocol::Disposition::kPortUnreachable) {
    icmp_.SendError(packet, icmpv6_type::kDestinationUnreachable, icmpv6_code::kPort);
  }
}

}  // namespace moat::netstack
