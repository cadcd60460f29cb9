#include "runtime/container/exec.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "runtime/config/namespace_types.h"
#include "runtime/config/parse.h"
#include "runtime/container/process_setup.h"
#include "runtime/container/shared_network.h"
#include "runtime/init/exec_init.h"
#include "runtime/namespaces/spawn.h"
#include "runtime/process/labels.h"
#include "runtime/seccomp/compile.h"
#include "runtime/state/container_dir.h"
#include "runtime/state/status.h"

namespace moat::runtime {
namespace {

absl::Status CheckStatus(ContainerStatus status, bool ignore_paused) {
  if (status == ContainerStatus::kStopped) {
    return absl::FailedPreconditionError("cannot exec in a stopped container");
  }
  if (status == ContainerStatus::kCreating) {
    return absl::FailedPreconditionError("cannot exec in a container that is being created");
  }
  if (status == ContainerStatus::kPaused && !ignore_paused) {
    return absl::FailedPreconditionError(
        "cannot exec in a paused container (use --ignore-paused to override)");
  }
  return absl::OkStatus();
}

bool SameNamespace(pid_t pid, const char* proc_name) {
  struct stat theirs, ours;
  return stat(absl::StrCat("/proc/", pid, "/ns/", proc_name).c_str(), &theirs) == 0 &&
         stat(absl::StrCat("/proc/self/ns/", proc_name).c_str(), &ours) == 0 &&
         theirs.st_dev == ours.st_dev && theirs.st_ino == ours.st_ino;
}

// The namespaces of the container's first process to join: those of the configuration that are not
// ours anyway (setns refuses the user namespace that one is in).
int NamespacesToJoin(const Linux& config, pid_t init, bool created) {
  int flags = 0;
  for (const Namespace& ns : config.namespaces) {
    const NamespaceType& type = *FindNamespaceType(ns.type);
    // Before start, init is still in the network namespace that the host configures.
    if (type.flag == CLONE_NEWNET && created) continue;
    if (!SameNamespace(init, type.proc_name)) flags |= type.flag;
  }
  return flags;
}

// An exec in the making: the parent's side.
class Execution {
 public:
  Execution(const ExecOptions& options, ContainerDir dir, ContainerState state, Spec spec)
      : options_(options),
        dir_(std::move(dir)),
        state_(std::move(state)),
        spec_(std::move(spec)) {}

  absl::StatusOr<ExecutedProcess> Run(bool created) {
    absl::Status status = SpawnProcess(created);
    if (status.ok()) status = Serve();
    if (!status.ok()) {
      if (channel_) channel_->Close();
      if (result_.pid > 0) {
        kill(result_.pid, SIGKILL);
        waitpid(result_.pid, nullptr, 0);
      }
      return status;
    }
    return std::move(result_);
  }

 private:
  absl::Status SpawnProcess(bool created) {
    OwnedFd init(OpenProcess(state_.init));
    if (!init.ok()) return absl::FailedPreconditionError("cannot exec in a stopped container");
    absl::StatusOr<std::pair<Channel, Channel>> pair = Channel::MakePair();
    if (!pair.ok()) return pair.status();
    channel_ = std::move(pair->first);
    Channel child_end = std::move(pair->second);

    SpawnPlan spawn;
    absl::StatusOr<cgroup::Cgroup> cgroup = CgroupOf(state_);
    if (!cgroup.ok()) return cgroup.status();
    absl::StatusOr<CgroupEntry> entry = OpenCgroupEntry(*cgroup);
    if (!entry.ok()) return entry.status();
    spawn.cgroup = *std::move(entry);
    spawn.join_process = init.get();
    spawn.join_process_namespaces = NamespacesToJoin(spec_.linux_, state_.init.pid, created);

    ExecPlan plan;
    absl::Status status = FillPlan(created, &plan);
    if (!status.ok()) return status;
    absl::StatusOr<pid_t> pid = Spawn(spawn, [&] {
      channel_->Close();
      return RunExecInit(plan, std::move(child_end));
    });
    if (!pid.ok()) return pid.status();
    result_.pid = *pid;
    return absl::OkStatus();
  }

  absl::Status FillPlan(bool created, ExecPlan* plan) {
    plan->program = MakeProgramPlan(spec_.process);
    plan->program.preserved_fds = options_.process.preserved_fds;
    plan->program.listen_fds = options_.process.listen_fds;
    plan->program.new_network_namespace = created;
    plan->id = options_.id;
    plan->in_user_namespace = spec_.linux_.FindNamespace("user") != nullptr;
    if (!spec_.linux_.seccomp) return absl::OkStatus();
    absl::StatusOr<seccomp::Program> program = seccomp::Compile(*spec_.linux_.seccomp);
    if (!program.ok()) return program.status();
    plan->program.seccomp = *std::move(program);
    return absl::OkStatus();
  }

  absl::Status Serve() {
    absl::Status status = SetOomScore(result_.pid, spec_.process.oom_score_adj);
    if (status.ok()) status = channel_->Send(MessageKind::kGo);
    if (status.ok()) status = SendHandover(*channel_, SandboxDir(dir_, state_), result_.pid, false);
    while (status.ok()) {
      absl::StatusOr<Channel::Message> message = channel_->Receive();
      if (!message.ok()) return message.status();
      if (message->kind == MessageKind::kReady) break;
      if (message->kind != MessageKind::kTerminal) {
        return absl::InternalError("an unexpected message from the container's process");
      }
      result_.terminal = std::move(message->fd);
    }
    if (status.ok()) status = SetRlimits(result_.pid, spec_.process.rlimits);
    if (status.ok() && !options_.process.console_socket.empty()) {
      status = SendTerminal(options_.process.console_socket, result_.terminal.get());
      result_.terminal.reset();
    }
    if (status.ok()) status = channel_->Send(MessageKind::kStart);
    if (status.ok()) status = WaitForProgram(*channel_);
    if (status.ok() && !options_.process.pid_file.empty()) {
      status = WritePidFile(options_.process.pid_file, result_.pid);
    }
    return status;
  }

  const ExecOptions& options_;
  ContainerDir dir_;
  ContainerState state_;
  Spec spec_;
  std::optional<Channel> channel_;
  ExecutedProcess result_;
};

}  // namespace

absl::StatusOr<ExecutedProcess> ExecInContainer(
    const ExecOptions& options, const std::function<absl::Status(Process*)>& edit) {
  if (!options.cgroup.empty()) {
    return absl::UnimplementedError("--cgroup: is not supported");
  }
  absl::StatusOr<ContainerDir> dir = ContainerDir::Open(options.root, options.id);
  if (!dir.ok()) return dir.status();
  absl::StatusOr<ContainerState> state = dir->Load();
  if (!state.ok()) return state.status();
  const ContainerStatus found = FindStatus(*dir, *state);
  absl::Status status = CheckStatus(found, options.ignore_paused);
  if (!status.ok()) return status;
  absl::StatusOr<std::string> text = ReadConfigFile(dir->config_path());
  if (!text.ok()) return text.status();
  absl::StatusOr<Spec> spec = ParseSpec(*text);
  if (!spec.ok()) return spec.status();
  status = edit(&spec->process);
  if (status.ok()) status = CheckTerminal(spec->process.terminal, options.process);
  if (status.ok()) {
    status = CheckLabels(spec->process.apparmor_profile, spec->process.selinux_label);
  }
  if (!status.ok()) return status;
  Execution execution(options, *std::move(dir), *std::move(state), *std::move(spec));
  return execution.Run(found == ContainerStatus::kCreated);
}

}  // namespace moat::runtime
