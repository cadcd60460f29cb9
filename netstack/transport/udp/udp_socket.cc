#include "netstack/transport/udp/udp_socket.h"

#include <algorithm>
#include <array>

#include "netstack/ip/ip_sender.h"
#include "netstack/transport/datagram/pieces.h"
#include "netstack/transport/udp/udp_protocol.h"
#include "netstack/wire/udp.h"

namespace moat::netstack {
namespace {

constexpr size_t kMaxPayload = 65535 - kUdpHeaderSize;
constexpr size_t kMaxSegments = 128;  // UDP_MAX_SEGMENTS of Linux

}  // namespace

UdpSocket::UdpSocket(UdpProtocol& protocol, Family family, uint64_t id)
    : DatagramBase(protocol.environment_, protocol.settings_, family, PortSpace::kUdp, id),
      protocol_(protocol) {}

UdpSocket::~UdpSocket() {
  if (bound()) Remove();
}

void UdpSocket::Insert() { protocol_.table_.Insert(this); }
void UdpSocket::Remove() { protocol_.table_.Remove(this); }
void UdpSocket::OnSendDropped(Family family) { ++protocol_.counters(family).send_buffer_errors; }

Error UdpSocket::Send(Pieces payload, const SendControl& control) {
  if (control.destination && control.destination->port == 0) return Error::kInvalid;
  if (!control.destination && remote() && remote()->port == 0) return Error::kInvalid;
  const size_t size = TotalSize(payload);
  if (size > kMaxPayload) return Error::kMessageSize;
  const uint16_t segment_size = control.segment_size;
  const bool train = segment_size != 0 && size > segment_size;
  if (train && size > segment_size * kMaxSegments) return Error::kInvalid;

  const size_t largest = (train ? segment_size : size) + kUdpHeaderSize;
  const Result<Outgoing> outgoing = PrepareSend(control, largest);
  if (!outgoing.ok()) return outgoing.error();
  const Route& route = *outgoing->route;
  if (segment_size != 0 && !SendsChecksum(route)) return Error::kInvalid;  // as Linux
  const Error error = !train ? SendPacket(*outgoing, payload, size, 0)
                             : SendTrain(*outgoing, payload, size, segment_size);
  // A train is one, as on Linux.
  if (error == Error::kOk) ++protocol_.counters(route.destination.family()).out_datagrams;
  return SendOutcome(error, *outgoing);
}

Error UdpSocket::SendPacket(const Outgoing& outgoing, Pieces payload, size_t size,
                            uint16_t gso_size) {
  std::array<uint8_t, kUdpHeaderSize> header;
  EmitUdp(header.data(), local_port(), outgoing.port, static_cast<uint16_t>(size + kUdpHeaderSize));
  IpPacketOut packet;
  packet.protocol = ip_protocol::kUdp;
  packet.traffic_class = outgoing.traffic_class;
  packet.hop_limit = outgoing.hop_limit;
  packet.dont_fragment = outgoing.dont_fragment;
  packet.flow_label = outgoing.flow_label;
  packet.multicast_loop = options().multicast_loop;
  packet.transport_header = header;
  packet.payload = payload;
  if (SendsChecksum(*outgoing.route)) packet.checksum_offset = kUdpChecksumOffset;
  packet.zero_checksum_means_none = true;
  packet.gso = gso_size != 0 ? GsoType::kUdp : GsoType::kNone;
  packet.gso_size = gso_size;
  Ipv4Options ip_options;
  AddIpOptions(outgoing, ip_options, packet);
  return environment().ip->Send(*outgoing.route, packet);
}

Error UdpSocket::SendTrain(const Outgoing& outgoing, Pieces payload, size_t size,
                           uint16_t segment_size) {
  const Route& route = *outgoing.route;
  size_t headers = (route.destination.is_v4() ? 20 : 40) + kUdpHeaderSize;
  if (outgoing.ip_options != nullptr) headers += outgoing.ip_options->size;
  if (headers + segment_size > route.mtu) return Error::kInvalid;  // they are never fragmented
  // Links are not asked to repeat options in what they cut.
  if (outgoing.ip_options == nullptr && headers + size <= route.max_gso_bytes) {
    return SendPacket(outgoing, payload, size, segment_size);
  }
  PieceCutter cutter(payload);
  for (size_t offset = 0; offset < size; offset += segment_size) {
    const size_t length = std::min<size_t>(segment_size, size - offset);
    const Error error = SendPacket(outgoing, cutter.Next(length), length, 0);
    if (error != Error::kOk) return error;
  }
  return Error::kOk;
}

}  // namespace moat::netstack
