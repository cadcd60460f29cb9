#include "runtime/hooks/hooks.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/owned_fd.h"
#include "runtime/log/log.h"

namespace moat::runtime {
namespace {

// How much of a hook's output an error shows: its end.
constexpr size_t kMaxOutput = 2048;

int64_t NowMilliseconds() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * int64_t{1000} + now.tv_nsec / 1000000;
}

std::vector<char*> Pointers(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (const std::string& text : strings) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// A file in memory, so that a hook that reads nothing cannot block us however long the state is.
absl::StatusOr<OwnedFd> InMemory(const std::string& text) {
  OwnedFd fd(memfd_create("state", MFD_CLOEXEC));
  if (!fd.ok() || write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
      lseek(fd.get(), 0, SEEK_SET) != 0) {
    return absl::ErrnoToStatus(errno, "keep the state for a hook");
  }
  return fd;
}

absl::StatusOr<pid_t> Spawn(const Hook& hook, int input, int output) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
  const std::vector<std::string> args =
      hook.args.empty() ? std::vector<std::string>{hook.path} : hook.args;
  pid_t pid = -1;
  const int error = posix_spawn(&pid, hook.path.c_str(), &actions, nullptr, Pointers(args).data(),
                                Pointers(hook.env).data());
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return absl::ErrnoToStatus(error, absl::StrCat("exec ", hook.path));
  return pid;
}

void Drain(int fd, std::string* output) {
  char buffer[4096];
  for (ssize_t n; (n = read(fd, buffer, sizeof buffer)) > 0;) {
    output->append(buffer, n);
    if (output->size() > kMaxOutput) output->erase(0, output->size() - kMaxOutput);
  }
}

// Reads what the hook prints until it ends; what it leaves running in the background is not waited
// for. False when the time is up.
bool WaitForEnd(int pidfd, int output_fd, int timeout_seconds, std::string* output) {
  const int64_t deadline = NowMilliseconds() + timeout_seconds * int64_t{1000};
  bool open = true;
  while (true) {
    int wait = -1;
    if (timeout_seconds > 0) wait = std::max<int64_t>(0, deadline - NowMilliseconds());
    pollfd files[2] = {{pidfd, POLLIN, 0}, {open ? output_fd : -1, POLLIN, 0}};
    const int ready = poll(files, 2, wait);
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0) return false;
    Drain(output_fd, output);
    if ((files[1].revents & (POLLHUP | POLLERR)) != 0) open = false;
    if (files[0].revents != 0) return true;
  }
}

absl::Status RunHook(const Hook& hook, const std::string& state_json) {
  absl::StatusOr<OwnedFd> input = InMemory(state_json);
  if (!input.ok()) return input.status();
  int ends[2];
  if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return absl::ErrnoToStatus(errno, "pipe");
  OwnedFd read_end(ends[0]), write_end(ends[1]);
  fcntl(write_end.get(), F_SETFL, 0);  // only our end must not block
  absl::StatusOr<pid_t> pid = Spawn(hook, input->get(), write_end.get());
  if (!pid.ok()) return pid.status();
  write_end.reset();
  OwnedFd pidfd(syscall(SYS_pidfd_open, *pid, 0));
  std::string output;
  const bool ended = WaitForEnd(pidfd.get(), read_end.get(), hook.timeout.value_or(0), &output);
  if (!ended) kill(*pid, SIGKILL);
  int status = 0;
  while (waitpid(*pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!ended) {
    return absl::DeadlineExceededError(absl::StrCat("timed out after ", *hook.timeout, " s"));
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return absl::OkStatus();
  const std::string how = WIFEXITED(status)
                              ? absl::StrCat("exit status ", WEXITSTATUS(status))
                              : absl::StrCat("signal ", WTERMSIG(status));
  return absl::AbortedError(
      absl::StrCat(how, ", output: ", absl::StripAsciiWhitespace(output)));
}

absl::Status Named(const std::string& kind, size_t index, const Hook& hook,
                   const absl::Status& status) {
  if (status.ok()) return status;
  return absl::Status(status.code(), absl::StrCat("error running hook ", kind, "[", index, "] (",
                                                  hook.path, "): ", status.message()));
}

}  // namespace

absl::Status RunHooks(const std::vector<Hook>& hooks, const std::string& kind,
                      const std::string& state_json) {
  for (size_t i = 0; i < hooks.size(); ++i) {
    absl::Status status = Named(kind, i, hooks[i], RunHook(hooks[i], state_json));
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

void TryHooks(const std::vector<Hook>& hooks, const std::string& kind,
              const std::string& state_json) {
  for (size_t i = 0; i < hooks.size(); ++i) {
    absl::Status status = Named(kind, i, hooks[i], RunHook(hooks[i], state_json));
    if (!status.ok()) Log(LogLevel::kWarning, std::string(status.message()));
  }
}

}  // namespace moat::runtime
