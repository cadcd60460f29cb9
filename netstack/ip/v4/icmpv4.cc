#include "netstack/ip/v4/icmpv4.h"

#include <algorithm>

#include "netstack/ip/v4/record_here.h"
#include "netstack/wire/checksum.h"
#include "netstack/wire/ipv4.h"
#include "netstack/wire/ipv4_options.h"

namespace moat::netstack {
namespace {

// RFC 1812 4.3.2.3: as much of the packet as fits into 576 bytes.
constexpr size_t kMaxErrorPacket = 576;
constexpr size_t kTimestampSize = 20;  // RFC 792: the whole message

bool IsErrorType(uint8_t type) {
  return type == icmpv4_type::kDestinationUnreachable || type == icmpv4_type::kSourceQuench ||
         type == icmpv4_type::kRedirect || type == icmpv4_type::kTimeExceeded ||
         type == icmpv4_type::kParameterProblem;
}

std::span<const uint8_t> OptionsOf(const Slice& ip_packet) {
  Ipv4View view;
  if (Ipv4View::ParseQuoted(ip_packet.span(), &view) != Ipv4Parse::kOk) return {};
  return view.options();
}

}  // namespace

Icmpv4::Icmpv4(IpState& state, IpSender& sender, ErrorDelivery& errors,
               IcmpLimiter& limiter, RedirectInput& redirects)
    : state_(state),
      sender_(sender),
      errors_(errors),
      limiter_(limiter),
      redirects_(redirects),
      counters_(state.icmpv4_counters) {}

const Icmpv4::Row* Icmpv4::FindRow(uint8_t type) {
  struct TypedRow {
    uint8_t type;
    Row row;
  };
  static constexpr TypedRow kRows[] = {
      {icmpv4_type::kEchoRequest, {&Icmpv4::HandleEchoRequest}},
      {icmpv4_type::kEchoReply, {&Icmpv4::HandleEchoReply}},
      {icmpv4_type::kDestinationUnreachable, {&Icmpv4::HandleError}},
      {icmpv4_type::kTimeExceeded, {&Icmpv4::HandleError}},
      {icmpv4_type::kParameterProblem, {&Icmpv4::HandleError}},
      {icmpv4_type::kTimestampRequest, {&Icmpv4::HandleTimestamp}},
      {icmpv4_type::kRedirect, {&Icmpv4::HandleRedirect}},
      {icmpv4_type::kSourceQuench, {}},       // RFC 6633: ignored
      {icmpv4_type::kAddressMaskRequest, {&Icmpv4::HandleAddressMask}},
      {icmpv4_type::kAddressMaskReply, {}},
      {icmpv4_type::kTimestampReply, {}},
  };
  for (const TypedRow& row : kRows) {
    if (row.type == type) return &row.row;
  }
  return nullptr;
}

void Icmpv4::Receive(const IpPacketIn& packet) {
  ++counters_.in_messages;
  const std::optional<IcmpView> icmp = IcmpView::Parse(packet.payload.span());
  if (!icmp.has_value()) {
    ++counters_.in_errors;
    return state_.drops.Count(DropReason::kIcmpTruncated);
  }
  if (packet.checksum != RxChecksum::kVerified && ChecksumOf(packet.payload.span()) != 0) {
    ++counters_.in_errors;
    ++counters_.in_checksum_errors;
    return state_.drops.Count(DropReason::kIcmpChecksum);
  }
  const Row* row = FindRow(icmp->type());
  if (row == nullptr) {  // RFC 1122 3.2.2: silently discarded
    ++counters_.in_errors;
    return state_.drops.Count(DropReason::kIcmpUnknownType);
  }
  counters_.CountIn(icmp->type());
  if (row->handler == nullptr) return state_.drops.Count(DropReason::kIcmpUnsupported);
  (this->*row->handler)(packet, *icmp);
}

bool Icmpv4::IgnoresGroup(const IpPacketIn& packet) const {
  return (packet.to_broadcast || packet.to_multicast) &&
         state_.tunables.echo_ignore_broadcasts->value() != 0;
}

// RFC 1122 3.2.2.6.
void Icmpv4::HandleEchoRequest(const IpPacketIn& packet, const IcmpView& icmp) {
  if (state_.tunables.echo_ignore_all->value() != 0 || IgnoresGroup(packet) ||
      packet.source.IsUnspecified()) {
    return state_.drops.Count(DropReason::kEchoIgnored);
  }
  uint8_t header[kIcmpHeaderSize];
  EmitIcmp(header, icmpv4_type::kEchoReply, 0, icmp.rest());
  Reply(packet, header, icmp.body());
}

void Icmpv4::HandleEchoReply(const IpPacketIn& packet, const IcmpView& icmp) {
  TransportProtocol* ping = state_.transports[ip_protocol::kIcmp];
  if (ping != nullptr) (void)ping->Receive(packet);
}

// RFC 1122 3.2.2.8, RFC 792.
void Icmpv4::HandleTimestamp(const IpPacketIn& packet, const IcmpView& icmp) {
  if (icmp.bytes().size() < kTimestampSize || icmp.code() != 0 || IgnoresGroup(packet)) {
    return state_.drops.Count(DropReason::kEchoIgnored);
  }
  const uint32_t stamp = InternetTime(state_.clock.Now());
  uint8_t message[kTimestampSize];
  EmitIcmp(message, icmpv4_type::kTimestampReply, 0, icmp.rest());
  std::memcpy(message + 8, icmp.bytes().data() + 8, 4);
  StoreBe32(message + 12, stamp);
  StoreBe32(message + 16, stamp);
  Reply(packet, message, {});
}

// Answers from the address that was asked, or a fitting one when that was a group. Record route
// and timestamp options go back with an entry of ours (RFC 1122 3.2.2.6, 3.2.2.8).
void Icmpv4::Reply(const IpPacketIn& packet, std::span<uint8_t> header,
                   std::span<const uint8_t> body) {
  RouteQuery query;
  query.destination = packet.source;
  const bool group = packet.to_broadcast || packet.to_multicast;
  if (!group) query.source = packet.destination;
  const Result<RouteRef> route = sender_.FindRoute(query);
  if (!route.ok()) {
    ++counters_.out_errors;
    return;
  }
  IpPacketOut out;
  uint8_t options[kIpv4MaxOptions];
  if (const std::span<const uint8_t> asked = OptionsOf(packet.ip_packet); !asked.empty()) {
    const std::span<uint8_t> reflected(options, ReflectedIpv4Options(asked, options));
    RecordHere(state_, (*route)->source, reflected);
    out.options = reflected;
  }
  out.protocol = ip_protocol::kIcmp;
  out.traffic_class = packet.traffic_class;
  out.dont_fragment = false;
  out.transport_header = header;
  out.payload = {&body, body.empty() ? size_t{0} : size_t{1}};
  out.checksum_offset = 2;
  counters_.CountOut(header[0]);
  if (sender_.Send(**route, out) != Error::kOk) ++counters_.out_errors;
}

// RFC 950 appendix I, RFC 1122 3.2.2.9: only an authorized agent answers. One that has no address
// yet hears the answer by broadcast.
void Icmpv4::HandleAddressMask(const IpPacketIn& packet, const IcmpView& icmp) {
  const Interface* in = state_.interfaces.Find(packet.interface);
  if (state_.tunables.address_mask_agent->value() == 0 || in == nullptr || icmp.code() != 0 ||
      packet.payload.size() < 12) {
    return state_.drops.Count(DropReason::kIcmpUnsupported);
  }
  const bool nameless = packet.source.IsUnspecified();
  const AssignedAddress* best = nullptr;
  for (const AssignedAddress& row : in->addresses) {
    if (!row.prefix.address.is_v4() || !row.usable()) continue;
    const bool fits = !nameless && packet.source.InPrefix(row.prefix.address, row.prefix.length);
    if (best == nullptr || fits) best = &row;
    if (fits) break;
  }
  if (best == nullptr) return state_.drops.Count(DropReason::kIcmpUnsupported);
  const int length = best->prefix.length;
  uint8_t message[12];
  EmitIcmp(message, icmpv4_type::kAddressMaskReply, 0, icmp.rest());
  StoreBe32(message + 8, length == 0 ? 0 : ~uint32_t{0} << (32 - length));
  RouteQuery query;
  query.destination = nameless ? IpAddress::V4(255, 255, 255, 255) : packet.source;
  query.source = best->prefix.address;
  query.interface = packet.interface;
  const Result<RouteRef> route = sender_.FindRoute(query);
  if (!route.ok()) {
    ++counters_.out_errors;
    return;
  }
  IpPacketOut out;
  out.protocol = ip_protocol::kIcmp;
  out.dont_fragment = false;
  out.transport_header = message;
  out.checksum_offset = 2;
  counters_.CountOut(icmpv4_type::kAddressMaskReply);
  if (sender_.Send(**route, out) != Error::kOk) ++counters_.out_errors;
}

// RFC 1122 3.2.2.2: those for networks are taken as for hosts.
void Icmpv4::HandleRedirect(const IpPacketIn& packet, const IcmpView& icmp) {
  Ipv4View quoted;
  if (icmp.code() > icmpv4_code::kRedirectTosHost ||
      Ipv4View::ParseQuoted(icmp.body(), &quoted) != Ipv4Parse::kOk) {
    return state_.drops.Count(DropReason::kIcmpBadQuote);
  }
  uint8_t gateway[4];
  StoreBe32(gateway, icmp.rest());
  redirects_.ReceivedV4(packet.interface, packet.source, IpAddress::V4(gateway), quoted.source(),
                        quoted.destination());
}

void Icmpv4::HandleError(const IpPacketIn& packet, const IcmpView& icmp) {
  errors_.Received(packet.source, packet.interface, packet.hop_limit, icmp.type(), icmp.code(),
                   icmp.rest(), icmp.body());
}

// RFC 1122 3.2.2: never about an ICMP error, a group, a later fragment, or a source that is no
// host.
bool Icmpv4::MayAnswerWithError(const IpPacketIn& about) const {
  if (about.to_broadcast || about.to_multicast) return false;
  if (about.source.IsUnspecified() || about.source.IsMulticast() ||
      state_.addresses.Classify(about.source) == AddressKind::kBroadcast) {
    return false;
  }
  Ipv4View view;
  if (Ipv4View::ParseQuoted(about.ip_packet.span(), &view) != Ipv4Parse::kOk) return false;
  if (view.fragment_offset() != 0) return false;
  if (view.protocol() != ip_protocol::kIcmp) return true;
  const std::span<const uint8_t> payload = about.ip_packet.span().subspan(view.header_size());
  return !payload.empty() && !IsErrorType(payload[0]);
}

void Icmpv4::SendError(const IpPacketIn& about, uint8_t type, uint8_t code, uint32_t rest) {
  if (!MayAnswerWithError(about)) return;
  RouteQuery query;
  query.destination = about.source;
  if (state_.addresses.IsLocal(about.destination)) query.source = about.destination;
  const Result<RouteRef> route = sender_.FindRoute(query);
  if (!route.ok()) return;
  // What never leaves the host needs no limit (as Linux).
  if (!(*route)->is_local && !limiter_.Allow(about.source)) return;
  uint8_t header[kIcmpHeaderSize];
  EmitIcmp(header, type, code, rest);
  constexpr size_t kMaxQuote = kMaxErrorPacket - kIpv4HeaderSize - kIcmpHeaderSize;
  const std::span<const uint8_t> quote =
      about.ip_packet.span().first(std::min(about.ip_packet.size(), kMaxQuote));
  IpPacketOut out;
  out.protocol = ip_protocol::kIcmp;
  out.traffic_class = 0xc0;  // RFC 1812 4.3.2.5: internetwork control
  out.dont_fragment = false;
  out.transport_header = header;
  out.payload = {&quote, 1};
  out.checksum_offset = 2;
  counters_.CountOut(type);
  if (sender_.Send(**route, out) != Error::kOk) ++counters_.out_errors;
}

void Icmpv4::SendRedirect(const IpPacketIn& about, const IpAddress& gateway) {
  SendError(about, icmpv4_type::kRedirect, icmpv4_code::kRedirectHost, LoadBe32(gateway.data()));
}

bool Icmpv4::Describe(const Slice& ip_packet, IpPacketIn* about) const {
  Ipv4View view;
  if (Ipv4View::ParseQuoted(ip_packet.span(), &view) != Ipv4Parse::kOk) return false;
  about->source = view.source();
  about->destination = view.destination();
  about->to_multicast = about->destination.IsMulticast();
  about->to_broadcast =
      state_.addresses.Classify(about->destination) == AddressKind::kBroadcast;
  about->ip_packet = ip_packet;
  return true;
}

void Icmpv4::SendHostUnreachable(std::span<const uint8_t> ip_packet) {
  IpPacketIn about;
  if (!Describe(Slice::Copy(ip_packet), &about)) return;
  SendError(about, icmpv4_type::kDestinationUnreachable, icmpv4_code::kHost);
}

void Icmpv4::SendTimeExceeded(const Slice& first_fragment, InterfaceIndex interface) {
  IpPacketIn about;
  if (!Describe(first_fragment, &about)) return;
  about.interface = interface;
  SendError(about, icmpv4_type::kTimeExceeded, icmpv4_code::kReassembly);
}

}  // namespace moat::netstack
