#include "runtime/container/teardown.h"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "absl/strings/match.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/config/parse.h"
#include "runtime/fd/pass_fd.h"
#include "runtime/log/log.h"
#include "runtime/state/status.h"

namespace moat::runtime {
namespace {

// How long a sentry may take to send what its container left behind.
constexpr int kSentryMilliseconds = 1000;
constexpr int kKillMilliseconds = 10000;
// How long a killed process may take to leave its control group.
constexpr int kLeaveMilliseconds = 5000;

// Who listens at the sentry's socket.
ProcessIdentity SentryBehindSocket(const ContainerDir& dir) {
  absl::StatusOr<OwnedFd> connection = ConnectUnix(dir.File("sentry.sock"), SOCK_SEQPACKET);
  ucred peer = {};
  socklen_t size = sizeof peer;
  if (!connection.ok() ||
      getsockopt(connection->get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
    return {};
  }
  return IdentifyProcess(peer.pid);
}

// A process that was just killed is still there for a moment.
bool WaitEmpty(const cgroup::Cgroup& cgroup) {
  constexpr timespec kPause = {0, 10'000'000};
  for (int attempts = kLeaveMilliseconds / 10; attempts > 0; --attempts) {
    if (cgroup.Pids().empty()) return true;
    nanosleep(&kPause, nullptr);
  }
  return false;
}

// The control group that the directory's configuration names, if it is empty: a create that was
// killed before it wrote a state had no process yet, so that any process there is somebody else's.
absl::Status RemoveConfiguredCgroup(const ContainerDir& dir) {
  absl::StatusOr<std::string> text = ReadConfigFile(dir.config_path());
  if (!text.ok()) return absl::OkStatus();
  absl::StatusOr<Spec> spec = ParseSpec(*text);
  if (!spec.ok()) return absl::OkStatus();
  const std::string& path = spec->linux_.cgroups_path;
  absl::StatusOr<cgroup::Cgroup> cgroup = cgroup::Cgroup::Open(
      {.cgroups_path = path, .id = dir.id(), .systemd = absl::StrContains(path, ":")});
  if (!cgroup.ok() || !WaitEmpty(*cgroup)) return absl::OkStatus();
  return cgroup->Remove();
}

bool WaitGone(int pidfd, int milliseconds) {
  pollfd wait = {pidfd, POLLIN, 0};
  return poll(&wait, 1, milliseconds) == 1;
}

}  // namespace

void StopSentry(const ContainerDir& dir, const ContainerState& state) {
  ProcessIdentity sentry = state.sentry;
  if (sentry.pid == 0) sentry = SentryBehindSocket(dir);
  OwnedFd pidfd(OpenProcess(sentry));
  if (!pidfd.ok()) return;
  syscall(SYS_pidfd_send_signal, pidfd.get(), SIGTERM, nullptr, 0);
  if (WaitGone(pidfd.get(), kSentryMilliseconds)) return;
  syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0);
  WaitGone(pidfd.get(), kKillMilliseconds);
}

void KillProcesses(const ContainerState& state) {
  SignalProcess(state.init, SIGKILL);
  // Those outside of a PID namespace of their own outlive the first one; and a frozen one cannot
  // die.
  absl::StatusOr<cgroup::Cgroup> cgroup = CgroupOf(state);
  if (cgroup.ok() && (IsAlive(state.init) || !cgroup->Pids().empty())) {
    absl::Status status = cgroup->Kill(SIGKILL);
    if (!status.ok()) Log(LogLevel::kWarning, status.message());
  }
  KillAndWait(state.init, kKillMilliseconds);
}

absl::Status DestroyContainer(ContainerDir& dir, const ContainerState& state) {
  KillProcesses(state);
  StopSentry(dir, state);
  absl::Status status;
  absl::StatusOr<cgroup::Cgroup> cgroup = CgroupOf(state);
  if (cgroup.ok()) status = cgroup->Remove();
  absl::Status removed = dir.Remove();
  status.Update(removed);
  return status;
}

absl::Status DestroyUnknown(ContainerDir& dir) {
  StopSentry(dir, ContainerState());
  absl::Status status = RemoveConfiguredCgroup(dir);
  status.Update(dir.Remove());
  return status;
}

PoststopHooks LoadPoststopHooks(const ContainerDir& dir, const ContainerState& state) {
  PoststopHooks result;
  absl::StatusOr<std::string> text = ReadConfigFile(dir.config_path());
  if (!text.ok()) return result;
  // Most configurations have none: a look is cheaper than a parse.
  if (text->find("\"poststop\"") == std::string::npos) return result;
  absl::StatusOr<Spec> spec = ParseSpec(*text);
  if (!spec.ok()) return result;
  result.hooks = std::move(spec->hooks.poststop);
  ContainerState stopped = state;
  stopped.init.pid = 0;
  result.state_json = HookStateJson(stopped, "stopped");
  return result;
}

}  // namespace moat::runtime
