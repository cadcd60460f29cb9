// What the stack knows of a TCP connection as a message of moat.v1.
#ifndef MOAT_SENTRY_CONTROL_PROTO_FROM_TCP_INFO_H_
#define MOAT_SENTRY_CONTROL_PROTO_FROM_TCP_INFO_H_

#include "moat/v1/sandbox.pb.h"
#include "netstack/socket/tcp_socket.h"

namespace moat::sentry {

v1::TcpInfo ToProto(const netstack::TcpInfo& info);

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_CONTROL_PROTO_FROM_TCP_INFO_H_
