#include "sentry/netlink/route_socket.h"

#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

namespace moat::sentry {
namespace {

constexpr size_t kBufferSize = 32768;     // the kernel's largest dump datagram
constexpr int kQueueBytes = 256 << 10;    // events that may wait; charged only when used
constexpr int kDumpAttempts = 8;

absl::StatusCode CodeOf(int error) {
  switch (error) {
    case ENOENT: case ESRCH: case ENODEV: return absl::StatusCode::kNotFound;
    case EEXIST: return absl::StatusCode::kAlreadyExists;
    case EPERM: case EACCES: return absl::StatusCode::kPermissionDenied;
    case EINVAL: return absl::StatusCode::kInvalidArgument;
    case EOPNOTSUPP: return absl::StatusCode::kUnimplemented;
    default: return absl::StatusCode::kUnavailable;
  }
}

}  // namespace

absl::Status StatusFromErrno(int error, const char* what) {
  if (error == 0) return absl::OkStatus();
  return absl::Status(CodeOf(error), absl::StrCat(what, ": ", strerror(error)));
}

RouteSocket::RouteSocket(OwnedFd fd) : fd_(std::move(fd)), buffer_(kBufferSize) {}

absl::StatusOr<RouteSocket> RouteSocket::Open(uint32_t groups) {
  OwnedFd fd(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  if (!fd.ok()) return StatusFromErrno(errno, "socket(AF_NETLINK)");
  // The kernel answers requests before send() returns; the limit is for a kernel that does not.
  const timeval limit = {.tv_sec = 1, .tv_usec = 0};
  setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &kQueueBytes, sizeof(kQueueBytes));
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = groups;
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    return StatusFromErrno(errno, "bind(AF_NETLINK)");
  }
  return RouteSocket(std::move(fd));
}

absl::Status RouteSocket::Send(std::span<const uint8_t> bytes) {
  const ssize_t sent = send(fd_.get(), bytes.data(), bytes.size(), 0);
  return sent < 0 ? StatusFromErrno(errno, "netlink send") : absl::OkStatus();
}

std::span<const uint8_t> RouteSocket::Receive(int flags, bool* lost) {
  *lost = false;
  ssize_t size = 0;
  do {
    size = recv(fd_.get(), buffer_.data(), buffer_.size(), flags);
  } while (size < 0 && errno == EINTR);
  if (size < 0) {
    *lost = errno == ENOBUFS;
    return {};
  }
  return std::span<const uint8_t>(buffer_).first(static_cast<size_t>(size));
}

absl::Status RouteSocket::DumpOnce(uint16_t type, uint8_t family, Visitor visit,
                                   bool* inconsistent) {
  const uint32_t sequence = NextSequence();
  NetlinkWriter request;
  request.Begin(type, NLM_F_REQUEST | NLM_F_DUMP, sequence, 0);
  if (type == RTM_GETLINK) {
    ifinfomsg message{};
    message.ifi_family = family;
    request.Fixed(message);
  } else {
    // Address, route and neighbour requests all start with the family.
    rtmsg message{};
    message.rtm_family = family;
    request.Fixed(message);
  }
  request.End();
  if (absl::Status sent = Send(request.bytes()); !sent.ok()) return sent;
  return Await(sequence, "netlink dump", [&](const NetlinkMessage& message) {
    if ((message.header.flags & NLM_F_DUMP_INTR) != 0) *inconsistent = true;
    const bool done = message.header.type == NLMSG_DONE;
    if (!done) visit(message);
    return done;
  });
}

absl::Status RouteSocket::Await(uint32_t sequence, const char* what,
                                absl::FunctionRef<bool(const NetlinkMessage&)> is_last) {
  while (true) {
    bool lost = false;
    NetlinkReader reader(Receive(0, &lost));
    NetlinkMessage message;
    bool any = false;
    while (reader.Next(&message)) {
      any = true;
      if (message.header.sequence != sequence) continue;  // of an abandoned request
      if (message.header.type == NLMSG_ERROR) {
        return StatusFromErrno(-message.Fixed<int32_t>().value_or(-EIO), what);
      }
      if (is_last(message)) return absl::OkStatus();
    }
    if (!any) return absl::UnavailableError(absl::StrCat(what, ": no answer"));
  }
}

absl::Status RouteSocket::Dump(uint16_t type, uint8_t family, absl::FunctionRef<void()> restart,
                               Visitor visit) {
  for (int attempt = 0; attempt < kDumpAttempts; ++attempt) {
    bool inconsistent = false;
    restart();
    absl::Status status = DumpOnce(type, family, visit, &inconsistent);
    if (!status.ok() || !inconsistent) return status;
  }
  return absl::AbortedError("netlink dump: tables keep changing");
}

absl::Status RouteSocket::Request(NetlinkWriter& request) {
  NetlinkReader own(request.bytes());
  NetlinkMessage sent;
  if (!own.Next(&sent)) return absl::InvalidArgumentError("netlink: malformed request");
  if (absl::Status status = Send(request.bytes()); !status.ok()) return status;
  return Await(sent.header.sequence, "netlink request",
               [](const NetlinkMessage&) { return false; });
}

bool RouteSocket::Drain(Visitor visit) {
  bool complete = true;
  // Bounded: whoever changes tables for ever must not hold the caller for ever.
  for (int i = 0; i < 1024; ++i) {
    bool lost = false;
    const std::span<const uint8_t> datagram = Receive(MSG_DONTWAIT, &lost);
    if (lost) {
      complete = false;
      continue;
    }
    if (datagram.empty()) break;
    NetlinkReader reader(datagram);
    NetlinkMessage message;
    while (reader.Next(&message)) visit(message);
  }
  return complete;
}

}  // namespace moat::sentry
