// The host's side of router and prefix discovery (RFC 4861 6.3), router preferences and routes (RFC
// 4191), name servers (RFC 8106). The addresses that come of it are auto_addresses.h's.
//
// What advertisements say becomes routes of protocol kRouteByRouterAdvertisement, addresses, and
// settings of the interface; this class keeps when each of them ends. It is silent and deaf while
// accept_ra says so: 0 never, 1 unless the interface forwards, 2 always.
#ifndef MOAT_NETSTACK_IP_V6_ROUTER_DISCOVERY_H_
#define MOAT_NETSTACK_IP_V6_ROUTER_DISCOVERY_H_

#include <map>
#include <memory>
#include <vector>

#include "netstack/base/random.h"
#include "netstack/base/sysctl.h"
#include "netstack/base/time.h"
#include "netstack/base/timer.h"
#include "netstack/ip/configuration.h"
#include "netstack/ip/interface.h"
#include "netstack/ip/table_counters.h"
#include "netstack/ip/v6/auto_addresses.h"
#include "netstack/ip/v6/ndp_lifetime.h"
#include "netstack/wire/ndp.h"

namespace moat::netstack {

class RouterDiscovery {
 public:
  static constexpr size_t kMaxRouters = 16;    // per interface; so for each list
  static constexpr size_t kMaxPrefixes = 16;
  static constexpr size_t kMaxRoutes = 64;
  static constexpr size_t kMaxNameServers = 8;

  class Host : public AutoAddresses::Host {
   public:
    // False: memory or the table is full.
    virtual bool AddAutoRoute(const RouteInfo& route) = 0;
    virtual void RemoveAutoRoute(const RouteInfo& route) = 0;
    virtual void SolicitRouters(InterfaceIndex interface) = 0;
    // What routers say of the link. `mtu` 0: no longer.
    virtual void SetLinkMtu(InterfaceIndex interface, uint32_t mtu) = 0;
    virtual void SetHopLimit(InterfaceIndex interface, uint8_t hop_limit) = 0;
    // Zero: leave as it is.
    virtual void SetNeighborTimes(InterfaceIndex interface, Duration reachable,
                                  Duration retransmit) = 0;
  };

  RouterDiscovery(const Clock& clock, Random& random, TimerQueue& timers, SysctlTable& sysctls,
                  const InterfaceTable& interfaces, TableCounters& counters, Host& host);
  ~RouterDiscovery();

  // Begins, or ends, as the interface's state and sysctls say now.
  void Reconsider(InterfaceIndex interface);
  void InterfaceGone(InterfaceIndex interface);

  void Advertised(InterfaceIndex interface, const IpAddress& router,
                  const RouterAdvertisement& message);
  // The neighbour no longer says that it is a router (RFC 4861 7.2.5).
  void RouterLost(InterfaceIndex interface, const IpAddress& router);
  // Whether a router answers decides which one is used (RFC 4861 6.3.6).
  void Reachability(InterfaceIndex interface, const IpAddress& router, bool reachable);
  // An address of ours turned out to be another's.
  void AddressDuplicate(InterfaceIndex interface, const IpAddress& address);

  std::vector<NameServerInfo> NameServers() const;

 private:
  struct Router {
    IpAddress address;
    uint8_t preference = 0;
    bool reachable = true;
    bool installed = false;  // its route; else the next advertisement tries again
    Time expires = kNever;
  };
  struct Learned {  // an on-link prefix or a route
    RouteInfo route;
    Time expires = kNever;
    bool installed = false;  // as a router's
  };
  struct NameServer {
    IpAddress address;
    Time expires = kNever;
  };
  struct State {
    State(RouterDiscovery& owner, InterfaceIndex index)
        : owner(owner),
          index(index),
          addresses(owner.address_context_, index),
          solicit(owner.timers_, MemberTimer<&State::OnSolicit>, this),
          expiry(owner.timers_, MemberTimer<&State::OnExpiry>, this) {}
    void OnSolicit() { owner.Solicit(*this); }
    void OnExpiry() { owner.Expire(*this); }
    RouterDiscovery& owner;
    InterfaceIndex index;
    AutoAddresses addresses;
    int solicitations = 0;
    Duration interval{};
    Timer solicit;
    Timer expiry;
    std::vector<Router> routers;
    std::vector<Learned> prefixes, routes;
    std::vector<NameServer> name_servers;
    uint32_t mtu = 0;
  };

  bool Accepts(const Interface& interface) const;
  State* Find(InterfaceIndex interface);
  void Solicit(State& state);
  void Clear(State& state);

  void UpdateRouter(State& state, const IpAddress& router, uint8_t preference, Duration lifetime);
  void RemoveRouter(State& state, size_t position);
  RouteInfo DefaultRoute(const State& state, const Router& router) const;
  void Rank(State& state, Router& router);
  // `full` counts what `limit` refuses.
  void UpdateLearned(std::vector<Learned>& list, size_t limit, Counter& full,
                     const RouteInfo& route, Duration lifetime);
  void UpdatePrefix(State& state, const Interface& interface, const IpAddress& router,
                    const NdpPrefix& prefix);
  void Rest(State& state, const Interface& interface, const IpAddress& router,
            const RouterAdvertisement& message);
  void Expire(State& state);
  void ArmExpiry(State& state);
  Time In(Duration lifetime) const { return EndOf(lifetime, clock_.Now()); }

  const Clock& clock_;
  Random& random_;
  TimerQueue& timers_;
  const InterfaceTable& interfaces_;
  TableCounters& counters_;
  Host& host_;
  AutoAddresses::Context address_context_;
  std::map<InterfaceIndex, std::unique_ptr<State>> states_;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_IP_V6_ROUTER_DISCOVERY_H_
