#include "netstack/transport/tcp/delivery_rate.h"

#include <algorithm>

namespace moat::netstack::tcp {

RateSample DeliveryRate::OnAck(const Delivery& delivery, Duration min_rtt, Time now) {
  RateSample sample;
  if (delivery.octets == 0) return sample;
  delivered_ += delivery.octets;
  delivered_at_ = now;
  if (app_limited_until_ != 0 && delivered_ > app_limited_until_) app_limited_until_ = 0;
  const FlightRecord& newest = delivery.newest();
  sample.any = true;
  sample.prior_delivered = newest.delivered;
  sample.app_limited = newest.Has(FlightRecord::kAppLimited);
  const Duration send_elapsed = FromUnits(newest.started_before);
  const Duration ack_elapsed = now - newest.sent + FromUnits(newest.delivered_before);
  first_sent_ = newest.sent;
  const Duration interval = std::max(send_elapsed, ack_elapsed);
  if (interval < min_rtt || interval <= Duration::zero()) return sample;
  sample.interval = interval;
  sample.delivered = static_cast<uint32_t>(delivered_) - newest.delivered;
  Keep(sample);
  return sample;
}

// As Linux: an application-limited sample replaces another only if it is better.
void DeliveryRate::Keep(const RateSample& sample) {
  const uint32_t interval = std::max(Units(sample.interval), 1u);
  const bool better = static_cast<uint64_t>(sample.delivered) * std::max(rate_interval_, 1u) >=
                      static_cast<uint64_t>(rate_delivered_) * interval;
  if (sample.app_limited && !better) return;
  rate_delivered_ = sample.delivered;
  rate_interval_ = interval;
  rate_app_limited_ = sample.app_limited;
}

}  // namespace moat::netstack::tcp
