#include "sentry/socket/container_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>

#include "sentry/sandbox.h"
#include "sentry/socket/parked_call.h"

namespace moat::sentry {

namespace {

const std::shared_ptr<const SocketSettings>& DefaultSettings() {
  static const auto& settings = *new std::shared_ptr<const SocketSettings>(new SocketSettings);
  return settings;
}

}  // namespace

ContainerSocket::ContainerSocket(Sandbox& sandbox, int domain, int type, int protocol)
    : sandbox_(sandbox),
      domain_(domain),
      type_(type),
      protocol_(protocol),
      settings_(DefaultSettings()) {}

ContainerSocket::~ContainerSocket() { sandbox_.loop().Remove(token_); }

void ContainerSocket::SetSettings(const SocketSettings& settings) {
  if (settings != *settings_) settings_ = std::make_shared<const SocketSettings>(settings);
}

ErrnoOr<OwnedFd> ContainerSocket::CreatePair(bool nonblocking) {
  const int kind = type_ == SOCK_STREAM ? SOCK_STREAM : SOCK_SEQPACKET;
  int ends[2];
  if (socketpair(AF_UNIX, kind | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) return Errno{errno};
  OwnedFd theirs(ends[1]);
  OwnedFd ours(ends[0]);
  if (!nonblocking) fcntl(theirs.get(), F_SETFL, O_RDWR);
  cookie_ = SocketCookie(theirs.get());
  if (cookie_ == 0) return Errno{ENOBUFS};
  end_ = std::move(ours);
  inode_ = 0;
  return theirs;
}

void ContainerSocket::OnReady(uint32_t newly_ready) {
  noted_ |= newly_ready;
  sandbox_.Note(this);
}

OwnedFd ContainerSocket::FindContainerEnd() {
  sandbox_.ApplyHints();
  if (hint_process_ == 0) return OwnedFd();
  auto file = sandbox_.processes().Duplicate(hint_process_, hint_descriptor_);
  if (!file.ok() || SocketCookie(file->get()) != cookie_) return OwnedFd();
  return std::move(*file);
}

Reply ContainerSocket::Bind(Call&, std::span<const uint8_t>) { return Reply::Fail(EOPNOTSUPP); }
Reply ContainerSocket::Connect(Call&, std::span<const uint8_t>) { return Reply::Fail(EOPNOTSUPP); }
Reply ContainerSocket::Listen(Call&, int) { return Reply::Fail(EOPNOTSUPP); }
Reply ContainerSocket::Accept(Call&, int) { return Reply::Fail(EOPNOTSUPP); }
Reply ContainerSocket::Shutdown(Call&, int) { return Reply::Fail(EOPNOTSUPP); }
ErrnoOr<std::vector<uint8_t>> ContainerSocket::Name(bool) { return Errno{EOPNOTSUPP}; }
Reply ContainerSocket::GetOption(Call&, int, int, uint64_t, uint64_t) {
  return Reply::Fail(ENOPROTOOPT);
}
Reply ContainerSocket::SetOption(Call&, int, int, int32_t, std::span<const uint8_t>) {
  return Reply::Fail(ENOPROTOOPT);
}
Reply ContainerSocket::Ioctl(Call&, uint32_t, uint64_t) { return Reply::Fail(ENOTTY); }
int ContainerSocket::Destroy() { return EOPNOTSUPP; }

bool ContainerSocket::StillWaits(uint64_t notification) const {
  return std::any_of(parked_.begin(), parked_.end(), [&](const auto& parked) {
    return parked->call.notification().id == notification && parked->call.Valid();
  });
}

int64_t ContainerSocket::Send(Call&, const OutgoingMessage&) { return -EOPNOTSUPP; }
int64_t ContainerSocket::Receive(Call&, IncomingMessage&) { return -EOPNOTSUPP; }

}  // namespace moat::sentry
