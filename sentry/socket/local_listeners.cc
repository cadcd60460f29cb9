#include "sentry/socket/local_listeners.h"

#include <algorithm>

namespace moat::sentry {
namespace {

// 0: does not match; higher is better.
int Score(const LocalListeners::Entry& entry, const netstack::Endpoint& destination) {
  const netstack::IpAddress& address = entry.local.address;
  if (address == destination.address) {
    return entry.local.scope == 0 || entry.local.scope == destination.scope ? 3 : 0;
  }
  if (!address.IsUnspecified()) return 0;
  if (address.family() == destination.address.family() &&
      entry.family == destination.address.family()) {
    return 2;
  }
  // [::] without IPV6_V6ONLY also takes IPv4.
  const bool dual = entry.family == netstack::Family::kIpv6 && !entry.v6_only;
  return dual && destination.address.is_v4() ? 1 : 0;
}

}  // namespace

void LocalListeners::Add(const Entry& entry) { by_port_[entry.local.port].push_back(entry); }

void LocalListeners::Remove(TcpContainerSocket* socket) {
  for (auto it = by_port_.begin(); it != by_port_.end();) {
    auto& entries = it->second;
    entries.erase(std::remove_if(entries.begin(), entries.end(),
                                 [socket](const Entry& e) { return e.socket == socket; }),
                  entries.end());
    if (entries.empty()) {
      by_port_.erase(it++);
    } else {
      ++it;
    }
  }
}

TcpContainerSocket* LocalListeners::Find(const netstack::Endpoint& destination) {
  auto it = by_port_.find(destination.port);
  if (it == by_port_.end()) return nullptr;
  int best = 0;
  uint32_t equals = 0;
  for (const Entry& entry : it->second) {
    const int score = Score(entry, destination);
    if (score > best) {
      best = score;
      equals = 0;
    }
    if (score == best) ++equals;
  }
  if (best == 0) return nullptr;
  uint32_t skip = turn_++ % equals;
  for (const Entry& entry : it->second) {
    if (Score(entry, destination) == best && skip-- == 0) return entry.socket;
  }
  return nullptr;
}

}  // namespace moat::sentry
