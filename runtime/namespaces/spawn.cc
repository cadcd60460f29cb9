#include "runtime/namespaces/spawn.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "runtime/fd/write_file.h"

namespace moat::runtime {
namespace {

// What a stage process, or a child that fails before its body, tells the caller.
struct Report {
  pid_t pid = -1;
  int error = 0;
  char text[240] = {};
};

// Like fork(2), with namespaces. `cgroup_fd` -1: the caller's own.
pid_t Clone(uint64_t flags, int cgroup_fd) {
  clone_args args = {};
  args.flags = flags;
  // With CLONE_PARENT the exit signal is that of the caller.
  args.exit_signal = (flags & CLONE_PARENT) != 0 ? 0 : SIGCHLD;
  if (cgroup_fd >= 0) {
    args.flags |= CLONE_INTO_CGROUP;
    args.cgroup = cgroup_fd;
  }
  return syscall(SYS_clone3, &args, sizeof args);
}

absl::Status EnterV1Cgroups(const CgroupEntry& entry) {
  for (const OwnedFd& tasks : entry.v1_tasks) {
    if (write(tasks.get(), "0", 1) != 1) {
      return absl::ErrnoToStatus(errno, "enter the container's control group");
    }
  }
  return absl::OkStatus();
}

absl::Status PrepareStage(const SpawnPlan& plan) {
  absl::Status status = EnterV1Cgroups(plan.cgroup);
  if (status.ok()) status = JoinNamespaces(plan.join);
  if (status.ok() && plan.join_process >= 0 &&
      setns(plan.join_process, plan.join_process_namespaces) != 0) {
    status = absl::ErrnoToStatus(errno, "join the container's namespaces");
  }
  if (status.ok() && !plan.time_offsets.empty()) {
    if (unshare(CLONE_NEWTIME) != 0) {
      status = absl::ErrnoToStatus(errno, "make a time namespace");
    } else {
      status = WriteFileAt(AT_FDCWD, "/proc/self/timens_offsets", plan.time_offsets);
    }
  }
  return status;
}

void Send(int fd, const Report& report) {
  [[maybe_unused]] ssize_t n = write(fd, &report, sizeof report);
}

Report Failure(const absl::Status& status) {
  Report report;
  report.error = 1;
  snprintf(report.text, sizeof report.text, "%s", std::string(status.message()).c_str());
  return report;
}

[[noreturn]] void RunStage(const SpawnPlan& plan, int report_fd, absl::FunctionRef<int()> body) {
  absl::Status status = PrepareStage(plan);
  if (status.ok()) {
    uint64_t flags = plan.new_namespaces | CLONE_PARENT;
    if (!plan.time_offsets.empty()) flags &= ~uint64_t{CLONE_NEWTIME};  // already made
    Report report;
    report.pid = Clone(flags, -1);
    if (report.pid == 0) {
      close(report_fd);
      _exit(body());
    }
    if (report.pid > 0) {
      Send(report_fd, report);
      _exit(0);
    }
    status = absl::ErrnoToStatus(errno, "clone the container's process");
  }
  Send(report_fd, Failure(status));
  _exit(1);
}

absl::StatusOr<pid_t> SpawnThroughStage(const SpawnPlan& plan, absl::FunctionRef<int()> body) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return absl::ErrnoToStatus(errno, "pipe");
  OwnedFd read_end(ends[0]), write_end(ends[1]);
  const pid_t stage = Clone(0, plan.cgroup.v2_directory.get());
  if (stage < 0) return absl::ErrnoToStatus(errno, "clone");
  if (stage == 0) RunStage(plan, write_end.get(), body);
  write_end.reset();
  Report report;
  const ssize_t n = read(read_end.get(), &report, sizeof report);
  int status;
  while (waitpid(stage, &status, 0) < 0 && errno == EINTR) {
  }
  if (n != sizeof report) {
    return absl::AbortedError("the process that joins the namespaces ended unexpectedly");
  }
  if (report.error != 0) return absl::FailedPreconditionError(report.text);
  return report.pid;
}

absl::StatusOr<pid_t> SpawnDirectly(const SpawnPlan& plan, absl::FunctionRef<int()> body) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return absl::ErrnoToStatus(errno, "pipe");
  OwnedFd read_end(ends[0]), write_end(ends[1]);
  const pid_t pid = Clone(plan.new_namespaces, plan.cgroup.v2_directory.get());
  if (pid < 0) return absl::ErrnoToStatus(errno, "clone the container's process");
  if (pid == 0) {
    absl::Status status = EnterV1Cgroups(plan.cgroup);
    if (!status.ok()) {
      Send(write_end.get(), Failure(status));
      _exit(1);
    }
    write_end.reset();
    _exit(body());
  }
  write_end.reset();
  Report report;
  if (read(read_end.get(), &report, sizeof report) <= 0) return pid;
  int status;
  waitpid(pid, &status, 0);
  return absl::FailedPreconditionError(report.text);
}

}  // namespace

absl::StatusOr<CgroupEntry> OpenCgroupEntry(const cgroup::Cgroup& cgroup) {
  CgroupEntry entry;
  for (const cgroup::CgroupDir& dir : cgroup.dirs()) {
    const bool v1 = dir.version == cgroup::Version::kV1;
    const std::string path = v1 ? dir.dir.File("tasks") : dir.dir.path();
    OwnedFd fd(open(path.c_str(), (v1 ? O_WRONLY : O_RDONLY | O_DIRECTORY) | O_CLOEXEC));
    if (!fd.ok()) {
      if (errno == ENOENT) continue;  // a hierarchy where no directory could be made
      return absl::ErrnoToStatus(errno, absl::StrCat("open ", path));
    }
    if (v1) {
      entry.v1_tasks.push_back(std::move(fd));
    } else {
      entry.v2_directory = std::move(fd);
    }
  }
  return entry;
}

absl::StatusOr<pid_t> Spawn(const SpawnPlan& plan, absl::FunctionRef<int()> body) {
  const bool stage = !plan.join.empty() || plan.join_process >= 0 || !plan.time_offsets.empty();
  return stage ? SpawnThroughStage(plan, body) : SpawnDirectly(plan, body);
}

}  // namespace moat::runtime
