// A TCP/IP stack: the composition root, and the only place that names every protocol.
//
//   FakeClock clock; SeededRandom random(1); ChannelLink link;
//   Stack stack({.clock = &clock, .random = &random});
//   stack.AddInterface({.index = 2, .name = "eth0", .mac = mac, .mtu = 1500, .link = &link});
//   stack.AddAddress(2, *Prefix::Parse("192.0.2.1/24"), {});
//   auto socket = stack.NewTcpSocket(Family::kIpv4);
//
// Thread rule: none inside; the caller holds one lock around every call. Time advances only by the
// caller's clock: whoever drives the stack calls RunTimers() at NextDeadline() at the latest.
#ifndef MOAT_NETSTACK_STACK_STACK_H_
#define MOAT_NETSTACK_STACK_STACK_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "netstack/base/random.h"
#include "netstack/base/time.h"
#include "netstack/link/link.h"
#include "netstack/socket/datagram_socket.h"
#include "netstack/socket/socket.h"
#include "netstack/socket/tcp_socket.h"
#include "netstack/wire/address.h"

namespace moat::netstack {

struct StackOptions {
  const Clock* clock = nullptr;  // borrowed, outlives the stack
  Random* random = nullptr;      // borrowed, outlives the stack
};

struct InterfaceOptions {
  InterfaceIndex index = 0;  // > 0; 1 is the loopback interface, which every stack has from the start
  std::string name;          // at most 15 bytes
  MacAddress mac;
  uint32_t mtu = 1500;
  bool up = true;
  bool running = true;       // carrier
  Link* link = nullptr;      // borrowed until RemoveInterface()
};

// 64-bit, with the names of ip -s link.
struct InterfaceCounters {
  uint64_t rx_packets = 0, rx_bytes = 0, rx_errors = 0, rx_dropped = 0, rx_multicast = 0;
  uint64_t tx_packets = 0, tx_bytes = 0, tx_errors = 0, tx_dropped = 0;
};

struct InterfaceInfo {
  InterfaceIndex index = 0;
  std::string name;
  MacAddress mac;
  uint32_t mtu = 0;
  bool up = false;
  bool running = false;
  bool loopback = false;
  InterfaceCounters counters;
};

struct AddressOptions {
  std::optional<IpAddress> broadcast;  // IPv4; absent: derived from the prefix
  std::optional<IpAddress> peer;
  bool no_dad = false;                 // IPv6: usable at once (IFA_F_NODAD)
  bool no_prefix_route = false;        // IFA_F_NOPREFIXROUTE
  bool deprecated = false;
};

struct AddressInfo {
  InterfaceIndex interface = 0;
  Prefix prefix;
  AddressOptions options;
  bool tentative = false;
  bool duplicate = false;  // dadfailed
};

enum class RouteType : uint8_t { kUnicast, kLocal, kBroadcast, kBlackhole, kUnreachable, kProhibit };
enum class RouteScope : uint8_t { kGlobal = 0, kLink = 253, kHost = 254 };

// Protocol numbers are rtnetlink(7)'s RTPROT_*: kernel 2, boot 3, static 4.
struct RouteInfo {
  Prefix destination;                // length 0: default
  std::optional<IpAddress> gateway;
  InterfaceIndex interface = 0;
  uint32_t metric = 0;
  std::optional<IpAddress> source;   // preferred source
  RouteType type = RouteType::kUnicast;
  RouteScope scope = RouteScope::kGlobal;
  uint8_t protocol = 3;
  uint32_t mtu = 0;                  // 0: the interface's
};

enum class NeighborState : uint8_t {
  kIncomplete, kReachable, kStale, kDelay, kProbe, kFailed, kPermanent, kNoArp,
};

struct NeighborInfo {
  InterfaceIndex interface = 0;
  IpAddress address;
  MacAddress mac;
  NeighborState state = NeighborState::kIncomplete;
  bool router = false;
};

// Told of configuration changes as they happen; may only take notes.
class StackObserver {
 public:
  virtual ~StackObserver() = default;
  virtual void OnInterfaceChanged(const InterfaceInfo& interface, bool removed) = 0;
  virtual void OnAddressChanged(const AddressInfo& address, bool removed) = 0;
  virtual void OnRouteChanged(const RouteInfo& route, bool removed) = 0;
  virtual void OnNeighborChanged(const NeighborInfo& neighbor, bool removed) = 0;
};

class Stack {
 public:
  explicit Stack(const StackOptions& options);
  ~Stack();
  Stack(const Stack&) = delete;
  Stack& operator=(const Stack&) = delete;

  // --- Driving ---------------------------------------------------------------------------------
  // A frame that arrived on `interface`. Everything it causes is sent before this returns, except what
  // is delayed to the end of the batch: acknowledgements and window updates may wait for Flush().
  void Receive(InterfaceIndex interface, RxFrame frame);
  // End of a batch of Receive() and socket calls: delivers looped-back packets and sends what was held back.
  void Flush();
  void RunTimers();           // everything due at clock->Now(), then Flush()
  Time NextDeadline() const;  // kNever when nothing is pending

  // --- Sockets ---------------------------------------------------------------------------------
  std::unique_ptr<TcpSocket> NewTcpSocket(Family family);
  std::unique_ptr<DatagramSocket> NewUdpSocket(Family family);
  std::unique_ptr<DatagramSocket> NewPingSocket(Family family);
  std::vector<SocketInfo> ListSockets() const;
  // The route that a packet to `destination` would take (getsockname after UDP connect, loopback test).
  Result<IpAddress> SelectSource(const IpAddress& destination, InterfaceIndex interface);
  bool IsLocalAddress(const IpAddress& address) const;

  // --- Configuration ---------------------------------------------------------------------------
  // Errors: kInvalidArgument, kNotFound (no such interface, address, ...), kAlreadyExists.
  absl::Status AddInterface(const InterfaceOptions& options);
  absl::Status RemoveInterface(InterfaceIndex index);  // its addresses, routes, neighbours go with it
  absl::Status SetInterfaceUp(InterfaceIndex index, bool up);
  absl::Status SetInterfaceRunning(InterfaceIndex index, bool running);
  absl::Status SetInterfaceMtu(InterfaceIndex index, uint32_t mtu);
  absl::Status SetInterfaceMac(InterfaceIndex index, const MacAddress& mac);
  absl::Status SetInterfaceName(InterfaceIndex index, std::string_view name);
  std::vector<InterfaceInfo> Interfaces() const;
  std::optional<InterfaceInfo> FindInterface(std::string_view name) const;
  std::optional<InterfaceInfo> FindInterface(InterfaceIndex index) const;

  absl::Status AddAddress(InterfaceIndex index, const Prefix& prefix, const AddressOptions& options);
  absl::Status RemoveAddress(InterfaceIndex index, const Prefix& prefix);
  std::vector<AddressInfo> Addresses() const;

  absl::Status AddRoute(const RouteInfo& route);  // kAlreadyExists: same destination, metric, next hop
  absl::Status RemoveRoute(const RouteInfo& route);  // matches destination, and whatever else is given
  std::vector<RouteInfo> Routes() const;  // main table; connected routes included, local ones not

  absl::Status AddNeighbor(const NeighborInfo& neighbor);  // kPermanent or kNoArp; replaces
  absl::Status RemoveNeighbor(InterfaceIndex index, const IpAddress& address);
  void FlushNeighbors(InterfaceIndex index);  // 0: all; permanent ones stay
  std::vector<NeighborInfo> Neighbors() const;

  // sysctls by their Linux names below net., e.g. "ipv4.ip_local_port_range". kNotFound when unknown,
  // kInvalidArgument when the value does not parse or is out of bounds.
  absl::Status SetSysctl(std::string_view name, std::string_view value);
  absl::Status GetSysctl(std::string_view name, std::string* value) const;
  std::vector<std::string> Sysctls() const;

  // Protocol counters with Linux's SNMP names: "Ip.InReceives", "Tcp.RetransSegs", "TcpExt.ListenDrops".
  std::map<std::string, uint64_t> Counters() const;

  void AddObserver(StackObserver* observer);     // borrowed
  void RemoveObserver(StackObserver* observer);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_STACK_STACK_H_
