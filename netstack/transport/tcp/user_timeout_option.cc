#include "netstack/transport/tcp/user_timeout_option.h"

#include <algorithm>

namespace moat::netstack::tcp {
namespace {

constexpr uint16_t kMinutes = 0x8000;
constexpr int64_t kLargest = 0x7fff;

}  // namespace

uint16_t EncodeUserTimeout(Duration timeout) {
  const int64_t seconds = std::chrono::ceil<std::chrono::seconds>(timeout).count();
  if (seconds <= kLargest) return static_cast<uint16_t>(std::max<int64_t>(seconds, 1));
  return static_cast<uint16_t>(kMinutes | std::min((seconds + 59) / 60, kLargest));
}

Duration DecodeUserTimeout(uint16_t option) {
  const int number = option & kLargest;
  if ((option & kMinutes) != 0) return std::chrono::minutes(number);
  return std::chrono::seconds(number);
}

Duration AdoptedUserTimeout(const UserTimeouts& timeouts) {
  return std::min(timeouts.most,
                  std::max({timeouts.advertised, timeouts.remote, timeouts.least}));
}

}  // namespace moat::netstack::tcp
