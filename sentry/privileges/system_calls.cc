#include "sentry/privileges/system_calls.h"

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>

namespace moat::sentry {
namespace {

// By purpose. What is not here: execve, ptrace, mount and namespaces, modules, keys, bpf, io_uring,
// chmod and chown, setuid, reboot, and everything else that a network stack has no business with.
constexpr int kMemoryAndThreads[] = {
    SYS_brk, SYS_mmap, SYS_munmap, SYS_mprotect, SYS_mremap, SYS_madvise, SYS_membarrier,
    SYS_clone, SYS_clone3, SYS_set_tid_address, SYS_set_robust_list, SYS_get_robust_list, SYS_rseq,
    SYS_futex, SYS_sched_yield, SYS_sched_getaffinity, SYS_sched_setaffinity, SYS_sched_getparam,
    SYS_sched_getscheduler, SYS_sched_get_priority_min, SYS_sched_get_priority_max, SYS_getcpu,
    SYS_exit, SYS_exit_group, SYS_arch_prctl, SYS_prctl, SYS_gettid, SYS_getpid, SYS_getppid,
    SYS_getuid, SYS_geteuid, SYS_getgid, SYS_getegid, SYS_getresuid, SYS_getresgid, SYS_capget,
    SYS_getrandom, SYS_sysinfo, SYS_uname, SYS_getrlimit, SYS_prlimit64, SYS_getrusage,
    SYS_restart_syscall,
};
constexpr int kSignalsAndTime[] = {
    SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_rt_sigpending, SYS_rt_sigtimedwait,
    SYS_rt_sigqueueinfo, SYS_rt_tgsigqueueinfo, SYS_sigaltstack, SYS_tgkill, SYS_kill,
    SYS_signalfd4, SYS_wait4, SYS_waitid, SYS_pause, SYS_nanosleep, SYS_clock_nanosleep,
    SYS_clock_gettime, SYS_clock_getres, SYS_gettimeofday, SYS_time, SYS_times,
    SYS_timerfd_create, SYS_timerfd_settime, SYS_timerfd_gettime,
};
constexpr int kDescriptors[] = {
    SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_pread64, SYS_pwrite64, SYS_close,
    SYS_close_range, SYS_dup, SYS_dup2, SYS_dup3, SYS_fcntl, SYS_ioctl, SYS_lseek, SYS_fstat,
    SYS_pipe2, SYS_eventfd2, SYS_memfd_create, SYS_ftruncate, SYS_splice, SYS_tee, SYS_vmsplice,
    SYS_sendfile, SYS_fsync, SYS_epoll_create1, SYS_epoll_ctl, SYS_epoll_wait, SYS_epoll_pwait,
    SYS_epoll_pwait2, SYS_poll, SYS_ppoll, SYS_select, SYS_pselect6,
};
constexpr int kFiles[] = {  // /proc through a descriptor, and the sockets' names
    SYS_open, SYS_openat, SYS_openat2, SYS_stat, SYS_newfstatat, SYS_statx, SYS_fstatfs,
    SYS_access, SYS_faccessat, SYS_faccessat2, SYS_getdents64, SYS_readlink, SYS_readlinkat,
    SYS_unlink, SYS_unlinkat, SYS_getcwd, SYS_umask,
};
constexpr int kSockets[] = {
    SYS_socket, SYS_socketpair, SYS_bind, SYS_connect, SYS_listen, SYS_accept, SYS_accept4,
    SYS_shutdown, SYS_getsockname, SYS_getpeername, SYS_getsockopt, SYS_setsockopt, SYS_sendto,
    SYS_recvfrom, SYS_sendmsg, SYS_recvmsg, SYS_sendmmsg, SYS_recvmmsg,
};
constexpr int kContainers[] = {
    SYS_process_vm_readv, SYS_process_vm_writev, SYS_pidfd_open, SYS_pidfd_getfd,
    SYS_pidfd_send_signal, SYS_kcmp,
};

#if defined(__x86_64__)
constexpr uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#else
#error "no system call filter for this architecture"
#endif

}  // namespace

std::vector<int> AllowedSystemCalls() {
  std::vector<int> calls;
  const auto add = [&](std::span<const int> group) {
    calls.insert(calls.end(), group.begin(), group.end());
  };
  add(kMemoryAndThreads);
  add(kSignalsAndTime);
  add(kDescriptors);
  add(kFiles);
  add(kSockets);
  add(kContainers);
  std::sort(calls.begin(), calls.end());
  calls.erase(std::unique(calls.begin(), calls.end()), calls.end());
  return calls;
}

std::vector<sock_filter> AllowListProgram(std::span<const int> calls, uint32_t otherwise) {
  // The kernel asks a filter for each number once and remembers constant answers, so a plain list
  // is as fast as a tree. A number with the x32 bit is in no list.
  std::vector<sock_filter> program = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kArchitecture, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, otherwise),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
  };
  // Jumps reach 255 instructions, so the list is cut into stretches with an exit each.
  constexpr size_t kStretch = 200;
  while (!calls.empty()) {
    const std::span<const int> part = calls.first(std::min(calls.size(), kStretch));
    for (size_t i = 0; i < part.size(); ++i) {
      const auto to_exit = static_cast<uint8_t>(part.size() - i);
      program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<uint32_t>(part[i]),
                                 to_exit, 0));
    }
    program.push_back(BPF_STMT(BPF_JMP | BPF_JA, 1));  // over the exit
    program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    calls = calls.subspan(part.size());
  }
  program.push_back(BPF_STMT(BPF_RET | BPF_K, otherwise));
  return program;
}

absl::Status LoadFilter(std::span<const sock_filter> program, bool log) {
  const sock_fprog loaded = {.len = static_cast<unsigned short>(program.size()),
                             .filter = const_cast<sock_filter*>(program.data())};
  const unsigned flags = SECCOMP_FILTER_FLAG_TSYNC | (log ? SECCOMP_FILTER_FLAG_LOG : 0);
  const long result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &loaded);
  if (result == 0) return absl::OkStatus();
  // With TSYNC a positive result names a thread that has another filter.
  return absl::ErrnoToStatus(result > 0 ? ESRCH : errno, "load the system call filter");
}

}  // namespace moat::sentry
