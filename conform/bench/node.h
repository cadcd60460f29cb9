// Who is who on the bench. The device has eth0 on port 0 and, where a case needs it, eth1 on port
// 1; the tester plays everybody else.
//
//   port 0: 192.0.2.0/24, 2001:db8::/64       device .1/::1, peer .2, other .3, router .254/::fe
//   port 1: 198.51.100.0/24, 2001:db8:1::/64  device .1/::1, peer .2, other .3, router .254/::fe
//   behind the router of port 0, the device's default gateway: remote 203.0.113.9, 2001:db8:9::9
#ifndef MOAT_CONFORM_BENCH_NODE_H_
#define MOAT_CONFORM_BENCH_NODE_H_

#include "conform/wire/address.h"

namespace moat::conform {

struct Node {
  int port = 0;
  Mac mac;
  Ip ip4;
  Ip ip6;         // global
  Ip link_local;  // IPv6
  // The address of the family.
  const Ip& ip(bool v6) const { return v6 ? ip6 : ip4; }
};

struct Prefix {
  Ip address;
  int length = 0;
  std::string ToString() const { return address.ToString() + "/" + std::to_string(length); }
};

inline constexpr int kPrefixLength4 = 24;
inline constexpr int kPrefixLength6 = 64;

inline Node DeviceNode(int port) {
  if (port == 0) return {0, "02:00:00:00:00:01", "192.0.2.1", "2001:db8::1", "fe80::1"};
  return {1, "02:00:00:00:01:01", "198.51.100.1", "2001:db8:1::1", "fe80::1:1"};
}
inline Node PeerNode(int port) {
  if (port == 0) return {0, "02:00:00:00:00:02", "192.0.2.2", "2001:db8::2", "fe80::2"};
  return {1, "02:00:00:00:01:02", "198.51.100.2", "2001:db8:1::2", "fe80::1:2"};
}
inline Node OtherNode(int port) {
  if (port == 0) return {0, "02:00:00:00:00:03", "192.0.2.3", "2001:db8::3", "fe80::3"};
  return {1, "02:00:00:00:01:03", "198.51.100.3", "2001:db8:1::3", "fe80::1:3"};
}
inline Node RouterNode(int port) {
  if (port == 0) return {0, "02:00:00:00:00:fe", "192.0.2.254", "2001:db8::fe", "fe80::fe"};
  return {1, "02:00:00:00:01:fe", "198.51.100.254", "2001:db8:1::fe", "fe80::1:fe"};
}
// Off-link, seen through the router of port 0: its frames carry the router's link address.
inline Node RemoteNode() {
  return {0, RouterNode(0).mac, "203.0.113.9", "2001:db8:9::9", "fe80::fe"};
}

}  // namespace moat::conform

#endif  // MOAT_CONFORM_BENCH_NODE_H_
