#include "netstack/transport/icmp/ping_socket.h"

#include <array>
#include <cstring>

#include "netstack/ip/ip_sender.h"
#include "netstack/transport/datagram/pieces.h"
#include "netstack/transport/icmp/ping_protocol.h"
#include "netstack/wire/bytes.h"
#include "netstack/wire/icmpv4.h"
#include "netstack/wire/icmpv6.h"

namespace moat::netstack {
namespace {

constexpr size_t kMaxMessage = 65535;

// The message's first eight bytes, wherever the caller's pieces end.
std::array<uint8_t, kIcmpHeaderSize> ReadHeader(PieceCutter& cutter) {
  std::array<uint8_t, kIcmpHeaderSize> header{};
  size_t filled = 0;
  for (const auto& piece : cutter.Next(kIcmpHeaderSize)) {
    std::memcpy(header.data() + filled, piece.data(), piece.size());
    filled += piece.size();
  }
  return header;
}

}  // namespace

PingSocket::PingSocket(PingProtocol& protocol, Family family, uint64_t id)
    : DatagramBase(protocol.environment_, protocol.settings_, family, PortSpace::kPing, id),
      protocol_(protocol) {}

PingSocket::~PingSocket() {
  if (bound()) Remove();
}

void PingSocket::Insert() { protocol_.Insert(this); }
void PingSocket::Remove() { protocol_.Remove(this); }

Error PingSocket::Send(std::span<const std::span<const uint8_t>> payload,
                       const SendControl& control) {
  const bool v4 = family() == Family::kIpv4;
  const size_t size = TotalSize(payload);
  if (size > kMaxMessage) return Error::kMessageSize;
  if (size < kIcmpHeaderSize) return Error::kInvalid;
  if (control.destination && control.destination->address.family() != family()) {
    return Error::kAddressFamily;
  }
  PieceCutter cutter(payload);
  std::array<uint8_t, kIcmpHeaderSize> header = ReadHeader(cutter);
  const uint8_t echo = v4 ? icmpv4_type::kEchoRequest : icmpv6_type::kEchoRequest;
  if (header[0] != echo || header[1] != 0) return Error::kInvalid;

  const Result<Outgoing> outgoing = PrepareSend(control, size);
  if (!outgoing.ok()) return outgoing.error();
  StoreBe16(header.data() + 2, 0);
  StoreBe16(header.data() + 4, local_port());

  IpPacketOut packet;
  packet.protocol = v4 ? ip_protocol::kIcmp : ip_protocol::kIcmpV6;
  packet.traffic_class = outgoing->traffic_class;
  packet.hop_limit = outgoing->hop_limit;
  packet.dont_fragment = outgoing->dont_fragment;
  packet.flow_label = outgoing->flow_label;
  packet.multicast_loop = options().multicast_loop;
  packet.transport_header = header;
  packet.payload = cutter.Next(size - kIcmpHeaderSize);
  packet.checksum_offset = 2;
  Ipv4Options ip_options;
  AddIpOptions(*outgoing, ip_options, packet);
  const Error error = environment().ip->Send(*outgoing->route, packet);
  if (error == Error::kOk) protocol_.CountSent(family());
  return SendOutcome(error, *outgoing);
}

}  // namespace moat::netstack
