#include "runtime/container/process_setup.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "runtime/config/rlimit_names.h"
#include "runtime/fd/pass_fd.h"
#include "runtime/fd/write_file.h"
#include "sentry/client.h"

namespace moat::runtime {

absl::Status SetOomScore(pid_t pid, std::optional<int> score) {
  if (!score) return absl::OkStatus();
  absl::Status status = WriteFileAt(AT_FDCWD, absl::StrCat("/proc/", pid, "/oom_score_adj"),
                                    absl::StrCat(*score));
  if (status.ok()) return status;
  return absl::Status(status.code(), absl::StrCat("config.json: process.oomScoreAdj: ",
                                                  status.message()));
}

absl::Status SetRlimits(pid_t pid, const std::vector<Rlimit>& rlimits) {
  for (const Rlimit& limit : rlimits) {
    const rlimit value = {limit.soft, limit.hard};
    const int number = RlimitNumber(limit.type).value_or(-1);
    if (prlimit(pid, static_cast<__rlimit_resource>(number), &value, nullptr) != 0) {
      return absl::ErrnoToStatus(
          errno, absl::StrCat("config.json: process.rlimits: set ", limit.type));
    }
  }
  return absl::OkStatus();
}

absl::Status SendHandover(Channel& channel, const std::string& state_dir, pid_t pid, bool first) {
  OwnedFd pidfd(syscall(SYS_pidfd_open, pid, 0));
  if (!pidfd.ok()) return absl::ErrnoToStatus(errno, "open the container's process");
  absl::StatusOr<int> handover = sentry::OpenHandover(state_dir, pidfd.get(), first);
  if (!handover.ok()) return handover.status();
  OwnedFd owned(*handover);
  return channel.Send(MessageKind::kHandover, "", owned.get());
}

absl::Status WaitForProgram(Channel& channel) {
  absl::StatusOr<Channel::Message> message = channel.Receive();
  if (absl::IsUnavailable(message.status())) return absl::OkStatus();
  if (message.ok())
    return absl::InternalError("an unexpected message from the container's process");
  return message.status();
}

absl::Status SendTerminal(const std::string& path, int master) {
  absl::StatusOr<OwnedFd> socket = ConnectUnix(path, SOCK_STREAM);
  absl::Status status = socket.status();
  if (status.ok()) status = SendWithFd(socket->get(), "/dev/ptmx", master);
  if (status.ok()) return status;
  return absl::Status(status.code(), absl::StrCat("--console-socket: ", status.message()));
}

absl::Status WritePidFile(const std::string& path, pid_t pid) {
  const size_t slash = path.rfind('/');
  const std::string directory = slash == std::string::npos ? "" : path.substr(0, slash + 1);
  const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  const std::string temporary = absl::StrCat(directory, ".", name);
  OwnedFd file(open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_SYNC | O_CLOEXEC, 0666));
  if (!file.ok()) return absl::ErrnoToStatus(errno, absl::StrCat("--pid-file: open ", temporary));
  const std::string text = absl::StrCat(pid);
  if (write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
      rename(temporary.c_str(), path.c_str()) != 0) {
    absl::Status status = absl::ErrnoToStatus(errno, absl::StrCat("--pid-file: write ", path));
    unlink(temporary.c_str());
    return status;
  }
  return absl::OkStatus();
}

}  // namespace moat::runtime
