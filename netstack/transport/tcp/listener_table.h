// Which listener a SYN is for.
#ifndef MOAT_NETSTACK_TRANSPORT_TCP_LISTENER_TABLE_H_
#define MOAT_NETSTACK_TRANSPORT_TCP_LISTENER_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "netstack/wire/address.h"

namespace moat::netstack::tcp {

class Listener;

class ListenerTable {
 public:
  void Insert(Listener* listener);
  void Erase(Listener* listener);

  // The best match, as Linux scores it: a bound device before none, an address before the wildcard,
  // the destination's own family before a dual-stack one. Equals with SO_REUSEPORT share by `hash`;
  // of others the newest gets it. Null when nobody listens.
  Listener* Find(const IpAddress& destination, uint16_t port, InterfaceIndex interface,
                 size_t hash) const;

  template <typename Visit>
  void ForEach(Visit visit) const {
    for (const auto& [port, listeners] : ports_) {
      for (Listener* listener : listeners) visit(*listener);
    }
  }

 private:
  absl::flat_hash_map<uint16_t, std::vector<Listener*>> ports_;
};

}  // namespace moat::netstack::tcp

#endif  // MOAT_NETSTACK_TRANSPORT_TCP_LISTENER_TABLE_H_
