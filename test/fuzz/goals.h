// What the inputs of a bounded run must reach, and how many of them did: what FuzzUnreached()
// (seeds.h) answers from.
//
//   FuzzGoals& Goals() {
//     static FuzzGoals goals({"SYN-SENT", "a reset"}, 20);
//     return goals;
//   }
//   ... Goals().Count([&](size_t goal) { return goal == 0 ? syn_sent : reset; });  // per input
#ifndef MOAT_TEST_FUZZ_GOALS_H_
#define MOAT_TEST_FUZZ_GOALS_H_

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "test/fuzz/seeds.h"

class FuzzGoals {
 public:
  // Each of `names` must be reached by `least` inputs.
  FuzzGoals(std::vector<std::string> names, int least)
      : names_(std::move(names)), hits_(names_.size()), least_(least) {}

  // Whether anybody will ask. libFuzzer sees itself what an input reaches.
  static bool Wanted() { return FuzzIsBounded != nullptr; }

  // Of one input: reached(i) says whether it reached the goal names[i].
  template <typename Reached>
  void Count(Reached reached) {
    if (!Wanted()) return;
    for (size_t i = 0; i < names_.size(); ++i) {
      if (reached(i)) ++hits_[i];
    }
  }

  // The goals that too few inputs reached, and how many did.
  std::vector<std::string> Unreached() const {
    std::vector<std::string> unreached;
    for (size_t i = 0; i < names_.size(); ++i) {
      if (hits_[i] >= least_) continue;
      unreached.push_back(names_[i] + ", but by " + std::to_string(hits_[i]) + " inputs of " +
                          std::to_string(least_));
    }
    return unreached;
  }

 private:
  std::vector<std::string> names_;
  std::vector<int> hits_;
  int least_;
};

#endif  // MOAT_TEST_FUZZ_GOALS_H_
