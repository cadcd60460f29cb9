// BBR, version 1 (draft-cardwell-iccrg-bbr-congestion-control-00): a model of the path, its
// bottleneck's bandwidth and its smallest round trip, and a sender that paces at the one and keeps
// about two of their products in flight. Losses are answered only by packet conservation for a
// round trip. Names and sections are the draft's.
//
// DEVIATION: the phases of ProbeBW begin at 4.3.4.3's random one from a counter instead of a random
// number: an algorithm has no source of randomness here, and connections differ in when they begin
// anyway.
#include <algorithm>
#include <array>

#include "netstack/transport/tcp/congestion.h"

namespace moat::netstack::tcp {
namespace {

constexpr double kHighGain = 2.885;               // 4.3.2.1: 2 / ln(2)
constexpr double kCwndGain = 2;                   // 4.3.4.3
constexpr std::array<double, 8> kCycle = {1.25, 0.75, 1, 1, 1, 1, 1, 1};
constexpr int kBandwidthRounds = 10;              // BtlBwFilterLen
constexpr Duration kMinRttLife = std::chrono::seconds(10);          // RTpropFilterLen
constexpr Duration kProbeRttTime = std::chrono::milliseconds(200);  // ProbeRTTDuration
constexpr uint32_t kMinSegments = 4;              // BBRMinPipeCwnd
constexpr int kFullRounds = 3;
constexpr double kFullGrowth = 1.25;
constexpr double kPacingMargin = 0.99;            // Linux: a little below what was measured

// The largest of the last kBandwidthRounds rounds: three candidates, each the best since the one
// before (the windowed filter of Kathleen Nichols that the draft's appendix and Linux use).
class MaxBandwidth {
 public:
  uint64_t best() const { return best_[0].rate; }
  void Update(uint64_t rate, uint32_t round) {
    const Sample sample{rate, round};
    if (rate >= best_[0].rate || round - best_[2].round > kBandwidthRounds) {
      best_.fill(sample);
      return;
    }
    if (rate >= best_[1].rate) {
      best_[1] = best_[2] = sample;
    } else if (rate >= best_[2].rate) {
      best_[2] = sample;
    }
    const uint32_t age = round - best_[0].round;
    if (age > kBandwidthRounds) {
      best_[0] = best_[1];
      best_[1] = best_[2];
      best_[2] = sample;
      if (round - best_[0].round > kBandwidthRounds) {
        best_[0] = best_[1];
        best_[1] = best_[2];
      }
    } else if (best_[1].round == best_[0].round && age > kBandwidthRounds / 4) {
      best_[1] = best_[2] = sample;
    } else if (best_[2].round == best_[1].round && age > kBandwidthRounds / 2) {
      best_[2] = sample;
    }
  }

 private:
  struct Sample {
    uint64_t rate = 0;
    uint32_t round = 0;
  };
  std::array<Sample, 3> best_;
};

class Bbr final : public CongestionControl {
 public:
  std::string_view name() const override { return "bbr"; }

  void OnAck(const AckSample&, CongestionWindow&) override {}  // the window is its own

  void OnEveryAck(const EveryAck& ack, CongestionWindow& window) override {
    if (srtt_ == Duration::zero()) initial_window_ = window.cwnd;
    srtt_ = ack.srtt;
    UpdateRound(ack);
    UpdateBandwidth(ack);
    CheckCycle(ack, window);
    CheckFullPipe(ack);
    CheckDrain(ack, window);
    UpdateMinRtt(ack, window);
    SetPacingRate();
    SetWindow(ack, window);
  }

  // 4.2.4: the window is remembered, and losses do not move the model.
  uint32_t OnCongestion(const CongestionWindow& window, uint32_t) override {
    SaveWindow(window);
    return kInfiniteSsthresh;
  }
  void OnTimeout() override {
    // As Linux: a timeout ends the round, and what was measured as "full" is in doubt.
    full_bandwidth_ = 0;
    full_rounds_ = 0;
  }
  void OnUndo() override {
    full_bandwidth_ = 0;
    full_rounds_ = 0;
  }
  // 4.3.4.4 (BBRHandleRestartFromIdle).
  void OnIdleEnd(Duration) override {
    idle_restart_ = true;
    if (mode_ == Mode::kProbeBandwidth) pacing_gain_ = 1;
  }

  uint64_t PacingRate(const CongestionWindow& window) const override {
    if (pacing_rate_ != 0) return pacing_rate_;
    // 4.2.1 BBRInitPacingRate(): the initial window over the round trip, or a millisecond.
    const Duration rtt = srtt_ > Duration::zero() ? srtt_ : std::chrono::milliseconds(1);
    return static_cast<uint64_t>(kHighGain * window.cwnd * 1e9 / static_cast<double>(rtt.count()));
  }

 private:
  enum class Mode : uint8_t { kStartup, kDrain, kProbeBandwidth, kProbeRtt };

  // --- 4.1: the model ----------------------------------------------------------------------------
  void UpdateRound(const EveryAck& ack) {
    round_start_ = false;
    if (ack.delivered == 0) return;
    if (static_cast<int32_t>(ack.prior_delivered - next_round_) < 0) return;
    next_round_ = static_cast<uint32_t>(ack.delivered_total);
    ++rounds_;
    round_start_ = true;
    conserve_ = false;
  }

  void UpdateBandwidth(const EveryAck& ack) {
    if (ack.rate == 0) return;
    // What the user held back counts only if it is better all the same.
    if (ack.app_limited && ack.rate < bandwidth_.best()) return;
    bandwidth_.Update(ack.rate, rounds_);
  }

  void UpdateMinRtt(const EveryAck& ack, CongestionWindow& window) {
    const bool expired = min_rtt_ != Duration::zero() && ack.now > min_rtt_at_ + kMinRttLife;
    if (ack.rtt > Duration::zero() &&
        (min_rtt_ == Duration::zero() || ack.rtt <= min_rtt_ || expired)) {
      min_rtt_ = ack.rtt;
      min_rtt_at_ = ack.now;
    }
    // 4.3.5: nobody has emptied the queue for ten seconds.
    if (expired && !idle_restart_ && mode_ != Mode::kProbeRtt) {
      mode_ = Mode::kProbeRtt;
      pacing_gain_ = cwnd_gain_ = 1;
      SaveWindow(window);
      probe_rtt_done_ = kNever;
    }
    if (mode_ == Mode::kProbeRtt) HandleProbeRtt(ack, window);
    if (ack.delivered > 0) idle_restart_ = false;
  }

  void HandleProbeRtt(const EveryAck& ack, CongestionWindow& window) {
    if (probe_rtt_done_ == kNever) {
      if (ack.in_flight > kMinSegments * window.mss) return;
      probe_rtt_done_ = ack.now + kProbeRttTime;
      probe_rtt_round_done_ = false;
      next_round_ = static_cast<uint32_t>(ack.delivered_total);
      return;
    }
    if (round_start_) probe_rtt_round_done_ = true;
    if (!probe_rtt_round_done_ || ack.now < probe_rtt_done_) return;
    min_rtt_at_ = ack.now;
    window.cwnd = std::max(window.cwnd, prior_cwnd_);
    if (filled_pipe_) {
      EnterProbeBandwidth(ack.now);
    } else {
      EnterStartup();
    }
  }

  uint64_t Product(double gain) const {  // BBRInflight() without its quanta
    if (min_rtt_ == Duration::zero() || bandwidth_.best() == 0) return 0;
    return static_cast<uint64_t>(gain * static_cast<double>(bandwidth_.best()) *
                                 static_cast<double>(min_rtt_.count()) / 1e9);
  }

  // --- 4.3: the state machine --------------------------------------------------------------------
  void EnterStartup() {
    mode_ = Mode::kStartup;
    pacing_gain_ = cwnd_gain_ = kHighGain;
  }

  void EnterProbeBandwidth(Time now) {
    mode_ = Mode::kProbeBandwidth;
    cwnd_gain_ = kCwndGain;
    // Any phase but the one that drains.
    cycle_ = (2 + rounds_ % 7) % kCycle.size();
    cycle_at_ = now;
    pacing_gain_ = kCycle[cycle_];
  }

  void CheckFullPipe(const EveryAck& ack) {
    if (filled_pipe_ || !round_start_ || ack.app_limited) return;
    if (static_cast<double>(bandwidth_.best()) >=
        static_cast<double>(full_bandwidth_) * kFullGrowth) {
      full_bandwidth_ = bandwidth_.best();
      full_rounds_ = 0;
      return;
    }
    if (++full_rounds_ >= kFullRounds) filled_pipe_ = true;
  }

  void CheckDrain(const EveryAck& ack, const CongestionWindow& window) {
    if (mode_ == Mode::kStartup && filled_pipe_) {
      mode_ = Mode::kDrain;
      pacing_gain_ = 1 / kHighGain;
      cwnd_gain_ = kHighGain;
    }
    if (mode_ == Mode::kDrain && ack.in_flight <= Target(1, window)) EnterProbeBandwidth(ack.now);
  }

  void CheckCycle(const EveryAck& ack, const CongestionWindow& window) {
    if (mode_ != Mode::kProbeBandwidth) return;
    const bool full_length = ack.now - cycle_at_ > min_rtt_;
    bool next = full_length;
    if (pacing_gain_ > 1) {
      next = full_length && (ack.lost > 0 || ack.in_flight_before >= Target(pacing_gain_, window));
    } else if (pacing_gain_ < 1) {
      next = full_length || ack.in_flight_before <= Target(1, window);
    }
    if (!next) return;
    cycle_ = (cycle_ + 1) % kCycle.size();
    cycle_at_ = ack.now;
    pacing_gain_ = kCycle[cycle_];
  }

  // --- 4.2: what is controlled -------------------------------------------------------------------
  void SetPacingRate() {
    if (bandwidth_.best() == 0) return;
    const auto rate = static_cast<uint64_t>(pacing_gain_ * kPacingMargin *
                                            static_cast<double>(bandwidth_.best()));
    if (filled_pipe_ || rate > pacing_rate_) pacing_rate_ = std::max<uint64_t>(rate, 1);
  }

  // What `gain` products need to stay in flight, with room for ACKs that come in batches (4.2.3.2).
  uint32_t Target(double gain, const CongestionWindow& window) const {
    const uint64_t product = Product(gain);
    if (product == 0) return std::max(initial_window_, kMinSegments * window.mss);
    // A quantum is what goes at once: a millisecond's worth, as the pacer sends it.
    const uint64_t quantum = std::clamp<uint64_t>(pacing_rate_ / 1000, 2 * window.mss, 65536);
    const uint64_t target = product + 3 * quantum;
    return static_cast<uint32_t>(
        std::min<uint64_t>(std::max<uint64_t>(target, kMinSegments * window.mss), 1u << 30));
  }

  void SaveWindow(const CongestionWindow& window) {
    const bool at_rest = !recovering_ && mode_ != Mode::kProbeRtt;
    prior_cwnd_ = at_rest ? window.cwnd : std::max(prior_cwnd_, window.cwnd);
  }

  void SetWindow(const EveryAck& ack, CongestionWindow& window) {
    const uint32_t mss = window.mss;
    uint32_t cwnd = window.cwnd;
    if (ack.lost > 0) cwnd = std::max(cwnd - std::min(cwnd, ack.lost), mss);
    if (ack.recovering && !recovering_) {
      // 4.2.4.2: packet conservation for the first round trip.
      conserve_ = true;
      next_round_ = static_cast<uint32_t>(ack.delivered_total);
      cwnd = ack.in_flight + std::max(ack.delivered, mss);
    } else if (!ack.recovering && recovering_) {
      conserve_ = false;
      cwnd = std::max(cwnd, prior_cwnd_);
    }
    recovering_ = ack.recovering;
    if (conserve_) {
      cwnd = std::max(cwnd, ack.in_flight + ack.delivered);
    } else {
      const uint32_t target = Target(cwnd_gain_, window);
      if (filled_pipe_) {
        cwnd = std::min(cwnd + ack.delivered, target);
      } else if (cwnd < target || ack.delivered_total < initial_window_) {
        cwnd += ack.delivered;
      }
      cwnd = std::max(cwnd, kMinSegments * mss);
    }
    if (mode_ == Mode::kProbeRtt) cwnd = std::min(cwnd, kMinSegments * mss);
    window.cwnd = std::max(cwnd, mss);
  }

  MaxBandwidth bandwidth_;
  uint64_t full_bandwidth_ = 0;
  uint64_t pacing_rate_ = 0;
  Duration min_rtt_{};
  Duration srtt_{};
  Time min_rtt_at_{};
  Time cycle_at_{};
  Time probe_rtt_done_ = kNever;
  double pacing_gain_ = kHighGain;
  double cwnd_gain_ = kHighGain;
  uint32_t next_round_ = 0;
  uint32_t rounds_ = 0;
  uint32_t prior_cwnd_ = 0;
  uint32_t initial_window_ = 0;
  size_t cycle_ = 0;
  int full_rounds_ = 0;
  Mode mode_ = Mode::kStartup;
  bool round_start_ = false;
  bool filled_pipe_ = false;
  bool conserve_ = false;
  bool recovering_ = false;
  bool idle_restart_ = false;
  bool probe_rtt_round_done_ = false;
};

}  // namespace

std::unique_ptr<CongestionControl> NewBbr() { return std::make_unique<Bbr>(); }

}  // namespace moat::netstack::tcp
