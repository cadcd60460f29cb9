// Who owns which local port: bind conflicts by Linux's rules, and the choice of ephemeral ports.
//
// A PortReservation is held by every socket that has a local port: bound ones, listeners,
// connections (accepted ones share their listener's port) and connections in TIME-WAIT. It gives
// the port back when it is destroyed. Reservations of the same kind on one port are counted
// together, so ten thousand accepted connections cost one entry and no time.
//
// Conflict rules (inet_bind_conflict() and udp_lib_lport_inuse() of Linux). Two claims of one
// protocol and port conflict unless one of these holds:
//  - they are bound to different devices (SO_BINDTODEVICE), both not 0;
//  - their addresses do not overlap. A wildcard overlaps every address of its family; the IPv6
//    wildcard without v6_only overlaps every IPv4 address too;
//  - both have SO_REUSEADDR and, for TCP, the older one is not listening;
//  - both have SO_REUSEPORT. DEVIATION: Linux also wants equal user ids; a stack has one user.
//
// Ports chosen by connect() need only a unique 4-tuple, which the caller judges by a callback, and
// are never taken where an explicit bind() holds the port. The search begins at a place that is
// secret per destination and advances (RFC 6056 3.3.4), so a port is not reused soon.
#ifndef MOAT_NETSTACK_TRANSPORT_PORTS_H_
#define MOAT_NETSTACK_TRANSPORT_PORTS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "netstack/base/error.h"
#include "netstack/base/random.h"
#include "netstack/base/siphash.h"
#include "netstack/base/sysctl.h"
#include "netstack/wire/address.h"

namespace moat::netstack {

// Port spaces. Ping sockets' identifiers are handled as ports (net/ipv4/ping.c).
enum class PortSpace : uint8_t { kTcp, kUdp, kPing, kNone };

// How a port is held; equal claims are counted as one.
struct PortClaim {
  IpAddress address{};               // unspecified of its family: wildcard
  InterfaceIndex device = 0;        // SO_BINDTODEVICE, or the scope of a link-local address
  bool v6_only = false;             // of an IPv6 wildcard
  bool reuse_address = false;
  bool reuse_port = false;
  bool listening = false;           // TCP: set by SetListening()
  bool by_connect = false;          // chosen by ReserveForConnect(); shared by 4-tuple

  auto operator<=>(const PortClaim&) const = default;
};

class PortAllocator;

class PortReservation {
 public:
  PortReservation() = default;
  PortReservation(PortReservation&& other) noexcept { *this = std::move(other); }
  PortReservation& operator=(PortReservation&& other) noexcept;
  ~PortReservation() { Release(); }

  bool held() const { return ports_ != nullptr; }
  uint16_t port() const { return port_; }  // 0 when none is held
  const PortClaim& claim() const { return claim_; }

  void Release();
  // listen(2): kAddressInUse when another listener is in the way. False always succeeds.
  Error SetListening(bool listening);
  // setsockopt() after bind(): later binds see the new values.
  void SetReuse(bool reuse_address, bool reuse_port);
  // A connect() or accept() gave a wildcard socket its address.
  void SetAddress(const IpAddress& address);
  // For an accepted connection: the same port and flags, not listening, at `address`.
  PortReservation Share(const IpAddress& address) const;

 private:
  friend class PortAllocator;
  PortReservation(PortAllocator* ports, PortSpace space, uint16_t port, const PortClaim& claim)
      : ports_(ports), space_(space), port_(port), claim_(claim) {}
  void Replace(const PortClaim& claim);

  PortAllocator* ports_ = nullptr;
  PortSpace space_ = PortSpace::kTcp;
  uint16_t port_ = 0;
  PortClaim claim_;
};

class PortAllocator {
 public:
  // Registers ipv4.ip_local_port_range, ipv4.ip_local_reserved_ports and
  // ipv4.ip_unprivileged_port_start (which the sentry enforces).
  PortAllocator(Random& random, SysctlTable& sysctls);
  PortAllocator(const PortAllocator&) = delete;
  PortAllocator& operator=(const PortAllocator&) = delete;

  // bind(2). Port 0 picks an ephemeral one that conflicts with nobody, whatever the reuse flags say
  // (SO_REUSEADDR is tried when all others are taken). kAddressInUse.
  Result<PortReservation> Reserve(PortSpace space, uint16_t port, const PortClaim& claim);

  // connect(2) of an unbound socket. `is_free(port)` says whether the 4-tuple with that local port
  // is unused. kAddressNotAvailable when no port is left (Linux's EADDRNOTAVAIL).
  Result<PortReservation> ReserveForConnect(PortSpace space, const PortClaim& claim,
                                            const Endpoint& remote,
                                            absl::FunctionRef<bool(uint16_t port)> is_free);

  // True when somebody holds the port.
  bool InUse(PortSpace space, uint16_t port) const;

 private:
  friend class PortReservation;
  struct Holder {
    PortClaim claim;
    uint32_t count = 0;
  };
  using Bucket = std::vector<Holder>;

  static uint32_t Key(PortSpace space, uint16_t port) {
    return static_cast<uint32_t>(space) << 16 | port;
  }
  enum class Reuse : uint8_t { kAllowed, kIgnored };
  bool Conflicts(PortSpace space, uint16_t port, const PortClaim& claim, Reuse reuse) const;
  void Add(PortSpace space, uint16_t port, const PortClaim& claim);
  void Remove(PortSpace space, uint16_t port, const PortClaim& claim);
  PortReservation Take(PortSpace space, uint16_t port, const PortClaim& claim);
  Result<PortReservation> ReserveEphemeral(PortSpace space, const PortClaim& claim);
  bool OnlyByConnect(PortSpace space, uint16_t port) const;
  bool IsReserved(uint16_t port) const;
  uint16_t low() const { return static_cast<uint16_t>(range_->value(0)); }
  uint16_t high() const { return static_cast<uint16_t>(range_->value(1)); }
  uint32_t range_size() const { return static_cast<uint32_t>(high()) - low() + 1; }

  Random& random_;
  SipHashKey key_;
  const Sysctl* range_;
  const Sysctl* reserved_text_;
  std::vector<std::pair<uint16_t, uint16_t>> reserved_;  // inclusive ranges
  absl::flat_hash_map<uint32_t, Bucket> buckets_;
  std::array<uint32_t, 256> perturbation_{};
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_TRANSPORT_PORTS_H_
