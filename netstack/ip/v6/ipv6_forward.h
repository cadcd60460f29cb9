// Forwarding IPv6 (RFC 8200 3, RFC 4291 2.5, RFC 4443 3, RFC 4861 8.2): what arrives for somebody
// else on an interface that forwards. Source and link-layer broadcast were judged by ipv6_input.
#ifndef MOAT_NETSTACK_IP_V6_IPV6_FORWARD_H_
#define MOAT_NETSTACK_IP_V6_IPV6_FORWARD_H_

#include "netstack/ip/forward_output.h"
#include "netstack/ip/ip_state.h"
#include "netstack/ip/redirect_limiter.h"
#include "netstack/ip/route_finder.h"
#include "netstack/ip/v6/icmpv6.h"
#include "netstack/wire/ipv6.h"

namespace moat::netstack {

class Ipv6Forward {
 public:
  Ipv6Forward(IpState& state, RouteFinder& finder, NextHops& next_hops, Icmpv6& icmp)
      : state_(state),
        finder_(finder),
        next_hops_(next_hops),
        output_(state, next_hops),
        icmp_(icmp),
        redirects_(state.table_counters.full_redirect_limits) {}

  // Forwards, answers with an error, or drops. True: its route says that it is for us, and nothing
  // was done.
  bool Forward(Interface& in, IpPacketIn& packet);

 private:
  void Refuse(const IpPacketIn& packet, Error why);
  // RFC 8200 4.3: the one extension header that concerns routers. False: dropped.
  bool CheckHopByHop(const IpPacketIn& packet);
  void MaybeRedirect(const Interface& in, const IpPacketIn& packet, const RouteHandle& route);
  void Send(const RouteHandle& route, IpPacketIn& packet);
  void Drop(DropReason reason, Counter& counter);

  IpState& state_;
  RouteFinder& finder_;
  NextHops& next_hops_;
  ForwardOutput output_;
  Icmpv6& icmp_;
  RedirectLimiter redirects_;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_IP_V6_IPV6_FORWARD_H_
