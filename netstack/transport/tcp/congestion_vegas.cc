// TCP Vegas (Brakmo, Peterson, "TCP Vegas: End to End Congestion Avoidance on a Global Internet",
// 1995): keeps between alpha and beta segments in the path's queue, which it reads from how far the
// round trip is above the smallest one. Once per round trip; with too few measurements in it the
// round counts as Reno's.
#include <algorithm>

#include "netstack/transport/tcp/congestion.h"

namespace moat::netstack::tcp {
namespace {

// Segments that may wait in the queue: a window below alpha grows, one above beta shrinks; and
// gamma ends slow start. The values of the paper's implementation that Linux uses.
constexpr uint32_t kAlpha = 2;
constexpr uint32_t kBeta = 4;
constexpr uint32_t kGamma = 1;
constexpr int kMinSamples = 3;

class Vegas final : public CongestionControl {
 public:
  std::string_view name() const override { return "vegas"; }

  void OnEveryAck(const EveryAck& ack, CongestionWindow&) override {
    if (ack.rtt <= Duration::zero()) return;
    base_rtt_ = std::min(base_rtt_, ack.rtt);
    min_rtt_ = std::min(min_rtt_, ack.rtt);
    if (samples_ < kMinSamples) ++samples_;
  }

  void OnAck(const AckSample& sample, CongestionWindow& window) override {
    if (!started_) {
      started_ = true;
      round_end_ = sample.nxt;
    }
    if (sample.una >= round_end_) {
      EndRound(sample, window);
      round_end_ = sample.nxt;
      min_rtt_ = Duration::max();
      samples_ = 0;
      if (window.InSlowStart()) (void)SlowStart(sample.acked, window);
    } else if (window.InSlowStart()) {
      (void)SlowStart(sample.acked, window);
    }
  }

  uint32_t OnCongestion(const CongestionWindow& window, uint32_t in_flight) override {
    started_ = false;
    credit_ = 0;
    return std::max(std::min(in_flight, window.cwnd) / 2, 2 * window.mss);
  }

  void OnIdleEnd(Duration) override { started_ = false; }

 private:
  void EndRound(const AckSample& sample, CongestionWindow& window) {
    if (samples_ < kMinSamples) {
      // Delayed ACKs, or a window of a few segments: nothing to judge by.
      if (!window.InSlowStart()) Reno(sample, window);
      return;
    }
    const uint32_t cwnd = window.cwnd / window.mss;
    const auto base = static_cast<uint64_t>(base_rtt_.count());
    const auto rtt = static_cast<uint64_t>(min_rtt_.count());
    const auto target = static_cast<uint32_t>(cwnd * base / std::max<uint64_t>(rtt, 1));
    const auto queued = static_cast<uint32_t>(cwnd * (rtt - base) / std::max<uint64_t>(base, 1));
    if (window.InSlowStart()) {
      if (queued <= kGamma) return;
      // The queue fills: down to what the path carries, and avoidance from there.
      window.cwnd = std::min(window.cwnd, (target + 1) * window.mss);
      window.ssthresh = std::max(std::min(window.ssthresh, window.cwnd), 2 * window.mss);
    } else if (queued > kBeta) {
      window.cwnd -= window.mss;
      window.ssthresh =
          std::min(window.ssthresh, std::max(window.cwnd - window.mss, 2 * window.mss));
    } else if (queued < kAlpha) {
      window.cwnd += window.mss;
    }
    window.cwnd = std::max(window.cwnd, 2 * window.mss);
  }

  void Reno(const AckSample& sample, CongestionWindow& window) {
    credit_ += sample.acked;
    if (credit_ < window.cwnd) return;
    credit_ = 0;
    window.cwnd += window.mss;
  }

  Duration base_rtt_ = Duration::max();
  Duration min_rtt_ = Duration::max();  // of this round
  SeqNum round_end_;
  uint32_t credit_ = 0;
  int samples_ = 0;
  bool started_ = false;
};

}  // namespace

std::unique_ptr<CongestionControl> NewVegas() { return std::make_unique<Vegas>(); }

}  // namespace moat::netstack::tcp
