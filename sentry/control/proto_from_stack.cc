#include "sentry/control/proto_from_stack.h"

#include <string_view>
#include <utility>

#include "sentry/control/proto_from_tcp_info.h"

namespace moat::sentry {
namespace {

std::string NameOf(netstack::InterfaceIndex index, const InterfaceNames& names) {
  const auto found = names.find(index);
  return found == names.end() ? std::string() : found->second;
}

v1::Neighbor::State ToProto(netstack::NeighborState state) {
  switch (state) {
    case netstack::NeighborState::kIncomplete:
      return v1::Neighbor::STATE_INCOMPLETE;
    case netstack::NeighborState::kReachable:
      return v1::Neighbor::STATE_REACHABLE;
    case netstack::NeighborState::kStale:
      return v1::Neighbor::STATE_STALE;
    case netstack::NeighborState::kDelay:
      return v1::Neighbor::STATE_DELAY;
    case netstack::NeighborState::kProbe:
      return v1::Neighbor::STATE_PROBE;
    case netstack::NeighborState::kFailed:
      return v1::Neighbor::STATE_FAILED;
    case netstack::NeighborState::kPermanent:
      return v1::Neighbor::STATE_PERMANENT;
    case netstack::NeighborState::kNoArp:
      return v1::Neighbor::STATE_NOARP;
  }
  return v1::Neighbor::STATE_NONE;
}

v1::Socket::Protocol ToProto(netstack::SocketInfo::Type type) {
  switch (type) {
    case netstack::SocketInfo::Type::kTcp:
      return v1::Socket::PROTOCOL_TCP;
    case netstack::SocketInfo::Type::kUdp:
      return v1::Socket::PROTOCOL_UDP;
    case netstack::SocketInfo::Type::kPing:
      return v1::Socket::PROTOCOL_ICMP;
    case netstack::SocketInfo::Type::kRaw:
      return v1::Socket::PROTOCOL_RAW;
  }
  return v1::Socket::PROTOCOL_ANY;
}

// SocketInfo's states are ss(8)'s words.
constexpr std::pair<std::string_view, v1::Socket::State> kSocketStates[] = {
    {"ESTAB", v1::Socket::STATE_ESTABLISHED},     {"SYN-SENT", v1::Socket::STATE_SYN_SENT},
    {"SYN-RECV", v1::Socket::STATE_SYN_RECEIVED}, {"FIN-WAIT-1", v1::Socket::STATE_FIN_WAIT_1},
    {"FIN-WAIT-2", v1::Socket::STATE_FIN_WAIT_2}, {"TIME-WAIT", v1::Socket::STATE_TIME_WAIT},
    {"UNCONN", v1::Socket::STATE_CLOSED},         {"CLOSE", v1::Socket::STATE_CLOSED},
    {"CLOSE-WAIT", v1::Socket::STATE_CLOSE_WAIT}, {"LAST-ACK", v1::Socket::STATE_LAST_ACK},
    {"LISTEN", v1::Socket::STATE_LISTEN},         {"CLOSING", v1::Socket::STATE_CLOSING},
};

v1::Socket::State SocketState(std::string_view word) {
  for (const auto& [name, state] : kSocketStates) {
    if (name == word) return state;
  }
  return v1::Socket::STATE_UNKNOWN;
}

}  // namespace

InterfaceNames NamesOf(const netstack::Stack& stack) {
  InterfaceNames names;
  for (netstack::InterfaceInfo& interface : stack.Interfaces()) {
    names.emplace(interface.index, std::move(interface.name));
  }
  return names;
}

v1::Family ToProto(netstack::Family family) {
  return family == netstack::Family::kIpv4 ? v1::FAMILY_IPV4 : v1::FAMILY_IPV6;
}

v1::Route::Type ToProto(netstack::RouteType type) {
  switch (type) {
    case netstack::RouteType::kUnicast:
      return v1::Route::TYPE_UNICAST;
    case netstack::RouteType::kLocal:
      return v1::Route::TYPE_LOCAL;
    case netstack::RouteType::kBroadcast:
      return v1::Route::TYPE_BROADCAST;
    case netstack::RouteType::kBlackhole:
      return v1::Route::TYPE_BLACKHOLE;
    case netstack::RouteType::kUnreachable:
      return v1::Route::TYPE_UNREACHABLE;
    case netstack::RouteType::kProhibit:
      return v1::Route::TYPE_PROHIBIT;
    case netstack::RouteType::kThrow:
      return v1::Route::TYPE_THROW;
  }
  return v1::Route::TYPE_UNICAST;
}

bool Matches(v1::Family wanted, netstack::Family family) {
  return wanted == v1::FAMILY_ANY || wanted == ToProto(family);
}

v1::Interface ToProto(const netstack::InterfaceInfo& interface) {
  v1::Interface out;
  out.set_index(interface.index);
  out.set_name(interface.name);
  out.set_up(interface.up);
  out.set_carrier(interface.running);
  out.set_loopback(interface.loopback);
  out.set_mtu_bytes(interface.mtu);
  if (!interface.loopback) out.set_hardware_address(interface.mac.ToString());
  v1::InterfaceCounters* counters = out.mutable_counters();
  counters->set_received_packets(interface.counters.rx_packets);
  counters->set_received_bytes(interface.counters.rx_bytes);
  counters->set_received_errors(interface.counters.rx_errors);
  counters->set_received_dropped(interface.counters.rx_dropped);
  counters->set_received_multicast(interface.counters.rx_multicast);
  counters->set_sent_packets(interface.counters.tx_packets);
  counters->set_sent_bytes(interface.counters.tx_bytes);
  counters->set_sent_errors(interface.counters.tx_errors);
  counters->set_sent_dropped(interface.counters.tx_dropped);
  return out;
}

v1::InterfaceAddress ToProto(const netstack::AddressInfo& address, const InterfaceNames& names) {
  v1::InterfaceAddress out;
  out.set_prefix(address.prefix.ToString());
  if (address.options.broadcast) out.set_broadcast(address.options.broadcast->ToString());
  if (address.options.peer) out.set_peer(address.options.peer->ToString());
  out.set_interface(NameOf(address.interface, names));
  out.set_interface_index(address.interface);
  out.set_tentative(address.tentative);
  out.set_duplicate(address.duplicate);
  out.set_deprecated(address.options.deprecated);
  return out;
}

v1::Route ToProto(const netstack::RouteInfo& route, const InterfaceNames& names) {
  v1::Route out;
  out.set_destination(route.destination.ToString());
  if (route.gateway) out.set_gateway(route.gateway->ToString());
  out.set_interface(NameOf(route.interface, names));
  out.set_interface_index(route.interface);
  if (route.source) out.set_source(route.source->ToString());
  out.set_metric(route.metric);
  out.set_type(ToProto(route.type));
  out.set_mtu_bytes(route.mtu);
  out.set_protocol(route.protocol);
  out.set_scope(static_cast<uint32_t>(route.scope));
  out.set_table(route.table);
  return out;
}

v1::Neighbor ToProto(const netstack::NeighborInfo& neighbor, const InterfaceNames& names) {
  v1::Neighbor out;
  out.set_address(neighbor.address.ToString());
  const bool resolved = neighbor.state != netstack::NeighborState::kIncomplete &&
                        neighbor.state != netstack::NeighborState::kFailed;
  if (resolved) out.set_hardware_address(neighbor.mac.ToString());
  out.set_interface(NameOf(neighbor.interface, names));
  out.set_interface_index(neighbor.interface);
  out.set_state(ToProto(neighbor.state));
  out.set_router(neighbor.router);
  return out;
}

v1::Socket ToProto(const netstack::SocketInfo& socket, const InterfaceNames& names) {
  v1::Socket out;
  out.set_protocol(ToProto(socket.type));
  out.set_state(SocketState(socket.state));
  out.set_family(ToProto(socket.family));
  out.set_local_address(socket.local.address.ToString());
  out.set_local_port(socket.local.port);
  out.set_remote_address(socket.remote.address.ToString());
  out.set_remote_port(socket.remote.port);
  out.set_receive_queue(socket.receive_queue);
  out.set_send_queue(socket.send_queue);
  out.set_interface(NameOf(socket.bound_device, names));
  if (socket.tcp != nullptr) *out.mutable_tcp() = ToProto(*socket.tcp);
  out.set_id(socket.id);
  return out;
}

}  // namespace moat::sentry
