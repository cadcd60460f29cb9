// Per-socket state that setsockopt(2) sets and netstack's handles do not hold: what the sentry
// itself acts upon (timeouts, linger, what recvmsg reports), and values that are only remembered so
// that getsockopt(2) gives them back. accept(2) copies the listener's into the new socket, as Linux
// does.
#ifndef MOAT_SENTRY_OPTIONS_SETTINGS_H_
#define MOAT_SENTRY_OPTIONS_SETTINGS_H_

#include <array>
#include <cstdint>

#include "netstack/base/time.h"
#include "netstack/wire/address.h"
#include "sentry/abi/receive_control.h"

namespace moat::sentry {

// Options without effect here: accepted within Linux's bounds, remembered, given back. Each is
// named in the row that uses it.
enum class Remembered : uint8_t {
  kDebug, kNoCheck, kSelectErrorQueue, kLockFilter, kTxRehash, kBufferLock, kReceiveMark,
  kReceivePriority, kWifiStatus, kPreferBusyPoll, kThinLinear, kThinDupack, kSaveSyn, kInq,
  kFastOpenNoCookie, kRouterAlert, kIpChecksum, kPassSecurity, kReceiveFragmentSize,
  kReceiveErrorRfc4884, kReceiveErrorRfc4884V6, kFlowInfo, kReceiveHopOptions,
  kReceiveHopOptions2292, kReceiveRoutingHeader, kReceiveRoutingHeader2292,
  kReceiveDestinationOptions, kReceiveDestinationOptions2292, kReceivePathMtu,
  kReceiveFragmentSizeV6, kDontFragment, kFlowInfoSend, kRouterAlertIsolate, kNoCheck6Tx,
  kNoCheck6Rx, kNoFcs, kBindAddressNoPort, kMulticastAll, kMulticastAllV6,
  kOriginalDevice, kQdiscBypass,
  kCount,
};

struct SocketSettings {
  // --- Acted upon by the sentry ----------------------------------------------------------------
  netstack::Duration receive_timeout{0};  // SO_RCVTIMEO; zero: none
  netstack::Duration send_timeout{0};     // SO_SNDTIMEO
  bool linger = false;                    // SO_LINGER
  int64_t linger_seconds = 0;
  bool out_of_band_inline = false;
  bool receive_error = false;             // IP_RECVERR or IPV6_RECVERR: errors are queued
  ReceiveControlFlags receive_control;    // SO_TIMESTAMP, IP_PKTINFO, ...
  int receive_low_water = 1;              // SO_RCVLOWAT; also set on the pair, see IsPairOption()
  int peek_offset = -1;                   // SO_PEEK_OFF; the same
  uint16_t local_port_low = 0;  // IP_LOCAL_PORT_RANGE: bounds for an automatic port; 0: none
  uint16_t local_port_high = 0;
  netstack::InterfaceIndex sticky_interface = 0;  // IPV6_PKTINFO as a socket option, IP_UNICAST_IF
  netstack::IpAddress sticky_source = netstack::IpAddress::Any(netstack::Family::kIpv6);
  uint16_t gso_segment = 0;               // UDP_SEGMENT: default for sends without the cmsg

  // --- Remembered ------------------------------------------------------------------------------
  std::array<int8_t, static_cast<size_t>(Remembered::kCount)> remembered{};
  int incoming_cpu = -1;
  int busy_poll = 0;
  int busy_poll_budget = 0;
  uint64_t max_pacing_rate = ~uint64_t{0};
  int minimum_ttl = 0;
  int minimum_hop_count = 0;
  int ipv6_mtu = 0;
  int address_preferences = 0;
  int fast_open_queue = 0;
  int not_sent_low_water = 0;             // as set; 0: the sysctl's
  int defer_accept = 0;                   // TCP_DEFER_ACCEPT in seconds, as rounded
  int8_t auto_flow_label = -1;            // -1: the sysctl's default
  int8_t mtu_discover6 = 1;
  netstack::InterfaceIndex multicast_interface6 = 0;
  netstack::InterfaceIndex unicast_interface = 0;
  netstack::InterfaceIndex unicast_interface6 = 0;

  bool operator==(const SocketSettings&) const = default;

  int8_t& at(Remembered option) { return remembered[static_cast<size_t>(option)]; }
  int8_t at(Remembered option) const { return remembered[static_cast<size_t>(option)]; }
};

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_OPTIONS_SETTINGS_H_
