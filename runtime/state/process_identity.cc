#include "runtime/state/process_identity.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"

namespace moat::runtime {
namespace {

// Positions after the command's closing parenthesis: state is field 3, starttime field 22.
constexpr size_t kStateField = 0;
constexpr size_t kStartTimeField = 19;

}  // namespace

std::optional<ProcessStat> ParseProcessStat(absl::string_view stat) {
  // The command may hold spaces and parentheses; the last one ends it.
  const size_t close = stat.rfind(')');
  if (close == absl::string_view::npos || close + 2 > stat.size()) return std::nullopt;
  std::vector<absl::string_view> fields = absl::StrSplit(stat.substr(close + 2), ' ');
  if (fields.size() <= kStartTimeField || fields[kStateField].size() != 1) return std::nullopt;
  ProcessStat result;
  result.state = fields[kStateField][0];
  if (!absl::SimpleAtoi(fields[kStartTimeField], &result.start_time)) return std::nullopt;
  return result;
}

std::optional<ProcessStat> ReadProcessStat(pid_t pid) {
  char path[32];
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return std::nullopt;
  char text[1024];
  const ssize_t n = read(fd, text, sizeof text);
  close(fd);
  if (n <= 0) return std::nullopt;
  return ParseProcessStat(absl::string_view(text, n));
}

ProcessIdentity IdentifyProcess(pid_t pid) {
  std::optional<ProcessStat> stat = ReadProcessStat(pid);
  return {pid, stat ? stat->start_time : 0};
}

bool IsAlive(const ProcessIdentity& process) {
  if (process.pid <= 0) return false;
  std::optional<ProcessStat> stat = ReadProcessStat(process.pid);
  return stat && stat->start_time == process.start_time && stat->state != 'Z' &&
         stat->state != 'X';
}

int OpenProcess(const ProcessIdentity& process) {
  if (process.pid <= 0) return -1;
  const int pidfd = syscall(SYS_pidfd_open, process.pid, 0);
  if (pidfd < 0) return -1;
  // Checked after opening: from here on the descriptor stands for the process that was looked at.
  if (IsAlive(process)) return pidfd;
  close(pidfd);
  return -1;
}

bool SignalProcess(const ProcessIdentity& process, int signal) {
  const int pidfd = OpenProcess(process);
  if (pidfd < 0) return false;
  const bool sent = syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0) == 0;
  close(pidfd);
  return sent;
}

bool KillAndWait(const ProcessIdentity& process, int milliseconds) {
  const int pidfd = OpenProcess(process);
  if (pidfd < 0) return true;
  syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, nullptr, 0);
  pollfd wait = {pidfd, POLLIN, 0};
  const bool gone = poll(&wait, 1, milliseconds) == 1;
  close(pidfd);
  return gone;
}

}  // namespace moat::runtime
