#include "conform/wire/summary.h"

namespace moat::conform {
namespace {

std::string Number(const Packet& p, const Field& field) {
  return p.Get(field).ToString(field.show);
}

std::string OfArp(const Packet& p) {
  return "arp operation " + Number(p, arp::kOperation) + " from " + Number(p, arp::kSenderIp) +
         " (" + Number(p, arp::kSenderMac) + ") for " + Number(p, arp::kTargetIp) + " (" +
         Number(p, arp::kTargetMac) + ")";
}

std::string OfTcp(const Packet& p) {
  static constexpr const char* kFlagNames[] = {"FIN", "SYN", "RST", "PSH",
                                               "ACK", "URG", "ECE", "CWR"};
  std::string flags;
  for (int i = 0; i < 8; ++i) {
    if ((p.Get(tcp::kFlags).u64() >> i & 1) == 0) continue;
    if (!flags.empty()) flags += ",";
    flags += kFlagNames[i];
  }
  return "tcp " + Number(p, tcp::kSourcePort) + ">" + Number(p, tcp::kDestinationPort) + " [" +
         flags + "] seq " + Number(p, tcp::kSequence) + " ack " + Number(p, tcp::kAcknowledgment) +
         " win " + Number(p, tcp::kWindow) + " data " + std::to_string(p.Payload().size());
}

std::string OfTransport(const Packet& p) {
  if (p.Has(Kind::kTcp)) return OfTcp(p);
  if (p.Has(Kind::kUdp)) {
    return "udp " + Number(p, udp::kSourcePort) + ">" + Number(p, udp::kDestinationPort);
  }
  if (p.Has(Kind::kIcmp4)) {
    return "icmpv4 type " + Number(p, icmp4::kType) + " code " + Number(p, icmp4::kCode);
  }
  if (p.Has(Kind::kIcmp6)) {
    return "icmpv6 type " + Number(p, icmp6::kType) + " code " + Number(p, icmp6::kCode);
  }
  if (p.Has(Kind::kIgmp)) {
    return "igmp type " + Number(p, igmp::kType) + " group " + Number(p, igmp::kGroup);
  }
  return "protocol " + Number(p, p.Has(Kind::kIpv6) ? ipv6::kNextHeader : ipv4::kProtocol);
}

std::string OfIp(const Packet& p) {
  std::string text = p.Source().ToString() + " > " + p.Destination().ToString() + " ";
  if (p.Has(Kind::kHopByHop)) text += "hop-by-hop ";
  if (p.Has(Kind::kRouting)) text += "routing ";
  if (p.Has(Kind::kFragment)) {
    text += "fragment at " + std::to_string(8 * p.Get(fragment::kOffset).u64()) + " ";
  }
  const uint64_t offset = p.Get(ipv4::kFragmentOffset);
  if (offset != 0 || p.Get(ipv4::kMoreFragments).u64() != 0) {
    text += "fragment at " + std::to_string(8 * offset) + " ";
  }
  return text + OfTransport(p);
}

}  // namespace

std::string Summarize(const Packet& packet) {
  if (packet.empty()) return "nothing";
  std::string text;
  if (packet.Has(Kind::kArp)) {
    text = OfArp(packet);
  } else if (packet.Has(Kind::kIpv4) || packet.Has(Kind::kIpv6)) {
    text = OfIp(packet);
  } else {
    text = "ethernet type " + Number(packet, eth::kType);
  }
  text += ", " + std::to_string(packet.bytes().size()) + " bytes";
  for (const std::string& problem : packet.problems()) text += " (" + problem + ")";
  return text;
}

}  // namespace moat::conform
