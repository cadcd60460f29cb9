// The user timeout option (RFC 5482): what it says, and what a connection makes of it. Names and
// section numbers are the RFC's; the connection's part is user_timeout.cc.
//
//   ENABLED      tcp_user_timeout_option, when the connection begins
//   ADV_UTO      TCP_USER_TIMEOUT; without it, how long tcp_retries2 lasts
//   CHANGEABLE   there is no TCP_USER_TIMEOUT
//   REMOTE_UTO   what the peer's last option said
//   L_LIMIT, U_LIMIT   tcp_user_timeout_limits
#ifndef MOAT_NETSTACK_TRANSPORT_TCP_USER_TIMEOUT_OPTION_H_
#define MOAT_NETSTACK_TRANSPORT_TCP_USER_TIMEOUT_OPTION_H_

#include <cstdint>

#include "netstack/base/time.h"

namespace moat::netstack::tcp {

// RFC 1122 4.2.3.5 wants R2 to be so long at least.
inline constexpr int64_t kDefaultLeastUserTimeout = 100;  // seconds
inline constexpr int64_t kDefaultMostUserTimeout = 3600;
inline constexpr int64_t kMostUserTimeout = int64_t{0x7fff} * 60;  // that an option can say

// TcpOptionSet::user_timeout of a time: rounded up to seconds, beyond nine hours to minutes; a
// second at least, as many minutes as there can be at most.
uint16_t EncodeUserTimeout(Duration timeout);
// Zero for 0.
Duration DecodeUserTimeout(uint16_t option);

// 3.1: USER_TIMEOUT = min(U_LIMIT, max(ADV_UTO, REMOTE_UTO, L_LIMIT)).
struct UserTimeouts {
  Duration advertised{};
  Duration remote{};
  Duration least{};  // L_LIMIT
  Duration most{};   // U_LIMIT
};
Duration AdoptedUserTimeout(const UserTimeouts& timeouts);

}  // namespace moat::netstack::tcp

#endif  // MOAT_NETSTACK_TRANSPORT_TCP_USER_TIMEOUT_OPTION_H_
