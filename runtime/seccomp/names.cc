#include "runtime/seccomp/names.h"

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <seccomp.h>

#include <cerrno>

#include "absl/strings/str_cat.h"

namespace moat::runtime::seccomp {
namespace {

constexpr uint32_t kDataMask = SECCOMP_RET_DATA;

struct ActionRow {
  const char* name;
  uint32_t value;
  bool takes_errno;
};
constexpr ActionRow kActions[] = {
    {"SCMP_ACT_ALLOW", SECCOMP_RET_ALLOW, false},
    {"SCMP_ACT_ERRNO", SECCOMP_RET_ERRNO, true},
    {"SCMP_ACT_KILL", SECCOMP_RET_KILL_THREAD, false},
    {"SCMP_ACT_KILL_PROCESS", SECCOMP_RET_KILL_PROCESS, false},
    {"SCMP_ACT_KILL_THREAD", SECCOMP_RET_KILL_THREAD, false},
    {"SCMP_ACT_LOG", SECCOMP_RET_LOG, false},
    {"SCMP_ACT_TRACE", SECCOMP_RET_TRACE, true},
    {"SCMP_ACT_TRAP", SECCOMP_RET_TRAP, false},
};

// libseccomp's tokens are the kernel's AUDIT_ARCH_*, but for x32, which the kernel tells from
// x86_64 by a bit of the number alone.
constexpr Architecture kArchitectures[] = {
    {"SCMP_ARCH_AARCH64", SCMP_ARCH_AARCH64, SCMP_ARCH_AARCH64},
    {"SCMP_ARCH_ARM", SCMP_ARCH_ARM, SCMP_ARCH_ARM},
    {"SCMP_ARCH_MIPS", SCMP_ARCH_MIPS, SCMP_ARCH_MIPS},
    {"SCMP_ARCH_MIPS64", SCMP_ARCH_MIPS64, SCMP_ARCH_MIPS64},
    {"SCMP_ARCH_MIPS64N32", SCMP_ARCH_MIPS64N32, SCMP_ARCH_MIPS64N32},
    {"SCMP_ARCH_MIPSEL", SCMP_ARCH_MIPSEL, SCMP_ARCH_MIPSEL},
    {"SCMP_ARCH_MIPSEL64", SCMP_ARCH_MIPSEL64, SCMP_ARCH_MIPSEL64},
    {"SCMP_ARCH_MIPSEL64N32", SCMP_ARCH_MIPSEL64N32, SCMP_ARCH_MIPSEL64N32},
    {"SCMP_ARCH_PARISC", SCMP_ARCH_PARISC, SCMP_ARCH_PARISC},
    {"SCMP_ARCH_PARISC64", SCMP_ARCH_PARISC64, SCMP_ARCH_PARISC64},
    {"SCMP_ARCH_PPC", SCMP_ARCH_PPC, SCMP_ARCH_PPC},
    {"SCMP_ARCH_PPC64", SCMP_ARCH_PPC64, SCMP_ARCH_PPC64},
    {"SCMP_ARCH_PPC64LE", SCMP_ARCH_PPC64LE, SCMP_ARCH_PPC64LE},
    {"SCMP_ARCH_RISCV64", SCMP_ARCH_RISCV64, SCMP_ARCH_RISCV64},
    {"SCMP_ARCH_S390", SCMP_ARCH_S390, SCMP_ARCH_S390},
    {"SCMP_ARCH_S390X", SCMP_ARCH_S390X, SCMP_ARCH_S390X},
    {"SCMP_ARCH_X32", SCMP_ARCH_X32, AUDIT_ARCH_X86_64},
    {"SCMP_ARCH_X86", SCMP_ARCH_X86, SCMP_ARCH_X86},
    {"SCMP_ARCH_X86_64", SCMP_ARCH_X86_64, SCMP_ARCH_X86_64},
};

struct CompareRow {
  const char* name;
  Compare value;
};
constexpr CompareRow kCompares[] = {
    {"SCMP_CMP_EQ", Compare::kEq}, {"SCMP_CMP_GE", Compare::kGe},
    {"SCMP_CMP_GT", Compare::kGt}, {"SCMP_CMP_LE", Compare::kLe},
    {"SCMP_CMP_LT", Compare::kLt}, {"SCMP_CMP_MASKED_EQ", Compare::kMaskedEq},
    {"SCMP_CMP_NE", Compare::kNe},
};

struct FlagRow {
  const char* name;
  uint32_t value;
};
constexpr FlagRow kFlags[] = {
    {"SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG},
    {"SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW},
    {"SECCOMP_FILTER_FLAG_TSYNC", SECCOMP_FILTER_FLAG_TSYNC},
    // Only means something to a filter with a listener, which this is not.
    {"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", 0},
};

template <typename Row, size_t n>
const Row* FindRow(const Row (&rows)[n], absl::string_view name) {
  for (const Row& row : rows) {
    if (name == row.name) return &row;
  }
  return nullptr;
}

template <typename Row, size_t n>
std::vector<std::string> Names(const Row (&rows)[n]) {
  std::vector<std::string> names;
  for (const Row& row : rows) names.emplace_back(row.name);
  return names;
}

absl::Status Unknown(absl::string_view field, absl::string_view name) {
  return absl::InvalidArgumentError(absl::StrCat(field, ": unknown value \"", name, "\""));
}

}  // namespace

absl::StatusOr<uint32_t> ActionFromName(absl::string_view name, std::optional<uint32_t> errno_ret,
                                        absl::string_view field) {
  if (name == "SCMP_ACT_NOTIFY") {
    return absl::UnimplementedError(absl::StrCat(
        field, ": SCMP_ACT_NOTIFY is not supported, Moat's own listener takes its place"));
  }
  const ActionRow* row = FindRow(kActions, name);
  if (row == nullptr) return Unknown(field, name);
  if (!row->takes_errno) return row->value;
  const uint32_t data = errno_ret.value_or(EPERM);
  if (data > kDataMask) {
    return absl::InvalidArgumentError(absl::StrCat(field, ": errnoRet ", data, " is too large"));
  }
  return row->value | data;
}

absl::StatusOr<Architecture> ArchitectureFromName(absl::string_view name) {
  const Architecture* row = FindRow(kArchitectures, name);
  if (row == nullptr) return Unknown("linux.seccomp.architectures", name);
  return *row;
}

const Architecture& NativeArchitecture() {
  static const Architecture* const native = [] {
    const uint32_t token = ::seccomp_arch_native();
    for (const Architecture& row : kArchitectures) {
      if (row.token == token) return &row;
    }
    return &kArchitectures[0];
  }();
  return *native;
}

absl::StatusOr<Compare> CompareFromName(absl::string_view name, absl::string_view field) {
  const CompareRow* row = FindRow(kCompares, name);
  if (row == nullptr) return Unknown(field, name);
  return row->value;
}

absl::StatusOr<uint32_t> FlagsFromNames(const std::vector<std::string>& names) {
  if (names.empty()) return uint32_t{SECCOMP_FILTER_FLAG_SPEC_ALLOW};
  uint32_t flags = 0;
  for (const std::string& name : names) {
    const FlagRow* row = FindRow(kFlags, name);
    if (row == nullptr) return Unknown("linux.seccomp.flags", name);
    flags |= row->value;
  }
  return flags;
}

std::vector<std::string> ActionNames() { return Names(kActions); }
std::vector<std::string> ArchitectureNames() { return Names(kArchitectures); }
std::vector<std::string> CompareNames() { return Names(kCompares); }
std::vector<std::string> FlagNames() { return Names(kFlags); }

}  // namespace moat::runtime::seccomp
