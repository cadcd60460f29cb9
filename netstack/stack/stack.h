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
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "netstack/base/memory_budget.h"
#include "netstack/base/random.h"
#include "netstack/base/time.h"
#include "netstack/ip/configuration.h"
#include "netstack/ip/router_advertisement_options.h"
#include "netstack/link/link.h"
#include "netstack/socket/datagram_socket.h"
#include "netstack/socket/packet_socket.h"
#include "netstack/socket/socket.h"
#include "netstack/socket/tcp_socket.h"
#include "netstack/wire/address.h"

namespace moat::netstack {

struct StackOptions {
  const Clock* clock = nullptr;  // borrowed, outlives the stack
  Random* random = nullptr;      // borrowed, outlives the stack
  // How much the stack may hold for peers and programs; borrowed, of this stack alone, outlives it.
  // Null: a budget of its own, of MemoryBudget::kDefaultLimit.
  MemoryBudget* memory = nullptr;
};

class Stack {
 public:
  explicit Stack(const StackOptions& options);
  ~Stack();
  Stack(const Stack&) = delete;
  Stack& operator=(const Stack&) = delete;

  // --- Driving ---------------------------------------------------------------------------------
  // A frame that arrived on `interface`. What it causes is sent before Flush() ends at the latest:
  // links may keep frames until then, and acknowledgements and window updates wait for the end of
  // the batch.
  void Receive(InterfaceIndex interface, RxFrame frame);
  // So many octets of frames had been waiting in a link and were taken at once
  // (AfPacketLink::ReceiveBatch()). Optional: it lets the windows of near peers be kept small
  // enough for a short queue. A link that is read in pieces of less than a MiB is never found to
  // have a long one.
  void NoteArrivals(size_t waited);
  // End of a batch of Receive() and socket calls: delivers looped-back packets and sends what was
  // held back.
  void Flush();
  void RunTimers();           // everything due at clock->Now(), then Flush()
  Time NextDeadline() const;  // kNever when nothing is pending

  // --- Sockets ---------------------------------------------------------------------------------
  std::unique_ptr<TcpSocket> NewTcpSocket(Family family);
  std::unique_ptr<DatagramSocket> NewUdpSocket(Family family);
  std::unique_ptr<DatagramSocket> NewPingSocket(Family family);
  // Of all packets of one protocol (socket/raw_controls.h).
  std::unique_ptr<DatagramSocket> NewRawSocket(Family family, uint8_t protocol);
  // Of frames: `protocol` 0 shows nothing until Bind() says more (socket/packet_socket.h).
  std::unique_ptr<PacketSocket> NewPacketSocket(bool raw, uint16_t protocol);
  // Whether a packet socket would see IP packets on `interface`.
  bool IsWatched(InterfaceIndex interface) const;
  std::vector<SocketInfo> ListSockets() const;  // all but packet sockets
  // The route that a packet to `destination` would take (getsockname after UDP connect, loopback
  // test).
  Result<IpAddress> SelectSource(const IpAddress& destination, InterfaceIndex interface);
  // The addresses of a name in the order to try them, IPv4 and IPv6 together (RFC 6724 6;
  // ip/destination_order.h says how its rules are read). The source of each is the one that
  // connect() would choose now, by routes, rules and address policies; mapped IPv4 addresses count
  // as IPv4, and link-local IPv6 ones need their scope. Destinations behind an interface without
  // carrier, or a next hop that has just not answered, count as unreachable: they go last, but
  // nothing is left out. One route lookup each; nothing is sent, counted or kept.
  std::vector<Endpoint> OrderDestinations(std::span<const Endpoint> destinations) const;
  bool IsLocalAddress(const IpAddress& address) const;

  // --- Configuration ---------------------------------------------------------------------------
  // Errors: kInvalidArgument, kNotFound (no such interface, address, ...), kAlreadyExists.
  absl::Status AddInterface(const InterfaceOptions& options);
  absl::Status RemoveInterface(
      InterfaceIndex index);  // its addresses, routes, neighbours go with it
  absl::Status SetInterfaceUp(InterfaceIndex index, bool up);
  absl::Status SetInterfaceRunning(InterfaceIndex index, bool running);
  absl::Status SetInterfaceMtu(InterfaceIndex index, uint32_t mtu);
  absl::Status SetInterfaceMac(InterfaceIndex index, const MacAddress& mac);
  absl::Status SetInterfaceName(InterfaceIndex index, std::string_view name);
  std::vector<InterfaceInfo> Interfaces() const;
  std::optional<InterfaceInfo> FindInterface(std::string_view name) const;
  std::optional<InterfaceInfo> FindInterface(InterfaceIndex index) const;

  absl::Status AddAddress(InterfaceIndex index, const Prefix& prefix,
                          const AddressOptions& options);
  absl::Status RemoveAddress(InterfaceIndex index, const Prefix& prefix);
  // The same address gets another prefix length in place: it is not probed for anew, its defence
  // and its connections go on, and only its connected route is another. Observers hear of the new
  // prefix before the old one goes. kNotFound.
  absl::Status ChangePrefixLength(InterfaceIndex index, const IpAddress& address, int length);
  std::vector<AddressInfo> Addresses() const;

  absl::Status AddRoute(
      const RouteInfo& route);  // kAlreadyExists: same destination, metric, next hop
  absl::Status RemoveRoute(
      const RouteInfo& route);  // matches destination, and whatever else is given
  // Router advertisements of an interface that forwards (RFC 4861 6.2); kInvalidArgument when a
  // value is out of bounds. Stopping tells the hosts that this is no default router any more.
  absl::Status SetRouterAdvertisement(InterfaceIndex index,
                                      const RouterAdvertisementOptions& options);
  absl::Status StopRouterAdvertisement(InterfaceIndex index);
  std::vector<RouterAdvertisementInfo> RouterAdvertisements() const;  // by interface
  // Policy rules (ip-rule(8)), matched by equality when removed; Rules() is sorted by priority.
  absl::Status AddRule(const RuleInfo& rule);
  absl::Status RemoveRule(const RuleInfo& rule);
  std::vector<RuleInfo> Rules() const;
  std::vector<RouteInfo> Routes()
      const;  // of all tables; connected routes included, local ones not

  // The policy table of RFC 6724 2.1, for source addresses and OrderDestinations(). Set() replaces
  // it (kInvalidArgument: a prefix that is bad or there twice, or a negative number;
  // kResourceExhausted: more than 256 rows); an empty one brings the RFC's default back. The
  // longest prefixes come first.
  absl::Status SetAddressPolicies(std::span<const AddressPolicy> policies);
  std::vector<AddressPolicy> AddressPolicies() const;

  // Recursive DNS servers that routers advertised (RFC 8106).
  std::vector<NameServerInfo> NameServers() const;

  absl::Status AddNeighbor(const NeighborInfo& neighbor);  // kPermanent or kNoArp; replaces
  absl::Status RemoveNeighbor(InterfaceIndex index, const IpAddress& address);
  void FlushNeighbors(InterfaceIndex index);  // 0: all; permanent ones stay
  std::vector<NeighborInfo> Neighbors() const;

  // sysctls by their Linux names below net., e.g. "ipv4.ip_local_port_range". kNotFound when
  // unknown, kInvalidArgument when the value does not parse or is out of bounds.
  absl::Status SetSysctl(std::string_view name, std::string_view value);
  absl::Status GetSysctl(std::string_view name, std::string* value) const;
  std::vector<std::string> Sysctls() const;

  // Protocol counters with Linux's SNMP names: "Ip.InReceives", "Tcp.RetransSegs",
  // "TcpExt.ListenDrops".
  std::map<std::string, uint64_t> Counters() const;

  const MemoryBudget& memory() const;

  void AddObserver(StackObserver* observer);     // borrowed
  void RemoveObserver(StackObserver* observer);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_STACK_STACK_H_
