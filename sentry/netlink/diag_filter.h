// The filters of sock_diag requests (INET_DIAG_REQ_BYTECODE): what ss(8) compiles `sport = :80 and
// dst 10.0.0.0/8` into. A program of conditional forward jumps, which is checked once and then run
// for each socket, with the verdicts and errors of Linux's inet_diag.
//
//   op: {u8 code, u8 yes, u16 no}, then the code's argument. On a match the program goes on `yes`
//   bytes further, else `no` bytes. Whoever arrives exactly at the end is accepted, beyond it
//   rejected.
#ifndef MOAT_SENTRY_NETLINK_DIAG_FILTER_H_
#define MOAT_SENTRY_NETLINK_DIAG_FILTER_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "sentry/abi/errno_or.h"

namespace moat::sentry {

// A socket as a filter sees it.
struct DiagSubject {
  uint8_t family = 0;                       // AF_INET, AF_INET6
  std::span<const uint8_t> source;          // 4 or 16 bytes by the family, network order
  std::span<const uint8_t> destination;
  uint16_t source_port = 0;                 // host order
  uint16_t destination_port = 0;
  uint32_t interface = 0;                   // SO_BINDTODEVICE
  uint32_t mark = 0;
  bool automatic_port = false;              // not chosen by bind(2)
};

class DiagFilter {
 public:
  // Longer programs are refused (EINVAL); Linux's only bound is that of an attribute, 64 KiB. It
  // keeps what a request can cost within 4096 steps per socket.
  static constexpr size_t kMostBytes = 16 * 1024;

  // Accepts everything.
  DiagFilter() = default;
  // EINVAL: not a program, or one that could jump to where no op begins. EPERM: asks for marks
  // without CAP_NET_ADMIN. Takes time proportional to the size.
  static ErrnoOr<DiagFilter> Check(std::span<const uint8_t> program, bool net_admin);

  // Ends after at most size/4 steps, for every jump is forward.
  bool Accepts(const DiagSubject& subject) const;

 private:
  explicit DiagFilter(std::span<const uint8_t> program)
      : program_(program.begin(), program.end()) {}

  std::vector<uint8_t> program_;
};

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_NETLINK_DIAG_FILTER_H_
