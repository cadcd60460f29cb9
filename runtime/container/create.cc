#include "runtime/container/create.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/cgroup/default_devices.h"
#include "runtime/config/parse.h"
#include "runtime/container/process_setup.h"
#include "runtime/container/shared_network.h"
#include "runtime/container/teardown.h"
#include "runtime/hooks/hooks.h"
#include "runtime/init/container_init.h"
#include "runtime/init/start_fifo.h"
#include "runtime/log/log.h"
#include "runtime/namespaces/id_map.h"
#include "runtime/namespaces/spawn.h"
#include "runtime/process/labels.h"
#include "runtime/process/sysctl.h"
#include "runtime/seccomp/compile.h"
#include "sentry/client.h"

namespace moat::runtime {
namespace {

constexpr char kConfigFile[] = "config.json";

// Everything that can be known to be wrong before anything is made.
struct Inputs {
  std::string bundle;
  std::string rootfs;
  std::string config_text;
  Spec spec;
  std::vector<NamespaceToJoin> join;
  std::optional<seccomp::Program> seccomp;
};

absl::StatusOr<std::string> AbsolutePath(const std::string& path) {
  char real[PATH_MAX];
  if (realpath(path.c_str(), real) == nullptr) {
    return absl::ErrnoToStatus(errno, path);
  }
  return std::string(real);
}

absl::Status FindRootfs(Inputs* inputs) {
  const std::string& path = inputs->spec.root.path;
  absl::StatusOr<std::string> real = AbsolutePath(
      absl::StartsWith(path, "/") ? path : absl::StrCat(inputs->bundle, "/", path));
  struct stat info;
  if (!real.ok()) {
    return absl::Status(real.status().code(),
                        absl::StrCat("config.json: root.path: ", real.status().message()));
  }
  if (stat(real->c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) {
    return absl::InvalidArgumentError(
        absl::StrCat("config.json: root.path: ", *real, " is not a directory"));
  }
  inputs->rootfs = *std::move(real);
  return absl::OkStatus();
}

absl::Status ReadConfig(const CreateOptions& options, Inputs* inputs) {
  absl::StatusOr<std::string> bundle = AbsolutePath(options.bundle.empty() ? "." : options.bundle);
  if (!bundle.ok()) {
    return absl::Status(bundle.status().code(),
                        absl::StrCat("--bundle: ", bundle.status().message()));
  }
  inputs->bundle = *std::move(bundle);
  absl::StatusOr<std::string> text =
      ReadConfigFile(absl::StrCat(inputs->bundle, "/", kConfigFile));
  if (absl::IsNotFound(text.status())) {
    return absl::NotFoundError(absl::StrCat("JSON specification file config.json not found in ",
                                            inputs->bundle));
  }
  if (!text.ok()) return text.status();
  inputs->config_text = *std::move(text);
  absl::StatusOr<Spec> spec = ParseSpec(inputs->config_text);
  if (!spec.ok()) return spec.status();
  inputs->spec = *std::move(spec);
  return absl::OkStatus();
}

absl::StatusOr<Inputs> GatherInputs(const CreateOptions& options) {
  Inputs inputs;
  absl::Status status = ReadConfig(options, &inputs);
  if (status.ok()) status = FindRootfs(&inputs);
  if (status.ok()) status = CheckTerminal(inputs.spec.process.terminal, options.process);
  if (status.ok()) {
    status = CheckLabels(inputs.spec.process.apparmor_profile, inputs.spec.process.selinux_label);
  }
  if (!status.ok()) return status;
  absl::StatusOr<std::vector<NamespaceToJoin>> join =
      OpenNamespaces(inputs.spec.linux_.namespaces);
  if (!join.ok()) return join.status();
  inputs.join = *std::move(join);
  if (inputs.spec.linux_.seccomp) {
    absl::StatusOr<seccomp::Program> program = seccomp::Compile(*inputs.spec.linux_.seccomp);
    if (!program.ok()) return program.status();
    inputs.seccomp = *std::move(program);
  }
  return inputs;
}

std::string Now() {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return Rfc3339(now.tv_sec, now.tv_nsec);
}

std::string TimeOffsetsText(const Linux& config) {
  std::string text;
  for (const auto& [clock, offset] : config.time_offsets) {
    absl::StrAppend(&text, clock, " ", offset.secs, " ", offset.nanosecs, "\n");
  }
  return text;
}

// One container in the making. Its methods are the steps, in the order of Run().
class Creation {
 public:
  Creation(const CreateOptions& options, Inputs inputs, ContainerDir dir)
      : options_(options), inputs_(std::move(inputs)), dir_(std::move(dir)) {}

  absl::StatusOr<CreatedContainer> Run() {
    absl::Status status = Prepare();
    if (status.ok()) status = SpawnInit();
    if (status.ok()) status = SetUpInit();
    if (status.ok()) status = BeginSentry();
    if (status.ok()) status = ServeInit();
    if (status.ok()) status = Finish();
    if (!status.ok()) {
      Abandon();
      return status;
    }
    return CreatedContainer{std::move(dir_), std::move(state_), std::move(inputs_.spec),
                            std::move(*channel_), std::move(terminal_)};
  }

 private:
  const Linux& linux() const { return inputs_.spec.linux_; }

  // The directory and the control group, and state.json before each thing that would outlive us.
  absl::Status Prepare() {
    absl::Status status = dir_.Lock(0);
    if (status.ok()) status = dir_.WriteFile(kConfigFile, inputs_.config_text);
    if (!status.ok()) return status;
    state_.id = options_.id;
    state_.bundle = inputs_.bundle;
    state_.rootfs = inputs_.rootfs;
    state_.created = Now();
    state_.owner = geteuid() == 0 ? "root" : absl::StrCat(geteuid());
    state_.annotations = inputs_.spec.annotations;
    if (const Namespace* network = linux().FindNamespace("network")) {
      state_.network_namespace_path = network->path;
    }
    status = FindSandbox();
    return status.ok() ? PrepareCgroup() : status;
  }

  absl::Status FindSandbox() {
    for (const NamespaceToJoin& entry : inputs_.join) {
      if (entry.flag != CLONE_NEWNET) continue;
      auto shared = FindSharedNetwork(options_.root, options_.id, entry.fd.get());
      if (!shared.ok()) return shared.status();
      shared_network_ = *std::move(shared);
      if (shared_network_) state_.sandbox = shared_network_->sandbox;
    }
    return absl::OkStatus();
  }

  absl::Status PrepareCgroup() {
    absl::StatusOr<cgroup::Cgroup> cgroup = cgroup::Cgroup::Open(
        {.cgroups_path = linux().cgroups_path, .id = options_.id,
         .systemd = options_.systemd_cgroup});
    if (!cgroup.ok()) return cgroup.status();
    absl::Status status = cgroup->Create();
    if (!status.ok()) return status;
    // Only from here on is it ours to remove.
    cgroup_ = *std::move(cgroup);
    state_.cgroup = cgroup_->ToJson().dump();
    status = dir_.Save(state_);
    if (!status.ok()) return status;
    Resources resources = linux().resources.value_or(Resources());
    cgroup::AddDefaultDevices(&resources);
    return cgroup_->Apply(resources);
  }

  absl::Status SpawnInit() {
    absl::StatusOr<std::pair<Channel, Channel>> pair = Channel::MakePair();
    if (!pair.ok()) return pair.status();
    channel_ = std::move(pair->first);
    Channel child_end = std::move(pair->second);

    SpawnPlan spawn;
    absl::StatusOr<CgroupEntry> entry = OpenCgroupEntry(*cgroup_);
    if (!entry.ok()) return entry.status();
    spawn.cgroup = *std::move(entry);
    spawn.new_namespaces = NewNamespaceFlags(linux().namespaces) & ~CLONE_NEWCGROUP;
    spawn.join = std::move(inputs_.join);
    spawn.time_offsets = TimeOffsetsText(linux());

    InitPlan plan;
    absl::Status status = FillPlan(&plan);
    if (!status.ok()) return status;
    absl::StatusOr<pid_t> pid = Spawn(spawn, [&] {
      channel_->Close();
      return RunContainerInit(plan, std::move(child_end));
    });
    if (!pid.ok()) return pid.status();
    state_.init = IdentifyProcess(*pid);
    return dir_.Save(state_);
  }

  absl::Status FillPlan(InitPlan* plan) {
    plan->spec = &inputs_.spec;
    plan->program = MakeProgramPlan(inputs_.spec.process);
    plan->program.seccomp = std::move(inputs_.seccomp);
    plan->program.preserved_fds = options_.process.preserved_fds;
    plan->program.listen_fds = options_.process.listen_fds;
    if (shared_network_) plan->program.new_network_namespace = !shared_network_->inside;
    plan->program.network_sysctls = NetworkSysctls(linux().sysctl);
    plan->program.start_hooks = inputs_.spec.hooks.start_container;
    plan->id = options_.id;
    plan->bundle = inputs_.bundle;
    plan->rootfs = inputs_.rootfs;
    plan->cgroup = &*cgroup_;
    plan->no_pivot = options_.no_pivot;
    plan->no_new_keyring = options_.no_new_keyring;
    plan->state = state_;
    if (!options_.await_start) return absl::OkStatus();
    absl::StatusOr<OwnedFd> fifo =
        MakeStartFifo(dir_.fifo_path(), ToHostId(linux().uid_mappings, 0).value_or(0),
                      ToHostId(linux().gid_mappings, 0).value_or(0));
    if (!fifo.ok()) return fifo.status();
    fifo_ = *std::move(fifo);
    plan->fifo_fd = fifo_.get();
    return absl::OkStatus();
  }

  // What takes the host's privileges. Init waits for kGo meanwhile.
  absl::Status SetUpInit() {
    const Namespace* user = linux().FindNamespace("user");
    absl::Status status;
    if (user != nullptr && user->path.empty()) status = WriteIdMaps(state_.init.pid, linux());
    if (status.ok()) status = SetOomScore(state_.init.pid, inputs_.spec.process.oom_score_adj);
    if (!status.ok()) return status;
    // Before kGo, and so before init could be anywhere else.
    const std::string path = absl::StrCat("/proc/", state_.init.pid, "/ns/net");
    network_namespace_.reset(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!network_namespace_.ok()) return absl::ErrnoToStatus(errno, absl::StrCat("open ", path));
    return channel_->Send(MessageKind::kGo);
  }

  // Runs beside init's mounts. The sentry stays in the caller's control group: the container's
  // limits are for the container's processes, and its freezer must not stop the sentry under their
  // feet.
  absl::Status BeginSentry() {
    if (shared_network_) return JoinSentry();
    sentry::SentryOptions sentry;
    sentry.id = options_.id;
    sentry.state_dir = dir_.path();
    sentry.network_namespace_fd = network_namespace_.get();
    sentry.sysctls = NetworkSysctls(linux().sysctl);
    if (options_.debug) sentry.log_level = "debug";
    absl::StatusOr<pid_t> pid = sentry::StartSentry(sentry);
    if (!pid.ok()) return pid.status();
    state_.sentry = IdentifyProcess(*pid);
    absl::Status status = dir_.Save(state_);
    if (!status.ok()) return status;
    return SendHandover(*channel_, dir_.path(), state_.init.pid, true);
  }

  // The sandbox's sentry serves one container more. Its network is configured already: linux.sysctl
  // of this container changes nothing.
  absl::Status JoinSentry() {
    const std::string sandbox = SandboxDir(dir_, state_);
    // For moatctl, which knows the sandbox by either name.
    const std::string link = dir_.File("control.sock");
    if (symlink(absl::StrCat(sandbox, "/control.sock").c_str(), link.c_str()) != 0) {
      return absl::ErrnoToStatus(errno, link);
    }
    return SendHandover(*channel_, sandbox, state_.init.pid, false);
  }

  absl::Status ServeInit() {
    while (true) {
      absl::StatusOr<Channel::Message> message = channel_->Receive();
      if (!message.ok()) return message.status();
      absl::Status status;
      switch (message->kind) {
        case MessageKind::kReady:
          return absl::OkStatus();
        case MessageKind::kTerminal:
          terminal_ = std::move(message->fd);
          break;
        case MessageKind::kRunHooks:
          status = RunRuntimeHooks();
          break;
        default:
          status = absl::InternalError("an unexpected message from the container's process");
      }
      if (!status.ok()) return status;
    }
  }

  absl::Status RunRuntimeHooks() {
    const std::string json = HookStateJson(state_, "creating");
    absl::Status status = RunHooks(inputs_.spec.hooks.prestart, "hooks.prestart", json);
    if (status.ok()) {
      status = RunHooks(inputs_.spec.hooks.create_runtime, "hooks.createRuntime", json);
    }
    if (!status.ok()) return status;
    return channel_->Send(MessageKind::kHooksDone);
  }

  absl::Status Finish() {
    absl::Status status = SetRlimits(state_.init.pid, inputs_.spec.process.rlimits);
    if (status.ok() && !options_.process.console_socket.empty()) {
      status = SendTerminal(options_.process.console_socket, terminal_.get());
      terminal_.reset();
    }
    if (status.ok() && !options_.process.pid_file.empty()) {
      status = WritePidFile(options_.process.pid_file, state_.init.pid);
    }
    if (!status.ok()) return status;
    state_.complete = true;
    status = dir_.Save(state_);
    if (status.ok() && options_.await_start) {
      status = channel_->Send(MessageKind::kDetach);
      channel_->Close();
    }
    return status;
  }

  void Abandon() {
    if (channel_) channel_->Close();
    absl::Status status = DestroyContainer(dir_, state_);
    if (!status.ok()) Log(LogLevel::kWarning, status.message());
    if (state_.init.pid > 0) waitpid(state_.init.pid, nullptr, WNOHANG);
  }

  const CreateOptions& options_;
  Inputs inputs_;
  ContainerDir dir_;
  ContainerState state_;
  std::optional<cgroup::Cgroup> cgroup_;
  std::optional<Channel> channel_;
  OwnedFd fifo_;
  OwnedFd network_namespace_;
  std::optional<SharedNetwork> shared_network_;
  OwnedFd terminal_;
};

}  // namespace

absl::StatusOr<CreatedContainer> CreateContainer(const CreateOptions& options) {
  absl::Status status = CheckContainerId(options.id);
  if (!status.ok()) return status;
  absl::StatusOr<Inputs> inputs = GatherInputs(options);
  if (!inputs.ok()) return inputs.status();
  absl::StatusOr<ContainerDir> dir = ContainerDir::Create(options.root, options.id);
  if (!dir.ok()) return dir.status();
  return Creation(options, *std::move(inputs), *std::move(dir)).Run();
}

absl::Status StartThroughChannel(CreatedContainer& container) {
  absl::Status status = container.channel.Send(MessageKind::kStart);
  if (!status.ok()) return status;
  return WaitForProgram(container.channel);
}

}  // namespace moat::runtime
