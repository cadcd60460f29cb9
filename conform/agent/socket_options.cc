#include "conform/agent/socket_options.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "conform/agent/agent.h"
#include "conform/bench/device.h"

namespace moat::conform {

// Not if_nametoindex(3), which asks through a Unix socket: that is the kernel's, and where the
// stack is not the kernel's it knows no interface.
int InterfaceOf(int port) {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ifreq request{};
  std::strcpy(request.ifr_name, port == 0 ? "eth0" : "eth1");
  const int result = ioctl(fd, SIOCGIFINDEX, &request);
  close(fd);
  return result < 0 ? 0 : request.ifr_ifindex;
}

namespace {

enum class Shape { kInt, kLinger, kInterface };

struct Row {
  Option option;
  int level;
  int name;
  Shape shape = Shape::kInt;
};

constexpr Row kRows[] = {
    {Option::kReuseAddress, SOL_SOCKET, SO_REUSEADDR},
    {Option::kBroadcast, SOL_SOCKET, SO_BROADCAST},
    {Option::kKeepAlive, SOL_SOCKET, SO_KEEPALIVE},
    {Option::kKeepIdle, IPPROTO_TCP, TCP_KEEPIDLE},
    {Option::kKeepInterval, IPPROTO_TCP, TCP_KEEPINTVL},
    {Option::kKeepCount, IPPROTO_TCP, TCP_KEEPCNT},
    {Option::kNoDelay, IPPROTO_TCP, TCP_NODELAY},
    {Option::kCork, IPPROTO_TCP, TCP_CORK},
    {Option::kQuickAck, IPPROTO_TCP, TCP_QUICKACK},
    {Option::kLinger, SOL_SOCKET, SO_LINGER, Shape::kLinger},
    {Option::kReceiveBuffer, SOL_SOCKET, SO_RCVBUF},
    {Option::kSendBuffer, SOL_SOCKET, SO_SNDBUF},
    {Option::kTtl, IPPROTO_IP, IP_TTL},
    {Option::kTos, IPPROTO_IP, IP_TOS},
    {Option::kHopLimit, IPPROTO_IPV6, IPV6_UNICAST_HOPS},
    {Option::kTrafficClass, IPPROTO_IPV6, IPV6_TCLASS},
    {Option::kMtuDiscover, IPPROTO_IP, IP_MTU_DISCOVER},
    {Option::kMulticastTtl, IPPROTO_IP, IP_MULTICAST_TTL},
    {Option::kMulticastHops, IPPROTO_IPV6, IPV6_MULTICAST_HOPS},
    {Option::kMulticastLoop, IPPROTO_IP, IP_MULTICAST_LOOP},
    {Option::kMulticastPort, IPPROTO_IP, IP_MULTICAST_IF, Shape::kInterface},
    {Option::kMaxSegment, IPPROTO_TCP, TCP_MAXSEG},
    {Option::kUserTimeout, IPPROTO_TCP, TCP_USER_TIMEOUT},
    {Option::kSynCount, IPPROTO_TCP, TCP_SYNCNT},
    {Option::kV6Only, IPPROTO_IPV6, IPV6_V6ONLY},
    {Option::kReceiveErrors, IPPROTO_IP, IP_RECVERR},
    {Option::kFastOpen, IPPROTO_TCP, TCP_FASTOPEN},
    {Option::kFastOpenConnect, IPPROTO_TCP, TCP_FASTOPEN_CONNECT},
};

// The IPv6 option of the same meaning, for sockets of that family.
constexpr struct {
  int v4, v6;
} kVersions[] = {{IP_MTU_DISCOVER, IPV6_MTU_DISCOVER},
                 {IP_MULTICAST_LOOP, IPV6_MULTICAST_LOOP},
                 {IP_MULTICAST_IF, IPV6_MULTICAST_IF},
                 {IP_RECVERR, IPV6_RECVERR}};

bool IsV6(const SocketCalls& calls, int socket) {
  int domain = 0;
  socklen_t size = sizeof(domain);
  return calls.getsockopt(socket, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_INET6;
}

int SetInterface(const SocketCalls& calls, int socket, int port) {
  const int index = calls.interface_of(port);
  if (IsV6(calls, socket)) {
    return calls.setsockopt(socket, IPPROTO_IPV6, IPV6_MULTICAST_IF, &index, sizeof(index));
  }
  ip_mreqn request{};
  request.imr_ifindex = index;
  return calls.setsockopt(socket, IPPROTO_IP, IP_MULTICAST_IF, &request, sizeof(request));
}

int SetRow(const SocketCalls& calls, int socket, Row row, int value) {
  if (row.shape == Shape::kLinger) {
    const linger setting{.l_onoff = value >= 0, .l_linger = value};
    return calls.setsockopt(socket, SOL_SOCKET, SO_LINGER, &setting, sizeof(setting));
  }
  if (row.shape == Shape::kInterface) return SetInterface(calls, socket, value);
  if (row.level == IPPROTO_IP && IsV6(calls, socket)) {
    for (const auto& [v4, v6] : kVersions) {
      if (row.name != v4) continue;
      row.name = v6;
      row.level = IPPROTO_IPV6;
      break;
    }
  }
  return calls.setsockopt(socket, row.level, row.name, &value, sizeof(value));
}

int JoinOrLeave(int socket, const sockaddr_storage& group, int index, bool join) {
  if (group.ss_family == AF_INET6) {
    ipv6_mreq request{};
    request.ipv6mr_multiaddr = reinterpret_cast<const sockaddr_in6&>(group).sin6_addr;
    request.ipv6mr_interface = static_cast<unsigned>(index);
    return setsockopt(socket, IPPROTO_IPV6, join ? IPV6_JOIN_GROUP : IPV6_LEAVE_GROUP, &request,
                      sizeof(request));
  }
  ip_mreqn request{};
  request.imr_multiaddr = reinterpret_cast<const sockaddr_in&>(group).sin_addr;
  request.imr_ifindex = index;
  return setsockopt(socket, IPPROTO_IP, join ? IP_ADD_MEMBERSHIP : IP_DROP_MEMBERSHIP, &request,
                    sizeof(request));
}

// RFC 3678 5.1.3: a full-state filter needs a membership first.
int SetSources(int socket, const sockaddr_storage& group, int index, bool exclude,
               const std::vector<sockaddr_storage>& sources) {
  const int level = group.ss_family == AF_INET6 ? int{IPPROTO_IPV6} : int{IPPROTO_IP};
  std::vector<char> buffer(GROUP_FILTER_SIZE(sources.size()));
  auto* filter = reinterpret_cast<group_filter*>(buffer.data());
  filter->gf_interface = static_cast<uint32_t>(index);
  filter->gf_group = group;
  filter->gf_fmode = exclude ? MCAST_EXCLUDE : MCAST_INCLUDE;
  filter->gf_numsrc = static_cast<uint32_t>(sources.size());
  for (size_t i = 0; i < sources.size(); ++i) filter->gf_slist[i] = sources[i];
  const auto size = static_cast<socklen_t>(buffer.size());
  if (setsockopt(socket, level, MCAST_MSFILTER, filter, size) == 0) return 0;
  if (errno != EINVAL && errno != EADDRNOTAVAIL) return -1;
  if (exclude) {
    if (JoinOrLeave(socket, group, index, true) < 0) return -1;
    if (sources.empty()) return 0;
  } else {
    group_source_req request{};
    request.gsr_interface = static_cast<uint32_t>(index);
    request.gsr_group = group;
    request.gsr_source = sources[0];
    if (setsockopt(socket, level, MCAST_JOIN_SOURCE_GROUP, &request, sizeof(request)) < 0) {
      return -1;
    }
    if (sources.size() == 1) return 0;
  }
  return setsockopt(socket, level, MCAST_MSFILTER, filter, size);
}

}  // namespace

int SetSocketOption(const SocketCalls& calls, int socket, int option, int value) {
  for (const Row& row : kRows) {
    if (static_cast<int>(row.option) == option) return SetRow(calls, socket, row, value);
  }
  errno = ENOSYS;
  return -1;
}

int SetGroupFilter(int socket, const std::string& group, int port, bool exclude,
                   const std::vector<std::string>& sources) {
  const int index = InterfaceOf(port);
  sockaddr_storage address;
  socklen_t size = 0;
  if (index == 0 || !MakeAddress(KernelSockets(), group, 0, &address, &size)) {
    errno = EINVAL;
    return -1;
  }
  if (sources.empty() && !exclude) return JoinOrLeave(socket, address, index, false);
  std::vector<sockaddr_storage> list(sources.size());
  for (size_t i = 0; i < sources.size(); ++i) {
    if (!MakeAddress(KernelSockets(), sources[i], 0, &list[i], &size)) {
      errno = EINVAL;
      return -1;
    }
  }
  return SetSources(socket, address, index, exclude, list);
}

}  // namespace moat::conform
