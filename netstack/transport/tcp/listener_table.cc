#include "netstack/transport/tcp/listener_table.h"

#include <algorithm>

#include "netstack/transport/tcp/listener.h"

namespace moat::netstack::tcp {
namespace {

// -1: no match.
int Score(const Listener& listener, const IpAddress& destination, InterfaceIndex interface) {
  int score = 0;
  const InterfaceIndex device = listener.device();
  if (device != 0) {
    if (device != interface) return -1;
    score += 4;
  }
  const IpAddress& address = listener.local().address;
  if (!address.IsUnspecified()) return address == destination ? score + 2 : -1;
  if (address.family() == destination.family()) return score + 1;
  const bool dual_stack = address.is_v6() && !listener.settings()->socket.v6_only;
  return dual_stack ? score : -1;
}

}  // namespace

void ListenerTable::Insert(Listener* listener) {
  ports_[listener->local().port].push_back(listener);
}

void ListenerTable::Erase(Listener* listener) {
  const auto it = ports_.find(listener->local().port);
  if (it == ports_.end()) return;
  std::erase(it->second, listener);
  if (it->second.empty()) ports_.erase(it);
}

Listener* ListenerTable::Find(const IpAddress& destination, uint16_t port, InterfaceIndex interface,
                              size_t hash) const {
  const auto it = ports_.find(port);
  if (it == ports_.end()) return nullptr;
  int best_score = -1;
  size_t count = 0;
  Listener* best = nullptr;
  for (Listener* listener : it->second) {
    const int score = Score(*listener, destination, interface);
    if (score < 0 || score < best_score) continue;
    count = score == best_score && listener->settings()->socket.reuse_port ? count + 1 : 1;
    best_score = score;
    best = listener;
  }
  if (count <= 1) return best;
  // The group's member number `hash` modulo its size.
  size_t skip = hash % count;
  for (Listener* listener : it->second) {
    if (Score(*listener, destination, interface) != best_score) continue;
    if (!listener->settings()->socket.reuse_port) continue;
    if (skip-- == 0) return listener;
  }
  return best;
}

}  // namespace moat::netstack::tcp
