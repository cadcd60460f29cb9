// CUBIC (RFC 9438). Names and section numbers are the RFC's; windows here are in segments as there.
#include <algorithm>
#include <cmath>

#include "netstack/transport/tcp/congestion.h"
#include "netstack/transport/tcp/hystart.h"

namespace moat::netstack::tcp {
namespace {

constexpr double kC = 0.4;          // 5: segments per second cubed
constexpr double kBeta = 0.7;       // 4.6
constexpr double kAlpha = 3 * (1 - kBeta) / (1 + kBeta);  // 4.3

double Seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

class Cubic final : public CongestionControl {
 public:
  std::string_view name() const override { return "cubic"; }

  void OnAck(const AckSample& sample, CongestionWindow& window) override {
    uint32_t acked = sample.acked;
    if (window.InSlowStart()) acked = hystart_.Grow(sample, window);
    if (acked == 0) return;
    Avoid(sample, static_cast<double>(acked) / window.mss, window);
  }

  // 4.6, 4.7.
  uint32_t OnCongestion(const CongestionWindow& window, uint32_t in_flight) override {
    const double cwnd = static_cast<double>(window.cwnd) / window.mss;
    undo_ = curve_;
    curve_.w_max = cwnd < curve_.w_max ? cwnd * (1 + kBeta) / 2 : cwnd;
    curve_.cwnd_prior = cwnd;
    curve_.epoch = kNever;
    // DEVIATION: 4.6 lets the reduction start from cwnd or from flight size; cwnd, as Linux does,
    // because growth is already bound to a cwnd that is used (RFC 7661).
    return std::max(static_cast<uint32_t>(window.cwnd * kBeta), 2 * window.mss);
  }

  // 4.9.1: the curve goes on as if nothing had been.
  void OnUndo() override { curve_ = undo_; }

  // DEVIATION: 4.8 begins anew after a timeout, with K = 0; here W_max is still aimed at, as in
  // Linux.
  void OnTimeout() override { curve_.epoch = kNever; }

  // 5.8: time without sending is not time of growth.
  void OnIdleEnd(Duration idle) override {
    if (curve_.epoch != kNever) curve_.epoch += idle;
  }

 private:
  void StartEpoch(Time now, double cwnd) {
    curve_.epoch = now;
    curve_.w_est = cwnd;
    if (cwnd < curve_.w_max) {
      curve_.k = std::cbrt((curve_.w_max - cwnd) / kC);  // equation (2)
      curve_.origin = curve_.w_max;
    } else {
      curve_.k = 0;
      curve_.origin = cwnd;
    }
  }

  double WCubic(double t) const {  // equation (1)
    const double x = t - curve_.k;
    return kC * x * x * x + curve_.origin;
  }

  void Avoid(const AckSample& sample, double acked, CongestionWindow& window) {
    const double cwnd = static_cast<double>(window.cwnd) / window.mss;
    if (curve_.epoch == kNever) StartEpoch(sample.now, cwnd);
    const double t = Seconds(sample.now - curve_.epoch);
    // 4.3: what Reno would have; 1 once it is where it was before the last reduction.
    curve_.w_est += (curve_.w_est < curve_.cwnd_prior ? kAlpha : 1.0) * acked / cwnd;
    double next;
    if (WCubic(t) < curve_.w_est) {
      next = std::max(cwnd, curve_.w_est);
    } else {  // 4.4, 4.5
      const double target = std::clamp(WCubic(t + Seconds(sample.rtt)), cwnd, 1.5 * cwnd);
      next = cwnd + (target - cwnd) / cwnd * acked;
    }
    // Fractions of an octet are carried, or a slow growth would be rounded away.
    const double octets = next * window.mss + carry_;
    const auto whole = static_cast<uint32_t>(std::min(octets, 2e9));
    carry_ = octets - whole;
    window.cwnd = std::max(window.cwnd, whole);
    if (whole < window.cwnd) carry_ = 0;
  }

  struct Curve {
    double w_max = 0;
    double cwnd_prior = 0;
    double w_est = 0;
    double k = 0;
    double origin = 0;
    Time epoch = kNever;
  };

  Curve curve_;
  Curve undo_;
  double carry_ = 0;
  HyStart hystart_;
};

}  // namespace

std::unique_ptr<CongestionControl> NewCubic() { return std::make_unique<Cubic>(); }

}  // namespace moat::netstack::tcp
