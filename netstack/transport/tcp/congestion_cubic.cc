// CUBIC (RFC 9438). Names and section numbers are the RFC's; windows here are in segments as there.
#include <algorithm>
#include <cmath>

#include "netstack/transport/tcp/congestion.h"

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
    if (window.InSlowStart()) acked = SlowStart(acked, window);
    if (acked == 0) return;
    Avoid(sample, static_cast<double>(acked) / window.mss, window);
  }

  // 4.6, 4.7.
  uint32_t OnCongestion(const CongestionWindow& window, uint32_t in_flight) override {
    const double cwnd = static_cast<double>(window.cwnd) / window.mss;
    w_max_ = cwnd < w_max_ ? cwnd * (1 + kBeta) / 2 : cwnd;
    cwnd_prior_ = cwnd;
    epoch_ = kNever;
    // DEVIATION: 4.6 lets the reduction start from cwnd or from flight size; cwnd, as Linux does,
    // because growth is already bound to a cwnd that is used (RFC 7661).
    return std::max(static_cast<uint32_t>(window.cwnd * kBeta), 2 * window.mss);
  }

  // 4.8: after a timeout W_max is where the growth aims, with K = 0.
  void OnTimeout() override { epoch_ = kNever; }

  // 5.8: time without sending is not time of growth.
  void OnIdleEnd(Duration idle) override {
    if (epoch_ != kNever) epoch_ += idle;
  }

 private:
  void StartEpoch(Time now, double cwnd) {
    epoch_ = now;
    w_est_ = cwnd;
    if (cwnd < w_max_) {
      k_ = std::cbrt((w_max_ - cwnd) / kC);  // equation (2)
      origin_ = w_max_;
    } else {
      k_ = 0;
      origin_ = cwnd;
    }
  }

  double WCubic(double t) const {  // equation (1)
    const double x = t - k_;
    return kC * x * x * x + origin_;
  }

  void Avoid(const AckSample& sample, double acked, CongestionWindow& window) {
    const double cwnd = static_cast<double>(window.cwnd) / window.mss;
    if (epoch_ == kNever) StartEpoch(sample.now, cwnd);
    const double t = Seconds(sample.now - epoch_);
    // 4.3: what Reno would have; 1 once it is where it was before the last reduction.
    w_est_ += (w_est_ < cwnd_prior_ ? kAlpha : 1.0) * acked / cwnd;
    double next;
    if (WCubic(t) < w_est_) {
      next = std::max(cwnd, w_est_);
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

  double w_max_ = 0;
  double cwnd_prior_ = 0;
  double w_est_ = 0;
  double k_ = 0;
  double origin_ = 0;
  double carry_ = 0;
  Time epoch_ = kNever;
};

}  // namespace

std::unique_ptr<CongestionControl> NewCubic() { return std::make_unique<Cubic>(); }

}  // namespace moat::netstack::tcp
