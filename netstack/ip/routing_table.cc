#include "netstack/ip/routing_table.h"

#include <algorithm>

namespace moat::netstack {
namespace {

constexpr uint32_t kMainPriority = 32766;  // as Linux

bool IsAdvertised(const RouteInfo& route) {
  return route.protocol == kRouteByRouterAdvertisement;
}

// What a router advertises and what somebody set up stand side by side: one may end before the
// other.
bool SameRoute(const RouteInfo& a, const RouteInfo& b) {
  return IsAdvertised(a) == IsAdvertised(b) && a.metric == b.metric && a.type == b.type &&
         a.gateway == b.gateway && a.interface == b.interface && a.next_hops == b.next_hops;
}

// `like` matches when everything it gives agrees.
bool Agrees(const RouteInfo& route, const RouteInfo& like) {
  if (like.gateway.has_value() && route.gateway != like.gateway) return false;
  if (like.interface != 0 && route.interface != like.interface) return false;
  if (!like.next_hops.empty() && route.next_hops != like.next_hops) return false;
  // What advertisements brought, they take back, and nothing else; no address takes it along.
  if (IsAdvertised(like) && !IsAdvertised(route)) return false;
  if (like.protocol == kRouteByKernel && IsAdvertised(route)) return false;
  if (like.metric != 0 && route.metric != like.metric) return false;
  return like.type == RouteType::kUnicast || route.type == like.type;
}

// What a rule that refuses stands for.
const RouteInfo* Refusal(RouteType type) {
  static const auto make = [](RouteType of) {
    RouteInfo route;
    route.type = of;
    return route;
  };
  static const RouteInfo blackhole = make(RouteType::kBlackhole);
  static const RouteInfo unreachable = make(RouteType::kUnreachable);
  static const RouteInfo prohibit = make(RouteType::kProhibit);
  switch (type) {
    case RouteType::kBlackhole: return &blackhole;
    case RouteType::kUnreachable: return &unreachable;
    default: return &prohibit;
  }
}

}  // namespace

RoutingTable::Table* RoutingTable::TableOf(uint32_t id, bool create) {
  if (id == kMainTable || id == 0) return &main_;
  const auto it = others_.find(id);
  if (it != others_.end()) return it->second.get();
  if (!create || others_.size() >= kMaxRoutingTables) return nullptr;
  return (others_[id] = std::make_unique<Table>()).get();
}

// Its row and, where no other prefix is near, a node of the trie's and the fork that leads there,
// as the heap has them.
size_t RoutingTable::CostOf(const RouteInfo& route) {
  constexpr size_t kNodes = 2 * 96;
  return sizeof(Row) + kNodes + route.next_hops.size() * sizeof(NextHop);
}

RoutingTable::Change RoutingTable::Add(const RouteInfo& route) {
  const bool given = route.protocol == kRouteByKernel;
  if (count_ >= kMaxRoutes) return Change::kFull;
  if (!given && !memory_.Allows(MemoryUse::kTables, CostOf(route))) return Change::kFull;
  return Insert(route);
}

RoutingTable::Change RoutingTable::Insert(const RouteInfo& route) {
  Table* table = TableOf(route.table, /*create=*/true);
  if (table == nullptr) return Change::kFull;
  RouteInfo added = route;
  added.destination.address = route.destination.address.Prefix(route.destination.length);
  Row& row = table->of(added.destination.address.family())
                 .GetOrInsert(TrieKey::Of(added.destination.address), added.destination.length);
  for (const RouteInfo& existing : row) {
    if (SameRoute(existing, added)) return Change::kExists;
  }
  const auto after = std::find_if(row.begin(), row.end(), [&](const RouteInfo& existing) {
    return existing.metric != added.metric ? existing.metric > added.metric
                                           : existing.rank > added.rank;
  });
  if (!added.next_hops.empty()) ++multipath_;
  CountHops(added, 1);
  const size_t cost = CostOf(added);
  row.insert(after, std::move(added));
  ++count_;
  charged_ += cost;
  memory_.Charge(cost);
  return Change::kDone;
}

std::optional<RouteInfo> RoutingTable::Remove(const RouteInfo& like) {
  Table* table = TableOf(like.table, /*create=*/false);
  if (table == nullptr) return std::nullopt;
  auto& trie = table->of(like.destination.address.family());
  const TrieKey key = TrieKey::Of(like.destination.address);
  Row* row = trie.Find(key, like.destination.length);
  if (row == nullptr) return std::nullopt;
  const auto it = std::find_if(row->begin(), row->end(),
                               [&](const RouteInfo& route) { return Agrees(route, like); });
  if (it == row->end()) return std::nullopt;
  std::optional<RouteInfo> removed = *it;
  if (!it->next_hops.empty()) --multipath_;
  CountHops(*it, -1);
  const size_t cost = CostOf(*it);
  row->erase(it);
  --count_;
  charged_ -= cost;
  memory_.Release(cost);
  if (row->empty()) trie.Erase(key, like.destination.length);
  if (table != &main_ && table->empty()) others_.erase(like.table);
  return removed;
}

void RoutingTable::CountHops(const RouteInfo& route, int by) {
  if (route.next_hops.size() < 2) return;
  for (const NextHop& hop : route.next_hops) {
    if (!hop.gateway.has_value()) continue;
    const auto it = hops_.try_emplace({hop.interface, *hop.gateway}, 0).first;
    it->second += by;
    if (it->second == 0) hops_.erase(it);
  }
}

std::vector<RouteInfo> RoutingTable::RemoveInterface(InterfaceIndex interface) {
  std::vector<RouteInfo> doomed;
  for (const RouteInfo& route : List()) {
    const bool some_hop =
        std::any_of(route.next_hops.begin(), route.next_hops.end(),
                    [&](const NextHop& hop) { return hop.interface == interface; });
    if (some_hop || (route.next_hops.empty() && route.interface == interface)) {
      doomed.push_back(route);
    }
  }
  for (RouteInfo& route : doomed) {
    (void)Remove(route);
    if (route.next_hops.empty()) continue;
    RouteInfo rest = route;
    std::erase_if(rest.next_hops,
                  [&](const NextHop& hop) { return hop.interface == interface; });
    if (!rest.next_hops.empty()) (void)Insert(rest);
  }
  return doomed;
}

// --- Rules -------------------------------------------------------------------------------------

RoutingTable::Change RoutingTable::AddRule(const RuleInfo& rule) {
  if (std::find(rules_.begin(), rules_.end(), rule) != rules_.end()) return Change::kExists;
  if (rules_.size() >= kMaxRules) return Change::kFull;
  const auto after = std::find_if(rules_.begin(), rules_.end(), [&](const RuleInfo& other) {
    return other.priority > rule.priority;
  });
  rules_.insert(after, rule);
  return Change::kDone;
}

bool RoutingTable::RemoveRule(const RuleInfo& rule) { return std::erase(rules_, rule) > 0; }

std::vector<RuleInfo> RoutingTable::Rules() const {
  std::vector<RuleInfo> out = rules_;
  RuleInfo main;
  main.priority = kMainPriority;
  main.table = kMainTable;
  const auto after = std::find_if(out.begin(), out.end(), [](const RuleInfo& other) {
    return other.priority > kMainPriority;
  });
  out.insert(after, main);
  return out;
}

bool RoutingTable::Matches(const RuleInfo& rule, const RouteKey& key) const {
  const Family family = key.destination.family();
  if (rule.family.has_value() && *rule.family != family) return false;
  const auto inside = [family](const std::optional<Prefix>& prefix, const IpAddress& address) {
    return !prefix.has_value() || (prefix->address.family() == family &&
                                   address.InPrefix(prefix->address, prefix->length));
  };
  if (!inside(rule.from, key.source) || !inside(rule.to, key.destination)) return false;
  if (!rule.in_interface.empty()) {
    const InterfaceIndex in = key.in == 0 ? kLoopbackIndex : key.in;  // ours come "from lo"
    const Interface* interface = interfaces_.Find(in);
    if (interface == nullptr || interface->name != rule.in_interface) return false;
  }
  return true;
}

// A rule whose table has no route, or one of type throw, is passed over.
const RouteInfo* RoutingTable::FindByRules(const RouteKey& key) const {
  bool main_done = false;
  const auto look_in_main = [&]() -> const RouteInfo* {
    main_done = true;
    return FindIn(main_, key);
  };
  for (const RuleInfo& rule : rules_) {
    if (!main_done && rule.priority > kMainPriority) {
      if (const RouteInfo* found = look_in_main()) return found;
    }
    if (!Matches(rule, key)) continue;
    if (rule.action != RouteType::kUnicast) return Refusal(rule.action);
    const Table* table = &main_;
    if (rule.table != kMainTable) {
      const auto it = others_.find(rule.table);
      if (it == others_.end()) continue;
      table = it->second.get();
    }
    if (const RouteInfo* found = FindIn(*table, key)) return found;
  }
  return main_done ? nullptr : look_in_main();
}

// --- Lookup ------------------------------------------------------------------------------------

bool RoutingTable::Live(InterfaceIndex interface, InterfaceIndex wanted) const {
  if (wanted != 0 && interface != wanted) return false;
  const Interface* out = interfaces_.Find(interface);
  return out != nullptr && out->active();
}

bool RoutingTable::Serves(const RouteInfo& route, InterfaceIndex out) const {
  if (!route.next_hops.empty()) {
    return std::any_of(route.next_hops.begin(), route.next_hops.end(),
                       [&](const NextHop& hop) { return Live(hop.interface, out); });
  }
  if (route.type == RouteType::kUnicast) return Live(route.interface, out);
  return out == 0 || route.interface == out;
}

// RFC 2992's hash threshold: a hop's share of the hash space is its weight's; a hop that goes or
// comes moves no more flows than it must.
const NextHop* RoutingTable::ChooseHop(const RouteInfo& route, const RouteKey& key) const {
  // When all are dead, all count.
  const bool shun = !dead_.empty() && DeadSince(route, key.out) == kNever;
  const auto counts = [&](const NextHop& hop) {
    return Live(hop.interface, key.out) &&
           (!shun || DeadSince(hop.gateway, hop.interface) == kNever);
  };
  uint64_t total = 0;
  for (const NextHop& hop : route.next_hops) {
    if (counts(hop)) total += hop.weight;
  }
  uint64_t point = (static_cast<uint64_t>(key.flow_hash) * total) >> 32;
  for (const NextHop& hop : route.next_hops) {
    if (!counts(hop)) continue;
    if (point < hop.weight) return &hop;
    point -= hop.weight;
  }
  return nullptr;
}

Time RoutingTable::DeadSince(const RouteInfo& route, InterfaceIndex out) const {
  if (route.next_hops.empty()) return DeadSince(route.gateway, route.interface);
  Time since = kNever;
  for (const NextHop& hop : route.next_hops) {
    if (!Live(hop.interface, out)) continue;
    const Time hop_since = DeadSince(hop.gateway, hop.interface);
    if (hop_since == kNever) return kNever;
    since = std::min(since, hop_since);
  }
  return since;
}

const RouteInfo* RoutingTable::ChooseRoute(const Row& row, InterfaceIndex out) const {
  const RouteInfo* longest_dead = nullptr;
  Time since = kNever;
  for (const RouteInfo& route : row) {
    if (!Serves(route, out)) continue;
    if (dead_.empty() || route.destination.length != 0) return &route;
    if (route.type != RouteType::kUnicast) {  // it can stand in for nobody
      return longest_dead != nullptr ? longest_dead : &route;
    }
    const Time failed = DeadSince(route, out);
    if (failed == kNever) return &route;
    if (failed >= since) continue;
    since = failed;
    longest_dead = &route;
  }
  return longest_dead;
}

std::span<const RouteInfo> RoutingTable::Beside(const RouteInfo& found) const {
  const auto other = others_.find(found.table);
  const Table& table = other == others_.end() ? main_ : *other->second;
  const IpAddress& to = found.destination.address;
  const Row* row = table.of(to.family()).Find(TrieKey::Of(to), found.destination.length);
  if (row == nullptr) return {};  // a refusal of a rule's
  return *row;
}

bool RoutingTable::HasAlternative(InterfaceIndex interface, const IpAddress& gateway) const {
  if (hops_.contains({interface, gateway})) return true;
  const auto among_defaults = [&](const Table& table) {
    for (const auto* trie : {&table.v4, &table.v6}) {
      const Row* row = trie->Find({}, 0);
      if (row == nullptr || row->size() < 2) continue;
      const bool there = std::any_of(row->begin(), row->end(), [&](const RouteInfo& route) {
        return route.interface == interface && route.gateway == gateway;
      });
      if (there) return true;
    }
    return false;
  };
  return among_defaults(main_) || std::any_of(others_.begin(), others_.end(), [&](const auto& row) {
           return among_defaults(*row.second);
         });
}

const RouteInfo* RoutingTable::FindIn(const Table& table, const RouteKey& key) const {
  const RouteInfo* found = nullptr;
  table.of(key.destination.family()).Match(TrieKey::Of(key.destination), [&](const Row& row) {
    found = ChooseRoute(row, key.out);
    return found != nullptr;
  });
  return found != nullptr && found->type == RouteType::kThrow ? nullptr : found;
}

RouteChoice RoutingTable::Find(const RouteKey& key) const {
  const RouteInfo* route = rules_.empty() ? FindIn(main_, key) : FindByRules(key);
  if (route == nullptr) return {};
  if (route->next_hops.empty()) return {route, route->gateway, route->interface};
  const NextHop* hop = ChooseHop(*route, key);
  if (hop == nullptr) return {};
  return {route, hop->gateway, hop->interface};
}

std::vector<RouteInfo> RoutingTable::List() const {
  std::vector<RouteInfo> out;
  out.reserve(count_);
  const auto add = [&out](const Table& table) {
    for (const auto* trie : {&table.v4, &table.v6}) {
      trie->ForEach([&out](const Row& row) { out.insert(out.end(), row.begin(), row.end()); });
    }
  };
  add(main_);
  for (const auto& [id, table] : others_) add(*table);
  return out;
}

}  // namespace moat::netstack
