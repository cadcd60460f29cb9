// What every interface can be told by sysctl: net.ipv4.conf.<name>.* and net.ipv6.conf.<name>.*, as
// Linux names them, with "all" and "default" beside the interfaces.
//
// How "all" and the interface's own value make the one that counts is Linux's, row by row
// (ip-sysctl.rst; IN_DEV_* of its inetdevice.h).
#ifndef MOAT_NETSTACK_IP_INTERFACE_CONF_H_
#define MOAT_NETSTACK_IP_INTERFACE_CONF_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "netstack/base/sysctl.h"

namespace moat::netstack {

// How a value comes about.
enum class ConfRule : uint8_t {
  kOwn,         // the interface's own
  kEverywhere,  // the interface's own; writing "all" writes every interface's and "default"
  kOr,          // all || own
  kAnd,         // all && own
  kMax,         // the larger one of all and own
};

// X(key, family, name, default, min, max, rule)
#define MOAT_INTERFACE_CONF(X)                                                                     \
  X(kForwardV4, "ipv4", "forwarding", 0, 0, 1, kEverywhere)                                        \
  X(kForwardBroadcast, "ipv4", "bc_forwarding", 0, 0, 1, kAnd)                                     \
  X(kSendRedirects, "ipv4", "send_redirects", 1, 0, 1, kOr)                                        \
  X(kAcceptRedirectsV4, "ipv4", "accept_redirects", 1, 0, 1, kOr)  /* a router: kAnd */            \
  X(kSecureRedirects, "ipv4", "secure_redirects", 1, 0, 1, kOr)                                    \
  X(kSharedMedia, "ipv4", "shared_media", 1, 0, 1, kOr)                                            \
  X(kReversePath, "ipv4", "rp_filter", 0, 0, 2, kMax)   /* RFC 3704: 1 strict, 2 loose */          \
  X(kArpIgnore, "ipv4", "arp_ignore", 0, 0, 1, kMax)    /* 1: only the interface's own */          \
  X(kArpNotify, "ipv4", "arp_notify", 0, 0, 1, kMax)    /* 1: announce an added address */         \
  X(kDisableV6, "ipv6", "disable_ipv6", 0, 0, 1, kEverywhere)                                      \
  X(kForwardV6, "ipv6", "forwarding", 0, 0, 1, kEverywhere)                                        \
  X(kDropUnicastInGroupFrame, "ipv6", "drop_unicast_in_l2_multicast", 0, 0, 1, kOwn)               \
  X(kNdiscNotify, "ipv6", "ndisc_notify", 0, 0, 1, kMax)                                           \
  /* 0: no duplicate detection. 2: a duplicate of what the link address makes disables IPv6. */    \
  X(kAcceptDad, "ipv6", "accept_dad", 1, 0, 2, kMax)                                               \
  X(kDadTransmits, "ipv6", "dad_transmits", 1, 0, 10, kEverywhere)                                 \
  X(kHopLimit, "ipv6", "hop_limit", 64, 1, 255, kEverywhere)                                       \
  X(kAcceptRedirectsV6, "ipv6", "accept_redirects", 1, 0, 1, kOwn)                                 \
  /* DEVIATION: Linux's default is 1; here whoever configures the stack asks for it. */            \
  X(kAcceptRa, "ipv6", "accept_ra", 0, 0, 2, kOwn)                                                 \
  X(kAcceptRaDefaultRouter, "ipv6", "accept_ra_defrtr", 1, 0, 1, kOwn)                             \
  X(kAcceptRaPrefixInfo, "ipv6", "accept_ra_pinfo", 1, 0, 1, kOwn)                                 \
  X(kAcceptRaMinHopLimit, "ipv6", "accept_ra_min_hop_limit", 1, 0, 255, kOwn)                      \
  X(kAcceptRaMtu, "ipv6", "accept_ra_mtu", 1, 0, 1, kOwn)                                          \
  X(kAcceptRaRouteMaxLength, "ipv6", "accept_ra_rt_info_max_plen", 0, 0, 128, kOwn)                \
  X(kAutoconf, "ipv6", "autoconf", 1, 0, 1, kOwn)                                                  \
  X(kAddrGenMode, "ipv6", "addr_gen_mode", 0, 0, 3, kOwn)  /* EUI-64, none, RFC 7217, random */    \
  X(kUseTempAddr, "ipv6", "use_tempaddr", 0, -1, 2, kOwn)                                          \
  X(kTempValidLifetime, "ipv6", "temp_valid_lft", 172800, 0, 0x7fffffff, kOwn)  /* RFC 8981 3.8 */ \
  X(kTempPreferredLifetime, "ipv6", "temp_prefered_lft", 86400, 0, 0x7fffffff, kOwn)               \
  X(kRouterSolicitations, "ipv6", "router_solicitations", -1, -1, 100, kOwn)                       \
  X(kRouterSolicitationInterval, "ipv6", "router_solicitation_interval", 4, 1, 3600, kOwn)         \
  X(kRouterSolicitationMaxInterval, "ipv6", "router_solicitation_max_interval", 3600, 1, 86400,    \
    kOwn)                                                                                          \
  X(kRouterSolicitationDelay, "ipv6", "router_solicitation_delay", 1, 0, 3600, kOwn)

enum class Conf : uint8_t {
#define MOAT_CONF_KEY(key, ...) key,
  MOAT_INTERFACE_CONF(MOAT_CONF_KEY)
#undef MOAT_CONF_KEY
};

#define MOAT_CONF_ONE(...) +1
inline constexpr size_t kConfCount = MOAT_INTERFACE_CONF(MOAT_CONF_ONE);
#undef MOAT_CONF_ONE

using ConfValues = std::array<const Sysctl*, kConfCount>;

// The values of one interface. Without an interface's rows (it was removed) everything is 0.
class InterfaceConf {
 public:
  // Of rules kOwn and kEverywhere: one load.
  int64_t own(Conf key) const {
    const Sysctl* sysctl = own_[static_cast<size_t>(key)];
    return sysctl == nullptr ? 0 : sysctl->value();
  }
  bool either(Conf key) const { return own(key) != 0 || all(key) != 0; }  // kOr
  bool both(Conf key) const { return own(key) != 0 && all(key) != 0; }    // kAnd
  int64_t larger(Conf key) const {                                        // kMax
    const int64_t a = own(key), b = all(key);
    return a > b ? a : b;
  }
  bool registered() const { return own_[0] != nullptr; }

 private:
  friend class InterfaceSysctls;
  int64_t all(Conf key) const {
    return all_ == nullptr ? 0 : (*all_)[static_cast<size_t>(key)]->value();
  }
  ConfValues own_{};
  const ConfValues* all_ = nullptr;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_IP_INTERFACE_CONF_H_
