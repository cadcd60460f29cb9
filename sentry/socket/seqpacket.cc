#include "sentry/socket/seqpacket.h"

#include <errno.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <limits>

#include "base/one_message.h"

namespace moat::sentry {

bool EnableTags(int fd) {
  const int on = 1;
  return setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) == 0;
}

int SendTagged(int fd, std::span<const uint8_t> payload, uint64_t tag) {
  static const pid_t self = getpid();
  OneMessage<ucred> message(payload.data(), payload.size());
  const ucred credentials = {self, static_cast<uid_t>(tag >> 32), static_cast<gid_t>(tag)};
  message.Attach(SOL_SOCKET, SCM_CREDENTIALS, credentials);
  while (sendmsg(fd, message.header(), MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

int ReceiveTagged(int fd, std::span<uint8_t> buffer, int flags, SeqpacketMessage* result) {
  OneMessage<ucred> message(buffer.data(), buffer.size());
  message.MakeRoom();
  ssize_t size;
  while ((size = recvmsg(fd, message.header(), MSG_DONTWAIT | MSG_TRUNC | flags)) < 0) {
    if (errno != EINTR) return errno;
  }
  result->size = static_cast<size_t>(size);
  const auto credentials = message.Attached(SOL_SOCKET, SCM_CREDENTIALS);
  result->has_tag = credentials.has_value();
  if (credentials.has_value()) {
    result->tag = static_cast<uint64_t>(credentials->uid) << 32 | credentials->gid;
  }
  return 0;
}

// SIOCOUTQ counts buffers, not payload, and no message comes without one: struct sk_buff and
// skb_shared_info alone are more than this.
size_t MostUnread(int fd) {
  constexpr size_t kLeastBuffer = 512;
  int bytes = 0;
  if (ioctl(fd, SIOCOUTQ, &bytes) != 0) return std::numeric_limits<size_t>::max();
  return static_cast<size_t>(bytes) / kLeastBuffer;
}

}  // namespace moat::sentry
