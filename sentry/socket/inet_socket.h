// What TCP, datagram and packet sockets share at the border: options, port privileges, addresses
// written back.
#ifndef MOAT_SENTRY_SOCKET_INET_SOCKET_H_
#define MOAT_SENTRY_SOCKET_INET_SOCKET_H_

#include <cstdint>
#include <span>
#include <string_view>

#include "netstack/wire/address.h"
#include "sentry/abi/sockaddr.h"
#include "sentry/intercept/call.h"
#include "sentry/intercept/reply.h"
#include "sentry/options/settings.h"
#include "sentry/socket/container_socket.h"

namespace moat::sentry {

// The first number of a sysctl (its name below "net."), or `fallback`.
int SysctlInt(Sandbox& sandbox, std::string_view name, int fallback);

// Whether thread `tid` may bind `port` (ip_unprivileged_port_start, CAP_NET_BIND_SERVICE).
bool MayBind(Sandbox& sandbox, pid_t tid, uint16_t port);

// Whether thread `tid` may make a ping socket: one of its groups is within ping_group_range, of
// either family.
bool MayPing(Sandbox& sandbox, pid_t tid);

// CLOCK_REALTIME of an arrival, which the stack's clock has the time of.
int64_t RealtimeOf(netstack::Time arrival, netstack::Time now);

// Fills the caller's address buffer (arguments 1 and 2 of accept and its like, either may be null).
// 0, or an errno (EFAULT, EINVAL), or ENOENT when the caller is gone.
int WriteAcceptAddress(Call& call, const netstack::Endpoint& remote, netstack::Family family);

struct InetSocketView {
  ContainerSocket& socket;
  SocketKind kind;
  netstack::Family family;
  bool direct = false;  // a loopback connection that the stack does not carry
};

// getsockopt(2) and setsockopt(2), the container's memory included.
Reply GetInetOption(const InetSocketView& view, Call& call, int level, int name, uint64_t value,
                    uint64_t length_address);
Reply SetInetOption(const InetSocketView& view, Call& call, int level, int name, int32_t length,
                    std::span<const uint8_t> value);

bool IsErrorOption(int level, int name);
// Clears and returns the error that the kernel holds against the container's end; 0 when there is
// none.
int TakeNativeError(int file);

// Sets on a new pair's container end what reads and writes must obey: timeouts and the like,
// inherited from a listener.
void SetPairOptions(int file, const SocketSettings& settings);

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_SOCKET_INET_SOCKET_H_
