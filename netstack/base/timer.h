// Timers of one stack. A Timer is embedded in the object it belongs to, costs no allocation, and is
// cancelled by its destruction. TimerQueue is a hierarchical wheel: arming, re-arming and
// cancelling are O(1), so that a million idle connections cost nothing per packet.
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
  // Circular list of `slot_`; null when not armed.
  Timer* previous_ = nullptr;
  Timer* next_ = nullptr;
  uint16_t slot_ = 0;
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

  // A time at or before the earliest armed deadline, rounded up to a tick where that is near;
  // kNever when none is armed. Calling RunExpired() then may find nothing due (far timers cascade).
  Time NextDeadline() const;

  size_t size() const { return size_; }

 private:
  friend class Timer;
  static constexpr int kLevels = 8;  // 2^48 ms: all of Time
  static constexpr int kSlotBits = 6;
  static constexpr int kSlots = 1 << kSlotBits;
  // Two lists beside the wheel: what RunExpired() is firing, and what its handlers armed for now.
  static constexpr uint16_t kFiring = kLevels * kSlots;
  static constexpr uint16_t kDeferred = kFiring + 1;

  // An occupied slot and the first tick that it covers.
  struct Due {
    int level;
    uint16_t slot;
    uint64_t tick;
  };

  void Insert(Timer& timer);
  void Remove(Timer& timer);
  void Append(Timer& timer, uint16_t slot);
  void MoveList(uint16_t from, uint16_t to);
  void InsertAll(uint16_t from);
  void FireAll();
  bool FindNext(Due& due) const;
  uint16_t SlotFor(uint64_t tick) const;

  // Every timer in the wheel has a tick >= now_tick_. It sits at the level of the highest six bits
  // in which its tick differed from now_tick_ when it was inserted, so that no slot ever wraps
  // around.
  uint64_t now_tick_;
  bool running_ = false;
  uint64_t run_until_ = 0;  // while running_
  size_t size_ = 0;
  std::array<Timer*, kLevels * kSlots + 2> heads_{};
  std::array<uint64_t, kLevels> occupied_{};  // one bit per slot
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_BASE_TIMER_H_
