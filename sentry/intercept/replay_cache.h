// Answers that could not be delivered.
//
// A signal may take a call away after the sentry has carried it out but before the answer arrives;
// the kernel then issues the same call again (SA_RESTART), and carrying it out twice would be wrong
// (a datagram sent twice, EISCONN from connect). The answer is therefore kept, one per thread, and
// given to the thread's very next call if that is the identical one. Any other call of the thread
// shows that it went on, and drops the entry.
#ifndef MOAT_SENTRY_INTERCEPT_REPLAY_CACHE_H_
#define MOAT_SENTRY_INTERCEPT_REPLAY_CACHE_H_

#include <linux/seccomp.h>
#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/container/flat_hash_map.h"

namespace moat::sentry {

class ReplayCache {
 public:
  static constexpr size_t kMaxEntries = 1024;

  // Keeps `result` (>= 0 or a negated errno) for the repetition of `call`. When full, an arbitrary
  // entry goes: its thread then sees its call carried out twice, as without the cache.
  void Keep(const seccomp_notif& call, int64_t result);
  // The kept answer if `call` repeats it. Forgets the thread's entry either way.
  std::optional<int64_t> Take(const seccomp_notif& call);

  size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    int number;
    uint64_t instruction_pointer;
    std::array<uint64_t, 6> arguments;
    int64_t result;
  };
  absl::flat_hash_map<pid_t, Entry> entries_;
};

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_INTERCEPT_REPLAY_CACHE_H_
