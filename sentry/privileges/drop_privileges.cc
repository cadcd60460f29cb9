#include "sentry/privileges/drop_privileges.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "sentry/privileges/capabilities.h"
#include "sentry/privileges/empty_root.h"
#include "sentry/privileges/system_calls.h"

namespace moat::sentry {
namespace {

void SetOomScore(int adjustment) {
  const int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  const std::string text = absl::StrCat(adjustment);
  (void)!write(fd, text.data(), text.size());
  close(fd);
}

absl::Status Filter(ForbiddenCall forbidden) {
  const uint32_t otherwise = forbidden == ForbiddenCall::kKills
                                 ? SECCOMP_RET_KILL_PROCESS
                                 : SECCOMP_RET_ERRNO | (EPERM & SECCOMP_RET_DATA);
  return LoadFilter(AllowListProgram(AllowedSystemCalls(), otherwise), /*log=*/true);
}

}  // namespace

const std::vector<int>& KeptCapabilities() {
  static const auto* const kept =
      new std::vector<int>{CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH, CAP_SETUID,
                           CAP_SETGID,     CAP_NET_RAW,         CAP_NET_ADMIN};
  return *kept;
}

absl::Status DropPrivileges(const PrivilegeOptions& options) {
  SetOomScore(options.oom_score_adjustment);  // while /proc/self is ours and in sight
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return absl::ErrnoToStatus(errno, "PR_SET_DUMPABLE");
  if (!options.mount_point.empty()) {
    if (absl::Status status = EnterEmptyRoot(options.mount_point); !status.ok()) return status;
  }
  if (absl::Status status = LimitCapabilities(KeptCapabilities()); !status.ok()) return status;
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    return absl::ErrnoToStatus(errno, "PR_SET_NO_NEW_PRIVS");
  }
  return Filter(options.forbidden_call);
}

}  // namespace moat::sentry
