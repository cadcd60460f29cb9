#include "runtime/seccomp/syscalls.h"

#include <seccomp.h>

#include "absl/strings/string_view.h"

namespace moat::runtime::seccomp {
namespace {

struct Row {
  absl::string_view name;
  uint32_t number;
};

// Younger than Debian 12's libseccomp. Since 5.1 a new call has one number on all architectures
// (with x32's bit added there). Source: scripts/syscall.tbl of Linux.
constexpr Row kYounger[] = {
    {"map_shadow_stack", 453},  {"futex_wake", 454},
    {"futex_wait", 455},        {"futex_requeue", 456},
    {"statmount", 457},         {"listmount", 458},
    {"lsm_get_self_attr", 459}, {"lsm_set_self_attr", 460},
    {"lsm_list_modules", 461},  {"mseal", 462},
    {"setxattrat", 463},        {"getxattrat", 464},
    {"listxattrat", 465},       {"removexattrat", 466},
    {"open_tree_attr", 467},
};

// libseccomp gives multiplexed calls of 32-bit x86 numbers of its own: -100 - n for call n of
// socketcall(2), -200 - n for call n of ipc(2) (seccomp.h, "pseudo syscalls").
constexpr int kSocketcallBase = -100;
constexpr int kIpcBase = -200;
constexpr int kPseudoPerCall = 99;
constexpr uint32_t kX86Socketcall = 102;
constexpr uint32_t kX86Ipc = 117;

// The calls of their own that 32-bit x86 got in 4.3 and 5.1 (syscall_32.tbl).
constexpr Row kX86Direct[] = {
    {"socket", 359},      {"socketpair", 360},  {"bind", 361},       {"connect", 362},
    {"listen", 363},      {"accept4", 364},     {"getsockopt", 365}, {"setsockopt", 366},
    {"getsockname", 367}, {"getpeername", 368}, {"sendto", 369},     {"sendmsg", 370},
    {"recvfrom", 371},    {"recvmsg", 372},     {"shutdown", 373},   {"recvmmsg", 337},
    {"sendmmsg", 345},    {"semget", 393},      {"semctl", 394},     {"shmget", 395},
    {"shmctl", 396},      {"shmat", 397},       {"shmdt", 398},      {"msgget", 399},
    {"msgsnd", 400},      {"msgrcv", 401},      {"msgctl", 402},
};

template <size_t n>
std::optional<uint32_t> Find(const Row (&rows)[n], absl::string_view name) {
  for (const Row& row : rows) {
    if (row.name == name) return row.number;
  }
  return std::nullopt;
}

}  // namespace

SyscallNumbers ResolveSyscall(const std::string& name, uint32_t architecture_token) {
  constexpr uint32_t kX32Bit = 0x40000000;
  SyscallNumbers found;
  const int number = ::seccomp_syscall_resolve_name_arch(architecture_token, name.c_str());
  if (number >= 0) {
    found.direct = static_cast<uint32_t>(number);
  } else if (number == __NR_SCMP_ERROR) {
    found.direct = Find(kYounger, name);
    if (found.direct && architecture_token == SCMP_ARCH_X32) *found.direct |= kX32Bit;
  } else if (architecture_token == SCMP_ARCH_X86) {
    for (const auto& [base, call] :
         {std::pair{kSocketcallBase, kX86Socketcall}, std::pair{kIpcBase, kX86Ipc}}) {
      if (number < base && number >= base - kPseudoPerCall) {
        found.multiplexed = {.number = call,
                             .first_argument = static_cast<uint32_t>(base - number)};
        found.direct = Find(kX86Direct, name);
      }
    }
  }
  return found;
}

}  // namespace moat::runtime::seccomp
