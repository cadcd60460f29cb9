#include "sentry/intercept/replay_cache.h"

#include <algorithm>

namespace moat::sentry {

void ReplayCache::Keep(const seccomp_notif& call, int64_t result) {
  const pid_t thread = static_cast<pid_t>(call.pid);
  if (entries_.size() >= kMaxEntries && !entries_.contains(thread))
    entries_.erase(entries_.begin());
  Entry entry{call.data.nr, call.data.instruction_pointer, {}, result};
  std::copy(std::begin(call.data.args), std::end(call.data.args), entry.arguments.begin());
  entries_[thread] = entry;
}

std::optional<int64_t> ReplayCache::Take(const seccomp_notif& call) {
  if (entries_.empty()) return std::nullopt;
  auto it = entries_.find(static_cast<pid_t>(call.pid));
  if (it == entries_.end()) return std::nullopt;
  const Entry entry = it->second;
  entries_.erase(it);
  const bool same = entry.number == call.data.nr &&
                    entry.instruction_pointer == call.data.instruction_pointer &&
                    std::equal(entry.arguments.begin(), entry.arguments.end(), call.data.args);
  return same ? std::optional<int64_t>(entry.result) : std::nullopt;
}

}  // namespace moat::sentry
