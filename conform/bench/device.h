// The device under test as an adapter offers it: what an operator or a program on it can do. One
// implementation per kind of device; cases use it through Bench and Socket.
//
// Errors: configuration returns a status. Unimplemented says that this kind of device cannot do it,
// which makes the case not applicable; an adapter says it of what it knows to be missing and of
// nothing else, for every other error fails the case. Socket calls return a number, or a negative
// errno; -ENOSYS likewise.
#ifndef MOAT_CONFORM_BENCH_DEVICE_H_
#define MOAT_CONFORM_BENCH_DEVICE_H_

#include <cerrno>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "conform/bench/node.h"
#include "conform/wire/address.h"

namespace moat::conform {

// What a case may need of a device, to be joined with `|`. Names are in docs/conformance.md.
enum Need : uint32_t {
  kNothing = 0,
  kTwoPorts = 1 << 0,         // eth1 on port 1
  kUdp = 1 << 1,              // UDP sockets
  kTcp = 1 << 2,              // TCP sockets
  kPing = 1 << 3,             // an echo request can be sent from the device
  kFlushNeighbors = 1 << 4,   // the ARP cache and the neighbour table can be cleared
  kStaticNeighbors = 1 << 5,  // permanent entries can be added and removed
  kAddresses = 1 << 6,        // addresses can be added and removed while running
  kRoutes = 1 << 7,           // routes likewise
  kMtu = 1 << 8,              // the MTU can be set while running
  kLinkState = 1 << 9,        // an interface can be set down and up
  kSysctls = 1 << 10,         // the sysctls that the case sets, by their Linux names
  kForwarding4 = 1 << 11,     // the device can be a router
  kForwarding6 = 1 << 12,
  kMulticast = 1 << 13,       // sockets can join groups
  kSourceFilters = 1 << 14,   // and sources of groups
  kIpv6 = 1 << 15,
  kAutoconf = 1 << 16,        // addresses and routes from router advertisements
  kAdvertise = 1 << 17,       // the device can send router advertisements
  kFiltering = 1 << 18,       // what certain sources send can be refused
};
std::string NeedNames(uint32_t needs);

// The configuration that a case starts from.
enum class Setup : uint8_t {
  kConfigured,  // addresses of node.h, usable at once, and default routes to the router of port 0
  kNoRouter,    // the same without default routes
  kBare,        // interfaces up, without addresses or routes
  kAutoconf,    // interfaces down; IPv6 configures itself (link-local, DAD, router advertisements)
};

enum class SocketType : uint8_t { kTcp, kUdp, kPing };
enum class ShutdownHow : uint8_t { kRead, kWrite, kBoth };

struct Endpoint {
  Ip ip;
  int port = 0;
};

// One row per option in devices' tables; values are setsockopt's.
enum class Option : uint8_t {
  kReuseAddress, kBroadcast, kKeepAlive, kKeepIdle, kKeepInterval, kKeepCount, kNoDelay, kCork,
  kQuickAck, kLinger,  // seconds; -1: off
  kReceiveBuffer, kSendBuffer, kTtl, kTos, kHopLimit, kTrafficClass, kMtuDiscover, kMulticastTtl,
  kMulticastHops, kMulticastLoop, kMulticastPort, kMaxSegment, kUserTimeout,  // milliseconds
  kSynCount, kV6Only, kReceiveErrors,  // IP_RECVERR: errors that are not fatal count as well
  kFastOpen, kFastOpenConnect,  // a listener's, connections pending; of who connects, 0 or 1
  kCount,
};

struct Received {
  Bytes data;
  Endpoint from;  // of a datagram
};

// RFC 3376 2: the sources that a socket wants, or does not want, of a group.
struct SourceFilter {
  bool exclude = true;
  std::vector<Ip> sources;
};

// What a router says of itself (RFC 4861 6.2.1). The intervals are the shortest that there are.
struct Advertised {
  Prefix prefix;
  bool on_link = true, autonomous = true;
  uint32_t valid = 86400, preferred = 14400;  // seconds
};
struct Advertising {
  int max_interval = 4, min_interval = 3;  // seconds
  int lifetime = 1800;                     // seconds; 0: no default router
  int preference = 0;                      // RFC 4191: 0 medium, 1 high, 3 low
  int hop_limit = 64;
  bool managed = false, other = false;
  uint32_t reachable_ms = 0, retransmit_ms = 0;
  std::optional<int> mtu{};
  std::vector<Advertised> prefixes{};
  std::vector<Ip> name_servers{};
  int name_server_lifetime = 1800;
};

class Device {
 public:
  virtual ~Device() = default;

  virtual std::string name() const = 0;
  virtual uint32_t abilities() const = 0;  // of Need

  // --- Configuration ---------------------------------------------------------------------------
  virtual absl::Status AddAddress(int port, const Prefix& prefix, bool detect_duplicates) = 0;
  virtual absl::Status RemoveAddress(int port, const Prefix& prefix) = 0;
  virtual absl::Status AddRoute(const Prefix& to, const std::optional<Ip>& gateway, int port,
                                int metric) = 0;
  virtual absl::Status RemoveRoute(const Prefix& to, const std::optional<Ip>& gateway, int port,
                                   int metric) = 0;
  virtual absl::Status FlushNeighbors() = 0;
  virtual absl::Status AddNeighbor(int port, const Ip& ip, const Mac& mac) = 0;  // permanent
  virtual absl::Status RemoveNeighbor(int port, const Ip& ip) = 0;
  virtual absl::Status SetMtu(int port, int mtu) = 0;
  virtual absl::Status SetLinkUp(int port, bool up) = 0;
  // By the Linux name below net., for example "ipv4.ip_forward"; interfaces are eth0 and eth1.
  virtual absl::Status SetSysctl(std::string_view name, std::string_view value) = 0;

  // Begins to advertise on a port, or goes on with other contents; and ends it. (It does so while
  // it forwards.)
  virtual absl::Status Advertise(int port, const Advertising& advertising) {
    return absl::UnimplementedError("no router advertisements");
  }
  virtual absl::Status StopAdvertising(int port) {
    return absl::UnimplementedError("no router advertisements");
  }
  // Switches on what the device has to filter packets with, as an operator would: what comes from
  // `sources` gets no answer, all else is let through (by way of connection tracking, where there
  // is such a thing).
  virtual absl::Status Filter(const std::vector<Prefix>& sources) {
    return absl::UnimplementedError("no filters");
  }

  // --- Sockets, all non-blocking -----------------------------------------------------------------
  virtual int Open(SocketType type, bool v6) { return -ENOSYS; }
  virtual int Bind(int socket, const Endpoint& local) { return -ENOSYS; }
  virtual int Connect(int socket, const Endpoint& remote) { return -ENOSYS; }
  virtual int Listen(int socket, int backlog) { return -ENOSYS; }
  virtual int Accept(int socket) { return -ENOSYS; }  // the new socket
  virtual int Send(int socket, const Bytes& data, const std::optional<Endpoint>& to, bool urgent) {
    return -ENOSYS;
  }
  // Bytes of a stream, at most `size`, 0 at its end; or one datagram.
  virtual int Receive(int socket, size_t size, Received* received) { return -ENOSYS; }
  virtual int Shutdown(int socket, ShutdownHow how) { return -ENOSYS; }
  virtual int Close(int socket) { return -ENOSYS; }
  virtual int SetOption(int socket, Option option, int value) { return -ENOSYS; }
  virtual int TakeError(int socket) { return -ENOSYS; }  // SO_ERROR, a positive errno or 0
  virtual int LocalPort(int socket) { return -ENOSYS; }
  // Joins, or changes the filter of, a group; leaves it with an including filter without sources.
  virtual int SetFilter(int socket, const Ip& group, int port, const SourceFilter& filter) {
    return -ENOSYS;
  }
};

}  // namespace moat::conform

#endif  // MOAT_CONFORM_BENCH_DEVICE_H_
