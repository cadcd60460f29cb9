#include "sentry/socket/packet_container_socket.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <sys/socket.h>

#include <algorithm>
#include <utility>

#include "sentry/abi/control_writer.h"
#include "sentry/abi/errno_map.h"
#include "sentry/abi/packet_structs.h"
#include "sentry/abi/receive_control.h"
#include "sentry/sandbox.h"
#include "sentry/socket/seqpacket.h"

namespace moat::sentry {
namespace {

using netstack::CapturedFrame;
using netstack::ClassicBpf;
using netstack::Error;
using netstack::LinkName;
namespace ready = netstack::ready;

constexpr int kBatch = 64;
constexpr int kLeastSendBuffer = 33000;  // the kernel doubles it

}  // namespace

PacketContainerSocket::PacketContainerSocket(Sandbox& sandbox, int type, int protocol,
                                             std::unique_ptr<netstack::PacketSocket> handle)
    : ContainerSocket(sandbox, AF_PACKET, type, protocol), handle_(std::move(handle)) {
  handle_->SetObserver(this);
}

PacketContainerSocket::~PacketContainerSocket() { handle_->SetObserver(nullptr); }

Reply PacketContainerSocket::Bind(Call&, std::span<const uint8_t> name) {
  auto decoded = DecodeSockaddrLl(name, LinkAddressUse::kBind);
  if (!decoded.ok()) return Reply::Fail(decoded.error());
  return Reply::Value(-ToErrno(handle_->Bind(decoded->protocol, decoded->interface)));
}

ErrnoOr<std::vector<uint8_t>> PacketContainerSocket::Name(bool peer) {
  if (peer) return Errno{EOPNOTSUPP};
  const LinkName name = handle_->Local();
  const auto bytes = EncodeSockaddrLl(name);
  return std::vector<uint8_t>(bytes.begin(), bytes.begin() + kSockaddrLlHeader + name.size);
}

// --- Options -------------------------------------------------------------------------------------

Reply PacketContainerSocket::GetOption(Call& call, int level, int name, uint64_t value,
                                       uint64_t length_address) {
  return GetInetOption(View(), call, level, name, value, length_address);
}

Reply PacketContainerSocket::SetOption(Call& call, int level, int name, int32_t length,
                                       std::span<const uint8_t> value) {
  if (level == SOL_SOCKET && name == SO_ATTACH_FILTER) return AttachFilter(call, length, value);
  if (level == SOL_SOCKET && name == SO_DETACH_FILTER) return DetachFilter(length);
  Reply reply = SetInetOption(View(), call, level, name, length, value);
  if (level == SOL_SOCKET && (name == SO_RCVBUF || name == SO_RCVBUFFORCE) && reply.value() == 0) {
    // The container's queue is charged to our end. One frame fits always, as on Linux.
    const int size =
        std::max(static_cast<int>(handle_->options().receive_buffer), kLeastSendBuffer);
    setsockopt(end_.get(), SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
  }
  return reply;
}

Reply PacketContainerSocket::AttachFilter(Call& call, int32_t length,
                                          std::span<const uint8_t> value) {
  auto reference = DecodeFilterReference(length, value);
  if (!reference.ok()) return Reply::Fail(reference.error());
  if (settings_->at(Remembered::kLockFilter) != 0) return Reply::Fail(EPERM);
  std::vector<uint8_t> code(reference->count * kSockFilterSize);
  if (!call.memory().Read(reference->address, code)) return Reply::Fail(EFAULT);
  if (!call.Valid()) return Reply::Nobody();
  auto filter = ClassicBpf::Verify(DecodeFilter(code));
  if (!filter.ok()) return Reply::Fail(ToErrno(filter.error()));
  handle_->SetFilter(std::move(*filter));
  return Reply::Value(0);
}

Reply PacketContainerSocket::DetachFilter(int32_t length) {
  if (length < static_cast<int32_t>(sizeof(int))) return Reply::Fail(EINVAL);
  if (settings_->at(Remembered::kLockFilter) != 0) return Reply::Fail(EPERM);
  if (!handle_->has_filter()) return Reply::Fail(ENOENT);
  handle_->SetFilter(std::nullopt);
  return Reply::Value(0);
}

// --- Sending -------------------------------------------------------------------------------------

int PacketContainerSocket::TakeError() {
  if (pending_error_ != 0) return std::exchange(pending_error_, 0);
  return ToErrno(handle_->TakeError());
}

int PacketContainerSocket::SendNow(std::span<const uint8_t> frame,
                                   const std::optional<LinkName>& to) {
  const Error error = handle_->Send({&frame, 1}, to);
  return error == Error::kNotConnected ? ENXIO : ToErrno(error);
}

int64_t PacketContainerSocket::Send(Call& call, const OutgoingMessage& message) {
  std::optional<LinkName> to;
  if (!message.name.empty()) {
    auto decoded = DecodeSockaddrLl(message.name, LinkAddressUse::kSend);
    if (!decoded.ok()) return -decoded.error();
    to = *decoded;
  }
  const size_t size = message.data->total;
  if (size > sandbox_.datagram_block().size()) return -EMSGSIZE;
  std::span<const uint8_t> frame;
  if (message.payload.has_value()) {
    frame = *message.payload;
  } else {
    const std::span<uint8_t> buffer = sandbox_.datagram_block().first(size);
    if (call.memory().Gather(*message.data, buffer) != static_cast<ssize_t>(size)) return -EFAULT;
    frame = buffer;
  }
  if (!call.Valid()) return -ESRCH;
  const int error = SendNow(frame, to);
  return error == 0 ? static_cast<int64_t>(size) : -error;
}

// What the container has written. Errors have nobody to go to.
void PacketContainerSocket::DrainWritten() {
  for (int i = 0; i < kBatch; ++i) {
    SeqpacketMessage message;
    const std::span<uint8_t> buffer = sandbox_.datagram_block();
    if (ReceiveTagged(end_.get(), buffer, 0, &message) != 0) return;
    if (!message.has_tag) {  // the last descriptor is closed
      sandbox_.Remove(this);
      return;
    }
    if (message.size <= buffer.size()) (void)SendNow(buffer.first(message.size), std::nullopt);
  }
  Watch();  // there may be more: the edge is due again
}

void PacketContainerSocket::OnEvents(uint32_t events) {
  DrainWritten();
  if ((events & EPOLLOUT) != 0) FillQueue();
}

// --- Receiving -----------------------------------------------------------------------------------

void PacketContainerSocket::OnStackReady(uint32_t bits) {
  sandbox_.Retry(this);  // blocked receives take theirs without a detour
  if ((bits & ready::kError) != 0) {
    const int error = TakeError();
    if (error != 0) {
      pending_error_ = error;
      Deliver({}, {CapturedFrame{}, error});
    }
  }
  FillQueue();
  sandbox_.Retry(this);  // those that peek look into the container's queue only
}

bool PacketContainerSocket::Deliver(std::span<const uint8_t> bytes, FrameArrival arrival) {
  arrival.frame.bytes = netstack::Slice();
  const uint64_t tag = arrivals_.Push(std::move(arrival));
  if (SendTagged(end_.get(), bytes, tag) == 0) return true;
  arrivals_.PopLast();
  return false;
}

// Moves what the stack has kept into the container's queue, as far as there is room. The rest stays in
// the stack, whose own limit drops what is too much, and counts it.
void PacketContainerSocket::FillQueue() {
  for (;;) {
    if (!undelivered_.has_value()) {
      auto frame = handle_->Receive();
      if (!frame.ok()) return WaitForRoom(false);
      undelivered_ = std::move(*frame);
    }
    const netstack::Slice bytes = undelivered_->bytes;
    if (!Deliver(bytes.span(), {*undelivered_, 0})) return WaitForRoom(true);
    undelivered_.reset();
  }
}

void PacketContainerSocket::WaitForRoom(bool wait) {
  if (wait == waits_for_room_) return;
  waits_for_room_ = wait;
  Watch();
}

void PacketContainerSocket::Watch() {
  sandbox_.loop().Modify(token_, waits_for_room_ ? kEvents | EPOLLOUT : kEvents);
}

int PacketContainerSocket::Take(Call& call, int flags, FrameArrival* arrival,
                                std::span<const uint8_t>* bytes, size_t* size) {
  const std::span<uint8_t> buffer = sandbox_.datagram_block();
  SeqpacketMessage message;
  const bool peek = (flags & MSG_PEEK) != 0;
  const int error = ReceiveTagged(call.file(), buffer, peek ? MSG_PEEK : 0, &message);
  if (error == 0) {
    auto known = arrivals_.Take(message.tag, peek);
    if (known.has_value()) {
      *arrival = std::move(*known);
    } else {
      ++sandbox_.counters().metadata_lost;
    }
    *size = message.size;
    *bytes = buffer.first(std::min(buffer.size(), message.size));
    return 0;
  }
  if (error != EAGAIN) return error;
  arrivals_.Clear();
  if (peek) return EAGAIN;  // what can be peeked at is in the container's queue
  if (undelivered_.has_value()) {
    arrival->frame = *std::exchange(undelivered_, std::nullopt);
  } else {
    auto frame = handle_->Receive();
    if (!frame.ok()) return EAGAIN;
    arrival->frame = std::move(*frame);
  }
  *bytes = arrival->frame.bytes.span();
  *size = bytes->size();
  return 0;
}

int64_t PacketContainerSocket::Receive(Call& call, IncomingMessage& message) {
  constexpr int kKnownFlags = MSG_PEEK | MSG_DONTWAIT | MSG_TRUNC | MSG_ERRQUEUE;
  if ((message.flags & ~kKnownFlags) != 0) return -EINVAL;
  if (gone()) return -ENODEV;
  if ((message.flags & MSG_ERRQUEUE) != 0) return -EAGAIN;  // no transmit timestamps
  for (;;) {
    const int pending = TakeError();
    if (pending != 0) return -pending;
    FrameArrival arrival;
    std::span<const uint8_t> bytes;
    size_t size = 0;
    const int error = Take(call, message.flags, &arrival, &bytes, &size);
    if (error != 0) return -error;
    if (arrival.error != 0) continue;  // announced an error that has been reported already
    return Report(message, arrival, bytes, size);
  }
}

int64_t PacketContainerSocket::Report(IncomingMessage& message, const FrameArrival& arrival,
                                      std::span<const uint8_t> bytes, size_t size) {
  const size_t fits = std::min<uint64_t>(bytes.size(), message.data->total);
  message.payload = bytes.first(fits);
  message.kept = arrival.frame.bytes;
  const auto name = EncodeSockaddrLl(arrival.frame.source);
  message.name.assign(name.begin(), name.end());
  if (size > message.data->total) message.result_flags |= MSG_TRUNC;
  if (settings_->receive_control != ReceiveControlFlags{}) {
    ControlWriter writer(message.control_capacity);
    ReceiveContext context;
    context.realtime_nanoseconds = RealtimeOf(arrival.frame.received, sandbox_.clock().Now());
    WriteSocketLevelControl(settings_->receive_control, context, writer);
    if (settings_->receive_control.packet_auxiliary) {
      writer.Put(SOL_PACKET, PACKET_AUXDATA, EncodeAuxiliary(arrival.frame, size));
    }
    message.control.assign(writer.bytes().begin(), writer.bytes().end());
    if (writer.truncated()) message.result_flags |= MSG_CTRUNC;
  }
  if ((message.flags & MSG_PEEK) == 0) {
    // Back to the end of the queue: out of order is better than lost.
    message.undo = [&sandbox = sandbox_, cookie = cookie_, frame = arrival.frame,
                    copy = std::vector<uint8_t>(bytes.begin(), bytes.end())] {
      auto* socket = static_cast<PacketContainerSocket*>(sandbox.Find(cookie));
      if (socket != nullptr && !socket->Deliver(copy, {frame, 0})) {
        ++sandbox.counters().datagrams_dropped;
      }
    };
  }
  return static_cast<int64_t>((message.flags & MSG_TRUNC) != 0 ? size : fits);
}

}  // namespace moat::sentry
