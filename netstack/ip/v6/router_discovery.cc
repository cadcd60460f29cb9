#include "netstack/ip/v6/router_discovery.h"

#include <algorithm>

#include "netstack/ip/routing_table.h"
#include "netstack/wire/ipv6.h"

namespace moat::netstack {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr uint32_t kDefaultRouterMetric = 1024;  // Linux's IP6_RT_PRIO_USER
constexpr uint32_t kPrefixMetric = 256;          // IP6_RT_PRIO_ADDRCONF
constexpr uint8_t kRankUnreachable = 16;
constexpr Duration kUntilProved = milliseconds(100);

// RFC 4191 2.1: the two bits as a rank, best first. Reserved (2) is medium.
uint8_t RankOf(uint8_t preference) { return preference == 1 ? 0 : preference == 3 ? 2 : 1; }

}  // namespace

RouterDiscovery::RouterDiscovery(const Clock& clock, Random& random, TimerQueue& timers,
                                 SysctlTable& sysctls, const InterfaceTable& interfaces,
                                 TableCounters& counters, Host& host)
    : clock_(clock),
      random_(random),
      timers_(timers),
      interfaces_(interfaces),
      counters_(counters),
      host_(host),
      address_context_(clock, random, sysctls, counters, host) {}

RouterDiscovery::~RouterDiscovery() = default;

bool RouterDiscovery::Accepts(const Interface& interface) const {
  if (interface.loopback || !interface.active() || !interface.Enabled(Family::kIpv6)) return false;
  const int64_t accept = interface.conf.own(Conf::kAcceptRa);
  return accept == 2 || (accept == 1 && !interface.Forwards(Family::kIpv6));
}

RouterDiscovery::State* RouterDiscovery::Find(InterfaceIndex interface) {
  const auto it = states_.find(interface);
  return it == states_.end() ? nullptr : it->second.get();
}

void RouterDiscovery::Reconsider(InterfaceIndex index) {
  const Interface* interface = interfaces_.Find(index);
  const bool accepts = interface != nullptr && Accepts(*interface);
  State* state = Find(index);
  if (accepts == (state != nullptr)) return;
  if (!accepts) return InterfaceGone(index);
  address_context_.NeedSecret();
  state = (states_[index] = std::make_unique<State>(*this, index)).get();
  state->addresses.FormLinkLocal(*interface);
  if (interface->conf.own(Conf::kRouterSolicitations) == 0) return;
  // RFC 4861 6.3.7: hosts that start in step do not solicit in step.
  const int64_t most = interface->conf.own(Conf::kRouterSolicitationDelay) * 1000;
  const auto delay = most == 0 ? 0 : random_.Below(static_cast<uint32_t>(most));
  state->solicit.Arm(clock_.Now() + milliseconds(delay));
}

void RouterDiscovery::InterfaceGone(InterfaceIndex interface) {
  State* state = Find(interface);
  if (state == nullptr) return;
  Clear(*state);
  states_.erase(interface);
}

void RouterDiscovery::Clear(State& state) {
  while (!state.routers.empty()) RemoveRouter(state, state.routers.size() - 1);
  for (const auto* list : {&state.prefixes, &state.routes}) {
    for (const Learned& learned : *list) host_.RemoveAutoRoute(learned.route);
  }
  state.addresses.RemoveAll();
  if (state.mtu != 0) host_.SetLinkMtu(state.index, 0);
}

// RFC 7559: retransmitted with exponential backoff until a router answers; the number of
// solicitations bounds it when it is not negative.
void RouterDiscovery::Solicit(State& state) {
  const Interface* interface = interfaces_.Find(state.index);
  if (interface == nullptr) return;
  const int64_t limit = interface->conf.own(Conf::kRouterSolicitations);
  if (limit >= 0 && state.solicitations >= limit) return;
  // With an address of its own an answer may come straight, so it waits for that to be proved.
  const bool nameless = std::any_of(
      interface->addresses.begin(), interface->addresses.end(), [](const AssignedAddress& row) {
        return row.tentative && !row.duplicate && row.prefix.address.is_v6() &&
               row.prefix.address.IsLinkLocal();
      });
  if (nameless) return state.solicit.Arm(clock_.Now() + kUntilProved);
  ++state.solicitations;
  const Duration first = seconds(interface->conf.own(Conf::kRouterSolicitationInterval));
  const Duration most = seconds(interface->conf.own(Conf::kRouterSolicitationMaxInterval));
  const auto jittered = [&](Duration base) {  // within a tenth
    return base + base / 1000 * (static_cast<int64_t>(random_.Below(201)) - 100);
  };
  // RFC 8415 15: RT = 2 RTprev + RAND RTprev, and MRT + RAND MRT beyond the most.
  if (state.solicitations == 1) {
    state.interval = jittered(first);
  } else {
    state.interval = state.interval + jittered(state.interval);
    if (state.interval > most) state.interval = jittered(most);
  }
  if (state.routers.empty()) state.solicit.Arm(clock_.Now() + state.interval);
  host_.SolicitRouters(state.index);
}

// --- Advertisements (RFC 4861 6.3.4) -----------------------------------------------------------

void RouterDiscovery::Advertised(InterfaceIndex index, const IpAddress& router,
                                 const RouterAdvertisement& message) {
  State* state = Find(index);
  const Interface* interface = interfaces_.Find(index);
  if (state == nullptr || interface == nullptr) return;
  // RFC 4861 6.3.7: no more solicitations, but the first, whose answer may tell more.
  if (message.router_lifetime != 0 && state->solicitations > 0) state->solicit.Cancel();
  if (interface->conf.own(Conf::kAcceptRaDefaultRouter) != 0) {
    UpdateRouter(*state, router, message.preference, seconds(message.router_lifetime));
  }
  if (message.hop_limit >= interface->conf.own(Conf::kAcceptRaMinHopLimit) &&
      message.hop_limit != 0) {
    host_.SetHopLimit(index, message.hop_limit);
  }
  // RFC 4861 6.2.1: not above an hour.
  const uint32_t reachable = message.reachable_time <= 3600000 ? message.reachable_time : 0;
  host_.SetNeighborTimes(index, milliseconds(reachable), milliseconds(message.retransmit_timer));
  Rest(*state, *interface, router, message);
  ArmExpiry(*state);
}

void RouterDiscovery::Rest(State& state, const Interface& interface, const IpAddress& router,
                           const RouterAdvertisement& message) {
  const NdpOptions& options = message.options;
  if (options.mtu.has_value() && interface.conf.own(Conf::kAcceptRaMtu) != 0 &&
      *options.mtu >= kIpv6MinMtu && *options.mtu <= interface.mtu) {
    state.mtu = *options.mtu;
    host_.SetLinkMtu(state.index, state.mtu);
  }
  if (interface.conf.own(Conf::kAcceptRaPrefixInfo) != 0) {
    for (int i = 0; i < options.prefix_count; ++i) {
      UpdatePrefix(state, interface, router, options.prefixes[i]);
    }
  }
  const int64_t longest = interface.conf.own(Conf::kAcceptRaRouteMaxLength);
  for (int i = 0; i < options.route_count; ++i) {
    const NdpRoute& route = options.routes[i];
    if (route.preference == 2 || route.length > longest) continue;  // RFC 4191 2.3: reserved
    if (route.length == 0) {
      UpdateRouter(state, router, route.preference, NdpLifetime(route.lifetime));
      continue;
    }
    RouteInfo info;
    info.destination = {route.prefix.Prefix(route.length), route.length};
    info.gateway = router;
    info.interface = state.index;
    info.metric = kDefaultRouterMetric;
    info.rank = RankOf(route.preference);
    info.protocol = kRouteByRouterAdvertisement;
    UpdateLearned(state.routes, kMaxRoutes, counters_.full_router_routes, info,
                  NdpLifetime(route.lifetime));
  }
  for (int i = 0; i < options.name_server_count; ++i) {
    const NdpNameServer& server = options.name_servers[i];
    auto& list = state.name_servers;
    std::erase_if(list, [&](const NameServer& old) { return old.address == server.address; });
    if (server.lifetime == 0) continue;
    if (list.size() >= kMaxNameServers) {  // RFC 8106 5.3.1
      ++counters_.full_name_servers;
      list.erase(list.begin());
    }
    list.push_back({server.address, In(NdpLifetime(server.lifetime))});
  }
}

// --- Default routers (RFC 4861 6.3.6, RFC 4191) ------------------------------------------------

RouteInfo RouterDiscovery::DefaultRoute(const State& state, const Router& router) const {
  RouteInfo route;
  route.destination = {IpAddress::Any(Family::kIpv6), 0};
  route.gateway = router.address;
  route.interface = state.index;
  route.metric = kDefaultRouterMetric;
  route.rank = static_cast<uint8_t>(RankOf(router.preference) +
                                    (router.reachable ? 0 : kRankUnreachable));
  route.protocol = kRouteByRouterAdvertisement;
  return route;
}

// Puts the router's route where its standing belongs: last among its equals, so that routers that
// do not answer are tried in turn.
void RouterDiscovery::Rank(State& state, Router& router) {
  const RouteInfo route = DefaultRoute(state, router);
  host_.RemoveAutoRoute(route);
  router.installed = host_.AddAutoRoute(route);
}

void RouterDiscovery::UpdateRouter(State& state, const IpAddress& address, uint8_t preference,
                                   Duration lifetime) {
  auto& routers = state.routers;
  const auto it = std::find_if(routers.begin(), routers.end(),
                               [&](const Router& router) { return router.address == address; });
  if (lifetime.count() == 0) {
    if (it != routers.end()) RemoveRouter(state, static_cast<size_t>(it - routers.begin()));
    return;
  }
  if (it != routers.end()) {
    it->expires = In(lifetime);
    const bool changed = it->preference != preference;
    it->preference = preference;
    if (changed || !it->installed) Rank(state, *it);
    return;
  }
  if (routers.size() >= kMaxRouters) {
    ++counters_.full_routers;
    return;
  }
  Router& added = routers.emplace_back();
  added.address = address;
  added.preference = preference;
  added.expires = In(lifetime);
  added.installed = host_.AddAutoRoute(DefaultRoute(state, added));
}

void RouterDiscovery::RemoveRouter(State& state, size_t position) {
  const RouteInfo route = DefaultRoute(state, state.routers[position]);
  state.routers.erase(state.routers.begin() + static_cast<ptrdiff_t>(position));
  host_.RemoveAutoRoute(route);
}

void RouterDiscovery::RouterLost(InterfaceIndex interface, const IpAddress& address) {
  State* state = Find(interface);
  if (state == nullptr) return;
  for (size_t i = 0; i < state->routers.size(); ++i) {
    if (state->routers[i].address == address) return RemoveRouter(*state, i);
  }
}

void RouterDiscovery::Reachability(InterfaceIndex interface, const IpAddress& address,
                                   bool reachable) {
  if (states_.empty()) return;
  State* state = Find(interface);
  if (state == nullptr) return;
  for (Router& router : state->routers) {
    if (router.address != address || (router.reachable && reachable)) continue;
    router.reachable = reachable;
    Rank(*state, router);
  }
}

// --- Prefixes and routes -----------------------------------------------------------------------

void RouterDiscovery::UpdateLearned(std::vector<Learned>& list, size_t limit, Counter& full,
                                    const RouteInfo& route, Duration lifetime) {
  const auto it = std::find_if(list.begin(), list.end(), [&](const Learned& learned) {
    return learned.route.destination == route.destination &&
           learned.route.gateway == route.gateway;
  });
  if (it != list.end()) {
    const bool same = it->route.rank == route.rank;
    if (lifetime.count() != 0 && same) {
      it->expires = In(lifetime);
      if (!it->installed) it->installed = host_.AddAutoRoute(it->route);
      return;
    }
    host_.RemoveAutoRoute(it->route);
    list.erase(it);
  }
  if (lifetime.count() == 0) return;
  if (list.size() >= limit) {
    ++full;
    return;
  }
  list.push_back({route, In(lifetime), host_.AddAutoRoute(route)});
}

void RouterDiscovery::UpdatePrefix(State& state, const Interface& interface,
                                   const IpAddress& router, const NdpPrefix& prefix) {
  const IpAddress base = prefix.prefix.Prefix(prefix.length);
  if (base.IsLinkLocal() || base.IsMulticast()) return;
  if (prefix.on_link) {
    RouteInfo route;
    route.destination = {base, prefix.length};
    route.interface = state.index;
    route.metric = kPrefixMetric;
    route.protocol = kRouteByRouterAdvertisement;
    UpdateLearned(state.prefixes, kMaxPrefixes, counters_.full_prefixes, route,
                  NdpLifetime(prefix.valid_lifetime));
  }
  // RFC 4862 5.5.3 a to d; the identifier of an Ethernet is 64 bits long (RFC 2464 4).
  const bool usable = prefix.autonomous && prefix.length == 64 &&
                      prefix.preferred_lifetime <= prefix.valid_lifetime &&
                      interface.conf.own(Conf::kAutoconf) != 0;
  if (usable) state.addresses.Update(interface, prefix);
  // RFC 8028 3.1: also of prefixes that nothing is made of.
  state.addresses.NoteAdvertiser(router, prefix);
}

void RouterDiscovery::AddressDuplicate(InterfaceIndex index, const IpAddress& address) {
  State* state = Find(index);
  const Interface* interface = interfaces_.Find(index);
  if (state == nullptr || interface == nullptr) return;
  state->addresses.Duplicate(*interface, address);
  ArmExpiry(*state);
}

// --- Time --------------------------------------------------------------------------------------

void RouterDiscovery::Expire(State& state) {
  const Time now = clock_.Now();
  for (size_t i = state.routers.size(); i-- > 0;) {
    if (state.routers[i].expires <= now) RemoveRouter(state, i);
  }
  for (auto* list : {&state.prefixes, &state.routes}) {
    for (const Learned& learned : *list) {
      if (learned.expires <= now) host_.RemoveAutoRoute(learned.route);
    }
    std::erase_if(*list, [&](const Learned& learned) { return learned.expires <= now; });
  }
  std::erase_if(state.name_servers, [&](const NameServer& row) { return row.expires <= now; });
  state.addresses.Expire(interfaces_.Find(state.index));
  ArmExpiry(state);
}

void RouterDiscovery::ArmExpiry(State& state) {
  Time next = kNever;
  const auto consider = [&](Time time) { next = std::min(next, time); };
  for (const Router& router : state.routers) consider(router.expires);
  for (const auto* list : {&state.prefixes, &state.routes}) {
    for (const Learned& learned : *list) consider(learned.expires);
  }
  for (const NameServer& server : state.name_servers) consider(server.expires);
  consider(state.addresses.NextChange());
  if (next == kNever) return state.expiry.Cancel();
  state.expiry.Arm(next);
}

std::vector<NameServerInfo> RouterDiscovery::NameServers() const {
  std::vector<NameServerInfo> out;
  for (const auto& [index, state] : states_) {
    for (const NameServer& server : state->name_servers) {
      out.push_back({index, server.address, server.expires});
    }
  }
  return out;
}

}  // namespace moat::netstack
