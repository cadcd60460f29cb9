#include "netstack/ip/icmp_limiter.h"

#include <algorithm>

namespace moat::netstack {
namespace {

constexpr int64_t kDestinationBurst = 6;  // Linux's XRLIM_BURST_FACTOR

}  // namespace

IcmpLimiter::IcmpLimiter(const Clock& clock, SysctlTable& sysctls, CounterTable& counters,
                         Counter& full)
    : clock_(clock),
      per_second_(sysctls.Register(
          {.name = "ipv4.icmp_msgs_per_sec", .values = {1000}, .min = 0, .max = 1000000})),
      burst_(sysctls.Register(
          {.name = "ipv4.icmp_msgs_burst", .values = {50}, .min = 0, .max = 1000000})),
      interval_v4_(sysctls.Register(
          {.name = "ipv4.icmp_ratelimit", .values = {1000}, .min = 0, .max = 1000000})),
      interval_v6_(sysctls.Register(
          {.name = "ipv6.icmp.ratelimit", .values = {1000}, .min = 0, .max = 1000000})),
      limited_global_(counters, "Icmp.OutRateLimitGlobal"),
      limited_host_v4_(counters, "Icmp.OutRateLimitHost"),
      limited_host_v6_(counters, "Icmp6.OutRateLimitHost"),
      full_(full) {}

bool IcmpLimiter::Allow(const IpAddress& destination) {
  const Time now = clock_.Now();
  if (!AllowGlobal(now)) {
    ++limited_global_;
    return false;
  }
  if (!AllowDestination(destination, now)) {
    ++(destination.is_v4() ? limited_host_v4_ : limited_host_v6_);
    return false;
  }
  return true;
}

bool IcmpLimiter::AllowGlobal(Time now) {
  const int64_t burst = burst_->value();
  if (tokens_ < 0) {
    tokens_ = burst;
    refilled_ = now;
  }
  const Duration elapsed = std::min<Duration>(now - refilled_, std::chrono::hours(1));
  const int64_t fresh = elapsed.count() / 1000 * per_second_->value() / 1000000;
  if (fresh > 0) {
    tokens_ = std::min(tokens_ + fresh, burst);
    refilled_ = now;
  }
  if (tokens_ == 0) return false;
  --tokens_;
  return true;
}

bool IcmpLimiter::AllowDestination(const IpAddress& destination, Time now) {
  const Sysctl* sysctl = destination.is_v4() ? interval_v4_ : interval_v6_;
  const Duration interval = std::chrono::milliseconds(sysctl->value());
  if (interval.count() == 0) return true;
  const Duration full = interval * kDestinationBurst;
  // Forgetting all of them gives each a fresh burst, which the global bucket still bounds.
  if (buckets_.size() >= kMaxDestinations && !buckets_.contains(destination)) {
    ++full_;
    buckets_.clear();
  }
  auto [it, inserted] = buckets_.try_emplace(destination, Bucket{now, full});
  Bucket& bucket = it->second;
  bucket.credit = std::min(full, bucket.credit + (now - bucket.refilled));
  bucket.refilled = now;
  if (bucket.credit < interval) return false;
  bucket.credit -= interval;
  return true;
}

}  // namespace moat::netstack
