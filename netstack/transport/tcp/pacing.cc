// How fast may be sent beside how much (pacer.h), and what algorithms that watch every ACK are
// told.
#include <algorithm>

#include "netstack/transport/tcp/connection.h"

namespace moat::netstack::tcp {

// The algorithm or the user's limit has changed.
void Connection::UpdatePacing() {
  paced_ = algorithm_->paced || settings_->tcp.max_pacing_rate != Pacer::kUnlimited;
  if (!paced_) {
    pacer_.reset();
  } else if (pacer_ == nullptr) {
    pacer_ =
        std::make_unique<Pacer>(*core_.env.timers, MemberTimer<&Connection::OnPacingTimer>, this);
  }
}

uint64_t Connection::PacingRate() {
  uint64_t rate = settings_->tcp.max_pacing_rate;
  if (algorithm_->paced) rate = std::min(rate, congestion().PacingRate(window_));
  return std::max<uint64_t>(rate, 1);
}

// What a pacer would be given (tcp_update_pacing_rate()), for who asks where there is none.
uint64_t Connection::UnpacedRate() const {
  if (!rtt_.has_sample()) return ~uint64_t{0};
  constexpr uint64_t kSlowStartPercent = 200, kAvoidancePercent = 120;
  const bool slow_start = window_.cwnd < window_.ssthresh / 2;
  const uint64_t octets = std::max(window_.cwnd, flight_.total());
  const uint64_t percent = slow_start ? kSlowStartPercent : kAvoidancePercent;
  const auto nanoseconds = static_cast<uint64_t>(rtt_.srtt().count());
  return static_cast<uint64_t>(static_cast<double>(octets * percent) * 1e7 /
                               static_cast<double>(nanoseconds));
}

void Connection::OnPacingTimer() {
  Output();
  UpdateReady();
  core_.Reap();
}

void Connection::TellEveryAck(const AckEvent& event, const RateSample& sample) {
  EveryAck ack;
  ack.now = last_receive_;
  ack.delivered = event.delivered;
  ack.lost = event.lost;
  ack.in_flight = Pipe();
  ack.in_flight_before = event.in_flight_before;
  ack.rtt = event.rtt;
  ack.srtt = rtt_.srtt();
  ack.delivered_total = rate_.delivered();
  ack.rate = sample.rate();
  ack.prior_delivered = sample.prior_delivered;
  ack.app_limited = sample.app_limited;
  ack.timed_out = recovery_ == Recovery::kLoss;
  ack.recovering = ack.timed_out || recovery_ == Recovery::kFast;
  congestion().OnEveryAck(ack, window_);
}

}  // namespace moat::netstack::tcp
