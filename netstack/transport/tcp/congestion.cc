#include "netstack/transport/tcp/congestion.h"

#include <algorithm>

namespace moat::netstack::tcp {
namespace {

struct Algorithm {
  std::string_view name;
  std::unique_ptr<CongestionControl> (*make)();
};

constexpr Algorithm kAlgorithms[] = {
    {"cubic", &NewCubic},
    {"reno", &NewReno},
};

}  // namespace

uint32_t SlowStart(uint32_t acked, CongestionWindow& window) {
  const uint32_t growth = std::min(acked, window.ssthresh - window.cwnd);
  window.cwnd += growth;
  return acked - growth;
}

std::vector<std::string> CongestionControlNames() {
  std::vector<std::string> names;
  for (const Algorithm& algorithm : kAlgorithms) names.emplace_back(algorithm.name);
  return names;
}

std::string_view CongestionControlName(size_t index) { return kAlgorithms[index].name; }

std::unique_ptr<CongestionControl> NewCongestionControl(std::string_view name) {
  for (const Algorithm& algorithm : kAlgorithms) {
    if (algorithm.name == name) return algorithm.make();
  }
  return nullptr;
}

}  // namespace moat::netstack::tcp
