// Each test gives its privileges up in a child.
#include "sentry/privileges/drop_privileges.h"

#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <string>
#include <thread>

#include "sentry/privileges/capabilities.h"
#include "sentry/privileges/empty_root.h"
#include "sentry/privileges/system_calls.h"

namespace moat::sentry {
namespace {

// Runs `body` in a child; its value is the child's exit status, -1 when a signal ended it.
int InChild(const std::function<int()>& body) {
  const pid_t child = fork();
  if (child == 0) _exit(body());
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

class PrivilegesTest : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0 || InChild([] { return unshare(CLONE_NEWNS) == 0 ? 0 : 1; }) != 0) {
      GTEST_SKIP() << "needs root to give it up";
    }
    char name[] = "/tmp/moat-privileges-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    directory_ = name;
  }
  void TearDown() override {
    if (!directory_.empty()) rmdir(directory_.c_str());
  }
  PrivilegeOptions Options() const {
    PrivilegeOptions options;
    options.mount_point = directory_;
    return options;
  }
  std::string directory_;
};

int CountEntries(const char* path) {
  DIR* directory = opendir(path);
  if (directory == nullptr) return -1;
  int entries = 0;
  while (const dirent* entry = readdir(directory)) entries += entry->d_name[0] != '.' ? 1 : 0;
  closedir(directory);
  return entries;
}

TEST_F(PrivilegesTest, RootIsEmptyAndReadOnly) {
  EXPECT_EQ(InChild([this] {
    const int before = open("/etc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (!EnterEmptyRoot(directory_).ok()) return 1;
    if (CountEntries("/") != 0) return 2;
    if (open("/file", O_CREAT | O_WRONLY, 0600) >= 0 || errno != EROFS) return 3;
    if (mkdir("/directory", 0700) == 0) return 4;
    // What was open stays so.
    return faccessat(before, "passwd", F_OK, 0) == 0 ? 0 : 5;
  }), 0);
  EXPECT_EQ(CountEntries(directory_.c_str()), 0);  // the host sees nothing of it
}

TEST_F(PrivilegesTest, MountPointMustExist) {
  EXPECT_EQ(InChild([] { return EnterEmptyRoot("/nonexistent-directory").ok() ? 1 : 0; }), 0);
}

TEST_F(PrivilegesTest, CapabilitiesAreLimited) {
  EXPECT_EQ(InChild([] {
    if (!LimitCapabilities(KeptCapabilities()).ok()) return 1;
    __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    __user_cap_data_struct data[2];
    syscall(SYS_capget, &header, data);
    uint32_t expected = 0;
    for (int capability : KeptCapabilities()) expected |= 1u << capability;
    if ((data[0].permitted & ~expected) != 0 || data[0].permitted != data[0].effective) return 2;
    if (data[1].permitted != 0 || data[0].inheritable != 0) return 3;
    if (prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN) != 0) return 4;
    if (mount("none", "/mnt", "tmpfs", 0, nullptr) == 0 || errno != EPERM) return 5;
    // Kept: packet sockets.
    const int fd = socket(AF_PACKET, SOCK_RAW, 0);
    return fd >= 0 ? 0 : 6;
  }), 0);
}

TEST(SystemCalls, ListIsSortedAndHarmless) {
  const std::vector<int> calls = AllowedSystemCalls();
  for (size_t i = 1; i < calls.size(); ++i) EXPECT_LT(calls[i - 1], calls[i]);
  for (int forbidden : {SYS_execve, SYS_execveat, SYS_ptrace, SYS_mount, SYS_bpf, SYS_setuid,
                        SYS_io_uring_setup, SYS_init_module, SYS_unshare, SYS_setns}) {
    EXPECT_EQ(std::count(calls.begin(), calls.end(), forbidden), 0) << forbidden;
  }
}

// Interprets the few instructions that the program consists of.
uint32_t Evaluate(std::span<const sock_filter> program, uint32_t architecture, uint32_t number) {
  uint32_t accumulator = 0;
  for (size_t pc = 0; pc < program.size(); ++pc) {
    const sock_filter& op = program[pc];
    switch (op.code) {
      case BPF_LD | BPF_W | BPF_ABS:
        accumulator = op.k == offsetof(seccomp_data, arch) ? architecture : number;
        break;
      case BPF_JMP | BPF_JEQ | BPF_K: pc += accumulator == op.k ? op.jt : op.jf; break;
      case BPF_JMP | BPF_JA: pc += op.k; break;
      case BPF_RET | BPF_K: return op.k;
      default: return ~0u;
    }
  }
  return ~0u;
}

TEST(SystemCalls, ProgramAllowsExactlyTheList) {
  std::vector<int> calls;
  for (int i = 0; i < 500; i += 2) calls.push_back(i);  // longer than a jump reaches
  const auto program = AllowListProgram(calls, SECCOMP_RET_KILL_PROCESS);
  for (uint32_t number = 0; number < 600; ++number) {
    const bool allowed = number < 500 && number % 2 == 0;
    EXPECT_EQ(Evaluate(program, AUDIT_ARCH_X86_64, number),
              allowed ? SECCOMP_RET_ALLOW : SECCOMP_RET_KILL_PROCESS) << number;
    EXPECT_EQ(Evaluate(program, AUDIT_ARCH_I386, number), SECCOMP_RET_KILL_PROCESS);
    EXPECT_EQ(Evaluate(program, AUDIT_ARCH_X86_64, number | 0x40000000), SECCOMP_RET_KILL_PROCESS);
  }
}

TEST_F(PrivilegesTest, ForbiddenCallsFailOrKill) {
  EXPECT_EQ(InChild([this] {
    if (!DropPrivileges(Options()).ok()) return 1;
    if (syscall(SYS_unshare, 0) != -1 || errno != EPERM) return 2;
    return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 && prctl(PR_GET_DUMPABLE) == 0 ? 0 : 3;
  }), 0);
  EXPECT_EQ(InChild([this] {
    PrivilegeOptions options = Options();
    options.forbidden_call = ForbiddenCall::kKills;
    if (!DropPrivileges(options).ok()) return 1;
    syscall(SYS_unshare, 0);
    return 0;
  }), -1);
}

TEST_F(PrivilegesTest, WhatASentryDoesStillWorks) {
  EXPECT_EQ(InChild([this] {
    if (!DropPrivileges(Options()).ok()) return 1;
    std::thread([] {}).join();
    std::string large(8 << 20, 'x');
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) != 0) return 2;
    if (write(pair[0], large.data(), 100) != 100) return 3;
    // A tag in SCM_CREDENTIALS takes CAP_SETUID and CAP_SETGID.
    char control[CMSG_SPACE(sizeof(ucred))] = {};
    iovec data = {.iov_base = large.data(), .iov_len = 1};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_CREDENTIALS;
    header->cmsg_len = CMSG_LEN(sizeof(ucred));
    const ucred tag = {.pid = getpid(), .uid = 0x12345678, .gid = 0x9abcdef0};
    memcpy(CMSG_DATA(header), &tag, sizeof(tag));
    if (sendmsg(pair[0], &message, 0) != 1) return 4;
    // A process of another user.
    const pid_t other = getppid();
    const int pidfd = static_cast<int>(syscall(SYS_pidfd_open, other, 0));
    if (pidfd < 0) return 5;
    const int copy = static_cast<int>(syscall(SYS_pidfd_getfd, pidfd, 1, 0));
    return copy >= 0 ? 0 : 6;
  }), 0);
}

}  // namespace
}  // namespace moat::sentry
