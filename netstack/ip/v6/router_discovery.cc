#include "netstack/ip/v6/router_discovery.h"

#include <algorithm>

#include "netstack/ip/routing_table.h"
#include "netstack/ip/v6/stable_identifier.h"
#include "netstack/wire/ipv6.h"

namespace moat::netstack {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration kForever = Duration::max();
constexpr uint32_t kInfinite = 0xffffffff;      // RFC 4861 4.6.2
constexpr Duration kTwoHours = hours(2);        // RFC 4862 5.5.3 e
constexpr uint32_t kMaxDuplicates = 3;          // RFC 7217 IDGEN_RETRIES, RFC 8981 3.8
constexpr uint32_t kIdgenDelayMs = 1000;        // RFC 7217 7
constexpr uint32_t kDefaultRouterMetric = 1024;  // Linux's IP6_RT_PRIO_USER
constexpr uint32_t kPrefixMetric = 256;          // IP6_RT_PRIO_ADDRCONF
constexpr uint8_t kRankUnreachable = 16;
constexpr Duration kUntilProved = milliseconds(100);
constexpr Duration kRegenAdvance = seconds(5);  // RFC 8981 3.8, one probe of a second included
// addr_gen_mode, as Linux.
constexpr int64_t kGenerateNone = 1, kGenerateStable = 2, kGenerateRandom = 3;

Duration Lifetime(uint32_t in_seconds) {
  return in_seconds == kInfinite ? kForever : Duration(seconds(in_seconds));
}

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
      stable_secret_(sysctls.Register({.name = "ipv6.conf.default.stable_secret",
                                       .valid = [](std::string_view text) {
                                         const auto key = IpAddress::Parse(text);
                                         return key.has_value() && key->is_v6();
                                       }})) {}

RouterDiscovery::~RouterDiscovery() = default;

// Without a secret that outlives the stack, "stable" lasts as long as the stack does.
SipHashKey RouterDiscovery::Secret() const {
  const std::optional<IpAddress> key = IpAddress::Parse(stable_secret_->text());
  if (!key.has_value()) return random_secret_;
  return {LoadBe64(key->data()), LoadBe64(key->data() + 8)};
}

Time RouterDiscovery::In(Duration lifetime) const {
  return lifetime == kForever ? kNever : clock_.Now() + lifetime;
}

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
  // The stack's own secret; made when first needed, so that a stack that does not want it draws the
  // same numbers.
  if (random_secret_.k0 == 0) random_secret_ = SipHashKey::Random(random_);
  state = (states_[index] = std::make_unique<State>(*this, index)).get();
  FormLinkLocal(*state, *interface);
  if (interface->conf.own(Conf::kRouterSolicitations) == 0) return;
  // RFC 4861 6.3.7: hosts that start in step do not solicit in step.
  const int64_t most = interface->conf.own(Conf::kRouterSolicitationDelay) * 1000;
  const auto delay = most == 0 ? 0 : random_.Below(static_cast<uint32_t>(most));
  state->solicit.Arm(clock_.Now() + milliseconds(delay));
}

// RFC 4862 5.3. Whoever gave the interface a link-local address wants that one.
void RouterDiscovery::FormLinkLocal(State& state, const Interface& interface) {
  if (interface.conf.own(Conf::kAddrGenMode) == kGenerateNone) return;
  for (const AssignedAddress& row : interface.addresses) {
    if (row.prefix.address.is_v6() && row.prefix.address.IsLinkLocal()) return;
  }
  static const uint8_t prefix[16] = {0xfe, 0x80};
  (void)AddAddress(state, interface, IpAddress::V6(prefix), 0, kForever, kForever);
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
  for (const Address& address : state.addresses) {
    host_.RemoveAutoAddress(state.index, address.prefix);
  }
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
      UpdateRouter(state, router, route.preference, Lifetime(route.lifetime));
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
                  Lifetime(route.lifetime));
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
    list.push_back({server.address, In(Lifetime(server.lifetime))});
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

// --- Prefixes and addresses --------------------------------------------------------------------

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
                  Lifetime(prefix.valid_lifetime));
  }
  // RFC 4862 5.5.3 a to d; the identifier of an Ethernet is 64 bits long (RFC 2464 4).
  const bool usable = prefix.autonomous && prefix.length == 64 &&
                      prefix.preferred_lifetime <= prefix.valid_lifetime &&
                      interface.conf.own(Conf::kAutoconf) != 0;
  if (usable) UpdateAddresses(state, interface, prefix);
  // RFC 8028 3.1: also of prefixes that nothing is made of.
  NoteAdvertiser(state, router, prefix);
}

// RFC 6724 5, rule 5.5: which next hop an address goes with.
void RouterDiscovery::NoteAdvertiser(const State& state, const IpAddress& router,
                                     const NdpPrefix& prefix) {
  for (const Address& address : state.addresses) {
    if (!address.prefix.address.InPrefix(prefix.prefix, prefix.length)) continue;
    host_.SetAdvertiser(state.index, address.prefix.address, router, prefix.valid_lifetime != 0);
  }
}

void RouterDiscovery::UpdateAddresses(State& state, const Interface& interface,
                                      const NdpPrefix& prefix) {
  const Duration valid = Lifetime(prefix.valid_lifetime);
  const Duration preferred = Lifetime(prefix.preferred_lifetime);
  bool known = false;
  for (Address& address : state.addresses) {
    if (!address.prefix.address.InPrefix(prefix.prefix, prefix.length)) continue;
    known = known || !address.temporary;
    if (address.temporary) {
      // RFC 8981 3.4: no later than the public one would, and than its own end.
      const Time end = address.created + seconds(interface.conf.own(Conf::kTempValidLifetime));
      const Time soft = address.created - address.desync +
                        seconds(interface.conf.own(Conf::kTempPreferredLifetime));
      UpdateLifetimes(address, valid, preferred);
      address.valid = std::min(address.valid, end);
      address.preferred = std::min(address.preferred, soft);
    } else {
      UpdateLifetimes(address, valid, preferred);
    }
    const bool deprecated = address.preferred <= clock_.Now();
    if (deprecated != address.deprecated) {
      address.deprecated = deprecated;
      host_.SetDeprecated(state.index, address.prefix.address, deprecated);
    }
  }
  if (known) return RenewTemporary(state, interface, prefix);
  if (valid.count() == 0) return;
  (void)AddAddress(state, interface, prefix.prefix, 0, valid, preferred);
}

// A public address whose time was extended may be worth a temporary one again (RFC 8981 3.4).
void RouterDiscovery::RenewTemporary(State& state, const Interface& interface,
                                     const NdpPrefix& prefix) {
  if (interface.conf.own(Conf::kUseTempAddr) <= 0) return;
  const Time soon = clock_.Now() + kRegenAdvance;
  std::optional<Address> of;
  for (const Address& address : state.addresses) {
    if (!address.prefix.address.InPrefix(prefix.prefix, prefix.length)) continue;
    // 3.4 (7): where every try was a duplicate, there are no more.
    if (address.temporary && (address.dead || address.preferred > soon)) return;
    if (address.dead) continue;
    if (!address.temporary) of = address;
  }
  if (!of.has_value() || of->preferred <= soon) return;
  for (Address& address : state.addresses) {
    if (address.temporary && address.prefix.address.InPrefix(prefix.prefix, prefix.length)) {
      address.regenerated = true;
    }
  }
  AddTemporary(state, interface, *of, 0);
}

// RFC 4862 5.5.3 e.
void RouterDiscovery::UpdateLifetimes(Address& address, Duration valid, Duration preferred) {
  address.preferred = In(preferred);
  const Time now = clock_.Now();
  const Time wanted = In(valid);
  const bool more_than_two_hours = valid > kTwoHours;
  if (more_than_two_hours || wanted > address.valid) {
    address.valid = wanted;
  } else if (address.valid > now + kTwoHours) {
    address.valid = now + kTwoHours;
  }
}

bool RouterDiscovery::AddAddress(State& state, const Interface& interface, const IpAddress& prefix,
                                 uint32_t dad_counter, Duration valid, Duration preferred) {
  if (state.addresses.size() >= kMaxAddresses) {
    ++counters_.full_auto_addresses;
    return false;
  }
  const int64_t mode = interface.conf.own(Conf::kAddrGenMode);
  const auto identifier = [&] {
    return mode == kGenerateStable
               ? StableIdentifier(Secret(), prefix, interface.name, interface.mac, dad_counter)
           : mode == kGenerateRandom ? RandomIdentifier(random_)
                                     : EuiIdentifier(interface.mac);
  };
  Address address;
  address.prefix = {WithIdentifier(prefix, identifier()), 64};
  // RFC 7217 5: an identifier that this interface has already is as good as a duplicate.
  while (mode > kGenerateNone && dad_counter < kMaxDuplicates &&
         interface.FindAddress(address.prefix.address) != nullptr) {
    ++dad_counter;
    address.prefix = {WithIdentifier(prefix, identifier()), 64};
  }
  address.dad_counter = dad_counter;
  address.valid = In(valid);
  address.preferred = In(preferred);
  address.created = clock_.Now();
  address.deprecated = preferred.count() == 0;
  AddressOptions options;
  const bool link_local = prefix.IsLinkLocal();
  options.no_prefix_route = !link_local;  // on-link is what the other flag says
  options.deprecated = address.deprecated;
  options.autoconfigured = !link_local;
  // RFC 7217 6: those who all had the same trouble do not go on in step.
  if (dad_counter > 0) options.dad_delay = milliseconds(1 + random_.Below(kIdgenDelayMs));
  if (!host_.AddAutoAddress(state.index, address.prefix, options)) return false;
  state.addresses.push_back(address);
  if (!link_local && interface.conf.own(Conf::kUseTempAddr) > 0) {
    AddTemporary(state, interface, address, 0);
  }
  return true;
}

// RFC 8981 3.4.
void RouterDiscovery::AddTemporary(State& state, const Interface& interface, const Address& of,
                                   uint32_t tries) {
  if (tries > kMaxDuplicates) return;
  if (state.addresses.size() >= kMaxAddresses) {
    ++counters_.full_auto_addresses;
    return;
  }
  const Time now = clock_.Now();
  Address address;
  address.temporary = true;
  address.dad_counter = tries;
  address.created = now;
  const int64_t preferred_seconds = interface.conf.own(Conf::kTempPreferredLifetime);
  // 3.8: up to 0.4 of the lifetime, so that addresses which began together do not change together.
  const auto most =
      static_cast<uint32_t>(std::clamp<int64_t>(preferred_seconds * 2 / 5, 1, 1 << 30));
  address.desync = seconds(random_.Below(most));
  address.valid =
      std::min(of.valid, now + seconds(interface.conf.own(Conf::kTempValidLifetime)));
  address.preferred = std::min(of.preferred, now + seconds(preferred_seconds) - address.desync);
  if (address.preferred <= now + kRegenAdvance) return;  // not worth it
  for (int draws = 0; draws < 8; ++draws) {  // 3.3.1 (3): not one that this interface has already
    address.prefix = {WithIdentifier(of.prefix.address, RandomIdentifier(random_)), 64};
    if (interface.FindAddress(address.prefix.address) == nullptr) break;
  }
  AddressOptions options;
  options.no_prefix_route = true;
  options.autoconfigured = true;
  options.temporary = true;
  if (host_.AddAutoAddress(state.index, address.prefix, options)) {
    state.addresses.push_back(address);
  }
}

void RouterDiscovery::AddressDuplicate(InterfaceIndex index, const IpAddress& address) {
  State* state = Find(index);
  const Interface* interface = interfaces_.Find(index);
  if (state == nullptr || interface == nullptr) return;
  const auto it = std::find_if(
      state->addresses.begin(), state->addresses.end(),
      [&](const Address& row) { return row.prefix.address == address && !row.dead; });
  if (it == state->addresses.end()) return;
  const Address old = *it;
  // An identifier that is made from the link address (modes 0 and 1) would be the same again.
  const bool fixed = !old.temporary && interface->conf.own(Conf::kAddrGenMode) <= kGenerateNone;
  if (fixed || old.dad_counter >= kMaxDuplicates) {
    it->dead = true;  // RFC 4862 5.4.5: stays, marked, until somebody looks at it
    return;
  }
  state->addresses.erase(it);
  host_.RemoveAutoAddress(index, old.prefix);
  if (old.temporary) {
    AddTemporary(*state, *interface, old, old.dad_counter + 1);
  } else {
    const Time now = clock_.Now();
    const auto left = [&](Time end) { return end == kNever ? kForever : Duration(end - now); };
    (void)AddAddress(*state, *interface, old.prefix.address.Prefix(64), old.dad_counter + 1,
                     left(old.valid), left(old.preferred));
  }
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
  ExpireAddresses(state, now);
  ArmExpiry(state);
}

void RouterDiscovery::ExpireAddresses(State& state, Time now) {
  const Interface* interface = interfaces_.Find(state.index);
  std::vector<Address> successors;  // of which public address
  for (Address& address : state.addresses) {
    if (address.valid <= now) {
      host_.RemoveAutoAddress(state.index, address.prefix);
      continue;
    }
    if (address.preferred > now || address.deprecated) continue;
    address.deprecated = true;
    host_.SetDeprecated(state.index, address.prefix.address, true);
  }
  std::erase_if(state.addresses, [&](const Address& address) { return address.valid <= now; });
  if (interface == nullptr || interface->conf.own(Conf::kUseTempAddr) <= 0) return;
  // RFC 8981 3.4: the successor comes a little before its predecessor is deprecated.
  for (Address& address : state.addresses) {
    if (!address.temporary || address.dead || address.regenerated ||
        address.preferred > now + kRegenAdvance) {
      continue;
    }
    address.regenerated = true;
    for (const Address& other : state.addresses) {
      if (!other.temporary && !other.dead &&
          other.prefix.address.InPrefix(address.prefix.address, 64)) {
        successors.push_back(other);
      }
    }
  }
  for (const Address& of : successors) AddTemporary(state, *interface, of, 0);
}

void RouterDiscovery::ArmExpiry(State& state) {
  Time next = kNever;
  const auto consider = [&](Time time) { next = std::min(next, time); };
  for (const Router& router : state.routers) consider(router.expires);
  for (const auto* list : {&state.prefixes, &state.routes}) {
    for (const Learned& learned : *list) consider(learned.expires);
  }
  for (const NameServer& server : state.name_servers) consider(server.expires);
  for (const Address& address : state.addresses) {
    consider(address.valid);
    if (!address.deprecated) consider(address.preferred);
    if (address.temporary && !address.regenerated && !address.dead && address.preferred != kNever) {
      consider(address.preferred - kRegenAdvance);
    }
  }
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
