// Virtual time: what happens next, and when. Events of the same time run in the order in which they
// were made, so a run depends on nothing but its input.
#ifndef MOAT_NETSTACK_SIM_EVENT_QUEUE_H_
#define MOAT_NETSTACK_SIM_EVENT_QUEUE_H_

#include <cstdint>
#include <functional>
#include <queue>
#include <vector>

#include "netstack/base/time.h"

namespace moat::netstack::sim {

class EventTarget {
 public:
  virtual ~EventTarget() = default;
  virtual void OnEvent(uint64_t argument) = 0;
};

// Is the clock of everything in a simulation: time stands still while an event is handled.
class EventQueue : public Clock {
 public:
  // Not zero, so that a forgotten initial value shows.
  static constexpr Time kStart = kTimeZero + std::chrono::seconds(1000);

  Time Now() const override { return now_; }
  Duration elapsed() const { return now_ - kStart; }

  // A time in the past means now. `target` must live until then.
  void At(Time time, EventTarget* target, uint64_t argument) {
    events_.push({time < now_ ? now_ : time, next_order_++, target, argument});
  }
  void After(Duration delay, EventTarget* target, uint64_t argument) {
    At(now_ + delay, target, argument);
  }

  bool empty() const { return events_.empty(); }
  Time next() const { return events_.empty() ? kNever : events_.top().time; }
  uint64_t handled() const { return handled_; }

  // Must not be empty.
  void RunOne() {
    const Event event = events_.top();
    events_.pop();
    now_ = event.time;
    ++handled_;
    event.target->OnEvent(event.argument);
  }
  void AdvanceTo(Time time) { now_ = time; }  // nothing may be due before it

 private:
  struct Event {
    Time time;
    uint64_t order;
    EventTarget* target;
    uint64_t argument;

    bool operator>(const Event& other) const {
      return time != other.time ? time > other.time : order > other.order;
    }
  };

  Time now_ = kStart;
  uint64_t next_order_ = 0;
  uint64_t handled_ = 0;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
};

}  // namespace moat::netstack::sim

#endif  // MOAT_NETSTACK_SIM_EVENT_QUEUE_H_
