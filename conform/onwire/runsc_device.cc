#include "conform/onwire/runsc_device.h"

namespace moat::conform {
namespace {

// runsc of 2022 reads /proc/sys/net of new kernels wrongly and gives up; it must find nothing
// there.
constexpr char kHideSysctls[] = "mount -t tmpfs -o ro none /proc/sys/net && exec \"$0\" \"$@\"";

}  // namespace

uint32_t RunscDevice::abilities() const {
  const uint32_t all = kUdp | kTcp | kPing | kMulticast | kIpv6;
  return two_ports_ ? all | kTwoPorts : all;
}

absl::Status RunscDevice::Start(const Programs& programs) {
  return StartContainer({"unshare", "--mount", "sh", "-c", kHideSysctls, "runsc",
                         "--platform=ptrace", "--network=sandbox", "--ignore-cgroups"},
                        programs);
}

}  // namespace moat::conform
