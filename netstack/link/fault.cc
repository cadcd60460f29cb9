#include "netstack/link/fault.h"

#include <algorithm>
#include <utility>

#include "netstack/link/segment.h"

namespace moat::netstack {
namespace {

constexpr uint32_t kMillion = 1'000'000;
constexpr size_t kEthernetHeader = 14;

}  // namespace

FaultLink::FaultLink(Link* inner, const Clock* clock, Random* random, TimerQueue* timers,
                     Deliver deliver)
    : inner_(inner),
      clock_(clock),
      random_(random),
      deliver_(std::move(deliver)),
      transmit_(*timers, MemberTimer<&FaultLink::RunTransmit>, this),
      receive_(*timers, MemberTimer<&FaultLink::RunReceive>, this) {}

FaultLink::~FaultLink() = default;

bool FaultLink::Roll(uint32_t ppm) { return ppm != 0 && random_->Below(kMillion) < ppm; }

bool FaultLink::IsIdle(const FaultPlan& plan) const {
  return plan.drop_ppm == 0 && plan.duplicate_ppm == 0 && plan.corrupt_ppm == 0 &&
         plan.reorder_ppm == 0 && plan.delay.count() == 0 && plan.jitter.count() == 0;
}

bool FaultLink::Transmit(const TxFrame& frame) {
  if (IsIdle(transmit_.plan) && transmit_.held.empty()) {
    ++transmit_.counters.passed;
    return inner_->Transmit(frame);
  }
  // Faults befall the frames of the wire, after checksums are complete, or damage would be summed
  // up.
  const size_t link_header = inner_->capabilities().has_ethernet_header ? kEthernetHeader : 0;
  EmitWireFrames(frame, link_header, [&](std::span<const uint8_t> bytes) {
    Held held;
    held.bytes.assign(bytes.begin(), bytes.end());
    Apply(transmit_, std::move(held));
  });
  return true;
}

void FaultLink::Receive(RxFrame frame) {
  if (IsIdle(receive_.plan) && receive_.held.empty()) {
    ++receive_.counters.passed;
    deliver_(std::move(frame));
    return;
  }
  Held held;
  held.bytes.assign(frame.bytes.data(), frame.bytes.data() + frame.bytes.size());
  held.received = std::move(frame);
  held.received.bytes = Slice();
  Apply(receive_, std::move(held));
}

void FaultLink::Apply(Direction& direction, Held frame) {
  const FaultPlan& plan = direction.plan;
  if (Roll(plan.drop_ppm)) {
    ++direction.counters.dropped;
    return;
  }
  if (Roll(plan.corrupt_ppm)) {
    ++direction.counters.corrupted;
    Corrupt(frame);
  }
  const Time now = clock_->Now();
  Time due = now + plan.delay;
  if (plan.jitter.count() > 0) {
    due += Duration(random_->U64() % static_cast<uint64_t>(plan.jitter.count()));
  }
  if (Roll(plan.reorder_ppm)) {
    ++direction.counters.reordered;
    due += plan.reorder_delay;
  } else {
    due = std::max(due, direction.last_due);
    direction.last_due = due;
  }
  const bool twice = Roll(plan.duplicate_ppm);
  if (twice) {
    ++direction.counters.duplicated;
    Hold(direction, frame, due);
  }
  Hold(direction, std::move(frame), due);
}

void FaultLink::Hold(Direction& direction, Held frame, Time due) {
  if (due <= clock_->Now() && (direction.held.empty() || direction.held.front().due > due)) {
    Pass(direction, frame);
    return;
  }
  if (direction.held.size() >= direction.plan.queue_limit) {
    ++direction.counters.overflowed;
    return;
  }
  frame.due = due;
  const auto place = std::upper_bound(direction.held.begin(), direction.held.end(), due,
                                      [](Time time, const Held& held) { return time < held.due; });
  direction.held.insert(place, std::move(frame));
  direction.timer.Arm(direction.held.front().due);
}

void FaultLink::Run(Direction& direction) {
  while (!direction.held.empty() && direction.held.front().due <= clock_->Now()) {
    const Held frame = std::move(direction.held.front());
    direction.held.pop_front();
    Pass(direction, frame);
  }
  if (!direction.held.empty()) direction.timer.Arm(direction.held.front().due);
}

void FaultLink::Pass(Direction& direction, const Held& frame) {
  ++direction.counters.passed;
  if (&direction == &receive_) {
    RxFrame received = frame.received;
    received.bytes = Slice::Copy(frame.bytes);
    deliver_(std::move(received));
    return;
  }
  inner_->Transmit({.headers = frame.bytes});
}

// The receiver must notice: a checksum that a virtual link vouches for would hide the damage.
void FaultLink::Corrupt(Held& frame) {
  const size_t first = inner_->capabilities().has_ethernet_header ? kEthernetHeader : 0;
  if (frame.bytes.size() <= first) return;
  const size_t span = frame.bytes.size() - first;
  const size_t offset = first + random_->Below(static_cast<uint32_t>(span));
  frame.bytes[offset] ^= static_cast<uint8_t>(1u << random_->Below(8));
  frame.received.checksum = RxChecksum::kUnverified;
}

}  // namespace moat::netstack
