// bind(2), connect(2) and the addresses they leave.
#include "netstack/transport/datagram/datagram_base.h"

namespace moat::netstack {
namespace {

IpAddress Loopback(Family family) {
  if (family == Family::kIpv4) return IpAddress::V4(127, 0, 0, 1);
  return *IpAddress::Parse("::1");
}

}  // namespace

Error DatagramBase::JudgeBindAddress(const Endpoint& local) const {
  const IpAddress& address = local.address;
  if (address.family() != family_) {
    if (family_ == Family::kIpv4) return Error::kAddressFamily;
    if (options_.v6_only || !can_be_dual_stack()) return Error::kInvalid;
  }
  if (address.IsUnspecified() || address.IsMulticast()) return Error::kOk;
  const bool scoped = address.is_v6() && address.IsLinkLocal();
  if (scoped && local.scope == 0 && device() == 0) return Error::kInvalid;
  const Sysctl* nonlocal =
      address.is_v4() ? settings_.nonlocal_bind_v4 : settings_.nonlocal_bind_v6;
  if (options_.free_bind || options_.transparent || nonlocal->value() != 0) return Error::kOk;
  const InterfaceIndex interface = scoped && local.scope != 0 ? local.scope : device();
  if (environment_.ip->IsLocalAddress(address, interface)) return Error::kOk;
  return IsBroadcast(address) ? Error::kOk : Error::kAddressNotAvailable;
}

bool DatagramBase::IsBroadcast(const IpAddress& address) const {
  if (address.IsLimitedBroadcast()) return true;
  if (address.is_v6()) return false;
  const Result<RouteRef> route = environment_.ip->FindRoute(
      {.destination = address, .source = IpAddress::Any(Family::kIpv4), .interface = device()});
  return route.ok() && (*route)->is_broadcast;
}

Error DatagramBase::Reserve(uint16_t port) {
  if (space_ == PortSpace::kNone) return Error::kOk;
  const PortClaim claim{.address = local_,
                        .device = device(),
                        .v6_only = options_.v6_only || !can_be_dual_stack(),
                        .reuse_address = options_.reuse_address,
                        .reuse_port = options_.reuse_port};
  Result<PortReservation> reservation = environment_.ports->Reserve(space_, port, claim);
  if (!reservation.ok()) return reservation.error();
  reservation_ = std::move(*reservation);
  return Error::kOk;
}

Error DatagramBase::Bind(const Endpoint& local) {
  if (bound()) return Error::kInvalid;
  if (const Error error = JudgeBindAddress(local); error != Error::kOk) return error;
  const IpAddress previous = local_;
  const InterfaceIndex previous_scope = scope_;
  local_ = local.address;
  if (local_.is_v6() && (local_.IsLinkLocal() || local_.IsMulticast())) scope_ = local.scope;
  if (const Error error = Reserve(local.port); error != Error::kOk) {
    local_ = previous;
    scope_ = previous_scope;
    return error;
  }
  address_bound_ = !local_.IsUnspecified();
  port_bound_ = local.port != 0;
  Insert();
  return Error::kOk;
}

Error DatagramBase::AutoBind() {
  if (bound()) return Error::kOk;
  const Error error = Reserve(0);
  if (error != Error::kOk) return Error::kWouldBlock;  // inet_autobind(): EAGAIN
  Insert();
  return Error::kOk;
}

Result<Endpoint> DatagramBase::ResolveRemote(Endpoint remote) const {
  if (remote.address.family() != family_) {
    if (family_ == Family::kIpv4) return Error::kAddressFamily;
    if (options_.v6_only || !can_be_dual_stack()) return Error::kNetworkUnreachable;
  }
  if (remote.address.IsUnspecified()) {
    // The wildcard means this host; an IPv4 binding of an IPv6 socket makes it IPv4's.
    remote.address = Loopback(local_.IsUnspecified() ? remote.address.family() : local_.family());
  }
  // A socket at a specific address of one family cannot reach the other.
  if (!local_.IsUnspecified() && local_.family() != remote.address.family()) {
    return Error::kNetworkUnreachable;
  }
  const bool scoped = remote.address.is_v6() &&
                      (remote.address.IsLinkLocal() || remote.address.IsLinkLocalMulticast());
  if (!scoped) {
    remote.scope = 0;
    return remote;
  }
  if (device() != 0 && remote.scope != 0 && remote.scope != device()) return Error::kInvalid;
  if (remote.scope == 0) remote.scope = device();
  if (remote.scope == 0 && remote.address.IsMulticast())
    remote.scope = options_.multicast_interface;
  if (remote.scope == 0 && !remote.address.IsMulticast()) return Error::kInvalid;
  return remote;
}

Error DatagramBase::Connect(const Endpoint& remote) {
  const Result<Endpoint> resolved = ResolveRemote(remote);
  if (!resolved.ok()) return resolved.error();
  const Result<RouteRef> route = environment_.ip->FindRoute(QueryFor(*resolved, {}));
  if (!route.ok()) return route.error();
  if ((*route)->is_broadcast && !options_.broadcast) return Error::kAccess;
  if (bound()) Remove();
  if (local_.IsUnspecified()) {
    local_ = (*route)->source;
    reservation_.SetAddress(local_);
  }
  if (resolved->scope != 0) scope_ = resolved->scope;
  remote_ = *resolved;
  route_.reset();
  if (bound()) {
    Insert();
  } else if (const Error error = AutoBind(); error != Error::kOk) {
    remote_.reset();
    if (!address_bound_) local_ = IpAddress::Any(family_);
    return error;
  }
  Notify();
  return Error::kOk;
}

Error DatagramBase::Disconnect() {
  if (bound()) Remove();
  remote_.reset();
  route_.reset();
  if (!address_bound_) {
    local_ = IpAddress::Any(family_);
    scope_ = 0;
    reservation_.SetAddress(local_);
  }
  if (!port_bound_) reservation_.Release();
  if (bound()) Insert();
  told_ready_ &= ~ready::kConnected;
  return Error::kOk;
}

Endpoint DatagramBase::Local() const {
  const bool scoped = local_.is_v6() && local_.IsLinkLocal();
  return {.address = local_, .port = local_port(), .scope = scoped ? scope_ : 0};
}

Result<Endpoint> DatagramBase::Remote() const {
  if (!remote_) return Error::kNotConnected;
  return *remote_;
}

}  // namespace moat::netstack
