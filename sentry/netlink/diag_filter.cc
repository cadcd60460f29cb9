#include "sentry/netlink/diag_filter.h"

#include <linux/inet_diag.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <iterator>
#include <optional>

#include "sentry/abi/bytes.h"

namespace moat::sentry {
namespace {

using Bytes = std::span<const uint8_t>;
using Op = inet_diag_bc_op;

constexpr size_t kOpSize = sizeof(Op);
static_assert(kOpSize == 4);
constexpr size_t kConditionSize = sizeof(inet_diag_hostcond);
static_assert(kConditionSize == 8);
constexpr int kAnyPort = -1;

// What follows an op, by its code: the bytes of its fixed argument.
constexpr uint8_t kArgumentSize[] = {
    0,                           // NOP
    0,                           // JMP
    kOpSize, kOpSize,            // S_GE, S_LE: the port is the `no` of a second op
    kOpSize, kOpSize,            // D_GE, D_LE
    0,                           // AUTO
    kConditionSize,              // S_COND, with an address behind
    kConditionSize,              // D_COND
    sizeof(uint32_t),            // DEV_COND
    sizeof(inet_diag_markcond),  // MARK_COND
    kOpSize, kOpSize,            // S_EQ, D_EQ
    sizeof(uint64_t),            // CGROUP_COND
};
static_assert(std::size(kArgumentSize) == INET_DIAG_BC_CGROUP_COND + 1);

bool IsHostCondition(uint8_t code) {
  return code == INET_DIAG_BC_S_COND || code == INET_DIAG_BC_D_COND;
}

std::optional<size_t> AddressSize(uint8_t family) {
  switch (family) {
    case AF_UNSPEC: return 0;
    case AF_INET: return 4;
    case AF_INET6: return 16;
    default: return std::nullopt;
  }
}

// The size of the op that `rest` begins with, arguments included; absent when it is none or does
// not fit.
std::optional<size_t> SizeOfOp(Bytes rest) {
  if (rest.size() < kOpSize) return std::nullopt;
  const Op op = LoadAt<Op>(rest, 0);
  if (op.code >= std::size(kArgumentSize)) return std::nullopt;
  size_t size = kOpSize + kArgumentSize[op.code];
  if (rest.size() < size) return std::nullopt;
  if (!IsHostCondition(op.code)) return size;
  const auto condition = LoadAt<inet_diag_hostcond>(rest, kOpSize);
  const auto address = AddressSize(condition.family);
  if (!address.has_value() || condition.prefix_len > 8 * *address) return std::nullopt;
  size += *address;
  if (rest.size() < size) return std::nullopt;
  return size;
}

bool IsJumpLength(size_t length, size_t least, size_t left) {
  return length >= least && length <= left + kOpSize && length % kOpSize == 0;
}

bool InPrefix(Bytes address, Bytes prefix, unsigned bits) {
  const size_t whole = bits / 8;
  if (std::memcmp(address.data(), prefix.data(), whole) != 0) return false;
  const unsigned rest = bits % 8;
  if (rest == 0) return true;
  const auto mask = static_cast<uint8_t>(0xff << (8 - rest));
  return ((address[whole] ^ prefix[whole]) & mask) == 0;
}

constexpr uint8_t kMappedPrefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

// `argument` is the condition with its address.
bool HostMatches(Bytes argument, uint8_t family, Bytes address, uint16_t port) {
  const auto condition = LoadAt<inet_diag_hostcond>(argument, 0);
  if (condition.port != kAnyPort && condition.port != port) return false;
  const Bytes prefix = argument.subspan(kConditionSize);
  if (condition.family != AF_UNSPEC && condition.family != family) {
    // An IPv4 prefix also matches the mapped addresses of dual-stack sockets.
    if (family != AF_INET6 || condition.family != AF_INET) return false;
    if (std::memcmp(address.data(), kMappedPrefix, sizeof(kMappedPrefix)) != 0) return false;
    address = address.subspan(sizeof(kMappedPrefix));
  }
  return condition.prefix_len == 0 || InPrefix(address, prefix, condition.prefix_len);
}

// Whether the op at the head of `rest`, which Check() has found good, matches.
bool Matches(Bytes rest, const DiagSubject& subject) {
  const uint8_t code = rest[0];
  const Bytes argument = rest.subspan(kOpSize);
  const auto port = [&argument] { return LoadAt<Op>(argument, 0).no; };
  switch (code) {
    case INET_DIAG_BC_JMP: return false;
    case INET_DIAG_BC_S_EQ: return subject.source_port == port();
    case INET_DIAG_BC_S_GE: return subject.source_port >= port();
    case INET_DIAG_BC_S_LE: return subject.source_port <= port();
    case INET_DIAG_BC_D_EQ: return subject.destination_port == port();
    case INET_DIAG_BC_D_GE: return subject.destination_port >= port();
    case INET_DIAG_BC_D_LE: return subject.destination_port <= port();
    case INET_DIAG_BC_AUTO: return subject.automatic_port;
    case INET_DIAG_BC_S_COND:
      return HostMatches(argument, subject.family, subject.source, subject.source_port);
    case INET_DIAG_BC_D_COND:
      return HostMatches(argument, subject.family, subject.destination, subject.destination_port);
    case INET_DIAG_BC_DEV_COND: return LoadAt<uint32_t>(argument, 0) == subject.interface;
    case INET_DIAG_BC_MARK_COND: {
      const auto condition = LoadAt<inet_diag_markcond>(argument, 0);
      return (subject.mark & condition.mask) == condition.mark;
    }
    case INET_DIAG_BC_CGROUP_COND: return false;  // control groups of sockets are not known here
    default: return true;                         // NOP
  }
}

}  // namespace

ErrnoOr<DiagFilter> DiagFilter::Check(Bytes program, bool net_admin) {
  if (program.size() < kOpSize || program.size() > kMostBytes) return Errno{EINVAL};
  // Ops begin where a chain of `yes` jumps from the start comes by; only these may be jumped to.
  std::vector<bool> begins(program.size() / kOpSize + 1);
  std::vector<size_t> targets;
  size_t at = 0;
  while (at < program.size()) {
    const Bytes rest = program.subspan(at);
    const auto size = SizeOfOp(rest);
    if (!size.has_value()) return Errno{EINVAL};
    const Op op = LoadAt<Op>(rest, 0);
    if (op.code == INET_DIAG_BC_MARK_COND && !net_admin) return Errno{EPERM};
    if (op.code != INET_DIAG_BC_NOP) {
      if (!IsJumpLength(op.no, *size, rest.size())) return Errno{EINVAL};
      if (op.no < rest.size()) targets.push_back(at + op.no);
    }
    if (!IsJumpLength(op.yes, *size, rest.size())) return Errno{EINVAL};
    begins[at / kOpSize] = true;
    at += op.yes;
  }
  if (at != program.size()) return Errno{EINVAL};
  for (size_t target : targets) {
    if (!begins[target / kOpSize]) return Errno{EINVAL};
  }
  return DiagFilter(program);
}

bool DiagFilter::Accepts(const DiagSubject& subject) const {
  const Bytes program = program_;
  size_t at = 0;
  while (at < program.size()) {
    const Bytes rest = program.subspan(at);
    const Op op = LoadAt<Op>(rest, 0);
    at += Matches(rest, subject) ? op.yes : op.no;
  }
  return at == program.size();
}

}  // namespace moat::sentry
