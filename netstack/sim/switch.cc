#include "netstack/sim/switch.h"

#include <utility>

#include "netstack/wire/ethernet.h"

namespace moat::netstack::sim {

void Switch::Learn(const MacAddress& address, size_t port) {
  if (address.IsMulticast()) return;
  const auto found = stations_.find(address);
  if (found != stations_.end()) {
    found->second = {port, clock_.Now()};
    return;
  }
  if (stations_.size() == kMaxStations) {
    std::erase_if(stations_, [&](const auto& entry) {
      return clock_.Now() - entry.second.seen > kAge;
    });
  }
  if (stations_.size() < kMaxStations) stations_.emplace(address, Station{port, clock_.Now()});
}

void Switch::Receive(size_t port, Slice frame) {
  const std::optional<EthernetView> ethernet = EthernetView::Parse(frame.span());
  if (!ethernet) return;
  Learn(ethernet->source(), port);
  const auto known = stations_.find(ethernet->destination());
  if (known != stations_.end() && clock_.Now() - known->second.seen <= kAge) {
    if (known->second.port != port) ports_[known->second.port]->Send(std::move(frame));
    return;
  }
  for (size_t i = 0; i < ports_.size(); ++i) {
    if (i != port) ports_[i]->Send(Slice::Copy(frame.span()));
  }
}

}  // namespace moat::netstack::sim
