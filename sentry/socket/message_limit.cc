#include "sentry/socket/message_limit.h"

#include <sys/socket.h>

namespace moat::sentry {
namespace {

constexpr size_t kSetAside = 32;  // unix_dgram_sendmsg()

struct Row {
  int domain;
  int type;
  size_t most;
};

constexpr size_t kMost = 65535;  // raw and packet sockets: headers may be the program's
constexpr Row kRows[] = {
    {AF_INET, SOCK_DGRAM, kMost - 20 - 8},
    {AF_INET6, SOCK_DGRAM, kMost - 8},
};

}  // namespace

size_t MostPayload(int domain, int type) {
  for (const Row& row : kRows) {
    if (row.domain == domain && row.type == type) return row.most;
  }
  return kMost;
}

void LimitMessages(int file, int domain, int type) {
  // The kernel doubles what it is told.
  const int half = static_cast<int>((MostPayload(domain, type) + kSetAside + 1) / 2);
  setsockopt(file, SOL_SOCKET, SO_SNDBUF, &half, sizeof(half));
}

}  // namespace moat::sentry
