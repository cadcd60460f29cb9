#include "runtime/init/start_fifo.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "runtime/verb.h"

namespace moat::runtime {
namespace {

// Group and others may open it for writing only, as the container's root may be anybody here.
constexpr mode_t kFifoMode = 0622;
constexpr char kReleased = '0';
constexpr size_t kMaxReport = 16384;
// A released process gets to its program in milliseconds; hooks of startContainer may take longer,
// and bring limits of their own.
constexpr int kReleaseMilliseconds = 10000;

// Everything the process writes until it closes its end, or ends. Empty: it never wrote.
absl::StatusOr<std::string> ReadReport(int fifo, int pidfd) {
  std::string report;
  bool gone = false;
  while (true) {
    pollfd files[2] = {{fifo, POLLIN, 0}, {gone ? -1 : pidfd, POLLIN, 0}};
    const int ready = poll(files, 2, report.empty() ? kReleaseMilliseconds : -1);
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0) return absl::DeadlineExceededError("the container's process does not answer");
    if (files[0].revents != 0) {
      char buffer[4096];
      const ssize_t n = read(fifo, buffer, sizeof buffer);
      if (n == 0) return report;
      if (n > 0) report.append(buffer, n);
      if (report.size() > kMaxReport) return report;
      continue;
    }
    // Nothing to read and nobody left to write.
    if (gone || files[1].revents == 0) return report;
    gone = true;
    if (report.empty()) return report;
  }
}

}  // namespace

absl::StatusOr<OwnedFd> MakeStartFifo(const std::string& path, uid_t owner, gid_t group) {
  const mode_t mask = umask(0);
  const int made = mkfifo(path.c_str(), kFifoMode);
  umask(mask);
  if (made != 0) return absl::ErrnoToStatus(errno, absl::StrCat("mkfifo ", path));
  if (chown(path.c_str(), owner, group) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("chown ", path));
  }
  OwnedFd fifo(open(path.c_str(), O_PATH | O_CLOEXEC | O_NOFOLLOW));
  if (!fifo.ok()) return absl::ErrnoToStatus(errno, absl::StrCat("open ", path));
  return fifo;
}

absl::StatusOr<OwnedFd> WaitForStart(int self_fd, int fifo_fd) {
  const std::string name = absl::StrCat("fd/", fifo_fd);
  signal(SIGPIPE, SIG_IGN);
  while (true) {
    OwnedFd fifo(openat(self_fd, name.c_str(), O_WRONLY | O_CLOEXEC));
    if (!fifo.ok()) {
      if (errno == EINTR) continue;
      return absl::ErrnoToStatus(errno, "open the start fifo");
    }
    if (write(fifo.get(), &kReleased, 1) == 1) return fifo;
    if (errno != EPIPE) return absl::ErrnoToStatus(errno, "write to the start fifo");
  }
}

void ReportStartFailure(int fifo, const absl::Status& status) {
  const char code = static_cast<char>(ExitCodeOf(status, 1));
  const std::string report = absl::StrCat(absl::string_view(&code, 1), status.message());
  [[maybe_unused]] ssize_t n = write(fifo, report.data(), report.size());
}

absl::Status ReleaseContainer(const std::string& path, const ProcessIdentity& init) {
  OwnedFd pidfd(OpenProcess(init));
  if (!pidfd.ok()) {
    return absl::FailedPreconditionError("cannot start a container that has stopped");
  }
  OwnedFd fifo(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW));
  if (!fifo.ok()) return absl::ErrnoToStatus(errno, absl::StrCat("open ", path));
  // Before the answer: if this command is killed from here on, the container counts as running.
  if (unlink(path.c_str()) != 0) return absl::ErrnoToStatus(errno, absl::StrCat("remove ", path));
  absl::StatusOr<std::string> report = ReadReport(fifo.get(), pidfd.get());
  if (!report.ok()) return report.status();
  if (report->empty()) {
    return absl::AbortedError("the container's process ended before its program was run");
  }
  if (report->size() == 1) return absl::OkStatus();
  const int code = static_cast<unsigned char>((*report)[1]);
  return WithExitCode(absl::AbortedError(report->substr(2)), code);
}

}  // namespace moat::runtime
