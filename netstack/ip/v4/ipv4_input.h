// Receiving IPv4 (RFC 791, RFC 1122 3.2): from a frame's payload to a transport.
#ifndef MOAT_NETSTACK_IP_V4_IPV4_INPUT_H_
#define MOAT_NETSTACK_IP_V4_IPV4_INPUT_H_

#include "netstack/ip/ip_state.h"
#include "netstack/ip/reassembly.h"
#include "netstack/ip/received_packet.h"
#include "netstack/ip/v4/icmpv4.h"
#include "netstack/ip/v4/ipv4_forward.h"
#include "netstack/ip/v4/igmp.h"
#include "netstack/wire/ipv4.h"

namespace moat::netstack {

class Ipv4Input {
 public:
  Ipv4Input(IpState& state, Reassembler& reassembler, Icmpv4& icmp, Igmp& igmp,
            Ipv4Forward& forward)
      : state_(state), reassembler_(reassembler), icmp_(icmp), igmp_(igmp), forward_(forward) {}

  // `packet` begins at the IP header and may end in link padding.
  void Receive(Interface& in, Slice packet, const LinkMetadata& link);

 private:
  enum class Fate : uint8_t { kOurs, kForward, kDropped };

  bool Validate(const Slice& packet, Ipv4View* view);
  void CountMerged(const IpPacketIn& packet, size_t header_size);
  bool CheckSource(const IpPacketIn& packet, const LinkMetadata& link, const Interface& in);
  bool CheckReversePath(const IpPacketIn& packet, const Interface& in);
  // Is it for us, and how? Sets to_broadcast and to_multicast.
  Fate JudgeDestination(IpPacketIn& packet, const LinkMetadata& link, const Interface& in);
  Fate DropAs(DropReason reason, Counter& counter);
  bool CheckOptions(const IpPacketIn& packet, const Ipv4View& view);
  void Reassemble(IpPacketIn& packet, const Ipv4View& view);
  void Deliver(IpPacketIn& packet, size_t header_size);
  bool Drop(DropReason reason, Counter& counter);

  IpState& state_;
  Reassembler& reassembler_;
  Icmpv4& icmp_;
  Igmp& igmp_;
  Ipv4Forward& forward_;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_IP_V4_IPV4_INPUT_H_
