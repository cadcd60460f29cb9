#include "sentry/privileges/capabilities.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>

namespace moat::sentry {
namespace {

constexpr int kMostCapabilities = 64;

// 0 or -1 with errno.
int Get(__user_cap_header_struct* header, __user_cap_data_struct* data) {
  return static_cast<int>(syscall(SYS_capget, header, data));
}

int Set(__user_cap_header_struct* header, const __user_cap_data_struct* data) {
  return static_cast<int>(syscall(SYS_capset, header, data));
}

}  // namespace

absl::Status LimitCapabilities(std::span<const int> kept) {
  // The bounding set first: lowering it takes CAP_SETPCAP. EINVAL ends the list of what the kernel
  // knows.
  for (int capability = 0; capability < kMostCapabilities; ++capability) {
    const int bounded = prctl(PR_CAPBSET_READ, capability);
    if (bounded < 0) break;
    if (bounded == 0 || std::find(kept.begin(), kept.end(), capability) != kept.end()) continue;
    if (prctl(PR_CAPBSET_DROP, capability) != 0 && errno != EPERM) {
      return absl::ErrnoToStatus(errno, "drop a bounding capability");
    }
  }
  if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0 && errno != EINVAL) {
    return absl::ErrnoToStatus(errno, "clear ambient capabilities");
  }
  __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};
  if (Get(&header, data) != 0) return absl::ErrnoToStatus(errno, "capget");
  uint64_t mask = 0;
  for (int capability : kept) mask |= uint64_t{1} << capability;
  for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; ++i) {
    const auto part = static_cast<uint32_t>(mask >> (32 * i));
    data[i].permitted &= part;
    data[i].effective = data[i].permitted;
    data[i].inheritable = 0;
  }
  if (Set(&header, data) != 0) return absl::ErrnoToStatus(errno, "capset");
  return absl::OkStatus();
}

}  // namespace moat::sentry
