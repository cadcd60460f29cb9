#include "sentry/socket/arrivals.h"

#include <utility>

namespace moat::sentry {
namespace {

// 30 bits in either half: far from the invalid uid 0xffffffff.
constexpr uint32_t kHalf = 30;
constexpr uint64_t kHalfMask = (1ull << kHalf) - 1;

}  // namespace

uint64_t Arrivals::Push(Arrival arrival) {
  const uint64_t number = next_++;
  const uint64_t tag = (number >> kHalf & kHalfMask) << 32 | (number & kHalfMask);
  if (entries_.size() >= kMost) entries_.pop_front();
  entries_.push_back({tag, std::move(arrival)});
  return tag;
}

std::optional<Arrival> Arrivals::Take(uint64_t tag, bool peek) {
  size_t older = 0;
  while (older < entries_.size() && entries_[older].tag < tag) ++older;
  if (older == entries_.size() || entries_[older].tag != tag) return std::nullopt;
  if (peek) return entries_[older].arrival;
  std::optional<Arrival> arrival(std::move(entries_[older].arrival));
  entries_.erase(entries_.begin(), entries_.begin() + static_cast<ptrdiff_t>(older) + 1);
  return arrival;
}

}  // namespace moat::sentry
