// What a raw socket (raw(7), ipv6(7), RFC 3542 3) has beside a datagram socket: whole packets of
// one IP protocol, past the transports.
//
// Read is, with IPv4, the packet from its IP header on; with IPv6 what follows the extension
// headers. Written is what follows the IP header, or the whole packet (SetHeaderIncluded()). There
// are no ports; as in Linux, Local() has the protocol in the port's place.
#ifndef MOAT_NETSTACK_SOCKET_RAW_CONTROLS_H_
#define MOAT_NETSTACK_SOCKET_RAW_CONTROLS_H_

#include <bitset>
#include <cstdint>

#include "netstack/base/error.h"

namespace moat::netstack {

class RawControls {
 public:
  virtual ~RawControls() = default;

  virtual uint8_t protocol() const = 0;

  // IP_HDRINCL, IPV6_HDRINCL: the user writes the IP header. Of IPv4's, total length and checksum
  // are always filled in, source and identification when they are zero; the rest, the destination
  // too, goes out as it is, while the address of the call (or of the peer) decides on the way.
  // kMessageSize when it is larger than the way's MTU: such a packet is not fragmented here. On
  // from the start for IPPROTO_RAW.
  virtual void SetHeaderIncluded(bool included) = 0;
  virtual bool header_included() const = 0;

  // ICMP_FILTER, ICMP6_FILTER: types that are not received. Without effect for other protocols.
  virtual void SetBlockedTypes(const std::bitset<256>& types) = 0;
  virtual const std::bitset<256>& blocked_types() const = 0;

  // IPV6_CHECKSUM: the offset of the 16-bit checksum over pseudo header and message, which is
  // filled in on the way out and verified on the way in; -1: there is none. kInvalid for an odd
  // offset, for IPv4, and for ICMPv6, whose is at 2.
  virtual Error SetChecksumOffset(int offset) = 0;
  virtual int checksum_offset() const = 0;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_SOCKET_RAW_CONTROLS_H_
