// Redirects received: which are believed (RFC 1122 3.2.2.2, RFC 4861 8.1, 8.3; sysctls
// accept_redirects, secure_redirects, shared_media). Those go to the redirect table.
#ifndef MOAT_NETSTACK_IP_REDIRECT_INPUT_H_
#define MOAT_NETSTACK_IP_REDIRECT_INPUT_H_

#include "netstack/ip/ip_state.h"
#include "netstack/ip/route_finder.h"

namespace moat::netstack {

class RedirectInput {
 public:
  RedirectInput(IpState& state, RouteFinder& finder) : state_(state), finder_(finder) {}

  // An ICMPv4 redirect from `router` to `gateway`, about a packet from `source` to `destination`.
  void ReceivedV4(InterfaceIndex interface, const IpAddress& router, const IpAddress& gateway,
                  const IpAddress& source, const IpAddress& destination);
  // An ICMPv6 one, its own form judged. True: believed.
  bool ReceivedV6(InterfaceIndex interface, const IpAddress& router, const IpAddress& target,
                  const IpAddress& destination);

 private:
  bool AcceptsV4(const Interface& interface) const;
  bool IsSecureV4(const Interface& interface, const IpAddress& gateway) const;
  // Is `router` the first hop of `destination` right now?
  bool IsFirstHop(const IpAddress& router, const IpAddress& source, const IpAddress& destination,
                  InterfaceIndex interface);
  void Learn(const IpAddress& destination, const IpAddress& gateway, InterfaceIndex interface);

  IpState& state_;
  RouteFinder& finder_;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_IP_REDIRECT_INPUT_H_
