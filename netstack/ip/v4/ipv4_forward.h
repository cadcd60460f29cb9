// Forwarding IPv4 (RFC 1812 4.2, 5.2, 5.3): what arrives for somebody else on an interface that
// forwards. Source, version, checksum and link-layer broadcast were judged by ipv4_input.
#ifndef MOAT_NETSTACK_IP_V4_IPV4_FORWARD_H_
#define MOAT_NETSTACK_IP_V4_IPV4_FORWARD_H_

#include "netstack/ip/forward_output.h"
#include "netstack/ip/ip_state.h"
#include "netstack/ip/redirect_limiter.h"
#include "netstack/ip/route_finder.h"
#include "netstack/ip/v4/icmpv4.h"
#include "netstack/wire/ipv4.h"

namespace moat::netstack {

class Ipv4Forward {
 public:
  Ipv4Forward(IpState& state, RouteFinder& finder, NextHops& next_hops, Icmpv4& icmp)
      : state_(state),
        finder_(finder),
        output_(state, next_hops),
        icmp_(icmp),
        redirects_(state.table_counters.full_redirect_limits) {}

  // Forwards, answers with an error, or drops. True: its route says that it is for us, and nothing
  // was done.
  bool Forward(Interface& in, IpPacketIn& packet);
  // A directed broadcast to the network of another interface (RFC 1812 5.3.5.2, RFC 2644). The
  // packet stays as it is.
  void ForwardBroadcast(const Interface& in, const IpPacketIn& packet, InterfaceIndex to);

 private:
  void Refuse(const IpPacketIn& packet, Error why);
  void Send(const RouteHandle& route, IpPacketIn& packet);
  void RecordOptions(const RouteHandle& route, IpPacketIn& packet);
  void SendFragments(const RouteHandle& route, IpPacketIn& packet);
  void MaybeRedirect(const Interface& in, const IpPacketIn& packet, const RouteHandle& route);
  void Drop(DropReason reason, Counter& counter);

  IpState& state_;
  RouteFinder& finder_;
  ForwardOutput output_;
  Icmpv4& icmp_;
  RedirectLimiter redirects_;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_IP_V4_IPV4_FORWARD_H_
