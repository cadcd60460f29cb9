#include "netstack/ip/routing_table.h"

#include <algorithm>

namespace moat::netstack {
namespace {

bool SameRoute(const RouteInfo& a, const RouteInfo& b) {
  return a.metric == b.metric && a.type == b.type && a.gateway == b.gateway &&
         a.interface == b.interface;
}

// `like` matches when everything it gives agrees.
bool Agrees(const RouteInfo& route, const RouteInfo& like) {
  if (like.gateway.has_value() && route.gateway != like.gateway) return false;
  if (like.interface != 0 && route.interface != like.interface) return false;
  // What advertisements brought, they take back, and nothing else.
  if (like.protocol == kRouteByRouterAdvertisement && route.protocol != like.protocol) return false;
  if (like.metric != 0 && route.metric != like.metric) return false;
  return like.type == RouteType::kUnicast || route.type == like.type;
}

}  // namespace

RoutingTable::Change RoutingTable::Add(const RouteInfo& route) {
  if (count_ >= kMaxRoutes) return Change::kFull;
  RouteInfo added = route;
  added.destination.address = route.destination.address.Prefix(route.destination.length);
  Row& row = trie(added.destination.address.family())
                 .GetOrInsert(TrieKey::Of(added.destination.address), added.destination.length);
  for (const RouteInfo& existing : row) {
    if (SameRoute(existing, added)) return Change::kExists;
  }
  const auto after = std::find_if(row.begin(), row.end(), [&](const RouteInfo& existing) {
    return existing.metric != added.metric ? existing.metric > added.metric
                                           : existing.rank > added.rank;
  });
  row.insert(after, std::move(added));
  ++count_;
  return Change::kDone;
}

std::optional<RouteInfo> RoutingTable::Remove(const RouteInfo& like) {
  auto& trie = this->trie(like.destination.address.family());
  const TrieKey key = TrieKey::Of(like.destination.address);
  Row* row = trie.Find(key, like.destination.length);
  if (row == nullptr) return std::nullopt;
  const auto it = std::find_if(row->begin(), row->end(),
                               [&](const RouteInfo& route) { return Agrees(route, like); });
  if (it == row->end()) return std::nullopt;
  std::optional<RouteInfo> removed = *it;
  row->erase(it);
  --count_;
  if (row->empty()) trie.Erase(key, like.destination.length);
  return removed;
}

std::vector<RouteInfo> RoutingTable::RemoveInterface(InterfaceIndex interface) {
  std::vector<RouteInfo> doomed;
  for (const RouteInfo& route : List()) {
    if (route.interface == interface) doomed.push_back(route);
  }
  for (const RouteInfo& route : doomed) (void)Remove(route);
  return doomed;
}

bool RoutingTable::Serves(const RouteInfo& route, InterfaceIndex interface) const {
  if (interface != 0 && route.interface != interface) return false;
  if (route.type != RouteType::kUnicast) return true;
  const Interface* out = interfaces_.Find(route.interface);
  return out != nullptr && out->active();
}

const RouteInfo* RoutingTable::Lookup(const IpAddress& destination,
                                      InterfaceIndex interface) const {
  const RouteInfo* found = nullptr;
  trie(destination.family()).Match(TrieKey::Of(destination), [&](const Row& row) {
    for (const RouteInfo& route : row) {
      if (!Serves(route, interface)) continue;
      found = &route;
      return true;
    }
    return false;
  });
  return found;
}

std::vector<RouteInfo> RoutingTable::List() const {
  std::vector<RouteInfo> out;
  out.reserve(count_);
  for (const auto* trie : {&v4_, &v6_}) {
    trie->ForEach([&out](const Row& row) { out.insert(out.end(), row.begin(), row.end()); });
  }
  return out;
}

}  // namespace moat::netstack
