// How often a source is told of a better first hop (RFC 1812 5.2.7.2, RFC 4861 8.2), as Linux does
// it: at doubling intervals, and no more after nine that it ignored until it has been silent.
#ifndef MOAT_NETSTACK_IP_REDIRECT_LIMITER_H_
#define MOAT_NETSTACK_IP_REDIRECT_LIMITER_H_

#include "absl/container/flat_hash_map.h"
#include "netstack/base/counters.h"
#include "netstack/base/time.h"
#include "netstack/wire/address.h"

namespace moat::netstack {

class RedirectLimiter {
 public:
  static constexpr size_t kMaxSources = 1024;
  static constexpr int kMaxIgnored = 9;
  static constexpr Duration kFirstInterval = std::chrono::milliseconds(20);
  static constexpr Duration kSilence = kFirstInterval * (1 << (kMaxIgnored + 1));

  // `full` counts how often the table was.
  explicit RedirectLimiter(Counter& full) : full_(full) {}

  bool Allow(const IpAddress& source, Time now) {
    // Forgetting all of them gives each a fresh start; the limit on ICMP errors bounds that.
    if (rows_.size() >= kMaxSources && !rows_.contains(source)) {
      ++full_;
      rows_.clear();
    }
    auto [it, fresh] = rows_.try_emplace(source);
    Row& row = it->second;
    if (now > row.last + kSilence) row.sent = 0;
    if (row.sent >= kMaxIgnored) {
      row.last = now;  // silence counts from the last packet that deserved one
      return false;
    }
    if (row.sent > 0 && now < row.last + kFirstInterval * (1 << row.sent)) return false;
    row.last = now;
    ++row.sent;
    return true;
  }

 private:
  struct Row {
    Time last{};
    int sent = 0;
  };
  Counter& full_;
  absl::flat_hash_map<IpAddress, Row> rows_;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_IP_REDIRECT_LIMITER_H_
