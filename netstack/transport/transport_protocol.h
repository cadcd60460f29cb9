// The door from IP up to a transport.
#ifndef MOAT_NETSTACK_TRANSPORT_TRANSPORT_PROTOCOL_H_
#define MOAT_NETSTACK_TRANSPORT_TRANSPORT_PROTOCOL_H_

#include <cstdint>
#include <span>

#include "netstack/base/error.h"
#include "netstack/link/link.h"
#include "netstack/packet/slice.h"
#include "netstack/wire/address.h"

namespace moat::netstack {

// One received transport packet, reassembled, IP header validated. Addresses never are IPv4-mapped.
struct IpPacketIn {
  IpAddress source{};
  IpAddress destination{};
  InterfaceIndex interface = 0;
  uint8_t protocol = 0;
  uint8_t traffic_class = 0;
  uint8_t hop_limit = 0;
  bool to_broadcast = false;  // link or IP broadcast
  bool to_multicast = false;
  bool to_anycast = false;    // an address that other nodes have too
  // IPv6: the link's frame was for several stations, whatever the destination says. IPv4 drops what
  // has an address of one station in such a frame.
  bool in_group_frame = false;
  bool to_several() const { return to_broadcast || to_multicast || to_anycast; }
  Slice payload{};            // from the transport header on
  // The whole IP packet (header on) while it is in one piece, for ICMP errors that quote it.
  Slice ip_packet{};
  RxChecksum checksum = RxChecksum::kUnverified;
  uint16_t gso_size = 0;      // see RxFrame
  uint8_t ip_options_size = 0;  // IPv4
  // As they arrived; good while ip_packet is there.
  std::span<const uint8_t> ip_options() const {
    return ip_packet.span().subspan(kIpOptionsOffset, ip_options_size);
  }

 private:
  static constexpr size_t kIpOptionsOffset = 20;  // behind the fixed header
};

// An ICMP error about a packet that this stack sent (RFC 792, RFC 4443), in neutral terms.
struct IcmpErrorIn {
  enum class Kind : uint8_t {
    kNetworkUnreachable, kHostUnreachable, kProtocolUnreachable, kPortUnreachable,
    kPacketTooBig, kProhibited, kSourceRouteFailed, kTimeExceeded, kReassemblyTimeExceeded,
    kParameterProblem,
  };
  Kind kind;
  // What the kind means to a socket (ECONNREFUSED, EHOSTUNREACH, ...), and whether Linux treats it
  // as fatal for a connected datagram socket without IP_RECVERR.
  Error error;
  bool hard;
  uint32_t mtu = 0;  // kPacketTooBig
  // What RFC 5082 judges it by, as Linux: the TTL of the quoted packet, but over IPv6 the hop limit
  // of the message itself.
  uint8_t hop_limit = 0;
  uint8_t icmp_type = 0;
  uint8_t icmp_code = 0;
  IpAddress offender{};    // who sent the error
  IpAddress source{};      // of the quoted packet: ours
  IpAddress destination{};  // of the quoted packet: the peer's
  InterfaceIndex interface = 0;
  uint8_t protocol = 0;                      // of the quoted packet
  std::span<const uint8_t> quoted_transport{};  // at least 8 bytes, from the transport header on
};

class TransportProtocol {
 public:
  virtual ~TransportProtocol() = default;

  // What became of a packet: when nobody wanted it, IP answers with port (or protocol) unreachable
  // if the transport asks for it.
  enum class Disposition : uint8_t { kHandled, kPortUnreachable };

  virtual Disposition Receive(const IpPacketIn& packet) = 0;
  virtual void ReceiveError(const IcmpErrorIn& error) = 0;
  // Can what the error quotes have been sent, as far as this transport knows? What it says about
  // the path is believed only then (RFC 8201 4, RFC 5927 7).
  virtual bool MayHaveSent(const IcmpErrorIn& error) const = 0;
  // An address in use is about to be given up to another host (RFC 5227 2.4): the last moment to
  // say so.
  virtual void GiveUpAddress(const IpAddress& address, InterfaceIndex interface) {
    (void)address;
    (void)interface;
  }
};

// Who gets a copy of what is delivered to this host, before the transport that it is for: raw
// sockets.
class RawReceiver {
 public:
  virtual ~RawReceiver() = default;

  // Whether there is anybody at all: all that a packet pays for while there is not.
  bool listening() const { return listening_; }
  // True: somebody took it, so that it is no error when there is no transport for it.
  virtual bool Receive(const IpPacketIn& packet) = 0;
  virtual void ReceiveError(const IcmpErrorIn& error) = 0;
  // As TransportProtocol's.
  virtual bool MayHaveSent(const IcmpErrorIn& error) const = 0;

 protected:
  bool listening_ = false;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_TRANSPORT_TRANSPORT_PROTOCOL_H_
