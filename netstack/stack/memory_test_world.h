// Two stacks on a lossy wire, each with a memory budget that can be made to refuse.
#ifndef MOAT_NETSTACK_STACK_MEMORY_TEST_WORLD_H_
#define MOAT_NETSTACK_STACK_MEMORY_TEST_WORLD_H_

#include <algorithm>
#include <memory>
#include <utility>

#include "netstack/stack/stack_test_world.h"

namespace moat::netstack {

// Refuses the n-th request for memory, and `run` - 1 after it; or each with a probability.
class PlannedFaults final : public MemoryFaults {
 public:
  static PlannedFaults Nth(uint64_t n, uint64_t run = 1) {
    PlannedFaults faults;
    faults.first_ = n;
    faults.last_ = n + run - 1;
    return faults;
  }
  static PlannedFaults Random(uint64_t seed, uint32_t percent) {
    PlannedFaults faults;
    faults.random_ = SeededRandom(seed);
    faults.percent_ = percent;
    return faults;
  }

  bool Refuse(MemoryUse, size_t) override {
    ++asked_;
    if (percent_ != 0) return random_.Below(100) < percent_;
    return first_ <= asked_ && asked_ <= last_;
  }
  uint64_t asked() const { return asked_; }
  uint64_t last() const { return last_; }

 private:
  SeededRandom random_{1};
  uint64_t asked_ = 0, first_ = 0, last_ = 0;
  uint32_t percent_ = 0;
};

class MemoryWorld {
 public:
  // Every `lose`-th frame is lost; 0: none.
  explicit MemoryWorld(size_t limit = MemoryBudget::kDefaultLimit, int lose = 0)
      : a_memory(limit), b_memory(limit), lose_(lose) {
    Setup(a, a_link, kOwnMac, {"192.0.2.1/24", "2001:db8::1/64"});
    Setup(b, b_link, kPeerMac, {"192.0.2.2/24", "2001:db8::2/64"});
    Advance(std::chrono::seconds(2));
    a_configured_ = a_memory.used();
    b_configured_ = b_memory.used();
  }

  void Settle() {
    for (int round = 0; round < 10000; ++round) {
      a.Flush();
      b.Flush();
      if (!(Carry(a_link, b) | Carry(b_link, a))) return;
    }
    ADD_FAILURE() << "the wire never falls silent";
  }
  void Advance(Duration by, Duration step = std::chrono::milliseconds(5)) {
    const Time end = clock.Now() + by;
    while (clock.Now() < end) {
      const Time next = std::max(std::min(a.NextDeadline(), b.NextDeadline()), clock.Now() + step);
      clock.Set(std::min(end, next));
      a.RunTimers();
      b.RunTimers();
      Settle();
    }
  }
  // With all sockets gone and all timers run out, nothing may be charged but neighbours and what
  // came with the configuration.
  void ExpectNothingHeld() {
    Advance(std::chrono::minutes(20));
    a.FlushNeighbors(0);
    b.FlushNeighbors(0);
    EXPECT_EQ(a_memory.used(), a_configured_);
    EXPECT_EQ(b_memory.used(), b_configured_);
  }

  FakeClock clock;
  SeededRandom random{7};
  ChannelLink a_link, b_link;
  MemoryBudget a_memory, b_memory;
  Stack a{{.clock = &clock, .random = &random, .memory = &a_memory}};
  Stack b{{.clock = &clock, .random = &random, .memory = &b_memory}};

 private:
  static void Setup(Stack& stack, ChannelLink& link, const MacAddress& mac,
                    std::vector<const char*> addresses) {
    EXPECT_TRUE(stack.AddInterface({.index = kEth0, .name = "eth0", .mac = mac, .mtu = 1500,
                                    .up = true, .running = true, .link = &link}).ok());
    AddressOptions at_once;
    at_once.no_dad = true;
    for (const char* address : addresses) {
      EXPECT_TRUE(stack.AddAddress(kEth0, *Prefix::Parse(address), at_once).ok());
    }
  }
  bool Carry(ChannelLink& from, Stack& to) {
    bool moved = false;
    while (!from.sent().empty()) {
      moved = true;
      for (const Bytes& frame : from.TakeWireFrames()) {
        if (lose_ != 0 && ++carried_ % lose_ == 0) continue;
        to.Receive(kEth0, ReceivedFrame(frame));
      }
    }
    to.Flush();
    return moved;
  }

  const int lose_;
  int carried_ = 0;
  size_t a_configured_ = 0, b_configured_ = 0;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_STACK_MEMORY_TEST_WORLD_H_
