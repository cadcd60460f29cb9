// What the files of this suite share. The device forwards between its two ports: the peer on port 0
// sends to the peer on port 1.
#ifndef MOAT_CONFORM_SUITES_IPV6_ROUTER_ROUTER_H_
#define MOAT_CONFORM_SUITES_IPV6_ROUTER_ROUTER_H_

#include "conform/bench/case.h"
#include "conform/bench/socket.h"

namespace moat::conform {

inline constexpr uint32_t kRouter = kIpv6 | kTwoPorts | kForwarding6 | kSysctls;
inline constexpr CaseOptions kForwards{.needs = kRouter};
inline constexpr CaseOptions kForwardsNoDefault{.needs = kRouter, .setup = Setup::kNoRouter};
inline constexpr CaseOptions kForwardsRoutes{.needs = kRouter | kRoutes};
inline constexpr CaseOptions kForwardsMtu{.needs = kRouter | kMtu};

inline void BeRouter(Bench& b) {
  b.SetForwarding6(true);
  b.Wait(200ms);
  b.Forget();
}

// IPv6 from the peer of port 0 to that of port 1, through the device.
inline Frame Through(const Bench& b) {
  return Eth(b.device.mac, b.peer.mac) / Ipv6(b.peer.ip6, b.peer1.ip6);
}
inline Frame Datagram(const Bench& b, size_t size = 20) {
  return Through(b) / Udp(4000, 5000) / Raw(size);
}
inline Frame DatagramTo(const Bench& b, const Ip& to, size_t size = 20) {
  return Datagram(b, size).Set(ipv6::kDestination, to);
}

inline Bytes IpBytes(const Frame& frame) {
  const Bytes bytes = frame.Build();
  return Bytes(bytes.begin() + 14, bytes.end());
}
// On port 1, byte for byte what was sent but for the hop limit, which is one less.
inline Match IsPassedOn(const Frame& sent, int port = 1) {
  Bytes wanted = IpBytes(sent);
  wanted[7] = static_cast<uint8_t>(wanted[7] - 1);
  return OnPort(port) && Where("the packet with one hop less", [wanted](const Packet& p) {
           return p.From(Kind::kIpv6) == wanted;
         });
}
// A frame on port 1 that is no neighbour discovery or the like of the device's own.
inline Match AnythingOfThePeer() {
  return OnPort(1) && (From(PeerNode(0).ip6) || To(PeerNode(1).ip6));
}

// Like Bench::Expect(), for frames that are to be passed on as they are, right or not.
inline void Passes(Bench& b, const Frame& frame, int to_port = 1) {
  b.Send(frame, 1 - to_port);
  b.Check(!b.Poll(IsPassedOn(frame, to_port)).empty(), "the packet was not passed on as it was");
}
inline void IsForwarded(Bench& b, const Frame& frame) {
  BeRouter(b);
  Passes(b, frame);
}
// Nothing comes out on port 1; a right datagram does.
inline void IsNotForwarded(Bench& b, const Frame& frame) {
  BeRouter(b);
  b.Send(frame);
  b.ExpectNothing(OnPort(1) && !Is(icmp6::kType, icmp6::kMldReportV2) &&
                  !Is(icmp6::kType, icmp6::kNeighborSolicitation) &&
                  !Is(icmp6::kType, icmp6::kRouterSolicitation));
  Passes(b, Datagram(b, 33));
}

}  // namespace moat::conform

#endif  // MOAT_CONFORM_SUITES_IPV6_ROUTER_ROUTER_H_
