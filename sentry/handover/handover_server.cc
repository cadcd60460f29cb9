#include "sentry/handover/handover_server.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "absl/strings/str_cat.h"
#include "base/one_message.h"
#include "sentry/handover/protocol.h"

namespace moat::sentry {
namespace {

bool PeerMayCommand(int fd) {
  ucred peer{};
  socklen_t size = sizeof(peer);
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
  return peer.uid == 0 || peer.uid == geteuid();
}

// The announcement and its pidfd. 0 or an errno.
int ReceiveAnnouncement(int fd, Announcement* announcement, OwnedFd* pidfd) {
  OneMessage<int> message(announcement, sizeof(*announcement));
  message.MakeRoom();
  const ssize_t size = recvmsg(fd, message.header(), MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (size < 0) return errno;
  if (size == 0) return ECONNRESET;
  pidfd->reset(message.Attached(SOL_SOCKET, SCM_RIGHTS).value_or(-1));
  const bool good = static_cast<size_t>(size) == sizeof(*announcement) &&
                    announcement->magic == Announcement::kMagic && pidfd->ok();
  return good ? 0 : EPROTO;
}

}  // namespace

absl::StatusOr<OwnedFd> ListenSentrySocket(const std::string& state_dir) {
  OwnedFd directory(open(state_dir.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!directory.ok()) {
    return absl::ErrnoToStatus(errno, absl::StrCat("open ", state_dir));
  }
  // Through the descriptor, because sun_path is short and state directories need not be.
  const std::string path = absl::StrCat("/proc/self/fd/", directory.get(), "/sentry.sock");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  OwnedFd fd(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  unlinkat(directory.get(), "sentry.sock", 0);
  const mode_t mask = umask(0177);
  const int bound = bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address));
  umask(mask);
  if (bound != 0 || listen(fd.get(), 64) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("listen on ", SentrySocketPath(state_dir)));
  }
  return fd;
}

class HandoverServer::Connection final : public EventHandler {
 public:
  Connection(HandoverServer& server, OwnedFd fd) : server_(server), fd_(std::move(fd)) {
    token_ = server_.loop_.Add(fd_.get(), EPOLLIN, this);
  }
  ~Connection() override { server_.loop_.Remove(token_); }

  void OnEvents(uint32_t) override {
    const int error = pidfd_.ok() ? TakeListener() : TakeAnnouncement();
    if (error == EAGAIN) return;
    const Verdict verdict = {error};
    (void)!send(fd_.get(), &verdict, sizeof(verdict), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (error != 0 || done_) Finish();
  }

 private:
  int TakeAnnouncement() {
    Announcement announcement;
    OwnedFd pidfd;
    const int error = ReceiveAnnouncement(fd_.get(), &announcement, &pidfd);
    if (error != 0) return error;
    pidfd_ = std::move(pidfd);
    OwnedFd shared(fcntl(pidfd_.get(), F_DUPFD_CLOEXEC, 0));
    if (!shared.ok()) return errno;
    server_.delegate_.on_process(std::move(shared), announcement.first != 0);
    return 0;
  }

  int TakeListener() {
    ListenerNumber number;
    const ssize_t size = recv(fd_.get(), &number, sizeof(number), MSG_DONTWAIT);
    if (size < 0) return errno;
    if (size != sizeof(number)) return ECONNRESET;
    OwnedFd listener(
        static_cast<int>(syscall(SYS_pidfd_getfd, pidfd_.get(), number.descriptor, 0)));
    if (!listener.ok()) return errno;
    done_ = true;
    return server_.delegate_.on_listener(std::move(listener));
  }

  void Finish() {
    auto it = server_.connections_.find(this);
    server_.finished_ = std::move(it->second);
    server_.connections_.erase(it);
    server_.loop_.Remove(std::exchange(token_, 0));
    fd_.reset();
  }

  HandoverServer& server_;
  OwnedFd fd_;
  OwnedFd pidfd_;
  EventLoop::Token token_;
  bool done_ = false;
};

HandoverServer::HandoverServer(EventLoop& loop, OwnedFd listening, Delegate delegate)
    : loop_(loop), listening_(std::move(listening)), delegate_(std::move(delegate)) {
  token_ = loop_.Add(listening_.get(), EPOLLIN, this);
}

HandoverServer::~HandoverServer() { loop_.Remove(token_); }

void HandoverServer::OnEvents(uint32_t) {
  OwnedFd fd(accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!fd.ok() || !PeerMayCommand(fd.get()) || connections_.size() >= kMaxConnections) return;
  auto connection = std::make_unique<Connection>(*this, std::move(fd));
  Connection* key = connection.get();
  connections_[key] = std::move(connection);
}

}  // namespace moat::sentry
