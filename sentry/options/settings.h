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

// Options without effect here: accepted within Linux's bounds, remembered, given back. README.md
// lists each of them with the reason, by its name below; remembered_test holds it to that.
enum class Remembered : uint8_t {
  kDebug, kSelectErrorQueue, kTxRehash, kBufferLock, kReceiveMark, kReceivePriority,
  kWifiStatus, kPreferBusyPoll, kThinLinear, kThinDupack, kIpChecksum, kPassSecurity,
  kReceiveFragmentSize, kReceiveErrorRfc4884, kReceiveErrorRfc4884V6, kFlowInfo,
  kReceiveHopOptions, kReceiveHopOptions2292, kReceiveRoutingHeader, kReceiveRoutingHeader2292,
  kReceiveDestinationOptions, kReceiveDestinationOptions2292, kReceiveFragmentSizeV6,
  kRouterAlertIsolate, kNoFcs, kBindAddressNoPort, kOriginalDevice, kQdiscBypass,
  kCount,
};

struct SocketSettings {
  // --- Acted upon by the sentry, or told to netstack in another form -----------------------------
  netstack::Duration receive_timeout{0};  // SO_RCVTIMEO; zero: none
  netstack::Duration send_timeout{0};     // SO_SNDTIMEO
  bool linger = false;                    // SO_LINGER
  int64_t linger_seconds = 0;
  bool out_of_band_inline = false;
  bool receive_error = false;             // IP_RECVERR or IPV6_RECVERR: errors are queued
  ReceiveControlFlags receive_control;    // SO_TIMESTAMP, IP_PKTINFO, ...
  int receive_low_water = 1;              // SO_RCVLOWAT; also set on the pair, see IsPairOption()
  int peek_offset = -1;                   // SO_PEEK_OFF; the same
  uint16_t gso_segment = 0;               // UDP_SEGMENT: default for sends without the cmsg
  bool filter_locked = false;             // SO_LOCK_FILTER
  bool multicast_all = true;              // IP_MULTICAST_ALL
  bool multicast_all6 = true;             // IPV6_MULTICAST_ALL
  int8_t mtu_discover6 = 1;               // IPV6_MTU_DISCOVER; netstack has one for both families
  netstack::InterfaceIndex multicast_interface6 = 0;
  netstack::InterfaceIndex unicast_interface = 0;   // IP_UNICAST_IF
  netstack::InterfaceIndex unicast_interface6 = 0;  // IPV6_UNICAST_IF
  bool flow_info_send = false;            // IPV6_FLOWINFO_SEND
  // Of datagram sockets; others keep them only.
  bool no_checksum = false;               // SO_NO_CHECK
  bool dont_fragment = false;             // IPV6_DONTFRAG
  bool receive_path_mtu = false;          // IPV6_RECVPATHMTU
  int fast_open_queue = 0;
  int not_sent_low_water = 0;             // as set; 0: the sysctl's
  int defer_accept = 0;                   // TCP_DEFER_ACCEPT in seconds, as rounded
  uint64_t max_pacing_rate = ~uint64_t{0};
  int address_preferences = 0;            // IPV6_ADDR_PREFERENCES, as Linux gives it back

  // --- Remembered ------------------------------------------------------------------------------
  std::array<int8_t, static_cast<size_t>(Remembered::kCount)> remembered{};
  uint16_t local_port_low = 0;
  uint16_t local_port_high = 0;
  int incoming_cpu = -1;
  int busy_poll = 0;
  int busy_poll_budget = 0;

  bool operator==(const SocketSettings&) const = default;

  int8_t& at(Remembered option) { return remembered[static_cast<size_t>(option)]; }
  int8_t at(Remembered option) const { return remembered[static_cast<size_t>(option)]; }
};

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_OPTIONS_SETTINGS_H_
