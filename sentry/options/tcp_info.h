// TCP_INFO: netstack's TcpInfo in the layout of struct tcp_info (linux/tcp.h, as of Linux 6.18).
#ifndef MOAT_SENTRY_OPTIONS_TCP_INFO_H_
#define MOAT_SENTRY_OPTIONS_TCP_INFO_H_

#include <array>
#include <cstdint>

#include "netstack/socket/tcp_socket.h"

namespace moat::sentry {

inline constexpr size_t kTcpInfoSize = 280;

// Linux's numbers of the states (TCP_ESTABLISHED is 1).
uint8_t LinuxTcpState(netstack::TcpState state);

std::array<uint8_t, kTcpInfoSize> EncodeTcpInfo(const netstack::TcpInfo& info,
                                                uint64_t max_pacing_rate);

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_OPTIONS_TCP_INFO_H_
