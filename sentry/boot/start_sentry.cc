// The runtime's side of starting a sentry.
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/owned_fd.h"
#include "sentry/boot/arguments.h"
#include "sentry/client.h"

namespace moat::sentry {
namespace {

constexpr int kTimeoutMs = 10'000;
// Where the child finds its descriptors.
constexpr int kNamespaceFd = 3;
constexpr int kReadyFd = 4;
constexpr int kFirstClosed = 5;

struct ChildPlan {
  std::vector<char*> argv;
  int log_fd;
  int namespace_fd;
  int ready_fd;
};

// Between fork and exec: only system calls.
[[noreturn]] void RunChild(const ChildPlan& plan) {
  setsid();
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  // First out of the way of the targets, then into place.
  const int namespace_fd = fcntl(plan.namespace_fd, F_DUPFD, 16);
  const int ready_fd = fcntl(plan.ready_fd, F_DUPFD, 16);
  const int log_fd = fcntl(plan.log_fd, F_DUPFD, 16);
  const int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (namespace_fd < 0 || ready_fd < 0 || log_fd < 0 || null_fd < 0) _exit(127);
  dup2(null_fd, 0);
  dup2(log_fd, 1);
  dup2(log_fd, 2);
  dup2(namespace_fd, kNamespaceFd);
  dup2(ready_fd, kReadyFd);
  syscall(SYS_close_range, kFirstClosed, ~0u, 0);
  execv("/proc/self/exe", plan.argv.data());
  _exit(127);
}

// Waits for the line that the sentry writes when it serves, or when it cannot.
absl::Status WaitUntilReady(int fd) {
  std::string text;
  for (;;) {
    pollfd readable = {fd, POLLIN, 0};
    const int ready = poll(&readable, 1, kTimeoutMs);
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0) return absl::DeadlineExceededError("the sentry did not start in time");
    char buffer[512];
    const ssize_t size = read(fd, buffer, sizeof(buffer));
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) break;
    text.append(buffer, static_cast<size_t>(size));
    if (text.back() == '\n') break;
  }
  if (text == "ok\n") return absl::OkStatus();
  if (text.empty()) return absl::InternalError("the sentry ended while starting; see boot.log");
  text.pop_back();
  return absl::InternalError(absl::StrCat("the sentry failed to start: ", text));
}

}  // namespace

absl::StatusOr<pid_t> StartSentry(const SentryOptions& options) {
  const std::string log_path = options.state_dir + "/boot.log";
  const OwnedFd log(open(log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!log.ok()) return absl::ErrnoToStatus(errno, absl::StrCat("open ", log_path));
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return absl::ErrnoToStatus(errno, "pipe");
  const OwnedFd ready(ends[0]);
  OwnedFd report(ends[1]);

  BootArguments arguments;
  arguments.id = options.id;
  arguments.state_dir = options.state_dir;
  arguments.network_namespace_fd = kNamespaceFd;
  arguments.ready_fd = kReadyFd;
  arguments.sysctls = options.sysctls;
  arguments.log_level = options.log_level;
  arguments.spin_us = options.spin_us;
  arguments.direct_loopback = options.direct_loopback;
  std::vector<std::string> texts = FormatBootArguments(arguments);
  std::string name = "moat";
  ChildPlan plan{{name.data()}, log.get(), options.network_namespace_fd, report.get()};
  for (std::string& text : texts) plan.argv.push_back(text.data());
  plan.argv.push_back(nullptr);

  const pid_t child = fork();
  if (child < 0) return absl::ErrnoToStatus(errno, "fork the sentry");
  if (child == 0) RunChild(plan);
  report.reset();
  if (auto status = WaitUntilReady(ready.get()); !status.ok()) {
    kill(child, SIGKILL);
    while (waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
    }
    return status;
  }
  return child;
}

}  // namespace moat::sentry
