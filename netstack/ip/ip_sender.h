// The door from the transports down to IP. Both families are behind the same calls.
//
// A transport looks up a Route once per flow and keeps it; Route::valid() turns false when
// addresses, routes, neighbours' interfaces or path MTUs that it depends on change, which is one
// compare per packet.
#ifndef MOAT_NETSTACK_IP_IP_SENDER_H_
#define MOAT_NETSTACK_IP_IP_SENDER_H_

#include <cstdint>
#include <memory>
#include <span>

#include "netstack/base/error.h"
#include "netstack/link/link.h"
#include "netstack/packet/slice.h"
#include "netstack/wire/address.h"
#include "netstack/wire/temporary_addresses.h"

namespace moat::netstack {

namespace ip_protocol {  // IANA protocol numbers
inline constexpr uint8_t kIcmp = 1;
inline constexpr uint8_t kTcp = 6;
inline constexpr uint8_t kUdp = 17;
inline constexpr uint8_t kIcmpV6 = 58;
}  // namespace ip_protocol

struct RouteQuery {
  IpAddress destination{};
  IpAddress source{};               // unspecified (of the same family): select one (RFC 6724)
  uint16_t most_mtu = 0;          // bounds Route::mtu; 0: does not
  InterfaceIndex interface = 0;   // SO_BINDTODEVICE, scope id, IP_PKTINFO; 0: any
  uint32_t flow_hash = 0;         // chooses among equal-cost next hops
  // To 255.255.255.255 from 0.0.0.0, "this host", whatever addresses there are (RFC 2131 4.1).
  bool nameless = false;
  TemporaryAddresses temporary = TemporaryAddresses::kByInterface;
  bool on_link_only = false;      // SO_DONTROUTE: not by way of a gateway
  // Nothing but the link bounds the route's MTU: for those who find out the path's by themselves.
  bool link_mtu = false;
  bool operator==(const RouteQuery&) const = default;
};

// A resolved way to a destination. Opaque to transports but for these fields; the IP layer derives
// from it to cache the next hop and its neighbour entry.
class Route {
 public:
  virtual ~Route() = default;
  // False: drop the handle and look the route up again.
  virtual bool valid() const = 0;

  IpAddress source;
  IpAddress destination;
  InterfaceIndex interface = 0;
  uint32_t mtu = 0;            // largest IP packet: path MTU, route and interface MTU considered
  bool mtu_is_floor = false;   // IPv4: the path has less than `mtu`; let routers fragment
  uint32_t max_gso_bytes = 0;  // largest IP packet when gso is set; 0: the link cannot segment
  bool is_local = false;       // delivered inside this stack
  bool is_broadcast = false;
  bool is_multicast = false;
};
using RouteRef = std::shared_ptr<Route>;

// One transport packet. Spans are borrowed until Send() returns.
struct IpPacketOut {
  uint8_t protocol = 0;
  uint8_t traffic_class = 0;   // TOS / Traffic Class, ECN bits included
  uint8_t hop_limit = 0;       // 0: the family's default
  bool dont_fragment = true;   // IPv4 DF; for IPv6: never fragment locally (EMSGSIZE instead)
  uint32_t flow_label = 0;     // IPv6, 20 bits
  bool multicast_loop = true;  // a multicast packet also goes to members on this stack
  // Transport header, checksum field zero (or already what the transport wants, see below).
  std::span<uint8_t> transport_header;
  std::span<const std::span<const uint8_t>> payload;
  std::span<const uint8_t> options{};  // IPv4 options, a multiple of 4 and at most 40 bytes
  // Offset of the 16-bit checksum in transport_header, or -1 when the transport filled it (or sends
  // none). The IP layer adds the pseudo header (not for ICMPv4) and computes or offloads it.
  int checksum_offset = -1;
  // A computed sum of 0 is sent as 0xffff (UDP, RFC 768).
  bool zero_checksum_means_none = false;
  GsoType gso = GsoType::kNone;
  uint16_t gso_size = 0;
};

class IpSender {
 public:
  virtual ~IpSender() = default;

  // kNetworkUnreachable, kHostUnreachable, kAccess (prohibit), kInvalid (blackhole),
  // kAddressNotAvailable (source is not ours), kNetworkDown.
  virtual Result<RouteRef> FindRoute(const RouteQuery& query) = 0;

  // Sends, or queues on an unresolved neighbour (bounded, RFC 1122 2.3.2.2), or fragments when
  // allowed. kMessageSize when it does not fit and may not be fragmented; kNoBuffers when the link
  // is full.
  virtual Error Send(const Route& route, const IpPacketOut& packet) = 0;

  // Sends a whole IP packet, whose header of `header_size` octets the caller wrote. kMessageSize
  // when it does not fit: it is not fragmented. Else as Send().
  virtual Error SendPacket(const Route& route, Slice packet, size_t header_size) = 0;

  // Confirms the next hop's reachability from above (RFC 4861 7.3.1): TCP saw forward progress.
  virtual void ConfirmNeighbor(const Route& route) = 0;

  // True when `address` is assigned to an interface of this stack (and usable as a source).
  virtual bool IsLocalAddress(const IpAddress& address, InterfaceIndex interface) const = 0;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_IP_IP_SENDER_H_
