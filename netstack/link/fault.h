// Decorates a link with faults: loss, duplication, corruption, reordering and delay, in both
// directions, by a seed. For a container whose network must misbehave on demand, and for tests.
//
// Sent super-segments are cut first, so that faults befall single segments; received ones are taken
// as they come. Frames that arrive do not pass a Link; whoever reads them hands them to Receive().
#ifndef MOAT_NETSTACK_LINK_FAULT_H_
#define MOAT_NETSTACK_LINK_FAULT_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <vector>

#include "netstack/base/random.h"
#include "netstack/base/time.h"
#include "netstack/base/timer.h"
#include "netstack/link/link.h"

namespace moat::netstack {

// Probabilities are parts per million, so that a test's arithmetic is exact.
struct FaultPlan {
  uint32_t drop_ppm = 0;
  uint32_t duplicate_ppm = 0;
  uint32_t corrupt_ppm = 0;  // one bit of the frame behind its link header is turned
  uint32_t reorder_ppm = 0;  // held back by `reorder_delay`, so that others overtake it
  Duration delay{0};         // of every frame; whole milliseconds (the timers' tick)
  Duration jitter{0};        // uniform in [0, jitter), added to it. Order is kept
  Duration reorder_delay = std::chrono::milliseconds(2);
  size_t queue_limit = 1000; // frames under way per direction; more are dropped
};

struct FaultCounters {
  uint64_t passed = 0, dropped = 0, duplicated = 0, corrupted = 0, reordered = 0, overflowed = 0;
};

class FaultLink : public Link {
 public:
  using Deliver = std::function<void(RxFrame)>;

  // All borrowed. `deliver` takes received frames into the stack, at once or from a timer.
  FaultLink(Link* inner, const Clock* clock, Random* random, TimerQueue* timers, Deliver deliver);
  ~FaultLink() override;

  LinkCapabilities capabilities() const override { return inner_->capabilities(); }
  bool Transmit(const TxFrame& frame) override;
  void Flush() override { inner_->Flush(); }
  void Receive(RxFrame frame);

  // From now on; frames under way keep their times.
  void SetTransmitPlan(const FaultPlan& plan) { transmit_.plan = plan; }
  void SetReceivePlan(const FaultPlan& plan) { receive_.plan = plan; }
  const FaultCounters& transmit_counters() const { return transmit_.counters; }
  const FaultCounters& receive_counters() const { return receive_.counters; }

 private:
  // A frame under way, flat, in either direction.
  struct Held {
    Time due;
    std::vector<uint8_t> bytes;
    RxFrame received;  // received ones: all but the bytes
  };
  struct Direction {
    Direction(TimerQueue& queue, Timer::Handler handler, void* context)
        : timer(queue, handler, context) {}
    FaultPlan plan;
    FaultCounters counters;
    std::deque<Held> held;  // by due time
    Time last_due{};        // of frames that are not reordered
    Timer timer;
  };

  bool Roll(uint32_t ppm);
  bool IsIdle(const FaultPlan& plan) const;
  // Decides about one frame; calls `pass` now or holds copies for later.
  void Apply(Direction& direction, Held frame);
  void Hold(Direction& direction, Held frame, Time due);
  void Pass(Direction& direction, const Held& frame);
  void Corrupt(Held& frame);
  void RunTransmit() { Run(transmit_); }
  void RunReceive() { Run(receive_); }
  void Run(Direction& direction);

  Link* inner_;
  const Clock* clock_;
  Random* random_;
  Deliver deliver_;
  Direction transmit_;
  Direction receive_;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_LINK_FAULT_H_
