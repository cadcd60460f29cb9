// Pacing: sending at a rate rather than in bursts. For connections whose algorithm wants it (BBR)
// or whose user set a limit (SO_MAX_PACING_RATE); others have none.
//
// The stack's timers have a grain of a millisecond, so what fell due meanwhile goes at once, up to
// kCredit's worth: the rate holds on average, and ACKs clock what goes between two ticks.
#ifndef MOAT_NETSTACK_TRANSPORT_TCP_PACER_H_
#define MOAT_NETSTACK_TRANSPORT_TCP_PACER_H_

#include <algorithm>
#include <cstdint>

#include "netstack/base/timer.h"

namespace moat::netstack::tcp {

class Pacer {
 public:
  static constexpr uint64_t kUnlimited = ~uint64_t{0};

  Pacer(TimerQueue& timers, Timer::Handler handler, void* context)
      : timer_(timers, handler, context) {}

  // Whether to wait; if so the timer will tell when not to.
  bool Holds(Time now) {
    if (now >= next_) return false;
    if (!timer_.armed()) timer_.Arm(next_);
    return true;
  }
  void Sent(uint32_t octets, uint64_t rate, Time now) {
    const auto cost =
        static_cast<int64_t>(static_cast<double>(octets) * 1e9 / static_cast<double>(rate));
    next_ = std::max(next_, now - kCredit) + Duration(std::min<int64_t>(cost, kLongest.count()));
  }
  // The largest piece to send at once: a millisecond's worth, as Linux has it.
  static uint32_t Quantum(uint64_t rate, uint32_t mss) {
    return static_cast<uint32_t>(std::clamp<uint64_t>(rate / 1000 / mss * mss, 2 * mss, 1u << 20));
  }
  void Stop() { timer_.Cancel(); }

 private:
  static constexpr Duration kCredit = 2 * TimerQueue::kTick;
  static constexpr Duration kLongest = std::chrono::seconds(10);

  Time next_{};
  Timer timer_;
};

}  // namespace moat::netstack::tcp

#endif  // MOAT_NETSTACK_TRANSPORT_TCP_PACER_H_
