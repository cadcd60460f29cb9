// RFC 5681: slow start and congestion avoidance. With recovery.cc's RFC 6582 this is "NewReno".
#include <algorithm>

#include "netstack/transport/tcp/congestion.h"
#include "netstack/transport/tcp/hystart.h"

namespace moat::netstack::tcp {
namespace {

class Reno final : public CongestionControl {
 public:
  std::string_view name() const override { return "reno"; }

  void OnAck(const AckSample& sample, CongestionWindow& window) override {
    uint32_t acked = sample.acked;
    if (window.InSlowStart()) acked = hystart_.Grow(sample, window);
    // 3.1: one SMSS per round trip, counted in octets (RFC 3465 2.1).
    credit_ += acked;
    while (credit_ >= window.cwnd) {
      credit_ -= window.cwnd;
      window.cwnd += window.mss;
    }
  }

  uint32_t OnCongestion(const CongestionWindow& window, uint32_t in_flight) override {
    credit_ = 0;
    return std::max(in_flight / 2, 2 * window.mss);  // equation (4)
  }

 private:
  uint32_t credit_ = 0;  // octets acknowledged towards the next increase
  HyStart hystart_;
};

}  // namespace

std::unique_ptr<CongestionControl> NewReno() { return std::make_unique<Reno>(); }

}  // namespace moat::netstack::tcp
