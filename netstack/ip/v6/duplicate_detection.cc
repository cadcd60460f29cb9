#include "netstack/ip/v6/duplicate_detection.h"

namespace moat::netstack {
namespace {

constexpr Duration kRetransTimer = std::chrono::seconds(1);  // RFC 4861 10

}  // namespace

void DuplicateDetection::Start(InterfaceIndex interface, const IpAddress& address, int transmits,
                               Duration delay) {
  const Key key(interface, address);
  auto probe = std::make_unique<Probe>(*this, key, transmits);
  random_.Fill(probe->nonce);
  Probe& started = *probe;
  probes_[key] = std::move(probe);
  // DEVIATION: RFC 4862 5.4.2 delays the first probe by up to a second against many hosts that
  // start in step; a container's start does not wait for that.
  if (delay.count() == 0) return Step(started);
  started.timer.Arm(clock_.Now() + delay);
}

void DuplicateDetection::Step(Probe& probe) {
  const Key key = probe.key;
  if (probe.left == 0) {
    probes_.erase(key);
    return host_.AddressUnique(key.first, key.second);
  }
  --probe.left;
  probe.timer.Arm(clock_.Now() + kRetransTimer);
  host_.SendProbe(key.first, key.second, probe.nonce);
}

void DuplicateDetection::Probe::OnTimer(void* context) {
  auto* probe = static_cast<Probe*>(context);
  probe->owner.Step(*probe);
}

void DuplicateDetection::Cancel(InterfaceIndex interface, const IpAddress& address) {
  probes_.erase({interface, address});
}

void DuplicateDetection::CancelAll(InterfaceIndex interface) {
  std::erase_if(probes_, [&](const auto& row) { return row.first.first == interface; });
}

void DuplicateDetection::Conflict(InterfaceIndex interface, const IpAddress& address,
                                  const std::optional<Nonce>& nonce) {
  const auto it = probes_.find({interface, address});
  if (it == probes_.end()) return;
  if (nonce.has_value() && *nonce == it->second->nonce) return;
  probes_.erase(it);
  host_.AddressDuplicate(interface, address);
}

}  // namespace moat::netstack
