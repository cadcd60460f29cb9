#include "netstack/transport/tcp/backlog_governor.h"

#include <algorithm>

namespace moat::netstack::tcp {
namespace {

// Shares of the ceiling by which it moves. Down twice as fast as up.
constexpr uint32_t kDown = 16;
constexpr uint32_t kUp = 32;

}  // namespace

void BacklogGovernor::OnArrivals(size_t waited, uint32_t largest) {
  const uint32_t highest = std::max(largest, kLowest);
  ceiling_ = std::min(ceiling_, highest);
  if (waited >= kLong) {
    ceiling_ = std::max(ceiling_ - ceiling_ / kDown, kLowest);
  } else if (waited < kShort) {
    ceiling_ += std::min(ceiling_ / kUp, highest - ceiling_);
  }
}

}  // namespace moat::netstack::tcp
