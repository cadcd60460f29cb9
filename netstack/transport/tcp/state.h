// The states of RFC 9293 3.3.2 as sets, and their names as ss(8) prints them.
#ifndef MOAT_NETSTACK_TRANSPORT_TCP_STATE_H_
#define MOAT_NETSTACK_TRANSPORT_TCP_STATE_H_

#include <string_view>

#include "netstack/socket/tcp_socket.h"

namespace moat::netstack::tcp {

// SYNs have been exchanged and acknowledged, and the connection still exists (3.5.2 group 3).
constexpr bool IsSynchronized(TcpState state) {
  return state >= TcpState::kEstablished && state <= TcpState::kTimeWait;
}
// The user may still SEND.
constexpr bool MaySend(TcpState state) {
  return state == TcpState::kEstablished || state == TcpState::kCloseWait;
}
// The peer has not closed: text may arrive (3.10.7.4, seventh).
constexpr bool MayReceive(TcpState state) {
  return state == TcpState::kEstablished || state == TcpState::kFinWait1 ||
         state == TcpState::kFinWait2;
}
// Data or a FIN may have to be (re)transmitted.
constexpr bool MayTransmit(TcpState state) {
  return MaySend(state) || state == TcpState::kFinWait1 || state == TcpState::kClosing ||
         state == TcpState::kLastAck;
}
// Counted by Tcp.CurrEstab (RFC 4022).
constexpr bool IsCurrentlyEstablished(TcpState state) { return MaySend(state); }

constexpr std::string_view StateName(TcpState state) {
  constexpr std::string_view kNames[] = {"UNCONN",     "LISTEN",    "SYN-SENT",  "SYN-RECV",
                                         "ESTAB",      "FIN-WAIT-1", "FIN-WAIT-2", "CLOSE-WAIT",
                                         "CLOSING",    "LAST-ACK",  "TIME-WAIT"};
  return kNames[static_cast<size_t>(state)];
}

}  // namespace moat::netstack::tcp

#endif  // MOAT_NETSTACK_TRANSPORT_TCP_STATE_H_
