#include "sentry/socket/message_limit.h"

#include <errno.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <vector>

#include "base/owned_fd.h"

namespace moat::sentry {
namespace {

// What write() of so many octets gives on a fresh end of such a socket: 0 or an errno.
int Write(int domain, int type, size_t size) {
  int ends[2];
  EXPECT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
  const OwnedFd ours(ends[0]), theirs(ends[1]);
  LimitMessages(theirs.get(), domain, type);
  const std::vector<char> bytes(size);
  const ssize_t sent = send(theirs.get(), bytes.data(), size, MSG_NOSIGNAL);
  return sent == static_cast<ssize_t>(size) ? 0 : errno;
}

struct Case {
  int domain, type;
  size_t most;
};
constexpr Case kCases[] = {
    {AF_INET, SOCK_DGRAM, 65507},
    {AF_INET6, SOCK_DGRAM, 65527},
    {AF_INET, SOCK_RAW, 65535},
    {AF_INET6, SOCK_RAW, 65535},
};

TEST(MessageLimit, TheLongestDatagramPasses) {
  for (const Case& c : kCases) EXPECT_EQ(Write(c.domain, c.type, c.most), 0) << c.most;
}

// The kernel knows even sizes only.
TEST(MessageLimit, ALongerOneIsTooLong) {
  for (const Case& c : kCases) EXPECT_EQ(Write(c.domain, c.type, c.most + 2), EMSGSIZE) << c.most;
}

}  // namespace
}  // namespace moat::sentry
