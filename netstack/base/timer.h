// Timers of one stack. A Timer is embedded in the object it belongs to, costs no allocation, and is
// cancelled by its destruction. TimerQueue is a hierarchical wheel: arming, re-arming and cancelling
// are O(1), so that a million idle connections cost nothing per packet.
//
// Not thread-safe: like everything in netstack it is used under the stack's one lock.
#ifndef MOAT_NETSTACK_BASE_TIMER_H_
#define MOAT_NETSTACK_BASE_TIMER_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "netstack/base/time.h"

namespace moat::netstack {

class TimerQueue;

// Calls `handler(context)` once when it expires. The handler may arm any timer, including its own,
// and may destroy the object that embeds it.
class Timer {
 public:
  using Handler = void (*)(void* context);

  Timer(TimerQueue& queue, Handler handler, void* context)
      : queue_(&queue), handler_(handler), context_(context) {}
  ~Timer() { Cancel(); }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // (Re)arms for `deadline`; one in the past fires on the next RunExpired().
  void Arm(Time deadline);
  void Cancel();
  bool armed() const { return previous_ != nullptr; }
  Time deadline() const { return deadline_; }  // meaningful while armed

 private:
  friend class TimerQueue;
  TimerQueue* queue_;
  Handler handler_;
  void* context_;
  Time deadline_ = kNever;
  // Circular list of a wheel slot; null when not armed.
  Timer* previous_ = nullptr;
  Timer* next_ = nullptr;
};

// Wraps a member function: Timer t(queue, MemberTimer<&Tcb::OnRto>, this).
template <auto Member>
struct MemberTimerTraits;
template <typename Class, void (Class::*Member)()>
struct MemberTimerTraits<Member> {
  static void Call(void* context) { (static_cast<Class*>(context)->*Member)(); }
};
template <auto Member>
inline constexpr Timer::Handler MemberTimer = &MemberTimerTraits<Member>::Call;

// Resolution: 1 ms (kTick). A timer never fires early; it may fire up to one tick late.
class TimerQueue {
 public:
  static constexpr Duration kTick = std::chrono::milliseconds(1);

  explicit TimerQueue(Time now);
  ~TimerQueue();
  TimerQueue(const TimerQueue&) = delete;
  TimerQueue& operator=(const TimerQueue&) = delete;

  // Fires all timers with deadline <= now, in deadline order to within a tick.
  void RunExpired(Time now);

  // A time at or before the earliest armed deadline, rounded up to a tick where that is near; kNever
  // when none is armed. Calling RunExpired() then may find nothing due (far timers cascade).
  Time NextDeadline() const;

  size_t size() const { return size_; }

 private:
  friend class Timer;
  static constexpr int kLevels = 6;
  static constexpr int kSlotBits = 6;
  static constexpr int kSlots = 1 << kSlotBits;

  struct Slot {
    Timer* head = nullptr;
  };

  void Insert(Timer& timer);
  void Remove(Timer& timer);
  void Cascade(int level);
  static uint64_t TickOf(Time time);

  uint64_t now_tick_;
  size_t size_ = 0;
  std::array<std::array<Slot, kSlots>, kLevels> wheel_;
  std::array<uint64_t, kLevels> occupied_{};  // one bit per slot
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_BASE_TIMER_H_
