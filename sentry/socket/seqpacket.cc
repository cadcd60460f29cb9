#include "sentry/socket/seqpacket.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstring>

namespace moat::sentry {
namespace {

// A cmsg buffer of exactly one SCM_CREDENTIALS.
union Control {
  cmsghdr align;
  char bytes[CMSG_SPACE(sizeof(ucred))];
};

}  // namespace

bool EnableTags(int fd) {
  const int on = 1;
  return setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) == 0;
}

int SendTagged(int fd, std::span<const uint8_t> payload, uint64_t tag) {
  static const pid_t self = getpid();
  iovec vector = {const_cast<uint8_t*>(payload.data()), payload.size()};
  Control control{};
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes;
  message.msg_controllen = sizeof(control.bytes);
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_CREDENTIALS;
  header->cmsg_len = CMSG_LEN(sizeof(ucred));
  const ucred credentials = {self, static_cast<uid_t>(tag >> 32), static_cast<gid_t>(tag)};
  std::memcpy(CMSG_DATA(header), &credentials, sizeof(credentials));
  while (sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

int ReceiveTagged(int fd, std::span<uint8_t> buffer, int flags, SeqpacketMessage* result) {
  iovec vector = {buffer.data(), buffer.size()};
  Control control{};
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes;
  message.msg_controllen = sizeof(control.bytes);
  ssize_t size;
  while ((size = recvmsg(fd, &message, MSG_DONTWAIT | MSG_TRUNC | flags)) < 0) {
    if (errno != EINTR) return errno;
  }
  result->size = static_cast<size_t>(size);
  result->has_tag = false;
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header != nullptr && header->cmsg_level == SOL_SOCKET &&
      header->cmsg_type == SCM_CREDENTIALS && header->cmsg_len >= CMSG_LEN(sizeof(ucred))) {
    ucred credentials;
    std::memcpy(&credentials, CMSG_DATA(header), sizeof(credentials));
    result->has_tag = true;
    result->tag = static_cast<uint64_t>(credentials.uid) << 32 | credentials.gid;
  }
  return 0;
}

}  // namespace moat::sentry
