#include "runtime/init/exec_init.h"

#include "runtime/fd/inherited.h"
#include "runtime/init/session.h"
#include "runtime/process/labels.h"
#include "runtime/process/terminal.h"
#include "runtime/verb.h"

namespace moat::runtime {
namespace {

absl::Status SetUpTerminal(const Process& process, Channel& channel) {
  if (!process.terminal) return absl::OkStatus();
  absl::StatusOr<Terminal> terminal = OpenTerminal(process);
  if (!terminal.ok()) return terminal.status();
  absl::Status status = channel.Send(MessageKind::kTerminal, "", terminal->master.get());
  if (status.ok()) status = UseTerminal(terminal->slave.get());
  return status;
}

absl::StatusOr<PreparedProgram> SetUp(const ExecPlan& plan, Channel& channel) {
  const Process& process = plan.program.process;
  absl::Status status = CloseOthersOnExec(plan.program.preserved_fds);
  if (status.ok() && plan.in_user_namespace) status = BecomeRoot();
  if (status.ok()) status = NewSession(plan.id, true);
  if (status.ok()) status = SetUpTerminal(process, channel);
  if (!status.ok()) return status;
  absl::StatusOr<PreparedProgram> program = PreparedProgram::Prepare(plan.program);
  if (!program.ok()) return program.status();
  if (!process.apparmor_profile.empty() || !process.selinux_label.empty()) {
    absl::StatusOr<HostProc> proc = OpenHostProc();
    if (!proc.ok()) return proc.status();
    status = ApplyLabels(proc->self.get(), process.apparmor_profile, process.selinux_label);
    if (!status.ok()) return status;
  }
  return program;
}

int GiveUp(const absl::Status& status, Channel& channel) {
  channel.SendError(status);
  return ExitCodeOf(status, kSetUpFailed);
}

}  // namespace

int RunExecInit(const ExecPlan& plan, Channel channel) {
  absl::StatusOr<Channel::Message> message = channel.Expect(MessageKind::kGo);
  if (!message.ok()) return kSetUpFailed;
  absl::StatusOr<PreparedProgram> program = SetUp(plan, channel);
  if (!program.ok()) return GiveUp(program.status(), channel);
  absl::StatusOr<OwnedFd> handover = channel.TakeHandover();
  if (!handover.ok()) return GiveUp(handover.status(), channel);
  absl::Status status = channel.Send(MessageKind::kReady);
  if (!status.ok()) return kSetUpFailed;
  message = channel.Expect(MessageKind::kStart);
  if (!message.ok()) return kSetUpFailed;
  // The parameters of the network namespace were set when the container was started.
  status = program->Run(*std::move(handover), /*proc_fd=*/-1);
  return GiveUp(status, channel);
}

}  // namespace moat::runtime
