// ioctl(2) requests about interfaces, addresses, routes and neighbours (netdevice(7), arp(7)) on an
// inet socket, answered from the stack's tables. What would change something is refused with EPERM,
// also for CAP_NET_ADMIN: configuration comes from the network namespace and the control service.
//
// Queue sizes (FIONREAD, SIOCOUTQ, ...) are the sockets' own business.
#ifndef MOAT_SENTRY_IOCTL_INTERFACE_IOCTL_H_
#define MOAT_SENTRY_IOCTL_INTERFACE_IOCTL_H_

#include <cstdint>
#include <span>

#include "netstack/wire/address.h"
#include "sentry/netlink/network_view.h"

namespace moat::sentry {

// The container's memory. All or nothing: false means EFAULT.
class IoctlMemory {
 public:
  virtual ~IoctlMemory() = default;
  virtual bool Read(uint64_t address, std::span<uint8_t> out) const = 0;
  virtual bool Write(uint64_t address, std::span<const uint8_t> data) const = 0;
};

struct IoctlOutcome {
  int error = 0;        // 0 or an errno
  bool native = false;  // not about the network: the kernel may carry it out on the container's end
};

// `request` as the container's register has it, `argument` its pointer. `family` is the socket's:
// IPv6 sockets do not answer for IPv4 addresses, as on Linux. Nothing is written unless error is 0.
IoctlOutcome InterfaceIoctl(uint32_t request, uint64_t argument, netstack::Family family,
                            const NetworkView& view, const IoctlMemory& memory);

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_IOCTL_INTERFACE_IOCTL_H_
