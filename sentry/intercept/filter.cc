#include "sentry/intercept/filter.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "sentry/intercept/bpf_builder.h"

namespace moat::sentry {
namespace {

// What becomes of one system call number.
enum class Treatment : uint8_t {
  kNotify,
  kAbsent,         // ENOSYS
  kByFamily,       // socket(2)
  kPairByFamily,   // socketpair(2)
  kWithAddress,    // notified when argument 4 is not null, or when MSG_OOB is asked for
  kReceiveFrom,    // when argument 4 is not null, or when MSG_ERRQUEUE is asked for
  kByRequest,      // ioctl(2)
};

struct Rule {
  uint32_t number;
  Treatment treatment;
};

// Most frequent first: a notified call walks this list.
constexpr Rule kRules[] = {
    {SYS_accept4, Treatment::kNotify},
    {SYS_recvmsg, Treatment::kNotify},
    {SYS_sendmsg, Treatment::kNotify},
    {SYS_sendto, Treatment::kWithAddress},
    {SYS_recvfrom, Treatment::kReceiveFrom},
    {SYS_setsockopt, Treatment::kNotify},
    {SYS_getsockopt, Treatment::kNotify},
    {SYS_ioctl, Treatment::kByRequest},
    {SYS_shutdown, Treatment::kNotify},
    {SYS_socket, Treatment::kByFamily},
    {SYS_connect, Treatment::kNotify},
    {SYS_getsockname, Treatment::kNotify},
    {SYS_getpeername, Treatment::kNotify},
    {SYS_bind, Treatment::kNotify},
    {SYS_listen, Treatment::kNotify},
    {SYS_accept, Treatment::kNotify},
    {SYS_sendmmsg, Treatment::kNotify},
    {SYS_recvmmsg, Treatment::kNotify},
    {SYS_socketpair, Treatment::kPairByFamily},
    {SYS_io_uring_setup, Treatment::kAbsent},
    {SYS_io_uring_enter, Treatment::kAbsent},
    {SYS_io_uring_register, Treatment::kAbsent},
};

// arch/x86/entry/syscalls/syscall_32.tbl: ranges [first, last] that fail with ENOSYS.
struct Range {
  uint32_t first;
  uint32_t last;
};
constexpr Range kI386Absent[] = {
    {102, 102},  // socketcall
    {337, 337},  // recvmmsg
    {345, 345},  // sendmmsg
    {359, 373},  // socket ... shutdown
    {417, 417},  // recvmmsg_time64
    {425, 427},  // io_uring_*
};

// ioctl requests: sockios.h and the wireless extensions; the rest are those of sockets only.
constexpr Range kNetworkRequests[] = {
    {FIONREAD, FIONREAD},
    {TIOCOUTQ, TIOCOUTQ},
    {0x8900, 0x89ff},
    {0x8b00, 0x8bff},
};

constexpr uint32_t kX32Bit = 0x40000000;

constexpr size_t kCapacity = 160;
using Builder = BpfBuilder<kCapacity>;

struct Exits {
  Builder::Label allow, notify, absent, no_family, no_pair;
};

// Jumps to `inside` when the accumulator is in [first, last]; goes on otherwise.
constexpr void MatchRange(Builder& b, const Range& range, Builder::Label inside) {
  if (range.first == range.last) {
    b.JumpIfEqual(range.first, inside);
    return;
  }
  const Builder::Label outside = b.NewLabel();
  b.JumpIfAtLeast(range.first, Builder::kNext, outside);
  b.JumpIfAtLeast(range.last + 1, outside, inside);
  b.Place(outside);
}

// The family is an int: the upper half of the register does not count (SYSCALL_DEFINE3(socket,
// int...)).
constexpr void EmitFamily(Builder& b, const Exits& exits, Builder::Label inet) {
  b.Load(DataArgumentLow(0));
  b.JumpIfEqual(AF_UNIX, exits.allow);
  b.JumpIfEqual(AF_INET, inet);
  b.JumpIfEqual(AF_INET6, inet);
  b.JumpIfEqual(AF_PACKET, inet);
  b.JumpIfEqual(AF_NETLINK, inet, exits.no_family);
}

constexpr void EmitAddress(Builder& b, const Exits& exits, uint32_t flags) {
  b.Load(DataArgumentLow(3));
  b.JumpIfAnyBit(flags, exits.notify);
  b.Load(DataArgumentLow(4));
  b.JumpIfEqual(0, Builder::kNext, exits.notify);
  b.Load(DataArgumentHigh(4));
  b.JumpIfEqual(0, exits.allow, exits.notify);
}

constexpr void EmitRequest(Builder& b, const Exits& exits) {
  b.Load(DataArgumentLow(1));
  for (const Range& range : kNetworkRequests) MatchRange(b, range, exits.notify);
  b.Return(SECCOMP_RET_ALLOW);
}

constexpr Builder Assemble() {
  Builder b;
  const Exits exits = {b.NewLabel(), b.NewLabel(), b.NewLabel(), b.NewLabel(), b.NewLabel()};
  const Builder::Label native = b.NewLabel();

  b.Load(kDataArchitecture);
  b.JumpIfEqual(AUDIT_ARCH_X86_64, native);
  b.JumpIfEqual(AUDIT_ARCH_I386, Builder::kNext, exits.absent);
  b.Load(kDataNumber);
  for (const Range& range : kI386Absent) MatchRange(b, range, exits.absent);
  b.Return(SECCOMP_RET_ALLOW);

  b.Place(native);
  b.Load(kDataNumber);
  b.JumpIfAtLeast(kX32Bit, exits.absent);
  Builder::Label family = b.NewLabel(), pair = b.NewLabel(), address = b.NewLabel(),
                 receive = b.NewLabel(), request = b.NewLabel();
  for (const Rule& rule : kRules) {
    switch (rule.treatment) {
      case Treatment::kNotify: b.JumpIfEqual(rule.number, exits.notify); break;
      case Treatment::kAbsent: b.JumpIfEqual(rule.number, exits.absent); break;
      case Treatment::kByFamily: b.JumpIfEqual(rule.number, family); break;
      case Treatment::kPairByFamily: b.JumpIfEqual(rule.number, pair); break;
      case Treatment::kWithAddress: b.JumpIfEqual(rule.number, address); break;
      case Treatment::kReceiveFrom: b.JumpIfEqual(rule.number, receive); break;
      case Treatment::kByRequest: b.JumpIfEqual(rule.number, request); break;
    }
  }
  b.Return(SECCOMP_RET_ALLOW);

  b.Place(family);
  EmitFamily(b, exits, exits.notify);
  b.Place(pair);
  EmitFamily(b, exits, exits.no_pair);
  b.Place(receive);
  EmitAddress(b, exits, MSG_ERRQUEUE);
  b.Place(address);
  EmitAddress(b, exits, MSG_OOB);
  b.Place(request);
  EmitRequest(b, exits);

  b.Place(exits.allow);
  b.Return(SECCOMP_RET_ALLOW);
  b.Place(exits.notify);
  b.Return(SECCOMP_RET_USER_NOTIF);
  b.Place(exits.absent);
  b.ReturnErrno(ENOSYS);
  b.Place(exits.no_family);
  b.ReturnErrno(EAFNOSUPPORT);
  b.Place(exits.no_pair);
  b.ReturnErrno(EOPNOTSUPP);
  return b;
}

constexpr bool Check() {
  Builder b = Assemble();
  return b.Finish();
}
static_assert(Check(), "the interception filter does not assemble");

constexpr Builder Finished() {
  Builder b = Assemble();
  b.Finish();
  return b;
}
constexpr Builder kFilter = Finished();

}  // namespace

std::span<const sock_filter> InterceptionFilter() {
  return {kFilter.program().data(), kFilter.size()};
}

}  // namespace moat::sentry
