#include "runtime/init/program.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstring>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "runtime/config/parse.h"
#include "runtime/fd/inherited.h"
#include "runtime/hooks/hooks.h"
#include "runtime/init/empty_network.h"
#include "runtime/log/log.h"
#include "runtime/process/find_executable.h"
#include "runtime/process/sysctl.h"
#include "runtime/process/user.h"
#include "runtime/rootfs/in_root.h"
#include "sentry/client.h"

namespace moat::runtime {
namespace {

constexpr mode_t kDefaultUmask = 022;

absl::Status EnterWorkingDirectory(const std::string& cwd) {
  if (chdir(cwd.c_str()) != 0 && errno == ENOENT) {
    OwnedFd root(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    absl::StatusOr<OwnedFd> made = MakeDirectoryInRoot(root.get(), cwd);
    if (!made.ok()) return made.status();
    // On through the name, below: the same checks for a directory that was there and one that was
    // not.
  }
  if (chdir(cwd.c_str()) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("config.json: process.cwd: chdir ", cwd));
  }
  // A descriptor of the host that leaked in could be named by a cwd of /proc/self/fd/N. The kernel
  // then says "(unreachable)" before the path.
  char path[PATH_MAX];
  if (syscall(SYS_getcwd, path, sizeof path) < 0 || path[0] != '/') {
    return absl::PermissionDeniedError("config.json: process.cwd: is outside of the container");
  }
  return absl::OkStatus();
}

std::vector<std::string> MakeEnvironment(const ProgramPlan& plan) {
  std::vector<std::string> env = plan.process.env;
  if (plan.listen_fds > 0) {
    env.push_back(absl::StrCat("LISTEN_FDS=", plan.listen_fds));
    env.push_back("LISTEN_PID=1");
  }
  if (FindEnv(env, "HOME").empty()) {
    std::string home;
    absl::StatusOr<std::string> passwd = ReadConfigFile("/etc/passwd");
    if (passwd.ok()) home = HomeOf(*passwd, plan.process.user.uid);
    env.push_back(absl::StrCat("HOME=", home.empty() ? "/" : home));
  }
  return env;
}

// What the runtime, or its caller, did with signals is not the program's affair.
void ResetSignals() {
  struct sigaction action = {};
  action.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number) sigaction(number, &action, nullptr);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

std::vector<char*> Pointers(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (const std::string& text : strings) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

ProgramPlan MakeProgramPlan(const Process& process) {
  ProgramPlan plan;
  plan.process = process;
  if (process.capabilities) {
    std::vector<std::string> unknown;
    plan.capabilities = ToCapabilitySets(*process.capabilities, &unknown);
    for (const std::string& name : unknown) {
      Log(LogLevel::kDebug, absl::StrCat("config.json: process.capabilities: ", name,
                                         " is not known to this kernel and is left out"));
    }
  }
  return plan;
}

absl::StatusOr<PreparedProgram> PreparedProgram::Prepare(const ProgramPlan& plan) {
  PreparedProgram program(plan);
  umask(plan.process.user.umask.value_or(kDefaultUmask));
  absl::Status status = EnterWorkingDirectory(plan.process.cwd);
  if (!status.ok()) return status;
  program.env_ = MakeEnvironment(plan);
  absl::StatusOr<std::string> file =
      FindExecutable(plan.process.args[0], FindEnv(program.env_, "PATH"));
  if (!file.ok()) return file.status();
  program.file_ = *std::move(file);
  GiveStandardFiles(plan.process.user.uid);
  return program;
}

absl::Status PreparedProgram::LoadSeccomp() const {
  if (!plan_->seccomp) return absl::OkStatus();
  const int error = seccomp::Load(*plan_->seccomp);
  return error == 0 ? absl::OkStatus()
                    : absl::ErrnoToStatus(error, "config.json: linux.seccomp: load the filter");
}

absl::Status PreparedProgram::Confine(OwnedFd handover, int proc_fd) const {
  const Process& process = plan_->process;
  if (plan_->new_network_namespace) {
    if (absl::Status entered = EnterEmptyNetwork(); !entered.ok()) return entered;
    TryWriteSysctls(proc_fd, plan_->network_sysctls);
  }
  CloseForeignSockets(plan_->preserved_fds);
  if (process.no_new_privileges && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    return absl::ErrnoToStatus(errno, "config.json: process.noNewPrivileges");
  }
  const char* step = "";
  const int error = sentry::InstallFilterAndHandOver(handover.release(), &step);
  if (error != 0) {
    return absl::ErrnoToStatus(error, absl::StrCat("hand the network calls to the sentry: ", step));
  }
  absl::Status status;
  if (!process.no_new_privileges) status = LoadSeccomp();
  if (status.ok()) status = LimitBoundingSet(plan_->capabilities);
  if (status.ok()) status = BecomeUser(process.user, true);
  if (status.ok()) status = ApplyCapabilitySets(plan_->capabilities);
  if (status.ok() && process.no_new_privileges) status = LoadSeccomp();
  return status;
}

absl::Status PreparedProgram::Run(OwnedFd handover, int proc_fd) const {
  absl::Status status = Confine(std::move(handover), proc_fd);
  if (!status.ok()) return status;
  status = RunHooks(plan_->start_hooks, "hooks.startContainer", plan_->hook_state);
  if (!status.ok()) return status;
  ResetSignals();
  execve(file_.c_str(), Pointers(plan_->process.args).data(), Pointers(env_).data());
  return ExecError(file_, errno);
}

}  // namespace moat::runtime
