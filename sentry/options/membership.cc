#include "sentry/options/membership.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include "sentry/abi/errno_map.h"

namespace moat::sentry {
namespace {

using netstack::Family;
using netstack::InterfaceIndex;
using netstack::IpAddress;
using netstack::SocketOptions;

enum class Action : uint8_t { kJoin, kLeave };

IpAddress FromIn(const in_addr& address) {
  return IpAddress::V4(reinterpret_cast<const uint8_t*>(&address.s_addr));
}

int Act(const OptionTarget& target, Action action, const IpAddress& group,
        InterfaceIndex interface) {
  return ToErrno(action == Action::kJoin ? target.datagram->JoinGroup(group, interface)
                                         : target.datagram->LeaveGroup(group, interface));
}

// ip_mreq (8 bytes: group, interface address) or ip_mreqn (12: and an interface index).
int Membership4(const OptionTarget& target, const OptionInput& input, Action action) {
  if (target.kind == SocketKind::kTcp) return EPROTO;
  if (int error = input.Need(sizeof(ip_mreq)); error != 0) return error;
  ip_mreqn request{};
  if (input.length >= static_cast<int32_t>(sizeof(ip_mreqn))) {
    if (int error = input.Need(sizeof(ip_mreqn)); error != 0) return error;
    request = input.As<ip_mreqn>();
  } else {
    const auto plain = input.As<ip_mreq>();
    request.imr_multiaddr = plain.imr_multiaddr;
    request.imr_address = plain.imr_interface;
  }
  const IpAddress group = FromIn(request.imr_multiaddr);
  if (action == Action::kJoin && !group.IsMulticast()) return EINVAL;
  InterfaceIndex interface = request.imr_ifindex;
  const IpAddress address = FromIn(request.imr_address);
  if (interface == 0 && !address.IsUnspecified()) {
    interface = target.host.InterfaceByAddress(address);
    if (interface == 0) return ENODEV;
  } else if (interface != 0 && target.host.InterfaceName(interface).empty()) {
    return ENODEV;
  }
  return Act(target, action, group, interface);
}

int Membership6(const OptionTarget& target, const OptionInput& input, Action action) {
  if (int error = input.Need(sizeof(ipv6_mreq)); error == EINVAL) return error;
  if (target.kind == SocketKind::kTcp) return EPROTO;
  if (int error = input.Need(sizeof(ipv6_mreq)); error != 0) return error;
  const auto request = input.As<ipv6_mreq>();
  const auto group = IpAddress::V6(reinterpret_cast<const uint8_t*>(&request.ipv6mr_multiaddr));
  const auto interface = static_cast<InterfaceIndex>(request.ipv6mr_interface);
  if (!group.IsMulticast()) return EINVAL;
  if (action == Action::kJoin && interface != 0 && target.host.InterfaceName(interface).empty()) {
    return ENODEV;
  }
  return Act(target, action, group, interface);
}

// struct group_req: interface index, then a sockaddr_storage at its alignment.
int GroupRequest(const OptionTarget& target, const OptionInput& input, Action action,
                 Family family) {
  if (int error = input.Need(sizeof(group_req)); error != 0) return error;
  const auto request = input.As<group_req>();
  const auto interface = static_cast<InterfaceIndex>(request.gr_interface);
  IpAddress group;
  if (family == Family::kIpv4) {
    if (request.gr_group.ss_family != AF_INET) return EINVAL;
    group = IpAddress::V4(reinterpret_cast<const uint8_t*>(&request.gr_group) + 4);
  } else {
    if (request.gr_group.ss_family != AF_INET6) return EADDRNOTAVAIL;
    group = IpAddress::V6(reinterpret_cast<const uint8_t*>(&request.gr_group) + 8);
  }
  if (target.kind == SocketKind::kTcp) return EPROTO;
  if (action == Action::kJoin && !group.IsMulticast()) return EINVAL;
  if (interface != 0 && target.host.InterfaceName(interface).empty()) return ENODEV;
  return Act(target, action, group, interface);
}

}  // namespace

int AddMembership4(const OptionTarget& target, const OptionInput& input) {
  return Membership4(target, input, Action::kJoin);
}
int DropMembership4(const OptionTarget& target, const OptionInput& input) {
  return Membership4(target, input, Action::kLeave);
}
int AddMembership6(const OptionTarget& target, const OptionInput& input) {
  return Membership6(target, input, Action::kJoin);
}
int DropMembership6(const OptionTarget& target, const OptionInput& input) {
  return Membership6(target, input, Action::kLeave);
}
int JoinGroup4(const OptionTarget& target, const OptionInput& input) {
  return GroupRequest(target, input, Action::kJoin, Family::kIpv4);
}
int LeaveGroup4(const OptionTarget& target, const OptionInput& input) {
  return GroupRequest(target, input, Action::kLeave, Family::kIpv4);
}
int JoinGroup6(const OptionTarget& target, const OptionInput& input) {
  return GroupRequest(target, input, Action::kJoin, Family::kIpv6);
}
int LeaveGroup6(const OptionTarget& target, const OptionInput& input) {
  return GroupRequest(target, input, Action::kLeave, Family::kIpv6);
}

// in_addr, ip_mreq or ip_mreqn.
int SetMulticastInterface4(const OptionTarget& target, const OptionInput& input) {
  if (target.kind == SocketKind::kTcp) return EINVAL;
  if (int error = input.Need(sizeof(in_addr)); error != 0) return error;
  ip_mreqn request{};
  if (input.length >= static_cast<int32_t>(sizeof(ip_mreqn))) {
    if (int error = input.Need(sizeof(ip_mreqn)); error != 0) return error;
    request = input.As<ip_mreqn>();
  } else if (input.length >= static_cast<int32_t>(sizeof(ip_mreq))) {
    if (int error = input.Need(sizeof(ip_mreq)); error != 0) return error;
    request.imr_address = input.As<ip_mreq>().imr_interface;
  } else {
    request.imr_address = input.As<in_addr>();
  }
  InterfaceIndex interface = request.imr_ifindex;
  const IpAddress address = FromIn(request.imr_address);
  if (interface == 0 && !address.IsUnspecified()) {
    interface = target.host.InterfaceByAddress(address);
    if (interface == 0) return EADDRNOTAVAIL;
  } else if (interface != 0 && target.host.InterfaceName(interface).empty()) {
    return EADDRNOTAVAIL;
  }
  const InterfaceIndex bound = Options(target).bound_device;
  if (interface != 0 && bound != 0 && bound != interface) return EINVAL;
  ChangeOptions(target, [&](SocketOptions& options) {
    options.multicast_interface = interface;
    options.multicast_source = address;
  });
  return 0;
}

ErrnoOr<OptionBytes> GetMulticastInterface4(const OptionTarget& target, size_t length) {
  const IpAddress& source = Options(target).multicast_source;
  const IpAddress address = source.is_v4() ? source : IpAddress::Any(Family::kIpv4);
  return OptionBytes({address.data(), address.size()}, length);
}

int SetMulticastInterface6(const OptionTarget& target, const OptionInput& input) {
  if (target.kind == SocketKind::kTcp) return ENOPROTOOPT;
  if (int error = input.Need(sizeof(int)); error != 0) return error;
  const int index = input.As<int>();
  if (index != 0) {
    const InterfaceIndex bound = Options(target).bound_device;
    if (bound != 0 && bound != index) return EINVAL;
    if (target.host.InterfaceName(index).empty()) return ENODEV;
  }
  target.settings.multicast_interface6 = index;
  ChangeOptions(target, [&](SocketOptions& options) { options.multicast_interface = index; });
  return 0;
}

}  // namespace moat::sentry
