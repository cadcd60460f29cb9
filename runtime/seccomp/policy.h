// What a profile means for one architecture, as data: ranges of system call numbers, each with its
// verdict.
#ifndef MOAT_RUNTIME_SECCOMP_POLICY_H_
#define MOAT_RUNTIME_SECCOMP_POLICY_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "runtime/config/seccomp.h"
#include "runtime/seccomp/names.h"

namespace moat::runtime::seccomp {

struct Condition {
  uint32_t argument = 0;  // 0..5
  Compare compare = Compare::kEq;
  uint64_t value = 0;   // kMaskedEq: the mask
  uint64_t masked = 0;  // kMaskedEq: what is left of the argument under the mask
  bool operator==(const Condition&) const = default;
};

struct ConditionalAction {
  std::vector<Condition> all;  // all must hold
  uint32_t action = 0;         // SECCOMP_RET_*
  bool operator==(const ConditionalAction&) const = default;
};

// The first of `rules` whose conditions hold decides; none: `otherwise`.
struct Verdict {
  std::vector<ConditionalAction> rules;
  uint32_t otherwise = 0;
  bool operator==(const Verdict&) const = default;
};

// Numbers from `first` up to the next range's first.
struct Range {
  uint32_t first = 0;
  Verdict verdict;
};

struct ArchitecturePolicy {
  uint32_t audit = 0;
  std::vector<Range> ranges;  // ascending; the first begins at 0
};

// The whole profile. Calls by another architecture get `foreign`.
struct Policy {
  std::vector<ArchitecturePolicy> architectures;  // by audit value; x86_64 and x32 share one
  uint32_t foreign = 0;
};

// Follows libseccomp's and runc's meaning where the spec is silent:
// - A rule that repeats the default action is void.
// - An unconditional rule for a call outranks all conditional ones; among equals the first counts.
// - Conditions on different arguments of one rule must all hold; if two concern the same argument,
// each
//   condition is a rule of its own.
// - Names that nobody knows are left out, so that a profile may be newer than the machine.
// - With a refusing default, calls younger than the youngest that the profile names fail with
// ENOSYS
//   rather than the default, so that C libraries try their older way.
absl::StatusOr<Policy> MakePolicy(const Seccomp& profile);

}  // namespace moat::runtime::seccomp

#endif  // MOAT_RUNTIME_SECCOMP_POLICY_H_
