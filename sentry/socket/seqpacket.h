// One message through a SOCK_SEQPACKET pair, with its tag.
#ifndef MOAT_SENTRY_SOCKET_SEQPACKET_H_
#define MOAT_SENTRY_SOCKET_SEQPACKET_H_

#include <cstddef>
#include <cstdint>
#include <span>

namespace moat::sentry {

struct SeqpacketMessage {
  size_t size = 0;        // of the message, which may be more than fitted
  bool has_tag = false;   // false at the end of the stream
  uint64_t tag = 0;
};

// Makes recvmsg() on `fd` report tags (SO_PASSCRED).
bool EnableTags(int fd);

// 0 or an errno (EAGAIN: no room; EPIPE: nobody reads). Needs CAP_SETUID and CAP_SETGID in the user
// namespace of the sentry.
int SendTagged(int fd, std::span<const uint8_t> payload, uint64_t tag);

// 0 or an errno. `flags`: MSG_PEEK or 0.
int ReceiveTagged(int fd, std::span<uint8_t> buffer, int flags, SeqpacketMessage* message);

// How many messages that were sent on `fd` can be unread at most; more may be said than there are.
size_t MostUnread(int fd);

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_SOCKET_SEQPACKET_H_
