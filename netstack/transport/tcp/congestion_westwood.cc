// TCP Westwood+ (Grieco, Mascolo, "Performance evaluation and comparison of Westwood+, New Reno,
// and Vegas TCP congestion control", 2004): Reno that after a loss returns to what the path was
// measured to carry, bandwidth times the smallest round trip, instead of to half. Meant for paths
// that lose without congestion.
#include <algorithm>

#include "netstack/transport/tcp/congestion.h"
#include "netstack/transport/tcp/hystart.h"

namespace moat::netstack::tcp {
namespace {

// One bandwidth sample per round trip, and at least this far apart: shorter ones measure compressed
// ACKs.
constexpr Duration kMinSample = std::chrono::milliseconds(50);

class Westwood final : public CongestionControl {
 public:
  std::string_view name() const override { return "westwood"; }

  void OnAck(const AckSample& sample, CongestionWindow& window) override {
    uint32_t acked = sample.acked;
    if (window.InSlowStart()) acked = hystart_.Grow(sample, window);
    credit_ += acked;
    while (credit_ >= window.cwnd) {
      credit_ -= window.cwnd;
      window.cwnd += window.mss;
    }
  }

  void OnEveryAck(const EveryAck& ack, CongestionWindow&) override {
    if (ack.rtt > Duration::zero()) {
      min_rtt_ = min_rtt_ == Duration::zero() ? ack.rtt : std::min(min_rtt_, ack.rtt);
    }
    if (since_ == Time{}) since_ = ack.now;
    delivered_ += ack.delivered;
    const Duration elapsed = ack.now - since_;
    if (elapsed < std::max(ack.srtt, kMinSample)) return;
    const double rate =
        static_cast<double>(delivered_) * 1e9 / static_cast<double>(elapsed.count());
    // Two poles of 7/8 in a row, as in the authors' implementation.
    first_ = first_ == 0 ? rate : (7 * first_ + rate) / 8;
    rate_ = rate_ == 0 ? first_ : (7 * rate_ + first_) / 8;
    delivered_ = 0;
    since_ = ack.now;
  }

  uint32_t OnCongestion(const CongestionWindow& window, uint32_t) override {
    credit_ = 0;
    const double octets = rate_ * static_cast<double>(min_rtt_.count()) / 1e9;
    const auto target = static_cast<uint32_t>(std::min(octets, 1e9)) / window.mss * window.mss;
    return std::max(target, 2 * window.mss);
  }

  // Time without sending says nothing about the path.
  void OnIdleEnd(Duration) override {
    since_ = Time{};
    delivered_ = 0;
  }

 private:
  HyStart hystart_;
  double first_ = 0;  // octets per second, filtered once and twice
  double rate_ = 0;
  Duration min_rtt_{};
  Time since_{};           // of the present sample
  uint64_t delivered_ = 0;  // octets in it
  uint32_t credit_ = 0;
};

}  // namespace

std::unique_ptr<CongestionControl> NewWestwood() { return std::make_unique<Westwood>(); }

}  // namespace moat::netstack::tcp
