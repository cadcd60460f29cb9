// Every request for memory may be refused: the n-th, for every n in turn, runs of them, and random
// ones. Nothing crashes, nothing stays charged, and what the story promises holds once memory is
// there again.
#include "netstack/stack/memory_fault_stories.h"
#include "netstack/stack/memory_test_world.h"

namespace moat::netstack {
namespace {

std::vector<std::tuple<FaultStory, Family>> Tellings() {
  std::vector<std::tuple<FaultStory, Family>> tellings;
  for (const FaultStory& story : FaultStories()) {
    if (!story.v6_only) tellings.emplace_back(story, Family::kIpv4);
    tellings.emplace_back(story, Family::kIpv6);
  }
  return tellings;
}

class MemoryFaultsTest : public testing::TestWithParam<std::tuple<FaultStory, Family>> {
 protected:
  // Returns whether the faults came to their end.
  static bool Tell(PlannedFaults plan) {
    const auto& [story, family] = GetParam();
    MemoryWorld world(MemoryBudget::kDefaultLimit, story.lose);
    PlannedFaults a_faults = plan, b_faults = plan;
    world.a_memory.SetFaults(&a_faults);
    world.b_memory.SetFaults(&b_faults);
    story.tell(world, CastOf(family), [&] {
      world.a_memory.SetFaults(nullptr);
      world.b_memory.SetFaults(nullptr);
    });
    world.a_memory.SetFaults(nullptr);
    world.b_memory.SetFaults(nullptr);
    world.ExpectNothingHeld();
    return a_faults.asked() >= plan.last() || b_faults.asked() >= plan.last();
  }
};
INSTANTIATE_TEST_SUITE_P(Stories, MemoryFaultsTest,
                         testing::ValuesIn(Tellings()),
                         [](const auto& info) {
                           return std::string(std::get<0>(info.param).name) +
                                  (std::get<1>(info.param) == Family::kIpv4 ? "Ipv4" : "Ipv6");
                         });

TEST_P(MemoryFaultsTest, EveryRequestInTurn) {
  constexpr uint64_t kMost = 2000;  // no story asks so often
  for (uint64_t n = 1; n <= kMost; ++n) {
    SCOPED_TRACE("request " + std::to_string(n) + " is refused");
    if (!Tell(PlannedFaults::Nth(n))) return;
    if (HasFailure()) return;
  }
  FAIL() << "the story asks for memory more than " << kMost << " times: not all were refused";
}

TEST_P(MemoryFaultsTest, RunsOfRequests) {
  for (uint64_t n = 1; n <= 200; n += 13) {
    SCOPED_TRACE("requests from " + std::to_string(n) + " on are refused");
    (void)Tell(PlannedFaults::Nth(n, 1 + n % 40));
    if (HasFailure()) return;
  }
}

TEST_P(MemoryFaultsTest, RandomRequests) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    (void)Tell(PlannedFaults::Random(seed, seed % 2 == 0 ? 10 : 50));
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace moat::netstack
