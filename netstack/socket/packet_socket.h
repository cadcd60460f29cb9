// A packet socket (AF_PACKET, packet(7)): the frames of the stack's own interfaces, loopback
// included, below IP. SOCK_RAW reads and writes them with their link header, SOCK_DGRAM without.
//
// Frames are shown as Linux shows them: what arrives before the stack looks at it, what is sent as
// it leaves, super-segments whole, checksums that a link is still to complete as they are
// (checksum_missing). DEVIATION: a frame for another host is shown whether or not a socket asked
// for promiscuous mode, as on a veth; VLAN tags stay in the frame.
#ifndef MOAT_NETSTACK_SOCKET_PACKET_SOCKET_H_
#define MOAT_NETSTACK_SOCKET_PACKET_SOCKET_H_

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "netstack/base/error.h"
#include "netstack/base/time.h"
#include "netstack/bpf/classic_bpf.h"
#include "netstack/packet/slice.h"
#include "netstack/socket/socket.h"
#include "netstack/wire/address.h"

namespace moat::netstack {

namespace frame_protocol {  // linux/if_ether.h; others are EtherTypes
inline constexpr uint16_t k802_3 = 0x0001;  // ETH_P_802_3: to send an 802.3 frame
inline constexpr uint16_t kAll = 0x0003;    // ETH_P_ALL: also what is sent
inline constexpr uint16_t k802_2 = 0x0004;  // ETH_P_802_2: with a length instead of a type
}  // namespace frame_protocol

// PACKET_HOST and its like (linux/if_packet.h).
enum class FrameType : uint8_t { kHost, kBroadcast, kMulticast, kOtherHost, kOutgoing };

namespace link_type {  // linux/if_arp.h
inline constexpr uint16_t kEthernet = 1;
inline constexpr uint16_t kLoopback = 772;
inline constexpr uint16_t kNone = 0xfffe;  // links that carry IP packets without a header
}  // namespace link_type

// struct sockaddr_ll, in host byte order.
struct LinkName {
  static constexpr size_t kMostBytes = 8;

  uint16_t protocol = 0;
  InterfaceIndex interface = 0;
  uint16_t link_type = 0;
  FrameType type = FrameType::kHost;
  uint8_t size = 0;  // of the address
  std::array<uint8_t, kMostBytes> address{};
};

struct CapturedFrame {
  Slice bytes{};                 // as much as the filter wanted
  LinkName source{};
  uint32_t original_size = 0;    // of the whole frame, as this socket would see it
  uint16_t network_offset = 0;   // of the network header in `bytes`
  bool checksum_missing = false; // TP_STATUS_CSUMNOTREADY: the transport checksum is not filled in
  bool checksum_valid = false;   // TP_STATUS_CSUM_VALID: the link has verified it
  bool tcp_segments = false;     // TP_STATUS_GSO_TCP: a super-segment of TCP
  Time received{};
};

struct PacketStatistics {
  uint32_t packets = 0;  // that passed the filter, dropped ones included
  uint32_t drops = 0;    // of these, lost because the queue was full
};

// struct packet_mreq.
struct PacketMembership {
  enum class Kind : uint16_t { kMulticast, kPromiscuous, kAllMulticast, kUnicast };
  InterfaceIndex interface = 0;
  Kind kind = Kind::kMulticast;
  uint8_t size = 0;
  std::array<uint8_t, LinkName::kMostBytes> address{};

  bool operator==(const PacketMembership&) const = default;
};

class PacketSocket {
 public:
  virtual ~PacketSocket() = default;  // close(2)

  virtual uint64_t id() const = 0;
  virtual bool raw() const = 0;  // SOCK_RAW
  virtual void SetObserver(SocketObserver* observer) = 0;
  virtual uint32_t Ready() const = 0;

  // Narrows the socket to one interface (0: all) and sets the protocol (0: keeps it). kNoDevice. An
  // interface that is down is no error here, but one that TakeError() reports (kNetworkDown) unless
  // nothing changes.
  virtual Error Bind(uint16_t protocol, InterfaceIndex interface) = 0;
  // As getsockname(2): the address of the interface, if one is bound.
  virtual LinkName Local() const = 0;

  // Sends one frame. Without `to`, on the bound interface and with the bound protocol; all of an
  // address's bytes count, whatever its size says. kNotConnected (no such interface, or none bound,
  // for which Linux has ENXIO), kNetworkDown, kMessageSize, kInvalid (no room for a link header;
  // nothing at all; SOCK_DGRAM without an address), kNoBuffers.
  virtual Error Send(std::span<const std::span<const uint8_t>> payload,
                     const std::optional<LinkName>& to) = 0;

  // kWouldBlock when nothing is queued.
  virtual Result<CapturedFrame> Receive() = 0;
  virtual size_t ReadableBytes() const = 0;  // size of the next frame
  // kNetworkDown: the interface went down, or is gone; what was queued before can still be
  // received.
  virtual Error TakeError() = 0;

  // receive_buffer counts; the rest is remembered.
  virtual const SocketOptions& options() const = 0;
  virtual void SetOptions(const SocketOptions& options) = 0;

  // Takes effect for frames that come after; null: everything passes, which is always possible.
  // kNoMemory: the stack has no room for the program, and the one before stays.
  virtual Error SetFilter(std::optional<ClassicBpf> filter) = 0;
  virtual bool has_filter() const = 0;
  virtual void SetIgnoreOutgoing(bool ignore) = 0;  // PACKET_IGNORE_OUTGOING
  virtual bool ignore_outgoing() const = 0;

  // Counted: what was joined twice is left twice; leaving what was not joined is no error, as on
  // Linux. kNoDevice, kInvalid (the address does not fit the interface), kNoBuffers (too many).
  virtual Error Join(const PacketMembership& membership) = 0;
  virtual void Leave(const PacketMembership& membership) = 0;
  virtual size_t memberships() const = 0;  // distinct ones
  // PACKET_STATISTICS: since the last time.
  virtual PacketStatistics TakeStatistics() = 0;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_SOCKET_PACKET_SOCKET_H_
