// ICMPv4 (RFC 792, RFC 1122 3.2.2): echo, errors up, errors out.
#ifndef MOAT_NETSTACK_IP_V4_ICMPV4_H_
#define MOAT_NETSTACK_IP_V4_ICMPV4_H_

#include <array>

#include "netstack/ip/error_delivery.h"
#include "netstack/ip/icmp_limiter.h"
#include "netstack/ip/ip_sender.h"
#include "netstack/ip/ip_state.h"
#include "netstack/ip/redirect_input.h"
#include "netstack/wire/icmpv4.h"

namespace moat::netstack {

class Icmpv4 {
 public:
  // `sender` is the IP layer itself.
  Icmpv4(IpState& state, IpSender& sender, ErrorDelivery& errors,
         IcmpLimiter& limiter, RedirectInput& redirects);

  // A whole ICMP message addressed to this host.
  void Receive(const IpPacketIn& packet);

  // Answers `about` with an error, unless RFC 1122 3.2.2 forbids it or the rate is used up.
  // `about.ip_packet` must be whole.
  void SendError(const IpPacketIn& about, uint8_t type, uint8_t code, uint32_t rest = 0);
  // Tells the source of `about` of a better first hop (RFC 1812 5.2.7.2). How often is the
  // caller's.
  void SendRedirect(const IpPacketIn& about, const IpAddress& gateway);
  // As SendError(), for a packet that is no longer described: `ip_packet` begins at its header.
  void SendTimeExceeded(const Slice& first_fragment, InterfaceIndex interface);
  // The next hop of a forwarded packet did not answer (RFC 1812 5.2.7.1).
  void SendHostUnreachable(std::span<const uint8_t> ip_packet);

 private:
  using Handler = void (Icmpv4::*)(const IpPacketIn&, const IcmpView&);
  struct Row {
    Handler handler = nullptr;  // null: known, but not acted on
  };
  static const Row* FindRow(uint8_t type);

  void HandleEchoRequest(const IpPacketIn& packet, const IcmpView& icmp);
  void HandleEchoReply(const IpPacketIn& packet, const IcmpView& icmp);
  void HandleTimestamp(const IpPacketIn& packet, const IcmpView& icmp);
  void HandleAddressMask(const IpPacketIn& packet, const IcmpView& icmp);
  void HandleRedirect(const IpPacketIn& packet, const IcmpView& icmp);
  void HandleError(const IpPacketIn& packet, const IcmpView& icmp);
  bool IgnoresGroup(const IpPacketIn& packet) const;
  // What is needed of a packet that is no longer described. False: not an IPv4 packet.
  bool Describe(const Slice& ip_packet, IpPacketIn* about) const;
  bool MayAnswerWithError(const IpPacketIn& about) const;
  void Reply(const IpPacketIn& packet, std::span<uint8_t> header,
             std::span<const uint8_t> body);

  IpState& state_;
  IpSender& sender_;
  ErrorDelivery& errors_;
  IcmpLimiter& limiter_;
  RedirectInput& redirects_;
  IcmpCounters& counters_;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_IP_V4_ICMPV4_H_
