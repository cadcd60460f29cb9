// Runs a seccomp filter as the kernel would, for tests: classic BPF over seccomp_data (the subset
// that seccomp_check_filter() of Linux admits).
#ifndef MOAT_RUNTIME_SECCOMP_BPF_MACHINE_H_
#define MOAT_RUNTIME_SECCOMP_BPF_MACHINE_H_

#include <linux/filter.h>
#include <linux/seccomp.h>

#include <cstdint>
#include <optional>
#include <vector>

namespace moat::runtime::seccomp {

// The filter's return value; nothing when the program is malformed (runs off its end, unknown
// code).
std::optional<uint32_t> RunFilter(const std::vector<sock_filter>& code, const seccomp_data& data);

// How many instructions a run of it takes.
size_t CountSteps(const std::vector<sock_filter>& code, const seccomp_data& data);

}  // namespace moat::runtime::seccomp

#endif  // MOAT_RUNTIME_SECCOMP_BPF_MACHINE_H_
