// From a policy to classic BPF: a test per architecture, then a balanced tree of comparisons over
// the ranges of numbers, with the tests of arguments at its leaves.
#ifndef MOAT_RUNTIME_SECCOMP_GENERATE_H_
#define MOAT_RUNTIME_SECCOMP_GENERATE_H_

#include <linux/filter.h>

#include <vector>

#include "runtime/seccomp/policy.h"

namespace moat::runtime::seccomp {

// Any length; the caller compares it with BPF_MAXINSNS.
std::vector<sock_filter> Generate(const Policy& policy);

}  // namespace moat::runtime::seccomp

#endif  // MOAT_RUNTIME_SECCOMP_GENERATE_H_
