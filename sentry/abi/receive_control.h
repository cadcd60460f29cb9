// Builds the ancillary data of recvmsg(2): per datagram (packet info, TTL, TOS, timestamps, GRO)
// and for MSG_ERRQUEUE. Order and layout are Linux's (ip(7), ipv6(7), socket(7), udp(7)).
#ifndef MOAT_SENTRY_ABI_RECEIVE_CONTROL_H_
#define MOAT_SENTRY_ABI_RECEIVE_CONTROL_H_

#include <cstdint>

#include "netstack/socket/datagram_socket.h"
#include "sentry/abi/control_writer.h"
#include "sentry/abi/sockaddr.h"

namespace moat::sentry {

// SO_TIMESTAMP and its relatives; the last one set wins.
enum class TimestampFormat : uint8_t {
  kNone, kMicroOld, kMicroNew, kNanoOld, kNanoNew,
};

// What the program asked to be told (setsockopt of the same names).
struct ReceiveControlFlags {
  TimestampFormat timestamp = TimestampFormat::kNone;  // SO_TIMESTAMP*
  bool overflow = false;          // SO_RXQ_OVFL
  bool packet_info4 = false;      // IP_PKTINFO
  bool ttl = false;               // IP_RECVTTL
  bool tos = false;               // IP_RECVTOS
  bool ip_options = false;        // IP_RECVOPTS
  bool return_options = false;    // IP_RETOPTS
  bool original_destination = false;  // IP_RECVORIGDSTADDR
  bool packet_info6 = false;      // IPV6_RECVPKTINFO
  bool packet_info6_2292 = false; // IPV6_2292PKTINFO
  bool hop_limit = false;         // IPV6_RECVHOPLIMIT
  bool hop_limit_2292 = false;    // IPV6_2292HOPLIMIT
  bool traffic_class = false;     // IPV6_RECVTCLASS
  bool original_destination6 = false;  // IPV6_RECVORIGDSTADDR
  bool udp_gro = false;           // UDP_GRO
  bool recv_error4 = false;       // IP_RECVERR
  bool recv_error6 = false;       // IPV6_RECVERR
  bool packet_auxiliary = false;  // PACKET_AUXDATA

  bool operator==(const ReceiveControlFlags&) const = default;
};

// What describes one received datagram besides netstack's Datagram.
struct ReceiveContext {
  netstack::Family family = netstack::Family::kIpv4;  // of the socket
  int64_t realtime_nanoseconds = 0;                   // arrival, CLOCK_REALTIME
  uint16_t local_port = 0;
  // ipi_spec_dst: the local address that an answer would come from. Unspecified: the destination.
  netstack::IpAddress specific_destination{};
  uint32_t dropped = 0;                               // SO_RXQ_OVFL: datagrams dropped so far
};

void WriteDatagramControl(const netstack::Datagram& datagram, const ReceiveControlFlags& flags,
                          const ReceiveContext& context, ControlWriter& writer);

// What sockets of every family can be told: timestamps and drops.
void WriteSocketLevelControl(const ReceiveControlFlags& flags, const ReceiveContext& context,
                             ControlWriter& writer);

// The IPV6_PATHMTU message (RFC 3542 11.3).
void WritePathMtuControl(const netstack::PathMtuNotice& notice, ControlWriter& writer);

// The IP_RECVERR or IPV6_RECVERR message of a queued error. The address that recvmsg reports is
// `error.destination`, the payload is `error.payload`.
void WriteErrorControl(const netstack::QueuedError& error, netstack::Family socket_family,
                       ControlWriter& writer);

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_ABI_RECEIVE_CONTROL_H_
