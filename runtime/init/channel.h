// The conversation between a command (the "parent") and the container process it has just made (the
// "child"). A socket pair of packets, each a kind, a text and at most one descriptor. Whichever
// side dies, the other sees the end of the conversation; for the child that is the order to give
// up.
//
//   parent                         child
//   kGo (maps are written)   ->    makes its mounts
//   <- kRunHooks                   only if there are prestart or createRuntime hooks
//   kHooksDone               ->    pivots
//   <- kTerminal + master          only with a terminal
//   kHandover + descriptor   ->    (any time after kGo)
//   <- kReady                      everything is done that can fail before start
//   kStart                   ->    runs the program; the socket closes as it does (run, exec)
//   or kDetach               ->    lets go of the parent and waits at the fifo (create)
//   <- kError, exit code, text     at any time; the child then ends
#ifndef MOAT_RUNTIME_INIT_CHANNEL_H_
#define MOAT_RUNTIME_INIT_CHANNEL_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/owned_fd.h"

namespace moat::runtime {

enum class MessageKind : char {
  kGo = 'g',
  kRunHooks = 'h',
  kHooksDone = 'H',
  kTerminal = 't',
  kHandover = 'o',
  kReady = 'r',
  kStart = 's',
  kDetach = 'd',
  kError = 'e',
};

class Channel {
 public:
  static absl::StatusOr<std::pair<Channel, Channel>> MakePair();

  // When the other side is gone and has sent an error before, the error is that one.
  absl::Status Send(MessageKind kind, absl::string_view text = "", int fd = -1);
  // Sends an error with its exit code; Receive on the other side returns it as its own status.
  void SendError(const absl::Status& status);

  struct Message {
    MessageKind kind;
    std::string text;
    OwnedFd fd;
  };
  // The next message; kError as a status. Unavailable: the other side is gone.
  absl::StatusOr<Message> Receive();
  // The next message of that kind. A kHandover that comes first is kept for handover().
  absl::StatusOr<Message> Expect(MessageKind kind);

  // The descriptor of kHandover; waits for it if it has not come yet.
  absl::StatusOr<OwnedFd> TakeHandover();

  void Close() { socket_.reset(); }

 private:
  explicit Channel(OwnedFd socket) : socket_(std::move(socket)) {}

  OwnedFd socket_;
  OwnedFd handover_;
};

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_INIT_CHANNEL_H_
