#include "runtime/init/empty_network.h"

#include <errno.h>
#include <linux/ipv6.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/owned_fd.h"

namespace moat::runtime {
namespace {

constexpr int kLoopbackIndex = 1;  // of every network namespace

void ShowIpv6() {
  const OwnedFd socket(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket.ok()) return;
  in6_ifreq request = {};
  request.ifr6_addr = in6addr_loopback;
  request.ifr6_prefixlen = 128;
  request.ifr6_ifindex = kLoopbackIndex;
  ioctl(socket.get(), SIOCSIFADDR, &request);
}

}  // namespace

absl::Status EnterEmptyNetwork() {
  if (unshare(CLONE_NEWNET) != 0) {
    return absl::ErrnoToStatus(errno, "make the container's empty network namespace");
  }
  ShowIpv6();
  return absl::OkStatus();
}

}  // namespace moat::runtime
