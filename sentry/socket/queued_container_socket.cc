#include "sentry/socket/queued_container_socket.h"

#include <errno.h>
#include <sys/socket.h>

#include <algorithm>
#include <utility>

#include "netstack/socket/datagram_socket.h"
#include "netstack/socket/packet_socket.h"
#include "sentry/abi/errno_map.h"
#include "sentry/sandbox.h"
#include "sentry/socket/seqpacket.h"

namespace moat::sentry {
namespace {

using netstack::Slice;
namespace ready = netstack::ready;

constexpr int kLeastSendBuffer = 33000;  // the kernel doubles it

const Slice& BytesOf(const netstack::Datagram& datagram) { return datagram.payload; }
const Slice& BytesOf(const netstack::CapturedFrame& frame) { return frame.bytes; }
void SetBytes(netstack::Datagram& datagram, Slice bytes) { datagram.payload = std::move(bytes); }
void SetBytes(netstack::CapturedFrame& frame, Slice bytes) { frame.bytes = std::move(bytes); }

}  // namespace

template <typename Handle, typename Item>
QueuedContainerSocket<Handle, Item>::QueuedContainerSocket(Sandbox& sandbox, int domain, int type,
                                                           int protocol,
                                                           std::unique_ptr<Handle> handle)
    : ContainerSocket(sandbox, domain, type, protocol), handle_(std::move(handle)) {
  handle_->SetObserver(this);
}

template <typename Handle, typename Item>
QueuedContainerSocket<Handle, Item>::~QueuedContainerSocket() {
  handle_->SetObserver(nullptr);
}

template <typename Handle, typename Item>
int QueuedContainerSocket<Handle, Item>::TakeError() {
  if (pending_error_ != 0) return std::exchange(pending_error_, 0);
  return ToErrno(handle_->TakeError());
}

template <typename Handle, typename Item>
void QueuedContainerSocket<Handle, Item>::FitQueue(int level, int name, const Reply& reply) {
  const bool resized = level == SOL_SOCKET && (name == SO_RCVBUF || name == SO_RCVBUFFORCE);
  if (!resized || reply.value() != 0) return;
  // The container's queue is charged to our end. One message fits always, as on Linux.
  const int size = std::max(static_cast<int>(handle_->options().receive_buffer), kLeastSendBuffer);
  setsockopt(end_.get(), SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
}

template <typename Handle, typename Item>
ErrnoOr<std::span<const uint8_t>> QueuedContainerSocket<Handle, Item>::PayloadOf(
    Call& call, const OutgoingMessage& message) {
  if (message.payload.has_value()) return *message.payload;
  const size_t size = message.data->total;
  const std::span<uint8_t> buffer = sandbox_.datagram_block().first(size);
  if (call.memory().Gather(*message.data, buffer) != static_cast<ssize_t>(size))
    return Errno{EFAULT};
  return std::span<const uint8_t>(buffer);
}

// --- Into the container's queue ------------------------------------------------------------------

template <typename Handle, typename Item>
void QueuedContainerSocket<Handle, Item>::OnStackReady(uint32_t bits) {
  sandbox_.Retry(this);  // blocked receives take theirs without a detour
  if ((bits & ready::kError) != 0 && ReportsErrors()) {
    const int error = TakeError();
    if (error != 0) {
      pending_error_ = error;
      Deliver({}, Item{}, error);
    }
  }
  FillQueue();
  sandbox_.Retry(this);  // those that peek look into the container's queue only
}

template <typename Handle, typename Item>
bool QueuedContainerSocket<Handle, Item>::Deliver(std::span<const uint8_t> bytes, Item item,
                                                  int error) {
  SetBytes(item, Slice());
  if (arrivals_.due()) arrivals_.Keep(MostUnread(end_.get()));
  const uint64_t tag = arrivals_.Push({std::move(item), error});
  if (SendTagged(end_.get(), bytes, tag) == 0) return true;
  arrivals_.PopLast();
  return false;
}

template <typename Handle, typename Item>
void QueuedContainerSocket<Handle, Item>::FillQueue() {
  for (;;) {
    if (!undelivered_.has_value()) {
      auto next = handle_->Receive();
      if (!next.ok()) return WaitForRoom(false);
      undelivered_ = std::move(*next);
    }
    if (!Deliver(BytesOf(*undelivered_).span(), *undelivered_, 0)) return WaitForRoom(true);
    undelivered_.reset();
  }
}

template <typename Handle, typename Item>
void QueuedContainerSocket<Handle, Item>::WaitForRoom(bool wait) {
  if (wait == waits_for_room_) return;
  waits_for_room_ = wait;
  Watch();
}

template <typename Handle, typename Item>
void QueuedContainerSocket<Handle, Item>::Watch() {
  sandbox_.loop().Modify(token_, waits_for_room_ ? kEvents | EPOLLOUT : kEvents);
}

// --- Out of it -----------------------------------------------------------------------------------

template <typename Handle, typename Item>
int QueuedContainerSocket<Handle, Item>::Take(Call& call, int flags, Taken* taken) {
  for (;;) {
    const int pending = TakeError();
    if (pending != 0) return pending;
    int announced = 0;
    const int error = TakeNext(call, (flags & MSG_PEEK) != 0, taken, &announced);
    // What was announced is pending no more: it has been reported already.
    if (error != 0 || announced == 0) return error;
  }
}

// `*error`: what the message announces, or 0.
template <typename Handle, typename Item>
int QueuedContainerSocket<Handle, Item>::TakeNext(Call& call, bool peek, Taken* taken, int* error) {
  const std::span<uint8_t> buffer = sandbox_.datagram_block();
  SeqpacketMessage message;
  const int failed = ReceiveTagged(call.file(), buffer, peek ? MSG_PEEK : 0, &message);
  if (failed == 0) {
    if (!message.has_tag) return ESHUTDOWN;
    auto known = arrivals_.Take(message.tag, peek);
    if (known.has_value()) {
      taken->item = std::move(known->item);
      *error = known->error;
    } else {
      taken->item = Item{};
      ++sandbox_.counters().metadata_lost;
    }
    taken->size = message.size;
    taken->bytes = buffer.first(std::min(buffer.size(), message.size));
    return 0;
  }
  if (failed != EAGAIN) return failed;
  arrivals_.Clear();
  if (peek) return EAGAIN;  // what can be peeked at is in the container's queue
  if (undelivered_.has_value()) {
    taken->item = *std::exchange(undelivered_, std::nullopt);
  } else {
    auto next = handle_->Receive();
    if (!next.ok()) return EAGAIN;
    taken->item = std::move(*next);
  }
  taken->bytes = BytesOf(taken->item).span();
  taken->size = taken->bytes.size();
  return 0;
}

template <typename Handle, typename Item>
int64_t QueuedContainerSocket<Handle, Item>::Report(IncomingMessage& message, const Taken& taken) {
  const size_t fits = std::min<uint64_t>(taken.bytes.size(), message.data->total);
  message.payload = taken.bytes.first(fits);
  message.kept = BytesOf(taken.item);
  if (taken.size > message.data->total) message.result_flags |= MSG_TRUNC;
  if ((message.flags & MSG_PEEK) == 0) {
    // Back to the end of the queue: order is not promised, and it is better than a loss. The
    // datagram block does not last until then.
    Item item = taken.item;
    if (BytesOf(item).empty()) SetBytes(item, Slice::Copy(taken.bytes));
    message.undo = [&sandbox = sandbox_, cookie = cookie_, item = std::move(item)] {
      auto* socket = static_cast<QueuedContainerSocket*>(sandbox.Find(cookie));
      if (socket != nullptr && !socket->Deliver(BytesOf(item).span(), item, 0)) {
        ++sandbox.counters().datagrams_dropped;
      }
    };
  }
  return static_cast<int64_t>((message.flags & MSG_TRUNC) != 0 ? taken.size : fits);
}

template class QueuedContainerSocket<netstack::DatagramSocket, netstack::Datagram>;
template class QueuedContainerSocket<netstack::PacketSocket, netstack::CapturedFrame>;

}  // namespace moat::sentry
