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

using netstack::ClassicBpf;
using netstack::Error;
using netstack::LinkName;

constexpr int kBatch = 64;

}  // namespace

PacketContainerSocket::PacketContainerSocket(Sandbox& sandbox, int type, int protocol,
                                             std::unique_ptr<netstack::PacketSocket> handle)
    : QueuedContainerSocket(sandbox, AF_PACKET, type, protocol, std::move(handle)) {}

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
  FitQueue(level, name, reply);
  return reply;
}

Reply PacketContainerSocket::AttachFilter(Call& call, int32_t length,
                                          std::span<const uint8_t> value) {
  auto reference = DecodeFilterReference(length, value);
  if (!reference.ok()) return Reply::Fail(reference.error());
  if (settings_->filter_locked) return Reply::Fail(EPERM);
  if (!reference->possible()) return Reply::Fail(EINVAL);
  std::vector<uint8_t> code(reference->count * kSockFilterSize);
  if (!call.memory().Read(reference->address, code)) return Reply::Fail(EFAULT);
  if (!call.Valid()) return Reply::Nobody();
  auto filter = ClassicBpf::Verify(DecodeFilter(code));
  if (!filter.ok()) return Reply::Fail(ToErrno(filter.error()));
  return Reply::Value(-ToErrno(handle_->SetFilter(std::move(*filter))));
}

Reply PacketContainerSocket::DetachFilter(int32_t length) {
  if (length < static_cast<int32_t>(sizeof(int))) return Reply::Fail(EINVAL);
  if (settings_->filter_locked) return Reply::Fail(EPERM);
  if (!handle_->has_filter()) return Reply::Fail(ENOENT);
  return Reply::Value(-ToErrno(handle_->SetFilter(std::nullopt)));
}

// --- Sending -------------------------------------------------------------------------------------

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
  const auto frame = PayloadOf(call, message);
  if (!frame.ok()) return -frame.error();
  if (!call.Valid()) return -ESRCH;
  const int error = SendNow(*frame, to);
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

int64_t PacketContainerSocket::Receive(Call& call, IncomingMessage& message) {
  constexpr int kKnownFlags = MSG_PEEK | MSG_DONTWAIT | MSG_TRUNC | MSG_ERRQUEUE;
  if ((message.flags & ~kKnownFlags) != 0) return -EINVAL;
  if ((message.flags & MSG_ERRQUEUE) != 0) return -EAGAIN;  // no transmit timestamps
  Taken taken;
  const int error = Take(call, message.flags, &taken);
  if (error != 0) return -error;
  const auto name = EncodeSockaddrLl(taken.item.source);
  message.name.assign(name.begin(), name.end());
  if (settings_->receive_control != ReceiveControlFlags{}) WriteControl(message, taken);
  return Report(message, taken);
}

void PacketContainerSocket::WriteControl(IncomingMessage& message, const Taken& taken) {
  ControlWriter writer(message.control_capacity);
  ReceiveContext context;
  context.realtime_nanoseconds = RealtimeOf(taken.item.received, sandbox_.clock().Now());
  WriteSocketLevelControl(settings_->receive_control, context, writer);
  if (settings_->receive_control.packet_auxiliary) {
    writer.Put(SOL_PACKET, PACKET_AUXDATA, EncodeAuxiliary(taken.item, taken.size));
  }
  message.control.assign(writer.bytes().begin(), writer.bytes().end());
  if (writer.truncated()) message.result_flags |= MSG_CTRUNC;
}

}  // namespace moat::sentry
