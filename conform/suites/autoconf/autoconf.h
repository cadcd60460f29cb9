// What the files of this suite share: a device with a link-local address that listens to routers.
#ifndef MOAT_CONFORM_SUITES_AUTOCONF_AUTOCONF_H_
#define MOAT_CONFORM_SUITES_AUTOCONF_AUTOCONF_H_

#include "conform/bench/case.h"
#include "conform/bench/socket.h"

namespace moat::conform::autoconf {

inline constexpr CaseOptions kAuto{.needs = kIpv6 | kAddresses | kSysctls | kAutoconf | kPing,
                                   .setup = Setup::kBare};

inline constexpr const char* kPrefix = "2001:db8:5::";
inline constexpr const char* kSecondPrefix = "2001:db8:6::";
// The device's 02:00:00:00:00:01 as modified EUI-64, behind the prefix.
inline constexpr const char* kAddress = "2001:db8:5::ff:fe00:1";
inline constexpr const char* kSecondAddress = "2001:db8:6::ff:fe00:1";
inline constexpr uint32_t kDay = 86400;

// The device has its link-local address, and listens.
inline void Start(Bench& b) {
  b.SetSysctl("ipv6.conf.eth0.router_solicitations", "0");
  b.SetSysctl("ipv6.conf.eth0.accept_ra", "2");
  b.AddAddress({b.device.link_local, 64});
  b.Wait(300ms);
  b.Forget();
}

inline Bytes Prefix64(const Ip& prefix, bool autonomous = true, uint32_t valid = kDay,
                      uint32_t preferred = kDay, bool on_link = true) {
  return ndp_option::PrefixInformation(prefix, 64, on_link, autonomous, valid, preferred);
}
inline Frame Ra(const Bench& b, const Bytes& options = {}, int lifetime = 1800) {
  return RouterAdvertisement(b.router, lifetime,
                             Join({ndp_option::SourceLinkAddress(b.router.mac), options}));
}
// Advertises, and waits until duplicate address detection must be over (delay of 1 s, one probe).
inline void Advertise(Bench& b, const Bytes& options, int lifetime = 1800) {
  b.Send(Ra(b, options, lifetime));
  b.Wait(2300ms);
  b.Forget();
}

// The probe of duplicate address detection.
inline Match Probe(const Ip& address) { return NeighborSolicitationFor(address) && From("::"); }

inline void Solicit(Bench& b, const Ip& address) {
  const Ip group = SolicitedNode(address);
  b.Send(Eth(GroupMac(group), b.router.mac) /
         Ipv6(b.router.link_local, group).Set(ipv6::kHopLimit, 255) /
         Icmp6(icmp6::kNeighborSolicitation).Set(icmp6::kTarget, address) /
         Raw(ndp_option::SourceLinkAddress(b.router.mac)));
}
// The device answers for the address; or not, though it is alive.
inline void Has(Bench& b, const Ip& address) {
  Solicit(b, address);
  b.Expect(NeighborAdvertisementFor(address));
}
inline void HasNot(Bench& b, const Ip& address) {
  Solicit(b, address);
  b.ExpectNothing(NeighborAdvertisementFor(address), 400ms);
  Solicit(b, b.device.link_local);
  b.Expect(NeighborAdvertisementFor(b.device.link_local));
}
// The source of what the device sends to `to`.
inline void Prefers(Bench& b, const Ip& source, const Ip& to = "2001:db8:9::9") {
  b.Forget();
  b.Ping(to);
  b.Expect(EchoRequest6() && To(to) && From(source));
}
// By whom the device sends to `to`.
inline void GoesBy(Bench& b, const Mac& mac, const Ip& to = "2001:db8:9::9") {
  b.Forget();
  b.Ping(to);
  b.Expect(EchoRequest6() && To(to) && Is(eth::kDestination, mac));
}

}  // namespace moat::conform::autoconf

#endif  // MOAT_CONFORM_SUITES_AUTOCONF_AUTOCONF_H_
