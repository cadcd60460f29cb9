#include "netstack/sim/tcp_end.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "absl/strings/str_cat.h"
#include "netstack/transport/tcp/congestion.h"

namespace moat::netstack::sim {

void TcpMeter::Open(Host& host, const TcpSocket* socket) {
  host_ = &host;
  socket_ = socket;
  host.Watch(this);
}

void TcpMeter::Close() {
  if (socket_ == nullptr) return;
  Take();
  host_->Unwatch(this);
  socket_ = nullptr;
}

void TcpMeter::Take() {
  if (socket_ == nullptr) return;
  const TcpInfo info = socket_->Info();
  if (info.segments_out != 0) info_ = info;
}

void TcpMeter::BeforeTimers() {
  Take();
  retransmits_before_ = info_.retransmits;
}

void TcpMeter::AfterTimers() {
  const uint8_t now = socket_->Info().retransmits;
  if (now > retransmits_before_) timeouts_ += now - retransmits_before_;
}

TcpEnd::TcpEnd(TcpFlow& flow, Host& host) : Program(host), flow_(flow) {}

void TcpEnd::Configure(TcpSocket& socket) {
  const FlowSpec& spec = flow_.spec();
  SocketOptions options = socket.options();
  options.send_buffer = static_cast<uint32_t>(spec.send_buffer);
  options.receive_buffer = static_cast<uint32_t>(spec.receive_buffer);
  socket.SetOptions(options);
  TcpOptions tcp = socket.tcp_options();
  tcp.max_segment = static_cast<int>(spec.mss);
  socket.SetTcpOptions(tcp);
  if (!spec.congestion.empty()) {
    if (const Error error = socket.SetCongestionControl(spec.congestion); error != Error::kOk) {
      flow_.Fail(absl::StrCat("congestion control ", spec.congestion, ": ",
                              std::string(ErrorName(error))));
    }
  }
}

void TcpEnd::Own(std::unique_ptr<TcpSocket> socket) {
  socket_ = std::move(socket);
  socket_->SetObserver(this);
  meter_.Open(host(), socket_.get());
  flow_.mutable_result().congestion = std::string(socket_->congestion_control());
}

void TcpEnd::Connect() {
  std::unique_ptr<TcpSocket> socket = host().stack().NewTcpSocket(flow_.spec().family);
  Configure(*socket);
  Own(std::move(socket));
  const Error error = socket_->Connect({flow_.context().address, flow_.context().port});
  if (error != Error::kInProgress && error != Error::kOk) {
    flow_.Fail(absl::StrCat("connect: ", std::string(ErrorName(error))));
  }
}

void TcpEnd::Listen() {
  listener_ = host().stack().NewTcpSocket(flow_.spec().family);
  Configure(*listener_);
  listener_->SetObserver(this);
  Error error = listener_->Bind({flow_.context().address, flow_.context().port});
  if (error == Error::kOk) error = listener_->Listen(8);
  if (error != Error::kOk) flow_.Fail(absl::StrCat("listen: ", std::string(ErrorName(error))));
}

bool TcpEnd::Accepted() {
  if (socket_ != nullptr) return true;
  Result<std::unique_ptr<TcpSocket>> accepted = listener_->Accept();
  if (!accepted.ok()) return false;
  Configure(**accepted);
  Own(std::move(*accepted));
  return true;
}

bool TcpEnd::Failed() {
  if ((socket_->Ready() & ready::kError) == 0) return false;
  flow_.Fail(std::string(ErrorName(socket_->TakeError())));
  return true;
}

bool TcpEnd::Write(uint64_t end) {
  while (written_ < end) {
    const size_t size = static_cast<size_t>(std::min<uint64_t>(
        {socket_->WriteSpace(), end - written_, Pattern::kMaxPiece}));
    if (size == 0) return false;
    const Error error = socket_->Write(flow_.context().pattern->At(written_, size), false);
    if (error == Error::kWouldBlock) return false;
    if (error != Error::kOk) {
      flow_.Fail(absl::StrCat("write: ", std::string(ErrorName(error))));
      return false;
    }
    written_ += size;
  }
  return true;
}

uint64_t TcpEnd::Read() {
  uint64_t total = 0;
  std::array<std::span<const uint8_t>, 16> pieces;
  for (;;) {
    const size_t count = socket_->Peek(pieces);
    size_t bytes = 0;
    for (size_t i = 0; i < count; ++i) {
      if (!flow_.context().pattern->Matches(read_ + bytes, pieces[i])) {
        flow_.Fail(absl::StrCat("wrong bytes at offset ", read_ + bytes));
        return total;
      }
      bytes += pieces[i].size();
    }
    if (bytes == 0) return total;
    socket_->Consume(bytes);
    read_ += bytes;
    total += bytes;
    flow_.mutable_result().bytes += bytes;
  }
}

void TcpFlow::MeasureTcp(TcpEnd& sender, FlowPoint& point, bool mean) {
  sender.meter().Take();
  const TcpInfo& info = sender.meter().info();
  const uint64_t mss = info.send_mss;
  point.window = info.congestion_window * mss;
  // "Infinite" differs by whether the stack counts octets or segments: nothing real is that large.
  const uint64_t threshold = info.send_ssthresh * mss;
  point.threshold = info.send_ssthresh >= (1u << 24) ? 0 : threshold;
  point.rtt = info.rtt;
  if (mean) AddRtt(info.rtt, static_cast<double>((point.at - last_measure_).count()) + 1);
  last_measure_ = point.at;
}

void TcpFlow::CloseTcp(TcpEnd& client, TcpEnd& server, bool rtt) {
  FlowResult& result = mutable_result();
  for (TcpEnd* end : {&client, &server}) {
    end->meter().Close();
    const TcpInfo& info = end->meter().info();
    result.sent_bytes += info.bytes_sent;
    result.retransmitted_bytes += info.bytes_retransmitted;
    result.retransmits += info.total_retransmits;
    result.timeouts += end->meter().timeouts();
  }
  // The sender's own minimum is of single measurements, ours of smoothed ones.
  const Duration least = client.meter().info().min_rtt;
  if (rtt && least.count() > 0 && least < std::chrono::hours(1)) result.min_rtt = least;
}

}  // namespace moat::netstack::sim
