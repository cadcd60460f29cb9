// How many ICMP errors may be sent (RFC 1812 4.3.2.8, RFC 4443 2.4 f), as Linux does it: a global
// token bucket (icmp_msgs_per_sec, icmp_msgs_burst), and one bucket per destination that refills at
// icmp_ratelimit and holds six.
#ifndef MOAT_NETSTACK_IP_ICMP_LIMITER_H_
#define MOAT_NETSTACK_IP_ICMP_LIMITER_H_

#include "absl/container/flat_hash_map.h"
#include "netstack/base/counters.h"
#include "netstack/base/sysctl.h"
#include "netstack/base/time.h"
#include "netstack/wire/address.h"

namespace moat::netstack {

class IcmpLimiter {
 public:
  static constexpr size_t kMaxDestinations = 1024;

  // `full` counts how often the table of destinations was.
  IcmpLimiter(const Clock& clock, SysctlTable& sysctls, CounterTable& counters, Counter& full);

  // True when one more error may go to `destination` now.
  bool Allow(const IpAddress& destination);

 private:
  struct Bucket {
    Time refilled{};
    Duration credit{};  // time not used up; one message costs icmp_ratelimit
  };
  bool AllowGlobal(Time now);
  bool AllowDestination(const IpAddress& destination, Time now);

  const Clock& clock_;
  const Sysctl* per_second_;
  const Sysctl* burst_;
  const Sysctl* interval_v4_;
  const Sysctl* interval_v6_;
  Counter limited_global_;
  Counter limited_host_v4_;
  Counter limited_host_v6_;
  Counter& full_;
  Time refilled_{};
  int64_t tokens_ = -1;  // -1: not used yet
  absl::flat_hash_map<IpAddress, Bucket> buckets_;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_IP_ICMP_LIMITER_H_
