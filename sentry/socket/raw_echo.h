// Raw ICMP sockets, as far as ping programs use them: echo requests out, echo replies in. Carried by a ping
// socket of the stack whose identifier is the one that the program writes into its requests.
//
// DEVIATION: other messages cannot be sent (EOPNOTSUPP), and other messages and other programs' replies are
// not received; ICMP errors are not either.
#ifndef MOAT_SENTRY_SOCKET_RAW_ECHO_H_
#define MOAT_SENTRY_SOCKET_RAW_ECHO_H_

#include <cstdint>
#include <optional>
#include <span>

#include "netstack/packet/slice.h"
#include "netstack/socket/datagram_socket.h"
#include "netstack/wire/address.h"

namespace moat::sentry {

// The identifier of an echo request; absent when `message` is none (RFC 792, RFC 4443 4.1).
std::optional<uint16_t> EchoIdentifier(std::span<const uint8_t> message, netstack::Family family);

// What a raw IPv4 socket reads: the IP header as it was, as far as it is known, and the message. IPv6 raw
// sockets read no header (RFC 3542 3).
netstack::Slice RawMessage(const netstack::Datagram& datagram);

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_SOCKET_RAW_ECHO_H_
