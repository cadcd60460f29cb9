// sendto, sendmsg, sendmmsg, recvfrom, recvmsg, recvmmsg: the headers in the container's memory,
// and what is written back to them.
#include <errno.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <vector>

#include "sentry/abi/bytes.h"
#include "sentry/abi/msghdr.h"
#include "sentry/abi/sockaddr.h"
#include "sentry/calls/handlers.h"
#include "sentry/memory/remote_transfer.h"

namespace moat::sentry {
namespace {

// Messages that one sendmmsg or recvmmsg call moves; the rest is left to the program's next call,
// as after an interruption.
constexpr size_t kMostMessages = 64;
constexpr size_t kFewVectors = 16;

// A msghdr and all that it points to, except the payload.
struct Header {
  MessageHeader fields;
  IoVectors data;
  std::array<uint8_t, kMaxSockaddr> name;
  size_t name_size = 0;
  std::vector<uint8_t> control;
};

int ReadFields(const Call& call, uint64_t address, MessageHeader* fields) {
  std::array<uint8_t, kMsghdrSize> bytes;
  if (!call.memory().Read(address, bytes)) return EFAULT;
  auto decoded = DecodeMsghdr(bytes);
  if (!decoded.ok()) return decoded.error();
  *fields = *decoded;
  return 0;
}

// Room for the raw vectors of a msghdr while they are read.
class RawVectors {
 public:
  explicit RawVectors(size_t count) : size_(count * kIoVectorSize) {  // at most kMaxIoVectors
    if (size_ > few_.size()) many_.resize(size_);
  }
  std::span<uint8_t> bytes() {
    return many_.empty() ? std::span<uint8_t>(few_).first(size_) : std::span<uint8_t>(many_);
  }
  int Decode(IoVectors* data) {
    auto decoded = DecodeIoVectors(bytes());
    if (!decoded.ok()) return decoded.error();
    *data = std::move(*decoded);
    return 0;
  }

 private:
  size_t size_;
  std::array<uint8_t, kFewVectors * kIoVectorSize> few_;
  std::vector<uint8_t> many_;
};

int ReadVectors(const Call& call, const MessageHeader& fields, IoVectors* data) {
  RawVectors raw(fields.iov_count);
  return call.memory().Read(fields.iov, raw.bytes()) ? raw.Decode(data) : EFAULT;
}

// What a send brings along: name, control data and vectors in one copy.
int ReadSendHeader(const Call& call, Header* header) {
  header->name_size = std::min(header->fields.name_length, header->name.size());
  const uint64_t wanted = header->fields.control == 0 ? 0 : header->fields.control_length;
  auto size = CheckSendControlLength(wanted);
  if (!size.ok()) return size.error();
  header->control.resize(*size);
  RawVectors raw(header->fields.iov_count);
  RemoteTransfer transfer(call.memory(), RemoteTransfer::Direction::kRead);
  transfer.Read(header->fields.name, {header->name.data(), header->name_size});
  transfer.Read(header->fields.control, header->control);
  transfer.Read(header->fields.iov, raw.bytes());
  return transfer.Commit() ? raw.Decode(&header->data) : EFAULT;
}

OutgoingMessage Outgoing(const Header& header, int flags) {
  return {
      {header.name.data(), header.name_size}, &header.data, std::nullopt, header.control, flags};
}

// What handlers return when the caller is gone; no call of a container ever fails with it.
constexpr int kGone = ESRCH;

// A result as the reply: -EAGAIN of a call that may block waits.
Reply ReplyOf(ContainerSocket& socket, Call& call, int flags, int64_t result, bool sending) {
  if (result == -kGone) return Reply::Nobody();
  if (result != -EAGAIN || (flags & (MSG_DONTWAIT | MSG_ERRQUEUE)) != 0 || call.nonblocking()) {
    return Reply::Value(result);
  }
  const SocketSettings& settings = socket.settings();
  return Reply::Park(sending ? settings.send_timeout : settings.receive_timeout, EAGAIN);
}

// One message of sendmsg or sendmmsg. Sets *native when the kernel shall do it.
int64_t SendOne(ContainerSocket& socket, Call& call, uint64_t address, int flags, bool* native) {
  Header header;
  if (int error = ReadFields(call, address, &header.fields); error != 0) return -error;
  if (native != nullptr && header.fields.name_length == 0 && header.fields.control_length == 0) {
    *native = socket.SendIsNative(Outgoing(header, flags));
    if (*native) return 0;
  }
  if (int error = ReadSendHeader(call, &header); error != 0) return -error;
  return socket.Send(call, Outgoing(header, flags));
}

// The results of a receive, written to the msghdr at `address`, and the payload to its vectors. 0
// or an errno.
int WriteReceived(const Call& call, uint64_t address, const MessageHeader& fields,
                  const IncomingMessage& message) {
  RemoteTransfer transfer(call.memory(), RemoteTransfer::Direction::kWrite);
  transfer.Scatter(message.payload, *message.data);
  const uint32_t full_name = static_cast<uint32_t>(message.name.size());
  if (fields.name != 0) {
    const size_t copied = std::min(fields.name_length, message.name.size());
    transfer.Write(fields.name, {message.name.data(), copied});
    transfer.Write(address + kMsghdrNameLengthOffset, BytesOf(full_name));
  }
  const size_t control =
      std::min<uint64_t>(fields.control == 0 ? 0 : fields.control_length, message.control.size());
  transfer.Write(fields.control, {message.control.data(), control});
  // msg_controllen and msg_flags are neighbours.
  const uint64_t control_length = control;
  const uint32_t flags = static_cast<uint32_t>(message.result_flags);
  transfer.Write(address + kMsghdrControlLengthOffset, BytesOf(control_length));
  transfer.Write(address + kMsghdrFlagsOffset, BytesOf(flags));
  if (!call.Valid()) return kGone;
  return transfer.Commit() ? 0 : EFAULT;
}

int64_t ReceiveOne(ContainerSocket& socket, Call& call, uint64_t address, int flags, bool* native,
                   std::function<void()>* undo) {
  MessageHeader fields;
  if (int error = ReadFields(call, address, &fields); error != 0) return -error;
  IoVectors data;
  IncomingMessage message;
  message.data = &data;
  message.flags = flags;
  message.control_capacity = fields.control == 0 ? 0 : fields.control_length;
  if (native != nullptr) {
    *native = socket.ReceiveIsNative(message);
    if (*native) return 0;
  }
  if (int error = ReadVectors(call, fields, &data); error != 0) return -error;
  const int64_t result = socket.Receive(call, message);
  if (result < 0) return result;
  const int error = WriteReceived(call, address, fields, message);
  if (error == kGone && message.undo) message.undo();
  if (error != 0) return -error;
  *undo = std::move(message.undo);
  return result;
}

}  // namespace

Reply ServeSendTo(ContainerSocket& socket, Call& call) {
  auto name_length = CheckSockaddrLength(call.int_argument(5));
  if (!name_length.ok()) return Reply::Fail(name_length.error());
  auto data = SingleBuffer(call.argument(1), call.argument(2));
  if (!data.ok()) return Reply::Fail(data.error());
  std::array<uint8_t, kMaxSockaddr> name;
  OutgoingMessage message;
  message.name = {name.data(), *name_length};
  message.data = &*data;
  message.flags = call.int_argument(3);
  RemoteTransfer transfer(call.memory(), RemoteTransfer::Direction::kRead);
  transfer.Read(call.argument(4), {name.data(), *name_length});
  const std::span<uint8_t> block = socket.sandbox().datagram_block();
  if (socket.type() != SOCK_STREAM && data->total <= block.size()) {
    transfer.Gather(*data, block.first(data->total));
    message.payload = block.first(data->total);
  }
  if (!transfer.Commit()) return Reply::Fail(EFAULT);
  return ReplyOf(socket, call, message.flags, socket.Send(call, message), true);
}

Reply ServeSendMsg(ContainerSocket& socket, Call& call) {
  const int flags = call.int_argument(2);
  bool native = false;
  const int64_t result = SendOne(socket, call, call.argument(1), flags, &native);
  if (native) return Reply::Continue();
  return ReplyOf(socket, call, flags, result, true);
}

Reply ServeSendMMsg(ContainerSocket& socket, Call& call) {
  const int flags = call.int_argument(3);
  const uint32_t count = static_cast<uint32_t>(call.argument(2));
  // A stream's messages are the kernel's when they carry neither name nor control data; one that
  // does is refused or ignored there, and nobody sends such.
  OutgoingMessage probe;
  probe.flags = flags;
  if (socket.SendIsNative(probe)) return Reply::Continue();
  uint32_t sent = 0;
  int64_t result = 0;
  for (; sent < std::min<size_t>(count, kMostMessages); ++sent) {
    const uint64_t address = call.argument(1) + sent * kMmsghdrSize;
    result = SendOne(socket, call, address, flags, nullptr);
    if (result < 0) break;
    const uint32_t size = static_cast<uint32_t>(result);
    if (!call.memory().WriteValue(address + kMmsghdrLengthOffset, size)) {
      result = -EFAULT;
      break;
    }
  }
  if (sent != 0 || count == 0) return Reply::Value(sent);
  return ReplyOf(socket, call, flags, result, true);
}

Reply ServeRecvFrom(ContainerSocket& socket, Call& call) {
  IncomingMessage message;
  message.flags = call.int_argument(3);
  if (socket.ReceiveIsNative(message)) return Reply::Continue();
  auto data = SingleBuffer(call.argument(1), call.argument(2));
  if (!data.ok()) return Reply::Fail(data.error());
  message.data = &*data;
  const int64_t result = socket.Receive(call, message);
  if (result < 0) return ReplyOf(socket, call, message.flags, result, false);
  RemoteTransfer transfer(call.memory(), RemoteTransfer::Direction::kWrite);
  transfer.Scatter(message.payload, *data);
  const uint64_t address = call.argument(4);
  const uint64_t length_address = call.argument(5);
  const int32_t full = static_cast<int32_t>(message.name.size());
  if (address != 0) {
    int32_t length = 0;
    if (!call.memory().ReadValue(length_address, &length)) return Reply::Fail(EFAULT);
    if (length < 0) return Reply::Fail(EINVAL);
    const size_t copied = std::min(static_cast<size_t>(length), message.name.size());
    transfer.Write(address, {message.name.data(), copied});
    transfer.Write(length_address, BytesOf(full));
  }
  if (!call.Valid()) {
    if (message.undo) message.undo();
    return Reply::Nobody();
  }
  if (!transfer.Commit()) return Reply::Fail(EFAULT);
  return Reply::Value(result).OnLost(std::move(message.undo));
}

Reply ServeRecvMsg(ContainerSocket& socket, Call& call) {
  const int flags = call.int_argument(2);
  bool native = false;
  std::function<void()> undo;
  const int64_t result = ReceiveOne(socket, call, call.argument(1), flags, &native, &undo);
  if (native) return Reply::Continue();
  if (result < 0) return ReplyOf(socket, call, flags, result, false);
  return Reply::Value(result).OnLost(std::move(undo));
}

Reply ServeRecvMMsg(ContainerSocket& socket, Call& call) {
  const int flags = call.int_argument(3);
  const uint32_t count = static_cast<uint32_t>(call.argument(2));
  IncomingMessage probe;
  probe.flags = flags;
  if (socket.ReceiveIsNative(probe)) return Reply::Continue();
  uint32_t received = 0;
  int64_t result = 0;
  std::vector<std::function<void()>> undo;
  for (; received < std::min<size_t>(count, kMostMessages); ++received) {
    const uint64_t address = call.argument(1) + received * kMmsghdrSize;
    std::function<void()> one;
    result = ReceiveOne(socket, call, address, flags & ~MSG_WAITFORONE, nullptr, &one);
    if (result < 0) break;
    if (one) undo.push_back(std::move(one));
    const uint32_t size = static_cast<uint32_t>(result);
    if (!call.memory().WriteValue(address + kMmsghdrLengthOffset, size)) {
      result = -EFAULT;
      break;
    }
  }
  // DEVIATION: a blocking call returns what is there rather than waiting for all `count` messages,
  // as if MSG_WAITFORONE were always given.
  if (received != 0 || count == 0) {
    return Reply::Value(received).OnLost([undo = std::move(undo)] {
      for (const auto& one : undo) one();
    });
  }
  Reply reply = ReplyOf(socket, call, flags, result, false);
  if (reply.kind() != Reply::Kind::kPark || call.argument(4) == 0) return reply;
  timespec timeout{};
  if (!call.memory().ReadValue(call.argument(4), &timeout)) return Reply::Fail(EFAULT);
  if (timeout.tv_sec < 0 || timeout.tv_nsec < 0 || timeout.tv_nsec >= 1'000'000'000) {
    return Reply::Fail(EINVAL);
  }
  return reply;
}

}  // namespace moat::sentry
