// The stack's sockets: non-blocking, POSIX-shaped handles. This directory is the sentry's only
// door.
//
// Thread rule: every call, and every observer call, happens under the stack's one lock.
// Ownership: handles are owned by the caller through unique_ptr. Destroying a TcpSocket closes it
// as close(2) would (the connection lives on inside the stack until TCP is done with it). Endpoints
// never hold IPv4-mapped addresses: a dual-stack IPv6 socket reports and takes plain IPv4 endpoints
// here, mapping is the sentry's business.
#ifndef MOAT_NETSTACK_SOCKET_SOCKET_H_
#define MOAT_NETSTACK_SOCKET_SOCKET_H_

#include <cstdint>
#include <memory>
#include <string>

#include "netstack/base/error.h"
#include "netstack/base/time.h"
#include "netstack/wire/address.h"
#include "netstack/wire/ipv4_options.h"
#include "netstack/wire/temporary_addresses.h"

namespace moat::netstack {

// Bits of readiness, as poll(2) means them.
namespace ready {
inline constexpr uint32_t kReadable = 1 << 0;    // data, a pending connection, or end of stream
inline constexpr uint32_t kWritable =
    1 << 1;  // send space (at least a third of the buffer) or an error
inline constexpr uint32_t kConnected = 1 << 2;   // connect() has succeeded
inline constexpr uint32_t kPeerClosed = 1 << 3;  // FIN received: reads end after what is queued
inline constexpr uint32_t kError = 1 << 4;       // TakeError() has something
inline constexpr uint32_t kClosed =
    1 << 5;  // connection is gone in both directions (reset, timeout, done)
inline constexpr uint32_t kUrgent = 1 << 6;
}  // namespace ready

// Told when readiness bits newly become true. Called from deep inside the stack: it may only take a
// note (set a bit, link itself into a list) and must not call back into the stack.
class SocketObserver {
 public:
  virtual ~SocketObserver() = default;
  virtual void OnReady(uint32_t newly_ready) = 0;
};

// Options that every socket has. Plain values that a protocol reads when it needs them; a setter
// that must act at once is a method of the handle instead. Names as in socket(7), ip(7), ipv6(7).
struct SocketOptions {
  bool reuse_address = false;
  bool reuse_port = false;
  bool broadcast = false;
  bool v6_only = false;
  bool keepalive = false;
  bool dont_route = false;
  bool free_bind = false;
  bool transparent = false;
  InterfaceIndex bound_device = 0;     // SO_BINDTODEVICE
  uint32_t mark = 0;
  int32_t priority = 0;
  uint32_t send_buffer = 0;            // 0: protocol's default. Bytes as set, not doubled
  uint32_t receive_buffer = 0;         // 0: protocol's default, autotuned where the protocol does
  uint8_t tos = 0;                     // IP_TOS
  // IP_MINTTL: TCP drops what arrives with less (RFC 5082), as an ICMP error that quotes less.
  uint8_t minimum_ttl = 0;
  int16_t traffic_class = -1;          // IPV6_TCLASS; -1: use tos/0
  int16_t ttl = -1;                    // IP_TTL; -1: default
  int16_t hop_limit = -1;              // IPV6_UNICAST_HOPS
  uint8_t multicast_ttl = 1;
  uint8_t minimum_hop_count = 0;       // IPV6_MINHOPCOUNT: the same over IPv6
  int16_t multicast_hops = 1;
  bool multicast_loop = true;
  // Datagrams to groups that other sockets joined are delivered too (IP_MULTICAST_ALL).
  bool multicast_all = true;
  bool multicast_all_v6 = true;        // IPV6_MULTICAST_ALL
  InterfaceIndex multicast_interface = 0;
  IpAddress multicast_source;          // IP_MULTICAST_IF by address
  enum class MtuDiscover : uint8_t { kDont, kWant, kDo, kProbe, kInterface, kOmit };
  MtuDiscover mtu_discover = MtuDiscover::kWant;
  // IPV6_ADDR_PREFERENCES (RFC 5014).
  TemporaryAddresses temporary_addresses = TemporaryAddresses::kByInterface;
  bool auto_flow_label = true;         // IPV6_AUTOFLOWLABEL
  // IP_OPTIONS, of every IPv4 packet sent; judged by TakeProgramOptions(). What a TCP listener has
  // is not for the connections that it accepts: they begin with what their SYN brought (RFC
  // 9293 3.9.2.1).
  Ipv4OptionsRef ip_options;
};

struct TcpInfo;  // netstack/socket/tcp_socket.h

// What Stack::ListSockets() reports, for ss(8)-like views.
struct SocketInfo {
  enum class Type : uint8_t { kTcp, kUdp, kPing, kRaw };
  Type type;
  Family family;
  std::string state;          // ESTAB, LISTEN, ... as ss prints; UNCONN for datagrams
  Endpoint local;
  Endpoint remote;
  uint32_t receive_queue = 0; // bytes; pending connections for a listener
  uint32_t send_queue = 0;    // bytes not acknowledged; the backlog for a listener
  InterfaceIndex bound_device = 0;
  uint64_t id = 0;            // stable for the life of the socket; SocketId of the handle
  std::shared_ptr<const TcpInfo> tcp;  // TCP connections (not listeners); may be null
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_SOCKET_SOCKET_H_
