#include "runtime/init/channel.h"

#include <sys/socket.h>

#include <cerrno>
#include <string>

#include "absl/strings/str_cat.h"
#include "runtime/fd/pass_fd.h"
#include "runtime/verb.h"

namespace moat::runtime {
namespace {

constexpr size_t kMaxMessage = 16384;
constexpr int kDefaultExitCode = 255;

}  // namespace

absl::StatusOr<std::pair<Channel, Channel>> Channel::MakePair() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return absl::ErrnoToStatus(errno, "socketpair");
  }
  return std::make_pair(Channel(OwnedFd(ends[0])), Channel(OwnedFd(ends[1])));
}

absl::Status Channel::Send(MessageKind kind, absl::string_view text, int fd) {
  const std::string packet =
      absl::StrCat(absl::string_view(reinterpret_cast<const char*>(&kind), 1),
                   text.substr(0, kMaxMessage - 1));
  absl::Status status = SendWithFd(socket_.get(), packet, fd);
  if (status.ok() || (errno != EPIPE && errno != ECONNRESET)) return status;
  // The other side is gone; if it said why, that is the better error.
  while (true) {
    absl::StatusOr<Message> message = Receive();
    if (!message.ok()) return message.status();
  }
}

void Channel::SendError(const absl::Status& status) {
  // The first byte of the text is the exit code. Nobody may be listening any more: so be it.
  const char code = static_cast<char>(ExitCodeOf(status, kDefaultExitCode));
  [[maybe_unused]] absl::Status ignored =
      Send(MessageKind::kError, absl::StrCat(absl::string_view(&code, 1), status.message()));
}

absl::StatusOr<Channel::Message> Channel::Receive() {
  absl::StatusOr<Received> received = ReceiveWithFd(socket_.get(), kMaxMessage);
  // The other side ended with messages unread. That is told once, before what it had sent.
  if (!received.ok() && errno == ECONNRESET) received = ReceiveWithFd(socket_.get(), kMaxMessage);
  if (!received.ok()) return received.status();
  if (received->text.empty()) {
    return absl::UnavailableError("the container's process ended unexpectedly");
  }
  Message message{static_cast<MessageKind>(received->text[0]), received->text.substr(1),
                  std::move(received->fd)};
  if (message.kind == MessageKind::kError) {
    const absl::string_view text = message.text;
    const int code = text.empty() ? kDefaultExitCode : static_cast<unsigned char>(text[0]);
    absl::Status status = absl::AbortedError(text.empty() ? "" : text.substr(1));
    return code == kDefaultExitCode ? status : WithExitCode(status, code);
  }
  return message;
}

absl::StatusOr<Channel::Message> Channel::Expect(MessageKind kind) {
  while (true) {
    absl::StatusOr<Message> message = Receive();
    if (!message.ok() || message->kind == kind) return message;
    if (message->kind != MessageKind::kHandover) {
      return absl::InternalError("an unexpected message between runtime and container process");
    }
    handover_ = std::move(message->fd);
  }
}

absl::StatusOr<OwnedFd> Channel::TakeHandover() {
  if (!handover_.ok()) {
    absl::StatusOr<Message> message = Receive();
    if (!message.ok()) return message.status();
    if (message->kind != MessageKind::kHandover) {
      return absl::InternalError("an unexpected message between runtime and container process");
    }
    handover_ = std::move(message->fd);
  }
  return std::move(handover_);
}

}  // namespace moat::runtime
