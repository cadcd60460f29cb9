// Frames between nodes.
#include "conform/bench/bench.h"

namespace moat::conform {
namespace {

constexpr int kPingId = 0x4d31;

}  // namespace

Frame Ip4(const Node& from, const Node& to) {
  return Eth(to.mac, from.mac) / Ipv4(from.ip4, to.ip4);
}
Frame Ip6(const Node& from, const Node& to) {
  return Eth(to.mac, from.mac) / Ipv6(from.ip6, to.ip6);
}
Frame IpOf(bool v6, const Node& from, const Node& to) { return v6 ? Ip6(from, to) : Ip4(from, to); }

Frame Ip4ToGroup(const Node& from, const Ip& group) {
  const Mac to = group.IsMulticast() ? GroupMac(group) : Mac::Broadcast();
  return Eth(to, from.mac) / Ipv4(from.ip4, group);
}
Frame Ip6ToGroup(const Node& from, const Ip& group) {
  return Eth(GroupMac(group), from.mac) / Ipv6(from.link_local, group);
}

Frame Ping4(const Node& from, const Node& to, size_t size, int sequence) {
  return Ip4(from, to) / EchoRequest4(kPingId, sequence) / Raw(size);
}
Frame Ping6(const Node& from, const Node& to, size_t size, int sequence) {
  return Ip6(from, to) / EchoRequest6(kPingId, sequence) / Raw(size);
}
Frame PingOf(bool v6, const Node& from, const Node& to, size_t size, int sequence) {
  return v6 ? Ping6(from, to, size, sequence) : Ping4(from, to, size, sequence);
}

Frame Udp4(const Node& from, const Node& to, int source_port, int destination_port,
           const Bytes& payload) {
  return Ip4(from, to) / Udp(source_port, destination_port) / Raw(payload);
}
Frame Udp6(const Node& from, const Node& to, int source_port, int destination_port,
           const Bytes& payload) {
  return Ip6(from, to) / Udp(source_port, destination_port) / Raw(payload);
}

Frame ArpAsk(const Node& from, const Ip& target) {
  return Eth(Mac::Broadcast(), from.mac) / Arp(arp::kRequest, from.mac, from.ip4, Mac(), target);
}
Frame ArpAnswer(const Node& from, const Node& to) {
  return Eth(to.mac, from.mac) / Arp(arp::kReply, from.mac, from.ip4, to.mac, to.ip4);
}

Frame NeighborSolicitation(const Node& from, const Ip& target) {
  const Ip group = SolicitedNode(target);
  return Eth(GroupMac(group), from.mac) / Ipv6(from.ip6, group).Set(ipv6::kHopLimit, 255) /
         Icmp6(icmp6::kNeighborSolicitation).Set(icmp6::kTarget, target) /
         Raw(ndp_option::SourceLinkAddress(from.mac));
}

Frame NeighborAdvertisement(const Node& from, const Node& to, bool solicited, bool override_,
                            bool router) {
  return Eth(to.mac, from.mac) / Ipv6(from.ip6, to.ip6).Set(ipv6::kHopLimit, 255) /
         Icmp6(icmp6::kNeighborAdvertisement)
             .Set(icmp6::kRouterFlag, router ? 1 : 0)
             .Set(icmp6::kSolicitedFlag, solicited ? 1 : 0)
             .Set(icmp6::kOverrideFlag, override_ ? 1 : 0)
             .Set(icmp6::kTarget, from.ip6) /
         Raw(ndp_option::TargetLinkAddress(from.mac));
}

Frame RouterAdvertisement(const Node& router, int lifetime_seconds, const Bytes& options) {
  return Ip6ToGroup(router, "ff02::1").Set(ipv6::kHopLimit, 255) /
         Icmp6(icmp6::kRouterAdvertisement)
             .Set(icmp6::kCurHopLimit, 64)
             .Set(icmp6::kRouterLifetime, lifetime_seconds)
             .Set(icmp6::kReachableTime, 0)
             .Set(icmp6::kRetransTimer, 0) /
         Raw(options);
}

}  // namespace moat::conform
