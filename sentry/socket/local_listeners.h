// Who listens inside the sandbox, by address: what a connect() to a local address may be joined to
// without going through the stack. The rules of choice are the stack's own: an exact address before
// a wildcard, IPv4 on a dual-stack IPv6 wildcard, and turns among those that share a port.
#ifndef MOAT_SENTRY_SOCKET_LOCAL_LISTENERS_H_
#define MOAT_SENTRY_SOCKET_LOCAL_LISTENERS_H_

#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "netstack/wire/address.h"

namespace moat::sentry {

class TcpContainerSocket;

class LocalListeners {
 public:
  struct Entry {
    netstack::Endpoint local;
    netstack::Family family;
    bool v6_only = false;
    TcpContainerSocket* socket = nullptr;  // borrowed until Remove()
  };

  void Add(const Entry& entry);
  void Remove(TcpContainerSocket* socket);
  // Null when nobody listens for `destination`.
  TcpContainerSocket* Find(const netstack::Endpoint& destination);

 private:
  absl::flat_hash_map<uint16_t, std::vector<Entry>> by_port_;
  uint32_t turn_ = 0;  // among equally good entries (SO_REUSEPORT)
};

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_SOCKET_LOCAL_LISTENERS_H_
