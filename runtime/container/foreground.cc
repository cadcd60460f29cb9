#include "runtime/container/foreground.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <optional>

#include "absl/strings/string_view.h"

namespace moat::runtime {
namespace {

constexpr int kSignalExitBase = 128;

// Raised by the program's own mistakes, or not deliverable: left alone.
constexpr int kOwnSignals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS,
                               SIGKILL, SIGSTOP, SIGTTIN, SIGTTOU, SIGTSTP, SIGPIPE, SIGURG};

// Our terminal without its line discipline, for as long as the container's has one.
class RawMode {
 public:
  RawMode() {
    if (tcgetattr(STDIN_FILENO, &saved_) != 0) return;
    termios raw = saved_;
    cfmakeraw(&raw);
    active_ = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
  }
  ~RawMode() {
    if (active_) tcsetattr(STDIN_FILENO, TCSANOW, &saved_);
  }

 private:
  termios saved_ = {};
  bool active_ = false;
};

// A terminal that does not know its size (0 by 0) has nothing to say about ours.
void CopyWindowSize(int terminal) {
  winsize size;
  if (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row != 0) {
    ioctl(terminal, TIOCSWINSZ, &size);
  }
}

bool WriteAll(int fd, absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) {
      pollfd wait = {fd, POLLOUT, 0};
      poll(&wait, 1, -1);
      continue;
    }
    if (n <= 0) return false;
    bytes.remove_prefix(n);
  }
  return true;
}

// One read's worth from one to the other. False at the end of either.
bool Relay(int from, int to) {
  char buffer[16384];
  const ssize_t n = read(from, buffer, sizeof buffer);
  if (n < 0) return errno == EINTR || errno == EAGAIN;
  return n > 0 && WriteAll(to, absl::string_view(buffer, n));
}

// What the terminal still holds when its last user is gone.
void DrainTerminal(int terminal) {
  pollfd wait = {terminal, POLLIN, 0};
  while (poll(&wait, 1, 0) == 1 && (wait.revents & POLLIN) != 0 &&
         Relay(terminal, STDOUT_FILENO)) {
  }
}

// Reaps every child that has ended; the exit code when `pid` was among them.
std::optional<int> Reap(pid_t pid) {
  std::optional<int> code;
  int status;
  for (pid_t gone; (gone = waitpid(-1, &status, WNOHANG)) > 0;) {
    if (gone == pid) code = ExitCodeOfStatus(status);
  }
  if (!code && kill(pid, 0) != 0 && errno == ESRCH) code = kSignalExitBase + SIGKILL;
  return code;
}

// Handles one signal that came in; the exit code when it told of the end of `pid`.
std::optional<int> HandleSignal(int signals, pid_t pid, int terminal) {
  signalfd_siginfo info;
  if (read(signals, &info, sizeof info) != sizeof info) return std::nullopt;
  switch (info.ssi_signo) {
    case SIGCHLD:
      return Reap(pid);
    case SIGWINCH:
      if (terminal >= 0) CopyWindowSize(terminal);
      return std::nullopt;
    default:
      kill(pid, static_cast<int>(info.ssi_signo));
      return std::nullopt;
  }
}

}  // namespace

int ExitCodeOfStatus(int status) {
  return WIFSIGNALED(status) ? kSignalExitBase + WTERMSIG(status) : WEXITSTATUS(status);
}

Foreground::Foreground(bool reap_orphans) {
  sigset_t mask;
  sigfillset(&mask);
  for (const int signal : kOwnSignals) sigdelset(&mask, signal);
  sigprocmask(SIG_BLOCK, &mask, &old_mask_);
  signals_.reset(signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK));
  if (reap_orphans) prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

Foreground::~Foreground() { sigprocmask(SIG_SETMASK, &old_mask_, nullptr); }

absl::StatusOr<int> Foreground::Wait(pid_t pid, OwnedFd terminal) {
  if (!signals_.ok()) return absl::ErrnoToStatus(errno, "signalfd");
  std::optional<RawMode> raw;
  if (terminal.ok()) {
    raw.emplace();
    CopyWindowSize(terminal.get());
  }
  bool input = terminal.ok();
  bool output = terminal.ok();
  // It may have ended before the signals were looked at.
  std::optional<int> code = Reap(pid);
  while (!code) {
    pollfd files[3] = {{signals_.get(), POLLIN, 0},
                       {output ? terminal.get() : -1, POLLIN, 0},
                       {input ? STDIN_FILENO : -1, POLLIN, 0}};
    if (poll(files, 3, -1) < 0 && errno != EINTR) return absl::ErrnoToStatus(errno, "poll");
    // EIO: no process has the terminal open right now; another may again, but none can wake us
    // then.
    if (files[1].revents != 0) output = Relay(terminal.get(), STDOUT_FILENO);
    if (files[2].revents != 0) input = Relay(STDIN_FILENO, terminal.get());
    if (files[0].revents != 0) code = HandleSignal(signals_.get(), pid, terminal.get());
  }
  if (terminal.ok()) DrainTerminal(terminal.get());
  return *code;
}

}  // namespace moat::runtime
