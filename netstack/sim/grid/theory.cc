#include "netstack/sim/grid/theory.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace moat::netstack::sim {

double Capacity(const PathModel& path) { return path.rate * path.payload / path.frame; }

double SteadyGoodput(const PathModel& path) {
  constexpr double kAcked = 2, kLeastTimeout = 0.2, kAckFrame = 66;
  double steady = Capacity(path);
  if (path.window > 0) steady = std::min(steady, path.window * 8 / path.rtt);
  if (path.ack_rate > 0) steady = std::min(steady, path.ack_rate / kAckFrame * path.payload);
  if (path.loss <= 0) return steady;
  const double p = path.loss;
  const double recovery = path.rtt * std::sqrt(2 * kAcked * p / 3);
  const double timeout = (kLeastTimeout + path.rtt) *
                         std::min(1.0, 3 * std::sqrt(3 * kAcked * p / 8)) * p * (1 + 32 * p * p);
  return std::min(steady, path.payload * 8 / (recovery + timeout));
}

double TransferGoodput(const PathModel& path, uint64_t bytes) {
  const double steady = SteadyGoodput(path);
  const double total = static_cast<double>(bytes);
  const double hold = std::min(std::max(steady * path.rtt / 8, path.payload), total);
  // Address resolution, handshake, and the last half round trip.
  double time = 2.5 * path.rtt + path.stall;
  double sent = 0;
  for (double window = 10 * path.payload; window < hold && sent < total; window *= 2) {
    sent += window;
    time += path.rtt;
  }
  time += std::max(total - sent, 0.0) * 8 / steady;
  return total * 8 / time;
}

}  // namespace moat::netstack::sim
