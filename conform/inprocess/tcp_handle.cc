#include "conform/inprocess/tcp_handle.h"

#include <algorithm>
#include <chrono>
#include <span>

namespace moat::conform {

using netstack::Slice;

TcpHandle::~TcpHandle() {
  if (socket_ != nullptr && (reset_on_close_ || socket_->ReadableBytes() != 0)) socket_->Abort();
}

int TcpHandle::Accept(std::unique_ptr<StackSocket>* accepted) {
  netstack::Result<std::unique_ptr<netstack::TcpSocket>> result = socket_->Accept();
  if (!result.ok()) return NegativeErrno(result.error());
  *accepted = std::make_unique<TcpHandle>(std::move(*result));
  return 0;
}

int TcpHandle::Send(const Bytes& data, const std::optional<Endpoint>&, bool urgent) {
  if (urgent) {
    const int result = NegativeErrno(socket_->WriteUrgent(Slice::Copy(data)));
    return result < 0 ? result : static_cast<int>(data.size());
  }
  const size_t space = socket_->WriteSpace();
  size_t size = data.size();
  if (space != 0) size = std::min(size, space);  // none: Write() says why
  const std::span<const uint8_t> bytes(data.data(), size);
  const int result = NegativeErrno(socket_->Write(Slice::Copy(bytes), /*more=*/false));
  return result < 0 ? result : static_cast<int>(size);
}

int TcpHandle::Receive(size_t size, Received* received) {
  received->data.clear();
  std::span<const uint8_t> pieces[64];
  const size_t count = socket_->Peek(pieces);
  for (size_t i = 0; i < count && received->data.size() < size; ++i) {
    const size_t take = std::min(size - received->data.size(), pieces[i].size());
    received->data.insert(received->data.end(), pieces[i].begin(),
                          pieces[i].begin() + static_cast<ptrdiff_t>(take));
  }
  if (!received->data.empty()) {
    socket_->Consume(received->data.size());
    return static_cast<int>(received->data.size());
  }
  if (const int error = NegativeErrno(socket_->TakeError()); error < 0) return error;
  if (socket_->AtEndOfStream() || socket_->state() == netstack::TcpState::kClosed) return 0;
  return -EAGAIN;
}

int TcpHandle::SetOption(Option option, int value) {
  if (option == Option::kLinger) {
    if (value > 0) return -ENOPROTOOPT;  // a close that waits is the sentry's business
    reset_on_close_ = value == 0;
    return 0;
  }
  netstack::SocketOptions options = socket_->options();
  if (SetCommonOption(options, option, value) == 0) {
    socket_->SetOptions(options);
    return 0;
  }
  return SetTcpOption(option, value);
}

int TcpHandle::SetTcpOption(Option option, int value) {
  netstack::TcpOptions options = socket_->tcp_options();
  switch (option) {
    case Option::kNoDelay: options.no_delay = value != 0; break;
    case Option::kCork: options.cork = value != 0; break;
    case Option::kQuickAck: options.quick_ack = value != 0; break;
    case Option::kKeepIdle: options.keepalive_idle = std::chrono::seconds(value); break;
    case Option::kKeepInterval: options.keepalive_interval = std::chrono::seconds(value); break;
    case Option::kKeepCount: options.keepalive_count = value; break;
    case Option::kMaxSegment: options.max_segment = value; break;
    case Option::kUserTimeout: options.user_timeout = std::chrono::milliseconds(value); break;
    case Option::kSynCount: options.syn_count = value; break;
    case Option::kFastOpen: options.fast_open_queue = static_cast<uint32_t>(value); break;
    case Option::kFastOpenConnect: options.fast_open_connect = value != 0; break;
    default: return -ENOPROTOOPT;
  }
  socket_->SetTcpOptions(options);
  return 0;
}

}  // namespace moat::conform
