// Receiving IPv6 (RFC 8200): from a frame's payload through the extension headers to a transport.
#ifndef MOAT_NETSTACK_IP_V6_IPV6_INPUT_H_
#define MOAT_NETSTACK_IP_V6_IPV6_INPUT_H_

#include "netstack/ip/ip_state.h"
#include "netstack/ip/reassembly.h"
#include "netstack/ip/received_packet.h"
#include "netstack/ip/v6/icmpv6.h"
#include "netstack/ip/v6/ipv6_forward.h"
#include "netstack/wire/ipv6.h"
#include "netstack/wire/ipv6_extension.h"

namespace moat::netstack {

class Ipv6Input {
 public:
  Ipv6Input(IpState& state, Reassembler& reassembler, Icmpv6& icmp, Ipv6Forward& forward)
      : state_(state), reassembler_(reassembler), icmp_(icmp), forward_(forward) {}

  // `packet` begins at the IPv6 header and may end in link padding.
  void Receive(Interface& in, Slice packet, const LinkMetadata& link);

 private:
  enum class Fate : uint8_t { kOurs, kForward, kDropped };

  bool Validate(const Slice& packet, Ipv6View* view);
  void CountMerged(const IpPacketIn& packet);
  bool CheckSource(const IpPacketIn& packet, const LinkMetadata& link);
  // Is it for us, and how? Sets to_multicast and to_anycast.
  Fate JudgeDestination(IpPacketIn& packet, const LinkMetadata& link, const Interface& in);
  Fate DropAs(DropReason reason, Counter& counter);
  // Walks `packet.ip_packet`'s chain and delivers, reassembles, answers or drops. So many fragment
  // headers have been taken out of it so far.
  void Process(IpPacketIn& packet, int fragment_headers);
  void HandleFragment(IpPacketIn& packet, const Ipv6Chain& chain, int fragment_headers);
  // RFC 8200 4.5, RFC 7112: what is wrong with a fragment is told to its sender. False: dropped.
  bool CheckFragment(const IpPacketIn& packet, const Ipv6Chain& chain,
                     const Ipv6FragmentHeader& header);
  // True: `packet` is the whole one now.
  bool Reassemble(IpPacketIn& packet, const Ipv6Chain& chain, const Ipv6FragmentHeader& header);
  void TakeOutHeader(IpPacketIn& packet, const Ipv6Chain& chain, const Ipv6FragmentHeader& header);
  void Deliver(IpPacketIn& packet, const Ipv6Chain& chain, bool was_fragmented);
  bool Drop(DropReason reason, Counter& counter);

  IpState& state_;
  Reassembler& reassembler_;
  Icmpv6& icmp_;
  Ipv6Forward& forward_;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_IP_V6_IPV6_INPUT_H_
