#include "runtime/container/options.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "runtime/fd/inherited.h"

namespace moat::runtime {
namespace {

constexpr int kMaxPreservedFds = 1024;

// sd_listen_fds(3): meant for this process if $LISTEN_PID says so, or does not say.
absl::StatusOr<int> ListenFds() {
  const char* count = getenv("LISTEN_FDS");
  if (count == nullptr || *count == 0) return 0;
  const char* pid = getenv("LISTEN_PID");
  int64_t wanted = 0;
  if (pid != nullptr && absl::SimpleAtoi(pid, &wanted) && wanted != getpid()) return 0;
  int number = 0;
  if (!absl::SimpleAtoi(count, &number) || number < 0 || number > kMaxPreservedFds) {
    return absl::InvalidArgumentError(absl::StrCat("LISTEN_FDS: \"", count, "\" is not a number"));
  }
  return number;
}

}  // namespace

absl::StatusOr<ProcessOptions> ReadProcessOptions(const Arguments& arguments, bool detach) {
  ProcessOptions options;
  options.pid_file = arguments.String("pid-file");
  options.console_socket = arguments.String("console-socket");
  options.detach = detach;
  absl::StatusOr<int> listen = ListenFds();
  if (!listen.ok()) return listen.status();
  absl::StatusOr<int> preserve = arguments.Number("preserve-fds", 0, kMaxPreservedFds);
  if (!preserve.ok()) return preserve.status();
  options.listen_fds = *listen;
  options.preserved_fds = *listen + *preserve;
  absl::Status status = CheckPreservedFds(options.preserved_fds);
  if (!status.ok()) return status;
  return options;
}

absl::Status CheckTerminal(bool terminal, const ProcessOptions& options) {
  if (options.detach && terminal && options.console_socket.empty()) {
    return absl::InvalidArgumentError(
        "--console-socket: is needed for a terminal (process.terminal) without a foreground");
  }
  if (!options.console_socket.empty() && (!terminal || !options.detach)) {
    return absl::InvalidArgumentError(
        "--console-socket: is for a detached process with a terminal only");
  }
  return absl::OkStatus();
}

absl::Status CheckPrivileges() {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {};
  constexpr uint32_t kNeeded = 1u << CAP_SYS_ADMIN | 1u << CAP_NET_ADMIN | 1u << CAP_NET_RAW;
  if (geteuid() == 0 && syscall(SYS_capget, &header, data) == 0 &&
      (data[0].effective & kNeeded) == kNeeded) {
    return absl::OkStatus();
  }
  return absl::PermissionDeniedError(
      "no privileges: moat must run as root with CAP_SYS_ADMIN, CAP_NET_ADMIN and CAP_NET_RAW");
}

}  // namespace moat::runtime
