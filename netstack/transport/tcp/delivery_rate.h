// How fast the network delivers (draft-cheng-iccrg-delivery-rate-estimation): a sample per ACK,
// over the time since the newest record that it covers was sent. Names are the draft's.
#ifndef MOAT_NETSTACK_TRANSPORT_TCP_DELIVERY_RATE_H_
#define MOAT_NETSTACK_TRANSPORT_TCP_DELIVERY_RATE_H_

#include <cstdint>

#include "netstack/base/time.h"
#include "netstack/transport/tcp/flight.h"

namespace moat::netstack::tcp {

// One sample. `interval` zero: none could be taken from this ACK.
struct RateSample {
  uint32_t delivered = 0;        // octets over the interval
  // The connection's count when the newest record was sent, modulo 2^32.
  uint32_t prior_delivered = 0;
  Duration interval{};
  bool app_limited = false;
  bool any = false;              // the ACK delivered something: prior_delivered has a meaning

  // Octets per second; 0 without a sample.
  uint64_t rate() const {
    if (interval <= Duration::zero()) return 0;
    return static_cast<uint64_t>(static_cast<double>(delivered) * 1e9 /
                                 static_cast<double>(interval.count()));
  }
};

class DeliveryRate {
 public:
  // A record goes out, for the first time or again. `idle`: nothing else is in flight.
  void OnSent(FlightRecord& record, bool idle, Time now) {
    if (idle) first_sent_ = delivered_at_ = now;
    record.delivered = static_cast<uint32_t>(delivered_);
    record.delivered_before = Units(now - delivered_at_);
    record.started_before = Units(now - first_sent_);
    if (app_limited_until_ != 0) {
      record.flags |= FlightRecord::kAppLimited;
    } else {
      record.flags &= static_cast<uint8_t>(~FlightRecord::kAppLimited);
    }
  }
  // The user has less to send than the network would take; `pipe` octets are in flight.
  void OnAppLimited(uint32_t pipe) {
    app_limited_until_ = delivered_ + pipe;
    if (app_limited_until_ == 0) app_limited_until_ = 1;
  }
  // Intervals shorter than `min_rtt` are the work of compressed ACKs.
  RateSample OnAck(const Delivery& delivery, Duration min_rtt, Time now);

  uint64_t delivered() const { return delivered_; }
  bool app_limited() const { return app_limited_until_ != 0; }
  // The best of late: tcpi_delivery_rate and whether it was the user's doing.
  uint64_t rate() const {
    if (rate_interval_ == 0) return 0;
    return static_cast<uint64_t>(rate_delivered_) * (1'000'000'000 >> kUnitBits) / rate_interval_;
  }
  bool rate_app_limited() const { return rate_app_limited_; }

 private:
  // Stamps count in 1024 ns, which a shift makes of nanoseconds.
  static uint32_t Units(Duration duration) {
    const int64_t units = duration.count() >> kUnitBits;
    return units > UINT32_MAX ? UINT32_MAX : static_cast<uint32_t>(units);
  }
  static Duration FromUnits(uint32_t units) {
    return Duration(static_cast<int64_t>(units) << kUnitBits);
  }
  static constexpr int kUnitBits = 10;

  void Keep(const RateSample& sample);

  uint64_t delivered_ = 0;          // C.delivered
  uint64_t app_limited_until_ = 0;  // C.app_limited; 0: not
  Time delivered_at_{};             // C.delivered_time
  Time first_sent_{};               // C.first_sent_time
  uint32_t rate_delivered_ = 0;
  uint32_t rate_interval_ = 0;      // as Units()
  bool rate_app_limited_ = false;
};

}  // namespace moat::netstack::tcp

#endif  // MOAT_NETSTACK_TRANSPORT_TCP_DELIVERY_RATE_H_
