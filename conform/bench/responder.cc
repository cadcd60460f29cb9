#include "conform/bench/responder.h"

#include "conform/wire/options.h"

namespace moat::conform {

Responder::Responder() {
  for (int port : {0, 1}) {
    for (const Node& node : {PeerNode(port), OtherNode(port), RouterNode(port)}) Start(node);
  }
}

void Responder::Start(const Node& node) {
  for (const Ip& ip : {node.ip4, node.ip6, node.link_local}) Start(node.port, ip, node.mac);
}

void Responder::Stop(const Node& node) {
  for (const Ip& ip : {node.ip4, node.ip6, node.link_local}) macs_.erase({node.port, ip});
}

std::optional<Frame> Responder::AnswerTo(const Packet& packet) const {
  if (packet.Has(Kind::kArp)) return AnswerArp(packet);
  if (packet.Get(icmp6::kType).u64() == icmp6::kNeighborSolicitation) {
    return AnswerSolicitation(packet);
  }
  return std::nullopt;
}

std::optional<Frame> Responder::AnswerArp(const Packet& packet) const {
  if (packet.Get(arp::kOperation).u64() != arp::kRequest) return std::nullopt;
  const Ip sender = packet.GetIp(arp::kSenderIp);
  const Ip target = packet.GetIp(arp::kTargetIp);
  if (sender == target) return std::nullopt;  // an announcement
  const auto found = macs_.find({packet.port(), target});
  if (found == macs_.end()) return std::nullopt;
  const Mac asker = packet.GetMac(arp::kSenderMac);
  return Eth(asker, found->second) / Arp(arp::kReply, found->second, target, asker, sender);
}

std::optional<Frame> Responder::AnswerSolicitation(const Packet& packet) const {
  const Ip target = packet.GetIp(icmp6::kTarget);
  const auto found = macs_.find({packet.port(), target});
  if (found == macs_.end() || packet.Source().IsUnspecified()) return std::nullopt;
  const auto mac = ndp_option::LinkAddressOf(packet, ndp_option::kSourceLinkAddress);
  // A router that did not say so would be struck off the list of routers (RFC 4861 7.2.5).
  const bool router = found->second == RouterNode(packet.port()).mac;
  const Layer message = Icmp6(icmp6::kNeighborAdvertisement)
                            .Set(icmp6::kRouterFlag, router ? 1 : 0)
                            .Set(icmp6::kSolicitedFlag, 1)
                            .Set(icmp6::kOverrideFlag, 1)
                            .Set(icmp6::kTarget, target);
  return Eth(mac.value_or(packet.GetMac(eth::kSource)), found->second) /
         Ipv6(target, packet.Source()).Set(ipv6::kHopLimit, 255) / message /
         Raw(ndp_option::TargetLinkAddress(found->second));
}

}  // namespace moat::conform
