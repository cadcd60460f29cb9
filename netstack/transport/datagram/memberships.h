// The multicast groups that one socket has joined. They are left when this is destroyed.
#ifndef MOAT_NETSTACK_TRANSPORT_DATAGRAM_MEMBERSHIPS_H_
#define MOAT_NETSTACK_TRANSPORT_DATAGRAM_MEMBERSHIPS_H_

#include <cstddef>
#include <vector>

#include "netstack/base/error.h"
#include "netstack/transport/environment.h"
#include "netstack/wire/address.h"

namespace moat::netstack {

class Memberships {
 public:
  explicit Memberships(GroupMembership* groups) : groups_(groups) {}
  ~Memberships();
  Memberships(const Memberships&) = delete;
  Memberships& operator=(const Memberships&) = delete;

  // kInvalid: not a group; kAddressInUse: joined already; kNoBuffers: `limit` reached; kNoDevice.
  Error Join(const IpAddress& group, InterfaceIndex interface, size_t limit);
  // `interface` 0 leaves the group on the first interface that it was joined on. kAddressNotAvailable.
  Error Leave(const IpAddress& group, InterfaceIndex interface);

 private:
  struct Member {
    IpAddress group;
    InterfaceIndex interface;
  };
  GroupMembership* groups_;
  std::vector<Member> members_;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_TRANSPORT_DATAGRAM_MEMBERSHIPS_H_
