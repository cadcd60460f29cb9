#include "sentry/intercept/filter.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cstring>

#include "gtest/gtest.h"

namespace moat::sentry {
namespace {

// Runs the program as the kernel would: only the instructions that the builder emits.
uint32_t Interpret(std::span<const sock_filter> program, const seccomp_data& data) {
  uint32_t accumulator = 0;
  for (size_t pc = 0; pc < program.size(); ++pc) {
    const sock_filter& i = program[pc];
    switch (i.code) {
      case BPF_LD | BPF_W | BPF_ABS:
        EXPECT_LE(i.k + 4, sizeof(data));
        EXPECT_EQ(i.k % 4, 0u);
        std::memcpy(&accumulator, reinterpret_cast<const char*>(&data) + i.k, 4);
        break;
      case BPF_JMP | BPF_JEQ | BPF_K: pc += accumulator == i.k ? i.jt : i.jf; break;
      case BPF_JMP | BPF_JGE | BPF_K: pc += accumulator >= i.k ? i.jt : i.jf; break;
      case BPF_JMP | BPF_JSET | BPF_K: pc += (accumulator & i.k) != 0 ? i.jt : i.jf; break;
      case BPF_RET | BPF_K: return i.k;
      default: ADD_FAILURE() << "unexpected instruction " << i.code; return 0;
    }
  }
  ADD_FAILURE() << "ran off the end";
  return 0;
}

struct Arguments {
  uint64_t a[6] = {};
};

uint32_t Ask(int number, Arguments arguments = {}, uint32_t arch = AUDIT_ARCH_X86_64) {
  seccomp_data data{};
  data.nr = number;
  data.arch = arch;
  std::memcpy(data.args, arguments.a, sizeof(data.args));
  return Interpret(InterceptionFilter(), data);
}

constexpr uint32_t Errno(uint32_t error) { return SECCOMP_RET_ERRNO | error; }

TEST(Filter, LeavesTheDataPathToTheKernel) {
  for (int number :
       {SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_close, SYS_poll, SYS_epoll_wait, SYS_select,
        SYS_sendfile, SYS_splice, SYS_dup2, SYS_fcntl, SYS_openat, SYS_clone}) {
    EXPECT_EQ(Ask(number), SECCOMP_RET_ALLOW) << number;
  }
}

TEST(Filter, NotifiesTheControlPath) {
  for (int number : {SYS_bind, SYS_connect, SYS_listen, SYS_accept, SYS_accept4, SYS_shutdown,
                     SYS_getsockname, SYS_getpeername, SYS_getsockopt, SYS_setsockopt, SYS_sendmsg,
                     SYS_recvmsg, SYS_sendmmsg, SYS_recvmmsg}) {
    EXPECT_EQ(Ask(number), SECCOMP_RET_USER_NOTIF) << number;
  }
}

TEST(Filter, SocketFamilies) {
  EXPECT_EQ(Ask(SYS_socket, {{AF_UNIX}}), SECCOMP_RET_ALLOW);
  EXPECT_EQ(Ask(SYS_socket, {{AF_INET}}), SECCOMP_RET_USER_NOTIF);
  EXPECT_EQ(Ask(SYS_socket, {{AF_INET6}}), SECCOMP_RET_USER_NOTIF);
  EXPECT_EQ(Ask(SYS_socket, {{AF_NETLINK}}), SECCOMP_RET_USER_NOTIF);
  EXPECT_EQ(Ask(SYS_socket, {{AF_PACKET}}), SECCOMP_RET_USER_NOTIF);
  for (uint64_t family : {AF_UNSPEC, AF_VSOCK, AF_XDP, AF_ALG, AF_BLUETOOTH, 255}) {
    EXPECT_EQ(Ask(SYS_socket, {{family}}), Errno(EAFNOSUPPORT)) << family;
  }
}

// The kernel takes the family as an int; rubbish in the upper half must not open a way round.
TEST(Filter, SocketFamilyIgnoresTheUpperHalf) {
  EXPECT_EQ(Ask(SYS_socket, {{0x1'0000'0000ull | AF_INET}}), SECCOMP_RET_USER_NOTIF);
  EXPECT_EQ(Ask(SYS_socket, {{0x1'0000'0000ull | AF_VSOCK}}), Errno(EAFNOSUPPORT));
}

TEST(Filter, SocketPair) {
  EXPECT_EQ(Ask(SYS_socketpair, {{AF_UNIX}}), SECCOMP_RET_ALLOW);
  EXPECT_EQ(Ask(SYS_socketpair, {{AF_INET}}), Errno(EOPNOTSUPP));
  EXPECT_EQ(Ask(SYS_socketpair, {{AF_VSOCK}}), Errno(EAFNOSUPPORT));
}

TEST(Filter, AddressesOfSendtoAndRecvfrom) {
  for (int number : {SYS_sendto, SYS_recvfrom}) {
    EXPECT_EQ(Ask(number), SECCOMP_RET_ALLOW);
    EXPECT_EQ(Ask(number, {{3, 0, 0, 0, 0x7fff0000}}), SECCOMP_RET_USER_NOTIF);
    EXPECT_EQ(Ask(number, {{3, 0, 0, 0, 0x100000000}}), SECCOMP_RET_USER_NOTIF);
  }
  EXPECT_EQ(Ask(SYS_recvfrom, {{3, 0, 0, MSG_ERRQUEUE, 0}}), SECCOMP_RET_USER_NOTIF);
  EXPECT_EQ(Ask(SYS_recvfrom, {{3, 0, 0, MSG_DONTWAIT, 0}}), SECCOMP_RET_ALLOW);
  EXPECT_EQ(Ask(SYS_sendto, {{3, 0, 0, MSG_OOB, 0}}), SECCOMP_RET_USER_NOTIF);
  EXPECT_EQ(Ask(SYS_sendto, {{3, 0, 0, MSG_NOSIGNAL, 0}}), SECCOMP_RET_ALLOW);
}

TEST(Filter, NetworkRequestsOfIoctl) {
  for (uint64_t request : {0x541B, 0x5411, 0x8900, 0x8910, 0x8912, 0x8927, 0x89ff, 0x8b01}) {
    EXPECT_EQ(Ask(SYS_ioctl, {{3, request}}), SECCOMP_RET_USER_NOTIF) << request;
  }
  for (uint64_t request :
       {0x5421 /* FIONBIO */, 0x5401 /* TCGETS */, 0x5413, 0x8a00, 0x88ff, 0x8c00}) {
    EXPECT_EQ(Ask(SYS_ioctl, {{3, request}}), SECCOMP_RET_ALLOW) << request;
  }
}

TEST(Filter, ClosesTheWaysRound) {
  for (int number : {SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register}) {
    EXPECT_EQ(Ask(number), Errno(ENOSYS));
  }
  EXPECT_EQ(Ask(0x40000000 | SYS_socket, {{AF_INET}}), Errno(ENOSYS));
  EXPECT_EQ(Ask(0x40000000 | SYS_read), Errno(ENOSYS));
  EXPECT_EQ(Ask(SYS_socket, {{AF_INET}}, AUDIT_ARCH_AARCH64), Errno(ENOSYS));
}

TEST(Filter, I386) {
  for (int number : {102, 337, 345, 359, 366, 373, 417, 425, 426, 427}) {
    EXPECT_EQ(Ask(number, {}, AUDIT_ARCH_I386), Errno(ENOSYS)) << number;
  }
  for (int number : {1, 3, 4, 5, 101, 103, 358, 374, 416, 418, 428, 41, 42}) {
    EXPECT_EQ(Ask(number, {}, AUDIT_ARCH_I386), SECCOMP_RET_ALLOW) << number;
  }
}

// The kernel's action cache needs an allowed call to be decided from the number alone.
TEST(Filter, UnlistedCallsAreDecidedByNumber) {
  const auto program = InterceptionFilter();
  for (int number = 0; number < 460; ++number) {
    seccomp_data zero{}, ones{};
    std::memset(&ones, 0xff, sizeof(ones));
    zero.nr = ones.nr = number;
    zero.arch = ones.arch = AUDIT_ARCH_X86_64;
    const bool by_arguments = number == SYS_socket || number == SYS_socketpair ||
                              number == SYS_sendto || number == SYS_recvfrom || number == SYS_ioctl;
    if (by_arguments) continue;
    EXPECT_EQ(Interpret(program, zero), Interpret(program, ones)) << number;
  }
}

}  // namespace
}  // namespace moat::sentry
