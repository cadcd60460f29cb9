// What datagram and packet sockets of the container have in common: messages.
//
// What arrives is put into the container's queue at once, as far as there is room, so that poll()
// and a plain read() are the kernel's own. Each message carries a tag (arrivals.h); an intercepted
// receive takes the message from there, else from the stack, and adds what the tag leads to.
//
// An error that the program is to be told is announced by an empty message, which an intercepted
// receive turns into the error.
#ifndef MOAT_SENTRY_SOCKET_QUEUED_CONTAINER_SOCKET_H_
#define MOAT_SENTRY_SOCKET_QUEUED_CONTAINER_SOCKET_H_

#include <sys/epoll.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "sentry/socket/arrivals.h"
#include "sentry/socket/container_socket.h"

namespace moat::sentry {

// `Handle` is the stack's socket, `Item` what its Receive() gives. Instantiated for those that
// there are in queued_container_socket.cc.
template <typename Handle, typename Item>
class QueuedContainerSocket : public ContainerSocket {
 public:
  ~QueuedContainerSocket() override;

  static constexpr uint32_t kEvents = EPOLLIN | EPOLLRDHUP | EPOLLET;

  void OnStackReady(uint32_t ready) final;

 protected:
  // A message that a receive has taken.
  struct Taken {
    Item item{};                     // its bytes too when it comes from the stack
    std::span<const uint8_t> bytes;  // in the item, or in the sandbox's datagram block
    size_t size = 0;                 // of the message; may be more than bytes.size()
  };

  QueuedContainerSocket(Sandbox& sandbox, int domain, int type, int protocol,
                        std::unique_ptr<Handle> handle);

  // Whether errors are the program's to know at present.
  virtual bool ReportsErrors() const { return true; }

  int TakeError();
  // After a socket option was set: the container's queue is as long as SO_RCVBUF says.
  void FitQueue(int level, int name, const Reply& reply);
  // What is to be sent, copied out of the caller's memory; at most the datagram block. EFAULT.
  ErrnoOr<std::span<const uint8_t>> PayloadOf(Call& call, const OutgoingMessage& message);

  // The next message. An errno, or 0; ESHUTDOWN when reading has been shut down.
  int Take(Call& call, int flags, Taken* taken);
  // Puts the bytes into `message`, with a way back into the queue; what the call returns.
  int64_t Report(IncomingMessage& message, const Taken& taken);

  // Moves what the stack has kept into the container's queue, as far as there is room. The rest
  // stays in the stack, whose own limit drops what is too much.
  void FillQueue();
  void Watch();  // what our end has to tell is told again, even if it was told before

  const std::unique_ptr<Handle> handle_;

 private:
  struct Arrival {
    Item item;      // without its bytes
    int error = 0;  // not a message but an errno to be reported
  };

  int TakeNext(Call& call, bool peek, Taken* taken, int* error);
  bool Deliver(std::span<const uint8_t> bytes, Item item, int error);
  void WaitForRoom(bool wait);

  ArrivalRing<Arrival> arrivals_;
  std::optional<Item> undelivered_;  // the container's queue had no room for it
  bool waits_for_room_ = false;
};

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_SOCKET_QUEUED_CONTAINER_SOCKET_H_
