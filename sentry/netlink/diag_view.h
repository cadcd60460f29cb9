// What sock_diag tells a container: its own inet sockets. Behind an interface so that tests need no
// sandbox.
#ifndef MOAT_SENTRY_NETLINK_DIAG_VIEW_H_
#define MOAT_SENTRY_NETLINK_DIAG_VIEW_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "netstack/base/time.h"
#include "netstack/wire/address.h"

namespace moat::sentry {

// Enough of a socket to choose it by.
struct DiagSocket {
  uint8_t protocol = 0;    // IPPROTO_TCP, IPPROTO_UDP, IPPROTO_RAW
  netstack::Family family = netstack::Family::kIpv4;  // as created; the addresses may be plain IPv4
  bool v6_only = false;         // IPV6_V6ONLY, or bound to an IPv6 address
  bool automatic_port = false;  // its port lies in the range of automatic ones
  uint8_t state = 0;  // TCP_ESTABLISHED, ..., as Linux numbers them; datagrams: that or TCP_CLOSE
  netstack::Endpoint local;
  netstack::Endpoint remote;    // unspecified, port 0: none
  netstack::InterfaceIndex interface = 0;  // SO_BINDTODEVICE
  uint32_t mark = 0;
  uint64_t cookie = 0;          // SO_COOKIE
  uint64_t owner = 0;  // the view's own: whose socket it is; 0 when no descriptor leads to it
  uint32_t receive_queue = 0;   // bytes; connections that wait, of a listener
  uint32_t send_queue = 0;      // bytes; the backlog, of a listener
};

// The timers of inet_diag_msg.
enum class DiagTimer : uint8_t { kNone, kRetransmit, kKeepalive, kTimeWait, kProbe };

// What is told of one socket besides.
struct DiagDetails {
  uint32_t uid = 0;              // as the container knows it
  uint32_t inode = 0;            // that of socket:[inode] in /proc/PID/fd; 0: no descriptor
  uint32_t receive_queue = 0;    // with what waits in the pair
  uint32_t send_queue = 0;
  DiagTimer timer = DiagTimer::kNone;
  uint8_t retransmits = 0;
  netstack::Duration timer_left{};
  // Everything below is known of sockets with a descriptor only.
  bool has_options = false;
  uint8_t shutdown = 0;          // RCV_SHUTDOWN 1, SEND_SHUTDOWN 2
  uint8_t tos = 0;
  uint8_t traffic_class = 0;
  uint32_t priority = 0;
  bool receive_error = false;
  bool free_bind = false;
  bool transparent = false;
  bool multicast_loop = false;
  uint8_t raw_protocol = 0;      // of a raw socket
  std::array<uint32_t, 9> memory{};  // SK_MEMINFO_*
  std::vector<uint8_t> tcp_info;     // struct tcp_info; empty when there is none
  std::string congestion_control;
};

// Everything is called under the sandbox's lock.
class DiagView {
 public:
  virtual ~DiagView() = default;
  // The sockets of one protocol that have a port. Others' protocols: none.
  virtual std::vector<DiagSocket> Sockets(uint8_t protocol) = 0;
  // Absent when the socket has gone since Sockets().
  virtual std::optional<DiagDetails> Details(const DiagSocket& socket) = 0;
  // SOCK_DESTROY. 0 or an errno; EOPNOTSUPP where a socket cannot be taken from its owner.
  virtual int Destroy(const DiagSocket& socket) = 0;
};

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_NETLINK_DIAG_VIEW_H_
