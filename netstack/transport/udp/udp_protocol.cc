#include "netstack/transport/udp/udp_protocol.h"

#include <algorithm>
#include <utility>

#include "netstack/ip/ip_sender.h"
#include "netstack/transport/udp/udp_socket.h"
#include "netstack/wire/checksum.h"
#include "netstack/wire/family_name.h"

namespace moat::netstack {
namespace {

// Socket ids carry their protocol in the top byte, so that they are unique in a stack.
constexpr uint64_t kFirstId = uint64_t{ip_protocol::kUdp} << 56 | 1;

}  // namespace

UdpCounters::UdpCounters(CounterTable& table, Family f)
    : in_datagrams(table, NameFor(f, "Udp.InDatagrams", "Udp6.InDatagrams")),
      no_ports(table, NameFor(f, "Udp.NoPorts", "Udp6.NoPorts")),
      in_errors(table, NameFor(f, "Udp.InErrors", "Udp6.InErrors")),
      out_datagrams(table, NameFor(f, "Udp.OutDatagrams", "Udp6.OutDatagrams")),
      receive_buffer_errors(table, NameFor(f, "Udp.RcvbufErrors", "Udp6.RcvbufErrors")),
      send_buffer_errors(table, NameFor(f, "Udp.SndbufErrors", "Udp6.SndbufErrors")),
      checksum_errors(table, NameFor(f, "Udp.InCsumErrors", "Udp6.InCsumErrors")),
      ignored_multicast(table, NameFor(f, "Udp.IgnoredMulti", "Udp6.IgnoredMulti")),
      memory_errors(table, NameFor(f, "Udp.MemErrors", "Udp6.MemErrors")) {}

UdpProtocol::UdpProtocol(const TransportEnvironment& environment)
    : environment_(environment),
      settings_(*environment.sysctls, *environment.counters),
      counters_v4_(*environment.counters, Family::kIpv4),
      counters_v6_(*environment.counters, Family::kIpv6),
      table_(SipHashKey::Random(*environment.random)),
      next_id_(kFirstId) {}

UdpProtocol::~UdpProtocol() = default;

std::unique_ptr<DatagramSocket> UdpProtocol::NewSocket(Family family) {
  return std::make_unique<UdpSocket>(*this, family, next_id_++);
}

void UdpProtocol::AppendSockets(std::vector<SocketInfo>& out) const {
  const size_t first = out.size();
  table_.ForEach([&](UdpSocket* socket) { out.push_back(socket->Info(SocketInfo::Type::kUdp)); });
  std::sort(out.begin() + static_cast<ptrdiff_t>(first), out.end(),
            [](const SocketInfo& a, const SocketInfo& b) { return a.id < b.id; });
}

// RFC 768: zero means that none was computed. RFC 8200 8.1: over IPv6 it is for the socket
// to judge (RFC 6935).
bool UdpProtocol::ChecksumAcceptable(const IpPacketIn& packet, const UdpView& datagram) const {
  if (datagram.checksum() == 0) return true;
  if (packet.checksum == RxChecksum::kVerified) return true;
  return TransportChecksumValid(packet.source, packet.destination, ip_protocol::kUdp,
                                datagram.bytes());
}

TransportProtocol::Disposition UdpProtocol::Receive(const IpPacketIn& packet) {
  UdpCounters& counters = this->counters(packet.source.family());
  const auto datagram = UdpView::Parse(packet.payload.span(), packet.source.is_v6());
  if (!datagram) {
    ++counters.in_errors;
    return Disposition::kHandled;
  }
  if (!ChecksumAcceptable(packet, *datagram)) {
    ++counters.checksum_errors;
    ++counters.in_errors;
    return Disposition::kHandled;
  }
  const UdpFlow flow{.local = packet.destination,
                     .local_port = datagram->destination_port(),
                     .remote = packet.source,
                     .remote_port = datagram->source_port(),
                     .interface = packet.interface};
  if (packet.to_multicast || packet.to_broadcast) {
    return ReceiveGroup(packet, flow, *datagram);
  }
  UdpSocket* socket = table_.Find(flow);
  const bool unsummed = packet.source.is_v6() && datagram->checksum() == 0;
  if (unsummed && (socket == nullptr || !socket->datagram_options().no_checksum6_received)) {
    ++counters.checksum_errors;
    ++counters.in_errors;
    return Disposition::kHandled;
  }
  if (socket == nullptr) {
    ++counters.no_ports;
    return Disposition::kPortUnreachable;
  }
  Deliver(*socket, packet, flow, datagram->size());
  return Disposition::kHandled;
}

// RFC 1122 4.1.3.5, 3.2.2: every match gets a copy, and nobody answers with an error.
TransportProtocol::Disposition UdpProtocol::ReceiveGroup(const IpPacketIn& packet,
                                                         const UdpFlow& flow,
                                                         const UdpView& datagram) {
  const bool unsummed = packet.source.is_v6() && datagram.checksum() == 0;
  bool any = false;
  table_.ForEachMatch(flow, [&](UdpSocket* socket) {
    if (packet.to_multicast &&
        !socket->TakesFromGroup(packet.destination, packet.source, packet.interface)) {
      return;
    }
    if (unsummed && !socket->datagram_options().no_checksum6_received) return;
    any = true;
    Deliver(*socket, packet, flow, datagram.size());
  });
  if (!any) ++counters(packet.source.family()).ignored_multicast;
  return Disposition::kHandled;
}

void UdpProtocol::Deliver(UdpSocket& socket, const IpPacketIn& packet, const UdpFlow& flow,
                          size_t size) {
  UdpCounters& counters = this->counters(packet.source.family());
  const bool scoped = packet.source.is_v6() && packet.source.IsLinkLocal();
  Datagram datagram{.payload = packet.payload.Sub(kUdpHeaderSize, size - kUdpHeaderSize),
                    .source = {.address = packet.source,
                               .port = flow.remote_port,
                               .scope = scoped ? packet.interface : 0},
                    .destination = packet.destination,
                    .interface = packet.interface,
                    .hop_limit = packet.hop_limit,
                    .traffic_class = packet.traffic_class,
                    .ip_options = ArrivedIpOptions(environment_, packet)};
  const auto deliver = [&](Datagram one, size_t bytes) {
    switch (socket.Deliver(std::move(one), bytes)) {
      case DatagramBase::Delivery::kQueued:
        ++counters.in_datagrams;
        return;
      case DatagramBase::Delivery::kFull:
        ++counters.receive_buffer_errors;
        break;
      case DatagramBase::Delivery::kNoMemory:
        ++counters.memory_errors;
        break;
    }
    ++counters.in_errors;
  };
  const size_t total = datagram.payload.size();
  const size_t segment = packet.gso_size;
  if (segment == 0 || total <= segment) {
    deliver(std::move(datagram), packet.payload.footprint());
    return;
  }
  if (socket.receive_offload()) {
    datagram.segment_size = packet.gso_size;
    deliver(std::move(datagram), packet.payload.footprint());
    return;
  }
  // The pieces share one storage, and its cost.
  const size_t charge = packet.payload.footprint() / ((total + segment - 1) / segment);
  for (size_t offset = 0; offset < total; offset += segment) {
    Datagram piece = datagram;
    piece.payload = datagram.payload.Sub(offset, std::min(segment, total - offset));
    deliver(std::move(piece), charge);
  }
}

// The socket that the quoted datagram is of, and where it was for; null when there is none.
UdpSocket* UdpProtocol::SenderOf(const IcmpErrorIn& error, uint16_t* remote_port) const {
  if (error.quoted_transport.size() < kUdpHeaderSize) return nullptr;
  *remote_port = LoadBe16(error.quoted_transport.data() + 2);
  return table_.Find({.local = error.source,
                      .local_port = LoadBe16(error.quoted_transport.data()),
                      .remote = error.destination,
                      .remote_port = *remote_port,
                      .interface = error.interface});
}

void UdpProtocol::ReceiveError(const IcmpErrorIn& error) {
  uint16_t remote_port;
  UdpSocket* socket = SenderOf(error, &remote_port);
  if (socket == nullptr) return;
  socket->DeliverError(error, remote_port, error.quoted_transport.subspan(kUdpHeaderSize));
}

bool UdpProtocol::MayHaveSent(const IcmpErrorIn& error) const {
  uint16_t remote_port;
  return SenderOf(error, &remote_port) != nullptr;
}

}  // namespace moat::netstack
