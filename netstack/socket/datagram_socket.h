// A datagram socket: UDP, ICMP echo ("ping socket", SOCK_DGRAM with IPPROTO_ICMP or _ICMPV6), or
// raw.
#ifndef MOAT_NETSTACK_SOCKET_DATAGRAM_SOCKET_H_
#define MOAT_NETSTACK_SOCKET_DATAGRAM_SOCKET_H_

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "netstack/packet/slice.h"
#include "netstack/socket/socket.h"
#include "netstack/socket/tcp_socket.h"
#include "netstack/wire/source_filter.h"

namespace moat::netstack {

// A received datagram with what recvmsg(2) can report about it.
struct Datagram {
  Slice payload{};
  Endpoint source{};
  IpAddress destination{};        // as in the IP header (may be a group)
  InterfaceIndex interface = 0;  // that it arrived on
  uint8_t hop_limit = 0;
  uint8_t traffic_class = 0;
  Time received{};
  // Non-zero: `payload` is a train of datagrams of this size, the last may be shorter (UDP_GRO).
  uint16_t segment_size = 0;
  Ipv4OptionsRef ip_options{};  // that it came with, our entries included; null: none
};

// An ICMP error queued for IP_RECVERR / IPV6_RECVERR.
struct QueuedError {
  Error error;
  uint8_t icmp_type = 0;
  uint8_t icmp_code = 0;
  uint32_t mtu = 0;
  Endpoint destination{};  // of the packet that failed
  IpAddress offender{};
  Slice payload{};         // what is quoted of the datagram
  bool local = false;    // SO_EE_ORIGIN_LOCAL
};

// Options of datagram sockets alone.
struct DatagramOptions {
  bool no_checksum = false;            // SO_NO_CHECK: UDP over IPv4 goes without one (RFC 768)
  bool no_checksum6_sent = false;      // UDP_NO_CHECK6_TX: the same over IPv6 (RFC 6935)
  bool no_checksum6_received = false;  // UDP_NO_CHECK6_RX: IPv6 datagrams without one are taken
  bool dont_fragment = false;          // IPV6_DONTFRAG: kMessageSize instead of fragments
  bool receive_path_mtu = false;       // IPV6_RECVPATHMTU: for TakePathMtu()
  uint16_t most_mtu = 0;               // IPV6_MTU: no IPv6 packet is larger; 0: no limit
  InterfaceIndex unicast_interface = 0;   // IP_UNICAST_IF: what goes to one host leaves by it
  InterfaceIndex unicast_interface6 = 0;  // IPV6_UNICAST_IF
  InterfaceIndex sticky_interface = 0;    // IPV6_PKTINFO: what goes to groups, too
};

// Why a datagram was too big (RFC 3542 11.3).
struct PathMtuNotice {
  Endpoint destination;
  uint32_t mtu;
};

// Where and how one datagram goes; fields left empty come from the socket.
struct SendControl {
  std::optional<Endpoint> destination{};  // absent: the connected peer
  std::optional<IpAddress> source{};      // IP_PKTINFO / IPV6_PKTINFO
  InterfaceIndex interface = 0;
  std::optional<uint8_t> hop_limit{};
  std::optional<uint8_t> traffic_class{};
  std::optional<bool> dont_fragment{};  // IPV6_DONTFRAG
  bool on_link_only = false;            // MSG_DONTROUTE
  uint32_t flow_label = 0;              // IPv6, chosen by the program; 0: not
  uint16_t segment_size = 0;            // UDP_SEGMENT; 0: one datagram
  Ipv4OptionsRef ip_options{};          // IP_RETOPTS; in place of the socket's, empty ones too
  // To 255.255.255.255: from 0.0.0.0, also when the interface has addresses (RFC 2131 4.1).
  bool nameless = false;
};

class RawControls;  // raw_controls.h

// Joining and leaving are about sources that are included, (un)blocking about those excluded.
enum class SourceChange : uint8_t { kJoin, kLeave, kBlock, kUnblock };

class DatagramSocket {
 public:
  virtual ~DatagramSocket() = default;  // close(2)

  virtual uint64_t id() const = 0;
  virtual Family family() const = 0;
  virtual void SetObserver(SocketObserver* observer) = 0;
  virtual uint32_t Ready() const = 0;

  virtual Error Bind(const Endpoint& local) = 0;
  virtual Error Connect(const Endpoint& remote) = 0;
  virtual Error Disconnect() = 0;
  virtual Endpoint Local() const = 0;
  virtual Result<Endpoint> Remote() const = 0;
  virtual Error Shutdown(ShutdownHow how) = 0;

  // Sends now (binding an ephemeral port first when unbound). kMessageSize, kDestinationRequired,
  // kAccess (broadcast without the option), kNoBuffers, routing errors. A pending asynchronous
  // error is returned first and cleared, as on Linux. For ping sockets the payload is the ICMP
  // message; identifier and checksum are the stack's.
  virtual Error Send(std::span<const std::span<const uint8_t>> payload,
                     const SendControl& control) = 0;

  // kWouldBlock when nothing is queued. Receive() takes the oldest.
  virtual Result<Datagram> Receive() = 0;
  virtual size_t ReadableBytes() const = 0;  // size of the next datagram (FIONREAD)
  virtual std::optional<QueuedError> TakeQueuedError() = 0;
  virtual void SetQueueErrors(bool enabled) = 0;  // IP_RECVERR
  virtual Error TakeError() = 0;

  virtual const SocketOptions& options() const = 0;
  virtual void SetOptions(const SocketOptions& options) = 0;
  virtual const DatagramOptions& datagram_options() const = 0;
  virtual void SetDatagramOptions(const DatagramOptions& options) = 0;
  // The latest refusal with DatagramOptions::receive_path_mtu, once.
  virtual std::optional<PathMtuNotice> TakePathMtu() = 0;
  virtual void SetReceiveOffload(bool enabled) = 0;  // UDP_GRO
  // Multicast membership. kAddressInUse when already a member, kAddressNotAvailable when not,
  // kNoDevice.
  virtual Error JoinGroup(const IpAddress& group, InterfaceIndex interface) = 0;
  virtual Error LeaveGroup(const IpAddress& group, InterfaceIndex interface) = 0;
  // One source of a group, by Linux's rules (ip(7), RFC 3678 4.1.1). kInvalid: not a member (but
  // kJoin makes one), or sources of the other mode are there; kAddressNotAvailable: listed already,
  // or not; kNoBuffers: too many (ipv4.igmp_max_msf, ipv6.mld_max_msf). Who leaves the last source
  // leaves the group.
  virtual Error ChangeSource(SourceChange change, const IpAddress& group, const IpAddress& source,
                             InterfaceIndex interface) = 0;
  // The whole filter of a membership. INCLUDE {} leaves. kInvalid: not a member.
  virtual Error SetSourceFilter(const IpAddress& group, InterfaceIndex interface,
                                SourceFilter filter) = 0;
  // kAddressNotAvailable: not a member.
  virtual Result<SourceFilter> GetSourceFilter(const IpAddress& group,
                                               InterfaceIndex interface) = 0;
  // What only a raw socket has; null for others.
  virtual RawControls* raw() { return nullptr; }
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_SOCKET_DATAGRAM_SOCKET_H_
