// Which addresses mean this host: the local delivery table, derived from the interfaces' addresses.
#ifndef MOAT_NETSTACK_IP_ADDRESS_TABLE_H_
#define MOAT_NETSTACK_IP_ADDRESS_TABLE_H_

#include "absl/container/flat_hash_map.h"
#include "netstack/ip/interface.h"
#include "netstack/wire/address.h"

namespace moat::netstack {

enum class AddressKind : uint8_t {
  kOther,      // nobody here
  kLocal,      // assigned and usable, or loopback
  kTentative,  // assigned, but not ours to use yet (RFC 4862 2)
  kBroadcast,  // limited, or a directed one of an interface
  kAnycast,    // of the routers of a subnet where we are one (RFC 4291 2.6.1)
};

class AddressTable {
 public:
  explicit AddressTable(const InterfaceTable& interfaces) : interfaces_(interfaces) {}

  // Recomputes everything; called after any change of addresses or interface states.
  void Rebuild();

  // What a unicast or broadcast `address` is to this host.
  AddressKind Classify(const IpAddress& address) const;
  bool IsLocal(const IpAddress& address) const { return Classify(address) == AddressKind::kLocal; }
  // The interface that has the address; 0 when none has.
  InterfaceIndex InterfaceOf(const IpAddress& address) const;
  // As Classify(), but link-local addresses only count on `interface` (0: any).
  bool IsLocalOn(const IpAddress& address, InterfaceIndex interface) const;
  bool IsAnycastOn(const IpAddress& address, InterfaceIndex interface) const;
  // Is it the anycast address of the routers of a subnet that we have an address of (RFC 4291
  // 2.6.1), whether or not we are one of them? For what is rare: it looks through all addresses.
  bool IsSubnetAnycast(const IpAddress& address) const;

 private:
  struct Row {
    AddressKind kind;
    InterfaceIndex interface;
  };
  const InterfaceTable& interfaces_;
  absl::flat_hash_map<IpAddress, Row> rows_;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_IP_ADDRESS_TABLE_H_
