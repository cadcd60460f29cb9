// socket(2) for AF_INET, AF_INET6, AF_PACKET and AF_NETLINK, with Linux's choice of errors
// (inet_create(), inet6_create(), packet_create() as behaviour).
#include <errno.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <memory>

#include "sentry/calls/handlers.h"
#include "sentry/memory/credentials.h"
#include "sentry/socket/datagram_container_socket.h"
#include "sentry/socket/inet_socket.h"
#include "sentry/socket/message_limit.h"
#include "sentry/socket/packet_container_socket.h"
#include "sentry/socket/seqpacket.h"
#include "sentry/socket/tcp_container_socket.h"

namespace moat::sentry {
namespace {

using netstack::Family;

constexpr int kTypeMask = 0xf;
constexpr int kMaxType = 10;  // SOCK_PACKET
constexpr int kAnyProtocol = -1;  // of those that an IP header can name, but for 0

enum class Protocol : uint8_t { kTcp, kUdp, kPing, kRaw };

struct Service {
  int domain;
  int type;
  int protocol;  // what 0 stands for, too, where `is_default` is set
  bool is_default;
  Protocol served_by;
};

constexpr Service kServices[] = {
    {AF_INET, SOCK_STREAM, IPPROTO_TCP, true, Protocol::kTcp},
    {AF_INET6, SOCK_STREAM, IPPROTO_TCP, true, Protocol::kTcp},
    {AF_INET, SOCK_DGRAM, IPPROTO_UDP, true, Protocol::kUdp},
    {AF_INET6, SOCK_DGRAM, IPPROTO_UDP, true, Protocol::kUdp},
    {AF_INET, SOCK_DGRAM, IPPROTO_ICMP, false, Protocol::kPing},
    {AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6, false, Protocol::kPing},
    {AF_INET, SOCK_RAW, kAnyProtocol, false, Protocol::kRaw},
    {AF_INET6, SOCK_RAW, kAnyProtocol, false, Protocol::kRaw},
};

// The row, or null with the errno that Linux gives.
const Service* FindService(int domain, int type, int protocol, int* error) {
  bool type_known = false;
  for (const Service& service : kServices) {
    if (service.domain != domain || service.type != type) continue;
    type_known = true;
    const bool any = service.protocol == kAnyProtocol && protocol > 0 && protocol <= UINT8_MAX;
    if (any || service.protocol == protocol || (protocol == 0 && service.is_default))
      return &service;
  }
  *error = type_known ? EPROTONOSUPPORT : ESOCKTNOSUPPORT;
  return nullptr;
}

std::unique_ptr<ContainerSocket> MakeSocket(Sandbox& sandbox, const Service& service,
                                            int protocol) {
  const Family family = service.domain == AF_INET ? Family::kIpv4 : Family::kIpv6;
  netstack::Stack& stack = sandbox.stack();
  switch (service.served_by) {
    case Protocol::kTcp:
      return std::make_unique<TcpContainerSocket>(sandbox, service.domain,
                                                  stack.NewTcpSocket(family));
    case Protocol::kUdp:
      return std::make_unique<DatagramContainerSocket>(
          sandbox, service.domain, service.type, service.protocol, stack.NewUdpSocket(family));
    case Protocol::kPing:
      return std::make_unique<DatagramContainerSocket>(
          sandbox, service.domain, service.type, service.protocol, stack.NewPingSocket(family));
    case Protocol::kRaw:
      return std::make_unique<DatagramContainerSocket>(
          sandbox, service.domain, service.type, protocol,
          stack.NewRawSocket(family, static_cast<uint8_t>(protocol)));
  }
  return nullptr;
}

// AF_PACKET. The protocol is a number in network byte order, of which 16 bits count.
ErrnoOr<std::unique_ptr<ContainerSocket>> MakePacketSocket(Sandbox& sandbox, const Call& call,
                                                           int type, int protocol) {
  if (!HasCapability(call.tid(), CAP_NET_RAW)) return Errno{EPERM};
  if (type != SOCK_RAW && type != SOCK_DGRAM) return Errno{ESOCKTNOSUPPORT};  // SOCK_PACKET too
  const auto network_order = static_cast<uint16_t>(protocol);
  const auto frames = static_cast<uint16_t>(network_order << 8 | network_order >> 8);
  return std::unique_ptr<ContainerSocket>(std::make_unique<PacketContainerSocket>(
      sandbox, type, protocol, sandbox.stack().NewPacketSocket(type == SOCK_RAW, frames)));
}

}  // namespace

Reply ServeSocket(Sandbox& sandbox, Call& call) {
  const int domain = call.int_argument(0);
  const int flags = call.int_argument(1) & ~kTypeMask;
  const int type = call.int_argument(1) & kTypeMask;
  const int protocol = call.int_argument(2);
  if ((flags & ~(SOCK_CLOEXEC | SOCK_NONBLOCK)) != 0 || type > kMaxType) return Reply::Fail(EINVAL);
  const bool nonblocking = (flags & SOCK_NONBLOCK) != 0;

  if (!sandbox.HasRoom()) {
    ++sandbox.counters().sockets_refused;
    return Reply::Fail(ENFILE);
  }
  std::unique_ptr<ContainerSocket> socket;
  uint32_t events = 0;
  if (domain == AF_NETLINK) {
    ErrnoOr<std::unique_ptr<ContainerSocket>> made =
        sandbox.MakeNetlinkSocket(call, type, protocol);
    if (!made.ok()) return Reply::Fail(made.error());
    socket = std::move(*made);
    events = EPOLLIN | EPOLLRDHUP;
  } else if (domain == AF_PACKET) {
    auto made = MakePacketSocket(sandbox, call, type, protocol);
    if (!made.ok()) return Reply::Fail(made.error());
    socket = std::move(*made);
    events = PacketContainerSocket::kEvents;
  } else {
    if (protocol < 0 || protocol >= IPPROTO_MAX) return Reply::Fail(EINVAL);
    int error = 0;
    const Service* service = FindService(domain, type, protocol, &error);
    // Linux looks at the privilege after the type and before the protocol's own checks.
    if (type == SOCK_RAW && !HasCapability(call.tid(), CAP_NET_RAW)) return Reply::Fail(EPERM);
    if (service == nullptr) return Reply::Fail(error);
    if (service->served_by == Protocol::kPing) {
      const bool allowed = MayPing(sandbox, call.tid());
      if (!call.Valid()) return Reply::Nobody();
      if (!allowed) return Reply::Fail(EACCES);
    }
    socket = MakeSocket(sandbox, *service, protocol);
    events = service->served_by == Protocol::kTcp ? TcpContainerSocket::kEvents
                                                  : DatagramContainerSocket::kEvents;
  }
  auto theirs = socket->CreatePair(nonblocking);
  if (!theirs.ok()) {
    ++sandbox.counters().sockets_refused;
    return Reply::Fail(theirs.error() == EMFILE ? ENFILE : theirs.error());
  }
  if (type != SOCK_STREAM) {
    EnableTags(theirs->get());
    EnableTags(socket->end());
    if (domain != AF_NETLINK) LimitMessages(theirs->get(), domain, type);
  }
  const uint64_t cookie = socket->cookie();
  sandbox.Add(std::move(socket), events);
  auto file = std::make_shared<OwnedFd>(std::move(*theirs));
  return Reply::Install(std::move(file), (flags & SOCK_CLOEXEC) != 0, cookie)
      .OnLost([&sandbox, cookie] {
        ContainerSocket* lost = sandbox.Find(cookie);
        if (lost != nullptr) sandbox.Remove(lost);
      });
}

}  // namespace moat::sentry
