#include "netstack/ip/error_delivery.h"

#include <algorithm>

#include "netstack/wire/icmpv4.h"
#include "netstack/wire/icmpv6.h"
#include "netstack/wire/ipv4.h"
#include "netstack/wire/ipv6.h"
#include "netstack/wire/ipv6_extension.h"

namespace moat::netstack {
namespace {

using Kind = IcmpErrorIn::Kind;

struct Meaning {
  Kind kind;
  Error error;
  bool hard;
};

// Destination unreachable by code, as Linux means them (RFC 1122 3.2.2.1, RFC 1812 5.2.7.1).
constexpr Meaning kUnreachableV4[] = {
    {Kind::kNetworkUnreachable, Error::kNetworkUnreachable, false},    // 0 network
    {Kind::kHostUnreachable, Error::kHostUnreachable, false},          // 1 host
    {Kind::kProtocolUnreachable, Error::kProtocolOption, true},        // 2 protocol
    {Kind::kPortUnreachable, Error::kConnectionRefused, true},         // 3 port
    {Kind::kPacketTooBig, Error::kMessageSize, false},                 // 4 fragmentation needed
    {Kind::kSourceRouteFailed, Error::kOperationNotSupported, false},  // 5 source route failed
    {Kind::kNetworkUnreachable, Error::kNetworkUnreachable, true},     // 6 network unknown
    {Kind::kHostUnreachable, Error::kHostDown, true},                  // 7 host unknown
    {Kind::kHostUnreachable, Error::kHostUnreachable, true},           // 8 host isolated
    {Kind::kProhibited, Error::kNetworkUnreachable, true},             // 9 network prohibited
    {Kind::kProhibited, Error::kHostUnreachable, true},                // 10 host prohibited
    {Kind::kNetworkUnreachable, Error::kNetworkUnreachable, false},    // 11 network, for the TOS
    {Kind::kHostUnreachable, Error::kHostUnreachable, false},          // 12 host, for the TOS
    {Kind::kProhibited, Error::kHostUnreachable, true},                // 13 filtered
    {Kind::kProhibited, Error::kHostUnreachable, true},                // 14 precedence violation
    {Kind::kProhibited, Error::kHostUnreachable, true},                // 15 precedence cutoff
};

constexpr Meaning kUnreachableV6[] = {
    {Kind::kNetworkUnreachable, Error::kNetworkUnreachable, false},  // 0 no route
    {Kind::kProhibited, Error::kAccess, true},                       // 1 prohibited
    {Kind::kHostUnreachable, Error::kHostUnreachable, false},        // 2 beyond scope
    {Kind::kHostUnreachable, Error::kHostUnreachable, false},        // 3 address
    {Kind::kPortUnreachable, Error::kConnectionRefused, true},       // 4 port
    {Kind::kProhibited, Error::kAccess, true},                       // 5 policy
    {Kind::kProhibited, Error::kAccess, true},                       // 6 reject route
};

constexpr Meaning kTimeExceeded = {Kind::kTimeExceeded, Error::kHostUnreachable, false};
constexpr Meaning kReassembly = {Kind::kReassemblyTimeExceeded, Error::kHostUnreachable, false};
constexpr Meaning kProblem = {Kind::kParameterProblem, Error::kProtocol, true};
// RFC 4443 2.4 (a): told to who asks for all errors, and otherwise as harmless as one that may
// pass.
constexpr Meaning kUnknownError = {Kind::kTimeExceeded, Error::kProtocol, false};
constexpr Meaning kTooBig = {Kind::kPacketTooBig, Error::kMessageSize, false};

// Null for what is no error.
const Meaning* MeaningV4(uint8_t type, uint8_t code) {
  switch (type) {
    case icmpv4_type::kDestinationUnreachable:
      return code < std::size(kUnreachableV4) ? &kUnreachableV4[code] : nullptr;
    case icmpv4_type::kTimeExceeded:
      return code == icmpv4_code::kReassembly ? &kReassembly : &kTimeExceeded;
    case icmpv4_type::kParameterProblem:
      return &kProblem;
    default:
      return nullptr;
  }
}

const Meaning* MeaningV6(uint8_t type, uint8_t code) {
  switch (type) {
    case icmpv6_type::kDestinationUnreachable:
      return code < std::size(kUnreachableV6) ? &kUnreachableV6[code] : &kUnreachableV6[0];
    case icmpv6_type::kPacketTooBig:
      return &kTooBig;
    case icmpv6_type::kTimeExceeded:
      return code == icmpv6_code::kReassembly ? &kReassembly : &kTimeExceeded;
    case icmpv6_type::kParameterProblem:
      return &kProblem;
    default:
      return type < 128 ? &kUnknownError : nullptr;
  }
}

constexpr size_t kMinQuotedTransport = 8;  // RFC 792

}  // namespace

bool ErrorDelivery::ParseV4(std::span<const uint8_t> bytes, Quoted* out) {
  Ipv4View view;
  if (Ipv4View::ParseQuoted(bytes, &view) != Ipv4Parse::kOk) return false;
  // Only the first fragment says whose packet it was.
  if (view.fragment_offset() != 0 || bytes.size() < view.header_size() + kMinQuotedTransport) {
    return false;
  }
  *out = {view.source(), view.destination(), view.protocol(), view.ttl(), view.total_length(),
          bytes.subspan(view.header_size())};
  return true;
}

bool ErrorDelivery::ParseV6(std::span<const uint8_t> bytes, Quoted* out) {
  Ipv6View view;
  if (Ipv6View::ParseQuoted(bytes, &view) != Ipv6Parse::kOk) return false;
  const std::optional<Ipv6UpperLayer> upper = FindIpv6UpperLayer(bytes);
  if (!upper.has_value() || bytes.size() < upper->offset + kMinQuotedTransport) return false;
  *out = {view.source(), view.destination(), upper->protocol, view.hop_limit(),
          static_cast<uint32_t>(view.total_length()), bytes.subspan(upper->offset)};
  return true;
}

void ErrorDelivery::Received(const IpAddress& offender, InterfaceIndex interface,
                             uint8_t hop_limit, uint8_t type, uint8_t code, uint32_t rest,
                             std::span<const uint8_t> quoted) {
  const bool v4 = offender.is_v4();
  const Meaning* meaning = v4 ? MeaningV4(type, code) : MeaningV6(type, code);
  if (meaning == nullptr) return state_.drops.Count(DropReason::kIcmpUnknownType);
  Quoted packet;
  if (!(v4 ? ParseV4(quoted, &packet) : ParseV6(quoted, &packet)) ||
      !state_.addresses.IsLocal(packet.source)) {
    return state_.drops.Count(DropReason::kIcmpBadQuote);
  }
  IcmpErrorIn error{};
  error.kind = meaning->kind;
  error.error = meaning->error;
  error.hard = meaning->hard;
  error.icmp_type = type;
  error.icmp_code = code;
  error.offender = offender;
  error.source = packet.source;
  error.destination = packet.destination;
  error.interface = interface;
  error.hop_limit = v4 ? packet.ttl : hop_limit;
  error.protocol = packet.protocol;
  error.quoted_transport = packet.transport;
  TransportProtocol* transport = state_.transports[packet.protocol];
  if (error.kind == Kind::kPacketTooBig) {
    error.mtu = v4 ? rest & 0xffff : rest;
    // RFC 8201 4: no link has less, so nothing of it is believed.
    if (!v4 && error.mtu < kIpv6MinMtu) return state_.drops.Count(DropReason::kIcmpBadMtu);
    LearnPathMtu(packet, transport, error);
  }
  if (state_.raw != nullptr && state_.raw->listening()) state_.raw->ReceiveError(error);
  if (transport != nullptr) transport->ReceiveError(error);
}

// RFC 8201 4, RFC 5927 7: the upper layer judges first whether the quoted packet is one of its own.
void ErrorDelivery::LearnPathMtu(const Quoted& quoted, const TransportProtocol* transport,
                                 IcmpErrorIn& error) {
  const bool sent = (transport != nullptr && transport->MayHaveSent(error)) ||
                    (state_.raw != nullptr && state_.raw->MayHaveSent(error));
  if (sent && state_.path_mtus.Reported(quoted.destination, error.mtu, quoted.packet_size)) {
    ++state_.generation;
  }
  error.mtu = state_.path_mtus.Get(quoted.destination, kMaxIpPacket).mtu;
}

void ErrorDelivery::Unreachable(InterfaceIndex interface, std::span<const uint8_t> packet) {
  if (packet.empty()) return;
  const bool v4 = packet[0] >> 4 == 4;
  Quoted quoted;
  if (!(v4 ? ParseV4(packet, &quoted) : ParseV6(packet, &quoted))) return;
  // From ourselves, as Linux does it.
  constexpr uint8_t kNoHops = 255;
  if (v4) {
    Received(quoted.source, interface, kNoHops, icmpv4_type::kDestinationUnreachable,
             icmpv4_code::kHost, 0, packet);
  } else {
    Received(quoted.source, interface, kNoHops, icmpv6_type::kDestinationUnreachable,
             icmpv6_code::kAddress, 0, packet);
  }
}

}  // namespace moat::netstack
