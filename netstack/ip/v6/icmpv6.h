// ICMPv6 (RFC 4443): echo, errors up, errors out; neighbour discovery and MLD are handed on.
#ifndef MOAT_NETSTACK_IP_V6_ICMPV6_H_
#define MOAT_NETSTACK_IP_V6_ICMPV6_H_

#include "netstack/ip/error_delivery.h"
#include "netstack/ip/icmp_limiter.h"
#include "netstack/ip/ip_sender.h"
#include "netstack/ip/ip_state.h"
#include "netstack/ip/v6/mld.h"
#include "netstack/neighbor/ndp.h"
#include "netstack/wire/icmpv4.h"
#include "netstack/wire/icmpv6.h"

namespace moat::netstack {

// What the extension headers around a message said.
struct Ipv6Arrival {
  bool was_fragmented = false;  // RFC 6980
  bool router_alert = false;    // RFC 2711
};

class Icmpv6 {
 public:
  // `sender` is the IP layer itself.
  Icmpv6(IpState& state, IpSender& sender, ErrorDelivery& errors,
         IcmpLimiter& limiter, Ndp& ndp, Mld& mld);

  // A whole ICMPv6 message for this host.
  void Receive(const IpPacketIn& packet, const Ipv6Arrival& arrival);

  // Answers `about` with an error unless RFC 4443 2.4 (e) forbids it or the rate is used up.
  // `even_to_group`: packet too big and option problems are told to multicast senders too.
  void SendError(const IpPacketIn& about, uint8_t type, uint8_t code, uint32_t rest = 0,
                 bool even_to_group = false);
  void SendTimeExceeded(const Slice& first_fragment, InterfaceIndex interface);
  // The next hop of a forwarded packet did not answer (RFC 4443 3.1).
  void SendAddressUnreachable(std::span<const uint8_t> ip_packet, InterfaceIndex interface);
  // True when one more message of the limited kinds may go to `destination` now.
  bool AllowError(const IpAddress& destination) { return limiter_.Allow(destination); }

 private:
  using Handler = void (Icmpv6::*)(const IpPacketIn&, const IcmpView&);
  struct Row {
    Handler handler = nullptr;  // null: known, but not acted on
    bool ndp = false;
    bool mld = false;
  };
  static const Row* FindRow(uint8_t type);

  void HandleEchoRequest(const IpPacketIn& packet, const IcmpView& icmp);
  void HandleEchoReply(const IpPacketIn& packet, const IcmpView& icmp);
  void HandleError(const IpPacketIn& packet, const IcmpView& icmp);
  void HandleNdp(const IpPacketIn& packet, const IcmpView& icmp);
  // What is needed of a packet that is no longer described. False: not an IPv6 packet.
  static bool Describe(const Slice& ip_packet, InterfaceIndex interface, IpPacketIn* about);
  bool MayAnswerWithError(const IpPacketIn& about, bool even_to_group) const;

  IpState& state_;
  IpSender& sender_;
  ErrorDelivery& errors_;
  IcmpLimiter& limiter_;
  Ndp& ndp_;
  Mld& mld_;
  IcmpCounters& counters_;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_IP_V6_ICMPV6_H_
