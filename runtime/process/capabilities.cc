#include "runtime/process/capabilities.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/str_cat.h"

namespace moat::runtime {
namespace {

// linux/capability.h, in the order of their numbers.
constexpr const char* kNames[] = {
    "CAP_CHOWN",           "CAP_DAC_OVERRIDE",     "CAP_DAC_READ_SEARCH",
    "CAP_FOWNER",          "CAP_FSETID",           "CAP_KILL",
    "CAP_SETGID",          "CAP_SETUID",           "CAP_SETPCAP",
    "CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST",
    "CAP_NET_ADMIN",       "CAP_NET_RAW",          "CAP_IPC_LOCK",
    "CAP_IPC_OWNER",       "CAP_SYS_MODULE",       "CAP_SYS_RAWIO",
    "CAP_SYS_CHROOT",      "CAP_SYS_PTRACE",       "CAP_SYS_PACCT",
    "CAP_SYS_ADMIN",       "CAP_SYS_BOOT",         "CAP_SYS_NICE",
    "CAP_SYS_RESOURCE",    "CAP_SYS_TIME",         "CAP_SYS_TTY_CONFIG",
    "CAP_MKNOD",           "CAP_LEASE",            "CAP_AUDIT_WRITE",
    "CAP_AUDIT_CONTROL",   "CAP_SETFCAP",          "CAP_MAC_OVERRIDE",
    "CAP_MAC_ADMIN",       "CAP_SYSLOG",           "CAP_WAKE_ALARM",
    "CAP_BLOCK_SUSPEND",   "CAP_AUDIT_READ",       "CAP_PERFMON",
    "CAP_BPF",             "CAP_CHECKPOINT_RESTORE"};
constexpr int kCount = sizeof kNames / sizeof *kNames;
constexpr int kMaxCapability = 63;

bool KernelHas(int capability) { return prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; }

uint64_t ToMask(const std::vector<std::string>& names, std::vector<std::string>* unknown) {
  uint64_t mask = 0;
  for (const std::string& name : names) {
    const int number = CapabilityNumber(name);
    if (number >= 0 && KernelHas(number)) {
      mask |= uint64_t{1} << number;
    } else {
      unknown->push_back(name);
    }
  }
  return mask;
}

std::string NameOf(int capability) {
  return capability < kCount ? kNames[capability] : absl::StrCat("capability ", capability);
}

}  // namespace

int CapabilityNumber(absl::string_view name) {
  for (int i = 0; i < kCount; ++i) {
    if (name == kNames[i]) return i;
  }
  return -1;
}

absl::Span<const char* const> CapabilityNames() { return kNames; }

CapabilitySets ToCapabilitySets(const Capabilities& capabilities,
                                std::vector<std::string>* unknown) {
  CapabilitySets sets;
  sets.bounding = ToMask(capabilities.bounding, unknown);
  sets.effective = ToMask(capabilities.effective, unknown);
  sets.inheritable = ToMask(capabilities.inheritable, unknown);
  sets.permitted = ToMask(capabilities.permitted, unknown);
  sets.ambient = ToMask(capabilities.ambient, unknown);
  return sets;
}

absl::Status LimitBoundingSet(const CapabilitySets& sets) {
  for (int capability = 0; capability <= kMaxCapability; ++capability) {
    const int have = prctl(PR_CAPBSET_READ, capability, 0, 0, 0);
    if (have < 0) return absl::OkStatus();  // past the kernel's last one
    if (have == 0 || (sets.bounding >> capability & 1) != 0) continue;
    if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) {
      return absl::ErrnoToStatus(
          errno, absl::StrCat("drop ", NameOf(capability), " from the bounding set"));
    }
  }
  return absl::OkStatus();
}

absl::Status ApplyCapabilitySets(const CapabilitySets& sets) {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {};
  for (int half = 0; half < 2; ++half) {
    const int shift = 32 * half;
    data[half].effective = static_cast<uint32_t>(sets.effective >> shift);
    data[half].permitted = static_cast<uint32_t>(sets.permitted >> shift);
    data[half].inheritable = static_cast<uint32_t>(sets.inheritable >> shift);
  }
  if (syscall(SYS_capset, &header, data) != 0) {
    return absl::ErrnoToStatus(errno, "config.json: process.capabilities: capset");
  }
  if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0 && errno != EINVAL) {
    return absl::ErrnoToStatus(errno, "clear the ambient capabilities");
  }
  for (int capability = 0; capability <= kMaxCapability; ++capability) {
    if ((sets.ambient >> capability & 1) == 0) continue;
    // Only what is permitted and inheritable can be raised; like runc, the rest is let go.
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) != 0 && errno != EPERM) {
      return absl::ErrnoToStatus(errno, absl::StrCat("raise the ambient ", NameOf(capability)));
    }
  }
  return absl::OkStatus();
}

}  // namespace moat::runtime
