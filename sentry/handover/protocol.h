// What passes through <state_dir>/sentry.sock, a SOCK_SEQPACKET Unix socket. One connection per
// process:
//
//   runtime -> sentry   Announcement, with the process's pidfd (SCM_RIGHTS)
//   sentry  -> runtime  Verdict: the sentry knows the process
//   process -> sentry   ListenerNumber: the filter is loaded
//   sentry  -> process  Verdict: calls are being served
//
// The connection itself is the descriptor that the process inherits. After loading its filter the
// process only reads and writes, because sendmsg() would be intercepted and nobody would answer:
// the sentry fetches the listener by its number (pidfd_getfd(2)).
#ifndef MOAT_SENTRY_HANDOVER_PROTOCOL_H_
#define MOAT_SENTRY_HANDOVER_PROTOCOL_H_

#include <cstdint>
#include <string>

namespace moat::sentry {

struct Announcement {
  static constexpr uint32_t kMagic = 0x74616f6d;
  uint32_t magic = kMagic;
  uint32_t first = 0;  // 1: the sandbox's init
};

struct ListenerNumber {
  int32_t descriptor = -1;
};

struct Verdict {
  int32_t error = 0;  // errno
};

inline std::string SentrySocketPath(const std::string& state_dir) {
  return state_dir + "/sentry.sock";
}

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_HANDOVER_PROTOCOL_H_
