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
