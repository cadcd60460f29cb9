#include "netstack/transport/raw/raw_socket.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "netstack/ip/ip_sender.h"
#include "netstack/transport/datagram/pieces.h"
#include "netstack/transport/raw/raw_protocol.h"
#include "netstack/wire/bytes.h"
#include "netstack/wire/checksum.h"
#include "netstack/wire/ipv4.h"
#include "netstack/wire/ipv6.h"

namespace moat::netstack {
namespace {

constexpr size_t kMaxPacket = 65535;
constexpr int kIcmpV6ChecksumOffset = 2;
constexpr int kNoChecksum = -1;

Slice Flatten(std::span<const std::span<const uint8_t>> pieces, size_t size) {
  Slice flat = Slice::Allocate(size);
  uint8_t* out = flat.mutable_data();
  for (const auto& piece : pieces) out = std::copy(piece.begin(), piece.end(), out);
  return flat;
}

// RFC 3542 3.1: over the pseudo header and the message.
void FillChecksum(const Route& route, uint8_t protocol, int offset, std::span<uint8_t> message) {
  uint8_t* field = message.data() + offset;
  StoreBe16(field, 0);
  Checksum sum;
  sum.AddPseudoHeader(route.source, route.destination, protocol,
                      static_cast<uint32_t>(message.size()));
  sum.Add(message);
  StoreBe16(field, sum.Finish());
}

// Of an IPv4 header that its user wrote: what raw(7) says is always or sometimes filled in. False:
// it is no header.
bool CompleteIpv4Header(std::span<uint8_t> packet, const IpAddress& source, uint16_t identification,
                        size_t* header_size) {
  if (packet.size() < kIpv4HeaderSize) return false;
  *header_size = static_cast<size_t>(packet[0] & 15) * 4;
  if (*header_size < kIpv4HeaderSize || *header_size > packet.size()) return false;
  uint8_t* header = packet.data();
  StoreBe16(header + 2, static_cast<uint16_t>(packet.size()));
  if (LoadBe16(header + 4) == 0) StoreBe16(header + 4, identification);
  if (LoadBe32(header + 12) == 0) std::memcpy(header + 12, source.data(), 4);
  FixIpv4Checksum(packet.first(*header_size));
  return true;
}

}  // namespace

RawSocket::RawSocket(RawProtocol& owner, Family family, uint8_t protocol, uint64_t id)
    : DatagramBase(owner.environment_, owner.settings_, family, PortSpace::kNone, id),
      owner_(owner),
      protocol_(protocol),
      header_included_(protocol == RawProtocol::kWholePackets),
      checksum_offset_(protocol == ip_protocol::kIcmpV6 && family == Family::kIpv6
                           ? kIcmpV6ChecksumOffset
                           : kNoChecksum) {
  owner_.Insert(this);
}

RawSocket::~RawSocket() { owner_.Remove(this); }

Endpoint RawSocket::Local() const {
  Endpoint local = DatagramBase::Local();
  local.port = protocol_;
  return local;
}

bool RawSocket::IsIcmp() const {
  return protocol_ == (family() == Family::kIpv4 ? ip_protocol::kIcmp : ip_protocol::kIcmpV6);
}

Error RawSocket::SetChecksumOffset(int offset) {
  if (family() == Family::kIpv4 || IsIcmp()) return Error::kInvalid;
  if (offset > 0 && offset % 2 != 0) return Error::kInvalid;
  checksum_offset_ = std::max(offset, kNoChecksum);
  return Error::kOk;
}

// --- Receiving -----------------------------------------------------------------------------------

bool RawSocket::Fits(const IpAddress& local, const IpAddress& peer,
                     InterfaceIndex interface) const {
  if (!local_address().IsUnspecified() && local_address() != local) return false;
  if (remote().has_value() && remote()->address != peer) return false;
  return TakesInterface(interface);
}

bool RawSocket::Wants(const IpPacketIn& packet) const {
  const std::span<const uint8_t> message = packet.payload.span();
  if (IsIcmp() && (message.empty() || blocked_types_[message[0]])) return false;
  if (checksum_offset_ == kNoChecksum || packet.checksum == RxChecksum::kVerified) return true;
  return TransportChecksumValid(packet.source, packet.destination, protocol_, message);
}

bool RawSocket::Take(const IpPacketIn& packet) {
  if (!Fits(packet.destination, packet.source, packet.interface) || !Wants(packet)) return false;
  if (packet.to_multicast &&
      !TakesFromGroup(packet.destination, packet.source, packet.interface)) {
    return false;
  }
  const bool v4 = family() == Family::kIpv4;
  const Slice& read = v4 ? packet.ip_packet : packet.payload;
  const bool scoped = !v4 && packet.source.IsLinkLocal();
  // A full queue loses the packet, not the interest in it.
  const Delivery delivery =
      Deliver({.payload = read,
               .source = {.address = packet.source, .scope = scoped ? packet.interface : 0},
               .destination = packet.destination,
               .interface = packet.interface,
               .hop_limit = packet.hop_limit,
               .traffic_class = packet.traffic_class,
               .ip_options = ArrivedIpOptions(environment(), packet)},
              read.footprint());
  if (delivery == Delivery::kFull) ++owner_.receive_buffer_errors_;
  if (delivery == Delivery::kNoMemory) ++owner_.memory_errors_;
  return true;
}

// --- Sending -------------------------------------------------------------------------------------

size_t RawSocket::header_size() const {
  return family() == Family::kIpv4 ? kIpv4HeaderSize : kIpv6HeaderSize;
}

Error RawSocket::Send(std::span<const std::span<const uint8_t>> payload,
                      const SendControl& control) {
  const size_t size = TotalSize(payload);
  if (size > kMaxPacket) return Error::kMessageSize;
  if (control.destination) {
    if (control.destination->address.family() != family()) return Error::kAddressFamily;
    // ipv6(7): the port of an address is the protocol's number, or nothing.
    const uint16_t port = control.destination->port;
    if (family() == Family::kIpv6 && port != 0 && port != protocol_) return Error::kInvalid;
  }
  if (header_included_ && size < header_size()) return Error::kInvalid;
  const Result<Outgoing> outgoing =
      PrepareSend(control, header_included_ ? size - header_size() : size);
  if (!outgoing.ok()) return outgoing.error();
  if (header_included_ && outgoing->ip_options != nullptr) return Error::kInvalid;  // as Linux
  const Error error = header_included_ ? SendWhole(*outgoing, payload, size)
                                       : SendMessage(*outgoing, payload, size);
  return SendOutcome(error, *outgoing);
}

Error RawSocket::SendMessage(const Outgoing& outgoing,
                             std::span<const std::span<const uint8_t>> payload, size_t size) {
  IpPacketOut packet;
  packet.protocol = protocol_;
  packet.traffic_class = outgoing.traffic_class;
  packet.hop_limit = outgoing.hop_limit;
  packet.dont_fragment = outgoing.dont_fragment;
  packet.flow_label = outgoing.flow_label;
  packet.multicast_loop = options().multicast_loop;
  packet.payload = payload;
  Ipv4Options ip_options;
  AddIpOptions(outgoing, ip_options, packet);
  std::array<uint8_t, 1> no_header;
  packet.transport_header = std::span(no_header).first(0);
  if (checksum_offset_ == kNoChecksum) return environment().ip->Send(*outgoing.route, packet);

  if (size < static_cast<size_t>(checksum_offset_) + 2) return Error::kInvalid;
  Slice flat = Flatten(payload, size);
  FillChecksum(*outgoing.route, protocol_, checksum_offset_, {flat.mutable_data(), size});
  const std::span<const uint8_t> message = flat.span();
  packet.payload = {&message, 1};
  return environment().ip->Send(*outgoing.route, packet);
}

Error RawSocket::SendWhole(const Outgoing& outgoing,
                           std::span<const std::span<const uint8_t>> payload, size_t size) {
  Slice packet = Flatten(payload, size);
  size_t header = kIpv6HeaderSize;
  if (family() == Family::kIpv4 &&
      !CompleteIpv4Header({packet.mutable_data(), size}, outgoing.route->source,
                          static_cast<uint16_t>(environment().random->U32()), &header)) {
    return Error::kInvalid;
  }
  return environment().ip->SendPacket(*outgoing.route, std::move(packet), header);
}

}  // namespace moat::netstack
