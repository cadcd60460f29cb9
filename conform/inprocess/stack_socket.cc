#include "conform/inprocess/stack_socket.h"

#include "conform/inprocess/datagram_handle.h"
#include "conform/inprocess/tcp_handle.h"

namespace moat::conform {

std::unique_ptr<StackSocket> OpenStackSocket(netstack::Stack& stack, SocketType type, bool v6) {
  const auto family = v6 ? netstack::Family::kIpv6 : netstack::Family::kIpv4;
  switch (type) {
    case SocketType::kTcp:
      return std::make_unique<TcpHandle>(stack.NewTcpSocket(family));
    case SocketType::kUdp:
      return std::make_unique<DatagramHandle>(stack.NewUdpSocket(family));
    case SocketType::kPing:
      return std::make_unique<DatagramHandle>(stack.NewPingSocket(family));
  }
  return nullptr;
}

int SetCommonOption(netstack::SocketOptions& options, Option option, int value) {
  switch (option) {
    case Option::kReuseAddress: options.reuse_address = value != 0; return 0;
    case Option::kBroadcast: options.broadcast = value != 0; return 0;
    case Option::kKeepAlive: options.keepalive = value != 0; return 0;
    case Option::kReceiveBuffer: options.receive_buffer = static_cast<uint32_t>(value); return 0;
    case Option::kSendBuffer: options.send_buffer = static_cast<uint32_t>(value); return 0;
    case Option::kTtl: options.ttl = static_cast<int16_t>(value); return 0;
    case Option::kTos: options.tos = static_cast<uint8_t>(value); return 0;
    case Option::kHopLimit: options.hop_limit = static_cast<int16_t>(value); return 0;
    case Option::kTrafficClass: options.traffic_class = static_cast<int16_t>(value); return 0;
    case Option::kMtuDiscover:
      options.mtu_discover = static_cast<netstack::SocketOptions::MtuDiscover>(value);
      return 0;
    case Option::kMulticastTtl: options.multicast_ttl = static_cast<uint8_t>(value); return 0;
    case Option::kMulticastHops: options.multicast_hops = static_cast<int16_t>(value); return 0;
    case Option::kMulticastLoop: options.multicast_loop = value != 0; return 0;
    case Option::kMulticastPort: options.multicast_interface = value + 2; return 0;
    case Option::kV6Only: options.v6_only = value != 0; return 0;
    default: return -ENOPROTOOPT;
  }
}

}  // namespace moat::conform
