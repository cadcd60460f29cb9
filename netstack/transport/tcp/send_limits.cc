// What holds a connection's data back, as time (send_clock.h).
#include <algorithm>

#include "netstack/transport/tcp/connection.h"
#include "netstack/transport/tcp/state.h"

namespace moat::netstack::tcp {
namespace {

// Writers rather wait than cut their data into pieces that fill less room than this.
constexpr size_t kCrumbs = 8 * 1024;

}  // namespace

// A writer waits until it is told that there is room again.
void Connection::JudgeWriter() {
  writer_waits_ = !write_shut_ && BufferSpace() < send_buffer_ / 3;
}

// tcp_chrono_start() and tcp_chrono_stop() of Linux.
void Connection::SwitchLimit(SendLimit limit) {
  const Time now = core_.Now();
  if (limit_ != SendLimit::kIdle) {
    const SendClock::Ticks ticks = send_clock_.Stop(now);
    if (ticks > 0 && limit_ == SendLimit::kReceiver) NeedRepair().receiver_limited += ticks;
    if (ticks > 0 && limit_ == SendLimit::kBuffer) NeedRepair().buffer_limited += ticks;
  }
  send_clock_.Start(now);
  limit_ = limit;
}

// The writer was offered `space` and wants more: SOCK_NOSPACE of Linux.
void Connection::NoteWriterWaits(size_t space) {
  if (writer_waits_ || write_shut_ || !IsSynchronized(state_)) return;
  if (space >= std::min<size_t>(send_buffer_ / 3, kCrumbs)) return;
  writer_waits_ = true;
  SettleLimit();
}

void Connection::DescribeLimits(TcpInfo& info) const {
  const Time now = core_.Now();
  const SendClock::Ticks running = limit_ == SendLimit::kIdle ? 0 : send_clock_.Running(now);
  SendClock::Ticks receiver = limit_ == SendLimit::kReceiver ? running : 0;
  SendClock::Ticks buffer = limit_ == SendLimit::kBuffer ? running : 0;
  if (repair_ != nullptr) {
    receiver += repair_->receiver_limited;
    buffer += repair_->buffer_limited;
  }
  info.busy_time = SendClock::Length(send_clock_.busy() + running);
  info.receiver_limited = SendClock::Length(receiver);
  info.buffer_limited = SendClock::Length(buffer);
}

}  // namespace moat::netstack::tcp
