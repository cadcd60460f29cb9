#include "netstack/transport/icmp/ping_protocol.h"

#include <algorithm>
#include <utility>

#include "netstack/ip/ip_sender.h"
#include "netstack/transport/icmp/ping_socket.h"
#include "netstack/wire/icmpv4.h"
#include "netstack/wire/icmpv6.h"

namespace moat::netstack {
namespace {

constexpr uint64_t kFirstId = uint64_t{ip_protocol::kIcmp} << 56 | 1;

}  // namespace

PingProtocol::PingProtocol(const TransportEnvironment& environment)
    : environment_(environment),
      settings_(*environment.sysctls, *environment.counters),
      out_messages_v4_(*environment.counters, "Icmp.OutMsgs"),
      out_echos_v4_(*environment.counters, "Icmp.OutEchos"),
      out_messages_v6_(*environment.counters, "Icmp6.OutMsgs"),
      out_echos_v6_(*environment.counters, "Icmp6.OutEchos"),
      receive_buffer_errors_(*environment.counters, "Ping.RcvbufErrors"),
      memory_errors_(*environment.counters, "Ping.MemErrors"),
      next_id_(kFirstId) {
  // The default, an empty range, lets nobody but the privileged ping.
  environment.sysctls->Register({.name = "ipv4.ping_group_range", .values = {1, 0}});
}

PingProtocol::~PingProtocol() = default;

std::unique_ptr<DatagramSocket> PingProtocol::NewSocket(Family family) {
  return std::make_unique<PingSocket>(*this, family, next_id_++);
}

void PingProtocol::Insert(PingSocket* socket) { sockets_[socket->local_port()].push_back(socket); }

void PingProtocol::Remove(PingSocket* socket) {
  const auto entry = sockets_.find(socket->local_port());
  if (entry == sockets_.end()) return;
  std::erase(entry->second, socket);
  if (entry->second.empty()) sockets_.erase(entry);
}

void PingProtocol::CountSent(Family family) {
  const bool v4 = family == Family::kIpv4;
  ++(v4 ? out_messages_v4_ : out_messages_v6_);
  ++(v4 ? out_echos_v4_ : out_echos_v6_);
}

void PingProtocol::AppendSockets(std::vector<SocketInfo>& out) const {
  const size_t first = out.size();
  for (const auto& [identifier, sockets] : sockets_) {
    for (PingSocket* socket : sockets) out.push_back(socket->Info(SocketInfo::Type::kPing));
  }
  std::sort(out.begin() + static_cast<ptrdiff_t>(first), out.end(),
            [](const SocketInfo& a, const SocketInfo& b) { return a.id < b.id; });
}

PingSocket* PingProtocol::Find(uint16_t identifier, const IpAddress& local,
                               InterfaceIndex interface) const {
  const auto entry = sockets_.find(identifier);
  if (entry == sockets_.end()) return nullptr;
  const auto& sockets = entry->second;
  for (auto socket = sockets.rbegin(); socket != sockets.rend(); ++socket) {
    const IpAddress& address = (*socket)->local_address();
    if ((*socket)->family() != local.family() || !(*socket)->TakesInterface(interface)) continue;
    if (address.IsUnspecified() || address == local) return *socket;
  }
  return nullptr;
}

TransportProtocol::Disposition PingProtocol::Receive(const IpPacketIn& packet) {
  const auto message = IcmpView::Parse(packet.payload.span());
  const bool v4 = packet.source.is_v4();
  if (!message) return Disposition::kHandled;
  if (message->type() != (v4 ? icmpv4_type::kEchoReply : icmpv6_type::kEchoReply)) {
    return Disposition::kHandled;
  }
  PingSocket* socket = Find(message->identifier(), packet.destination, packet.interface);
  if (socket == nullptr) return Disposition::kHandled;
  const bool scoped = !v4 && packet.source.IsLinkLocal();
  const auto delivery =
      socket->Deliver({.payload = packet.payload,
                       .source = {.address = packet.source,
                                  .scope = scoped ? packet.interface : 0},
                       .destination = packet.destination,
                       .interface = packet.interface,
                       .hop_limit = packet.hop_limit,
                       .traffic_class = packet.traffic_class,
                       .ip_options = ArrivedIpOptions(environment_, packet)},
                      packet.payload.footprint());
  if (delivery == DatagramBase::Delivery::kFull) ++receive_buffer_errors_;
  if (delivery == DatagramBase::Delivery::kNoMemory) ++memory_errors_;
  return Disposition::kHandled;
}

namespace {

// The identifier of the echo request that is quoted, when it is one.
std::optional<uint16_t> QuotedIdentifier(const IcmpErrorIn& error) {
  const auto quoted = IcmpView::Parse(error.quoted_transport);
  const uint8_t echo =
      error.source.is_v4() ? icmpv4_type::kEchoRequest : icmpv6_type::kEchoRequest;
  if (!quoted.has_value() || quoted->type() != echo) return std::nullopt;
  return quoted->identifier();
}

}  // namespace

void PingProtocol::ReceiveError(const IcmpErrorIn& error) {
  const std::optional<uint16_t> identifier = QuotedIdentifier(error);
  if (!identifier.has_value()) return;
  PingSocket* socket = Find(*identifier, error.source, error.interface);
  if (socket != nullptr) socket->DeliverError(error, 0, error.quoted_transport);
}

bool PingProtocol::MayHaveSent(const IcmpErrorIn& error) const {
  const std::optional<uint16_t> identifier = QuotedIdentifier(error);
  return !identifier.has_value() ||
         Find(*identifier, error.source, error.interface) != nullptr;
}

}  // namespace moat::netstack
