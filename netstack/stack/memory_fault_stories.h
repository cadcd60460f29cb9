// What two stacks go through while requests for memory are refused (memory_faults_test.cc).
#ifndef MOAT_NETSTACK_STACK_MEMORY_FAULT_STORIES_H_
#define MOAT_NETSTACK_STACK_MEMORY_FAULT_STORIES_H_

#include <functional>
#include <span>

#include "netstack/stack/memory_test_world.h"

namespace moat::netstack {

// Does its worst first, calls memory_is_back(), and then must succeed.
struct FaultStory {
  const char* name;
  int lose;  // every how many-th frame
  void (*tell)(MemoryWorld&, const Cast&, const std::function<void()>& memory_is_back);
  bool v6_only = false;
};

std::span<const FaultStory> FaultStories();

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_STACK_MEMORY_FAULT_STORIES_H_
