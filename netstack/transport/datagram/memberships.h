// The multicast groups that one socket has joined, with their source filters (RFC 3376 3.1). They
// are left when this is destroyed.
#ifndef MOAT_NETSTACK_TRANSPORT_DATAGRAM_MEMBERSHIPS_H_
#define MOAT_NETSTACK_TRANSPORT_DATAGRAM_MEMBERSHIPS_H_

#include <cstddef>
#include <optional>
#include <vector>

#include "netstack/base/error.h"
#include "netstack/socket/datagram_socket.h"
#include "netstack/transport/environment.h"
#include "netstack/wire/address.h"

namespace moat::netstack {

class Memberships {
 public:
  struct Limits {
    size_t groups;
    size_t sources;  // per group
  };

  explicit Memberships(GroupMembership* groups) : groups_(groups) {}
  ~Memberships();
  Memberships(const Memberships&) = delete;
  Memberships& operator=(const Memberships&) = delete;

  // As DatagramSocket's. `interface` 0: by the route to the group; but Leave() then leaves the
  // group on the first interface that it was joined on.
  Error Join(const IpAddress& group, InterfaceIndex interface, const Limits& limits);
  Error Leave(const IpAddress& group, InterfaceIndex interface);
  Error ChangeSource(SourceChange change, const IpAddress& group, const IpAddress& source,
                     InterfaceIndex interface, const Limits& limits);
  Error SetFilter(const IpAddress& group, InterfaceIndex interface, SourceFilter filter,
                  const Limits& limits);
  Result<SourceFilter> GetFilter(const IpAddress& group, InterfaceIndex interface);

  // Whether what `source` sent to `group` is wanted; absent: not a member there.
  std::optional<bool> Wants(const IpAddress& group, const IpAddress& source,
                            InterfaceIndex interface) const;

 private:
  struct Member {
    IpAddress group;
    InterfaceIndex interface = 0;
    SourceFilter filter;
  };

  Result<InterfaceIndex> InterfaceOf(const IpAddress& group, InterfaceIndex interface) const;
  Member* Find(const IpAddress& group, InterfaceIndex interface);
  Error Add(const IpAddress& group, InterfaceIndex interface, SourceFilter filter,
            const Limits& limits);
  Error Replace(Member& member, SourceFilter filter);

  GroupMembership* groups_;
  std::vector<Member> members_;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_TRANSPORT_DATAGRAM_MEMBERSHIPS_H_
