#include "netstack/base/timer.h"

#include <algorithm>
#include <bit>

namespace moat::netstack {
namespace {

uint64_t FloorTick(Time time) {
  const int64_t nanoseconds = std::max<int64_t>(time.time_since_epoch().count(), 0);
  return static_cast<uint64_t>(nanoseconds / TimerQueue::kTick.count());
}

uint64_t CeilTick(Time time) {
  const int64_t nanoseconds = std::max<int64_t>(time.time_since_epoch().count(), 0);
  const int64_t tick = TimerQueue::kTick.count();
  return static_cast<uint64_t>(nanoseconds / tick + (nanoseconds % tick != 0 ? 1 : 0));
}

}  // namespace

void Timer::Arm(Time deadline) {
  if (armed()) queue_->Remove(*this);
  deadline_ = deadline;
  queue_->Insert(*this);
}

void Timer::Cancel() {
  if (armed()) queue_->Remove(*this);
}

TimerQueue::TimerQueue(Time now) : now_tick_(FloorTick(now)) {}

TimerQueue::~TimerQueue() {
  for (Timer*& head : heads_) {
    while (head != nullptr) Remove(*head);
  }
}

uint16_t TimerQueue::SlotFor(uint64_t tick) const {
  const uint64_t difference = tick ^ now_tick_;
  const int level = difference == 0 ? 0 : (std::bit_width(difference) - 1) / kSlotBits;
  const uint64_t slot = (tick >> (level * kSlotBits)) & (kSlots - 1);
  return static_cast<uint16_t>(level * kSlots + static_cast<int>(slot));
}

void TimerQueue::Insert(Timer& timer) {
  const uint64_t tick = CeilTick(timer.deadline_);
  ++size_;
  if (running_ && tick <= run_until_) {
    Append(timer, kDeferred);
  } else {
    Append(timer, SlotFor(std::max(tick, now_tick_)));
  }
}

void TimerQueue::Append(Timer& timer, uint16_t slot) {
  Timer*& head = heads_[slot];
  timer.slot_ = slot;
  if (head == nullptr) {
    timer.previous_ = timer.next_ = &timer;
    head = &timer;
    if (slot < kFiring) occupied_[slot / kSlots] |= uint64_t{1} << (slot % kSlots);
    return;
  }
  timer.next_ = head;
  timer.previous_ = head->previous_;
  timer.previous_->next_ = &timer;
  head->previous_ = &timer;
}

void TimerQueue::Remove(Timer& timer) {
  const uint16_t slot = timer.slot_;
  if (timer.next_ == &timer) {
    heads_[slot] = nullptr;
    if (slot < kFiring) occupied_[slot / kSlots] &= ~(uint64_t{1} << (slot % kSlots));
  } else {
    timer.previous_->next_ = timer.next_;
    timer.next_->previous_ = timer.previous_;
    if (heads_[slot] == &timer) heads_[slot] = timer.next_;
  }
  timer.previous_ = timer.next_ = nullptr;
  --size_;
}

void TimerQueue::InsertAll(uint16_t from) {
  // A detached copy of the head: re-inserting must not meet the list that it empties.
  Timer* timer = heads_[from];
  if (timer == nullptr) return;
  heads_[from] = nullptr;
  if (from < kFiring) occupied_[from / kSlots] &= ~(uint64_t{1} << (from % kSlots));
  Timer* const last = timer->previous_;
  for (;;) {
    Timer* const next = timer->next_;
    const bool done = timer == last;
    Append(*timer, SlotFor(std::max(CeilTick(timer->deadline_), now_tick_)));
    if (done) break;
    timer = next;
  }
}

void TimerQueue::MoveList(uint16_t from, uint16_t to) {
  while (heads_[from] != nullptr) {
    Timer& timer = *heads_[from];
    Remove(timer);
    ++size_;
    Append(timer, to);
  }
}

bool TimerQueue::FindNext(Due& due) const {
  for (int level = 0; level < kLevels; ++level) {
    if (occupied_[level] == 0) continue;
    // Slots before now_tick_'s own are empty, so the lowest occupied bit is the earliest; and every
    // timer of a lower level is due before any of a higher one.
    const int slot = std::countr_zero(occupied_[level]);
    const int shift = level * kSlotBits;
    const uint64_t above = now_tick_ >> (shift + kSlotBits);
    due.level = level;
    due.slot = static_cast<uint16_t>(level * kSlots + slot);
    due.tick = std::max(now_tick_, ((above << kSlotBits) | static_cast<uint64_t>(slot)) << shift);
    return true;
  }
  return false;
}

void TimerQueue::FireAll() {
  while (heads_[kFiring] != nullptr) {
    Timer& timer = *heads_[kFiring];
    Remove(timer);
    timer.handler_(timer.context_);  // may destroy the timer
  }
}

void TimerQueue::RunExpired(Time now) {
  if (running_) return;  // a handler that drives its own queue gets nothing from it
  const uint64_t until = std::max(FloorTick(now), now_tick_);
  running_ = true;
  run_until_ = until;
  Due due;
  while (FindNext(due) && due.tick <= until) {
    now_tick_ = due.tick;
    if (due.level == 0) {
      MoveList(due.slot, kFiring);
      FireAll();
    } else {
      InsertAll(due.slot);
    }
  }
  now_tick_ = until;
  running_ = false;
  InsertAll(kDeferred);
}

Time TimerQueue::NextDeadline() const {
  Due due;
  if (!FindNext(due)) return kNever;
  constexpr uint64_t kLastTick = static_cast<uint64_t>(kNever.time_since_epoch() / kTick);
  if (due.tick >= kLastTick) return kNever;
  return Time(kTick * static_cast<int64_t>(due.tick));
}

}  // namespace moat::netstack
