#include "conform/onwire/linux_device.h"

namespace moat::conform {

uint32_t LinuxDevice::abilities() const {
  const uint32_t all = kUdp | kTcp | kPing | kFlushNeighbors | kStaticNeighbors | kAddresses |
                       kRoutes | kMtu | kLinkState | kSysctls | kForwarding4 | kForwarding6 |
                       kMulticast | kSourceFilters | kIpv6 | kAutoconf;
  return two_ports_ ? all | kTwoPorts : all;
}

}  // namespace moat::conform
