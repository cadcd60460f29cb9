#include "runtime/init/container_init.h"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "runtime/fd/inherited.h"
#include "runtime/hooks/hooks.h"
#include "runtime/init/session.h"
#include "runtime/init/start_fifo.h"
#include "runtime/process/labels.h"
#include "runtime/process/sysctl.h"
#include "runtime/process/terminal.h"
#include "runtime/rootfs/rootfs.h"
#include "runtime/verb.h"

namespace moat::runtime {
namespace {

absl::Status EnterCgroupNamespace(const Linux& config) {
  const Namespace* ns = config.FindNamespace("cgroup");
  if (ns == nullptr || !ns->path.empty() || unshare(CLONE_NEWCGROUP) == 0) {
    return absl::OkStatus();
  }
  return absl::ErrnoToStatus(errno, "make a control group namespace");
}

// A new namespace begins with its loopback down; runc brings it up, and programs that ask the
// configured namespace expect it so.
void BringLoopbackUp(const Linux& config) {
  const Namespace* ns = config.FindNamespace("network");
  if (ns == nullptr || !ns->path.empty()) return;
  OwnedFd any(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request = {};
  strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP;
  ioctl(any.get(), SIOCSIFFLAGS, &request);
}

absl::Status SetNames(const Spec& spec) {
  if (!spec.hostname.empty() && sethostname(spec.hostname.data(), spec.hostname.size()) != 0) {
    return absl::ErrnoToStatus(errno, "config.json: hostname");
  }
  if (!spec.domainname.empty() &&
      setdomainname(spec.domainname.data(), spec.domainname.size()) != 0) {
    return absl::ErrnoToStatus(errno, "config.json: domainname");
  }
  return absl::OkStatus();
}

absl::Status RunCreateHooks(const InitPlan& plan, Channel& channel) {
  const Hooks& hooks = plan.spec->hooks;
  if (!hooks.prestart.empty() || !hooks.create_runtime.empty()) {
    absl::Status status = channel.Send(MessageKind::kRunHooks);
    if (!status.ok()) return status;
    absl::StatusOr<Channel::Message> done = channel.Expect(MessageKind::kHooksDone);
    if (!done.ok()) return done.status();
  }
  return RunHooks(hooks.create_container, "hooks.createContainer",
                  HookStateJson(plan.state, "creating"));
}

absl::Status SetUpTerminal(const InitPlan& plan, Channel& channel) {
  if (!plan.spec->process.terminal) return absl::OkStatus();
  absl::StatusOr<Terminal> terminal = OpenTerminal(plan.spec->process);
  if (!terminal.ok()) return terminal.status();
  absl::Status status = BindConsole(terminal->slave.get());
  if (status.ok()) {
    status = channel.Send(MessageKind::kTerminal, "", terminal->master.get());
  }
  if (status.ok()) status = UseTerminal(terminal->slave.get());
  return status;
}

// Steps 3 to 13.
absl::StatusOr<PreparedProgram> SetUp(const InitPlan& plan, const HostProc& proc,
                                      Channel& channel) {
  const Spec& spec = *plan.spec;
  absl::Status status = EnterCgroupNamespace(spec.linux_);
  if (status.ok()) status = NewSession(plan.id, !plan.no_new_keyring);
  if (!status.ok()) return status;
  BringLoopbackUp(spec.linux_);
  status = WriteSysctls(proc.proc.get(), spec.linux_.sysctl);
  if (!status.ok()) return status;

  absl::StatusOr<PreparedRootfs> root =
      PrepareRootfs(spec, plan.rootfs, plan.bundle, plan.cgroup);
  if (!root.ok()) return root.status();
  status = RunCreateHooks(plan, channel);
  if (status.ok()) status = EnterRootfs(spec, *root, plan.no_pivot);
  if (status.ok()) status = SetNames(spec);
  if (status.ok()) status = SetUpTerminal(plan, channel);
  if (!status.ok()) return status;

  absl::StatusOr<PreparedProgram> program = PreparedProgram::Prepare(plan.program);
  if (!program.ok()) return program.status();
  status = SealRootfs(spec, *root);
  if (status.ok()) {
    status = ApplyLabels(proc.self.get(), spec.process.apparmor_profile,
                         spec.process.selinux_label);
  }
  if (!status.ok()) return status;
  return program;
}

// Everything that `start` needs.
struct ReadyInit {
  HostProc proc;
  PreparedProgram program;
  OwnedFd handover;
};

absl::StatusOr<ReadyInit> GetReady(InitPlan& plan, Channel& channel) {
  absl::Status status = CloseOthersOnExec(plan.program.preserved_fds);
  if (status.ok() && plan.spec->linux_.FindNamespace("user") != nullptr) status = BecomeRoot();
  if (!status.ok()) return status;
  absl::StatusOr<HostProc> proc = OpenHostProc();
  if (!proc.ok()) return proc.status();
  plan.state.init.pid = PidInProc(*proc);
  plan.program.hook_state = HookStateJson(plan.state, "created");
  absl::StatusOr<PreparedProgram> program = SetUp(plan, *proc, channel);
  if (!program.ok()) return program.status();
  absl::StatusOr<OwnedFd> handover = channel.TakeHandover();
  if (!handover.ok()) return handover.status();
  return ReadyInit{*std::move(proc), *std::move(program), *std::move(handover)};
}

// The end of a process that was started through the channel: success closes it, by CLOEXEC.
int RunThroughChannel(ReadyInit ready, Channel& channel) {
  absl::Status status = ready.program.Run(std::move(ready.handover), ready.proc.proc.get());
  channel.SendError(status);
  return ExitCodeOf(status, kSetUpFailed);
}

int RunThroughFifo(ReadyInit ready, int fifo_fd) {
  absl::StatusOr<OwnedFd> fifo = WaitForStart(ready.proc.self.get(), fifo_fd);
  if (!fifo.ok()) return kSetUpFailed;
  absl::Status status = ready.program.Run(std::move(ready.handover), ready.proc.proc.get());
  ReportStartFailure(fifo->get(), status);
  return ExitCodeOf(status, kSetUpFailed);
}

}  // namespace

int RunContainerInit(InitPlan& plan, Channel channel) {
  absl::StatusOr<Channel::Message> message = channel.Expect(MessageKind::kGo);
  if (!message.ok()) return kSetUpFailed;
  absl::StatusOr<ReadyInit> ready = GetReady(plan, channel);
  if (!ready.ok()) {
    channel.SendError(ready.status());
    return ExitCodeOf(ready.status(), kSetUpFailed);
  }
  if (!channel.Send(MessageKind::kReady).ok()) return kSetUpFailed;
  message = channel.Receive();
  if (!message.ok()) return kSetUpFailed;  // the parent is gone, or gave up
  if (message->kind == MessageKind::kStart) return RunThroughChannel(*std::move(ready), channel);
  channel.Close();
  return RunThroughFifo(*std::move(ready), plan.fifo_fd);
}

}  // namespace moat::runtime
