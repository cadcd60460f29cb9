// Reads the ancillary data of a send: what each cmsg means to TCP, UDP and ping sockets, with
// Linux's checks (ip(7), ipv6(7), udp(7); net/ipv4/ip_sockglue.c, net/ipv6/datagram.c as
// behaviour).
#ifndef MOAT_SENTRY_ABI_SEND_CONTROL_H_
#define MOAT_SENTRY_ABI_SEND_CONTROL_H_

#include <cstdint>
#include <span>

#include "netstack/socket/datagram_socket.h"
#include "sentry/abi/errno_or.h"
#include "sentry/abi/sockaddr.h"

namespace moat::sentry {

struct SendControlRules {
  SocketKind kind = SocketKind::kUdp;
  netstack::Family family = netstack::Family::kIpv4;  // of the socket
  // The datagram leaves as IPv4 (IPv4 socket, or IPv4 destination of a dual-stack one).
  bool ipv4 = true;
  bool net_admin = false;  // CAP_NET_ADMIN or CAP_NET_RAW: SO_MARK
  bool net_raw = false;    // CAP_NET_RAW: IP options that the stack does not know
};

// Fills everything of netstack::SendControl but the destination. Errors: EINVAL (malformed, out of
// bounds, unknown type of a level that the protocol handles), EPERM (SO_MARK, IPv6 extension
// headers). Levels that a protocol does not know are ignored, as on Linux. Source routes in
// IP_RETOPTS are not supported: EOPNOTSUPP. Nor are IPv6 extension headers and IP_PROTOCOL: EINVAL
// (EPERM without privileges).
ErrnoOr<netstack::SendControl> ParseSendControl(std::span<const uint8_t> control,
                                                const SendControlRules& rules);

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_ABI_SEND_CONTROL_H_
