#include "netstack/transport/tcp/congestion.h"

#include <algorithm>

namespace moat::netstack::tcp {
namespace {

constexpr CongestionAlgorithm kAlgorithms[] = {
    {.name = "cubic", .make = &NewCubic, .hystart = true},
    {.name = "reno", .make = &NewReno, .hystart = true},
    {.name = "westwood", .make = &NewWestwood, .every_ack = true, .hystart = true},
    {.name = "vegas", .make = &NewVegas, .every_ack = true},
    {.name = "bbr", .make = &NewBbr, .every_ack = true, .paced = true, .owns_window = true},
};

}  // namespace

uint32_t SlowStart(uint32_t acked, CongestionWindow& window) {
  const uint32_t growth = std::min(acked, window.ssthresh - window.cwnd);
  window.cwnd += growth;
  return acked - growth;
}

std::span<const CongestionAlgorithm> CongestionAlgorithms() { return kAlgorithms; }

const CongestionAlgorithm* FindCongestionAlgorithm(std::string_view name) {
  for (const CongestionAlgorithm& algorithm : kAlgorithms) {
    if (algorithm.name == name) return &algorithm;
  }
  return nullptr;
}

std::vector<std::string> CongestionControlNames() {
  std::vector<std::string> names;
  for (const CongestionAlgorithm& algorithm : kAlgorithms) names.emplace_back(algorithm.name);
  return names;
}

std::string_view CongestionControlName(size_t index) { return kAlgorithms[index].name; }

std::unique_ptr<CongestionControl> NewCongestionControl(std::string_view name) {
  const CongestionAlgorithm* algorithm = FindCongestionAlgorithm(name);
  return algorithm == nullptr ? nullptr : algorithm->make();
}

}  // namespace moat::netstack::tcp
