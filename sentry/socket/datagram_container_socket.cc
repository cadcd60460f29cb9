#include "sentry/socket/datagram_container_socket.h"

#include <errno.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <poll.h>

#include <algorithm>
#include <utility>

#include "sentry/abi/control_writer.h"
#include "sentry/abi/errno_map.h"
#include "sentry/abi/send_control.h"
#include "sentry/memory/credentials.h"
#include "sentry/sandbox.h"
#include "sentry/socket/inet_socket.h"
#include "sentry/socket/seqpacket.h"

namespace moat::sentry {
namespace {

using netstack::Datagram;
using netstack::Endpoint;
using netstack::Error;
using netstack::ShutdownHow;

constexpr size_t kMostPayload = 65535;
constexpr int kBatch = 64;

}  // namespace

DatagramContainerSocket::DatagramContainerSocket(Sandbox& sandbox, int domain, int type,
                                                 int protocol,
                                                 std::unique_ptr<netstack::DatagramSocket> handle)
    : QueuedContainerSocket(sandbox, domain, type, protocol, std::move(handle)) {}

AddressRules DatagramContainerSocket::Rules() const {
  return {kind(), family(), handle_->options().v6_only, handle_->options().bound_device};
}

netstack::Endpoint DatagramContainerSocket::ToResolver(const Endpoint& remote) {
  return kind() == SocketKind::kUdp ? sandbox_.ToResolver(remote) : remote;
}

Reply DatagramContainerSocket::Bind(Call& call, std::span<const uint8_t> name) {
  auto address = DecodeSockaddr(name, AddressUse::kBind, Rules());
  if (!address.ok()) return Reply::Fail(address.error());
  if (kind() == SocketKind::kUdp && !MayBind(sandbox_, call.tid(), address->endpoint.port)) {
    return Reply::Fail(EACCES);
  }
  Error error = handle_->Bind(address->endpoint);
  if (error == Error::kAddressInUse) {
    // Perhaps by a socket that has just been closed.
    sandbox_.FindClosed();
    error = handle_->Bind(address->endpoint);
  }
  return Reply::Value(-ToErrno(error));
}

Reply DatagramContainerSocket::Connect(Call&, std::span<const uint8_t> name) {
  auto address = DecodeSockaddr(name, AddressUse::kConnect, Rules());
  if (!address.ok()) return Reply::Fail(address.error());
  if (address->unspecified) {
    flow_label_ = 0;
    return Reply::Value(-ToErrno(handle_->Disconnect()));
  }
  const Error error = handle_->Connect(ToResolver(address->endpoint));
  if (error == Error::kOk) flow_label_ = LabelFor(name);
  return Reply::Value(-ToErrno(error));
}

Reply DatagramContainerSocket::Shutdown(Call& call, int how) {
  if (how < SHUT_RD || how > SHUT_RDWR) return Reply::Fail(EINVAL);
  const Error error = handle_->Shutdown(static_cast<ShutdownHow>(how));
  if (error != Error::kOk) return Reply::Fail(ToErrno(error));
  // Our end must not see a hang-up: only reading is shut down on the container's end, and writing
  // is refused here and by the stack.
  if (how != SHUT_WR) shutdown(end_.get(), SHUT_WR);
  if (how != SHUT_RD) write_shut_ = true;
  return Reply::Value(0);
}

ErrnoOr<std::vector<uint8_t>> DatagramContainerSocket::Name(bool peer) {
  Endpoint endpoint = handle_->Local();
  if (peer) {
    auto remote = handle_->Remote();
    if (!remote.ok()) return Errno{ToErrno(remote.error())};
    endpoint = sandbox_.FromResolver(*remote);
  }
  const EncodedAddress encoded = EncodeSockaddr(endpoint, family());
  return std::vector<uint8_t>(encoded.span().begin(), encoded.span().end());
}

Reply DatagramContainerSocket::GetOption(Call& call, int level, int name, uint64_t value,
                                         uint64_t length_address) {
  return GetInetOption({*this, kind(), family()}, call, level, name, value, length_address);
}

Reply DatagramContainerSocket::SetOption(Call& call, int level, int name, int32_t length,
                                         std::span<const uint8_t> value) {
  Reply reply = SetInetOption({*this, kind(), family()}, call, level, name, length, value);
  FitQueue(level, name, reply);
  return reply;
}

// --- Sending -------------------------------------------------------------------------------------

int64_t DatagramContainerSocket::Send(Call& call, const OutgoingMessage& message) {
  if ((message.flags & MSG_OOB) != 0) return -EOPNOTSUPP;
  if (message.data->total > kMostPayload) return -EMSGSIZE;
  if (write_shut_) return -EPIPE;
  netstack::SendControl control;
  std::optional<Endpoint> destination;
  bool ipv4 = family() == netstack::Family::kIpv4;
  if (!message.name.empty()) {
    auto address = DecodeSockaddr(message.name, AddressUse::kSend, Rules());
    if (!address.ok()) return -address.error();
    if (!address->unspecified) {
      destination = ToResolver(address->endpoint);
      ipv4 = address->endpoint.address.is_v4();
    }
  }
  const uint32_t flow_label = destination.has_value() ? LabelFor(message.name) : flow_label_;
  if (!message.control.empty()) {
    const bool raw = HasCapability(call.tid(), CAP_NET_RAW);
    const SendControlRules rules = {kind(), family(), ipv4,
                                    raw || HasCapability(call.tid(), CAP_NET_ADMIN), raw};
    auto parsed = ParseSendControl(message.control, rules);
    if (!parsed.ok()) return -parsed.error();
    control = *parsed;
  }
  control.destination = destination;
  control.on_link_only = (message.flags & MSG_DONTROUTE) != 0;
  if (control.flow_label == 0) control.flow_label = flow_label;
  if (control.segment_size == 0) control.segment_size = settings_->gso_segment;
  const auto payload = PayloadOf(call, message);
  if (!payload.ok()) return -payload.error();
  if (!call.Valid()) return -ESRCH;
  if (pending_error_ != 0) return -std::exchange(pending_error_, 0);
  const Error error = SendNow(*payload, control);
  return error == Error::kOk ? static_cast<int64_t>(message.data->total) : -ToErrno(error);
}

Error DatagramContainerSocket::SendNow(std::span<const uint8_t> payload,
                                       const netstack::SendControl& control) {
  return handle_->Send({&payload, 1}, control);
}

// What the container has written to its connected socket.
void DatagramContainerSocket::DrainWritten() {
  for (int i = 0; i < kBatch; ++i) {
    SeqpacketMessage message;
    const std::span<uint8_t> buffer = sandbox_.datagram_block();
    if (ReceiveTagged(end_.get(), buffer, 0, &message) != 0) return;
    if (!message.has_tag) return;  // end of stream
    if (message.size > kMostPayload || write_shut_) continue;
    const std::span<const uint8_t> piece = buffer.first(message.size);
    netstack::SendControl control;
    control.segment_size = settings_->gso_segment;
    control.flow_label = flow_label_;
    // A pending error fails one send on Linux, too; but there the program is told, so here the
    // datagram goes out and the error is kept. Errors of the datagram itself have nobody to go to.
    const Error error = SendNow(piece, control);
    if (error == Error::kConnectionRefused || error == Error::kHostUnreachable) {
      pending_error_ = ToErrno(error);
      (void)SendNow(piece, control);
    }
  }
  Watch();  // there may be more: the edge is due again
}

void DatagramContainerSocket::OnEvents(uint32_t events) {
  DrainWritten();
  if ((events & EPOLLOUT) != 0) FillQueue();
  if ((events & EPOLLHUP) == 0) return;
  pollfd end = {end_.get(), POLLIN, 0};
  // Everything that was written before the close goes out first.
  for (int i = 0; i < kBatch; ++i) {
    SeqpacketMessage message;
    uint8_t byte;
    if (ReceiveTagged(end_.get(), {&byte, 1}, MSG_PEEK, &message) != 0 || !message.has_tag) break;
    DrainWritten();
  }
  if (poll(&end, 1, 0) == 1 && (end.revents & POLLHUP) != 0) sandbox_.Remove(this);
}

// --- Receiving -----------------------------------------------------------------------------------

int64_t DatagramContainerSocket::Receive(Call& call, IncomingMessage& message) {
  if ((message.flags & MSG_ERRQUEUE) != 0) return ReceiveError(message);
  if ((message.flags & MSG_OOB) != 0) return -EOPNOTSUPP;
  if (settings_->receive_path_mtu) {
    if (const auto notice = handle_->TakePathMtu()) return ReportPathMtu(*notice, message);
  }
  Taken taken;
  const int error = Take(call, message.flags, &taken);
  if (error == ESHUTDOWN) return 0;  // reading has been shut down
  if (error != 0) return -error;
  const Endpoint source = sandbox_.FromResolver(taken.item.source);
  const EncodedAddress encoded = EncodeSockaddr(source, family());
  message.name.assign(encoded.span().begin(), encoded.span().end());
  if (settings_->receive_control != ReceiveControlFlags{}) WriteControl(message, taken.item);
  return Report(message, taken);
}

void DatagramContainerSocket::WriteControl(IncomingMessage& message, const Datagram& datagram) {
  ControlWriter writer(message.control_capacity);
  ReceiveContext context;
  context.family = family();
  context.realtime_nanoseconds = RealtimeOf(datagram.received, sandbox_.clock().Now());
  context.local_port = handle_->Local().port;
  context.specific_destination = datagram.destination;
  WriteDatagramControl(datagram, settings_->receive_control, context, writer);
  message.control.assign(writer.bytes().begin(), writer.bytes().end());
  if (writer.truncated()) message.result_flags |= MSG_CTRUNC;
}

int64_t DatagramContainerSocket::ReportPathMtu(const netstack::PathMtuNotice& notice,
                                               IncomingMessage& message) {
  Endpoint about = notice.destination;
  about.port = 0;
  const EncodedAddress encoded = EncodeSockaddr(about, family());
  message.name.assign(encoded.span().begin(), encoded.span().end());
  ControlWriter writer(message.control_capacity);
  WritePathMtuControl(notice, writer);
  message.control.assign(writer.bytes().begin(), writer.bytes().end());
  if (writer.truncated()) message.result_flags |= MSG_CTRUNC;
  return 0;
}

int64_t DatagramContainerSocket::ReceiveError(IncomingMessage& message) {
  auto error = handle_->TakeQueuedError();
  if (!error.has_value()) return -EAGAIN;
  message.kept = error->payload;
  const std::span<const uint8_t> payload = message.kept.span();
  const size_t fits = std::min<uint64_t>(payload.size(), message.data->total);
  message.payload = payload.first(fits);
  const EncodedAddress encoded =
      EncodeSockaddr(sandbox_.FromResolver(error->destination), family());
  message.name.assign(encoded.span().begin(), encoded.span().end());
  ControlWriter writer(message.control_capacity);
  WriteErrorControl(*error, family(), writer);
  message.control.assign(writer.bytes().begin(), writer.bytes().end());
  message.result_flags |= MSG_ERRQUEUE;
  if (payload.size() > fits) message.result_flags |= MSG_TRUNC;
  if (writer.truncated()) message.result_flags |= MSG_CTRUNC;
  return static_cast<int64_t>(fits);
}

}  // namespace moat::sentry
