// The decisions about one outgoing datagram.
#include <algorithm>

#include "netstack/transport/datagram/datagram_base.h"

namespace moat::netstack {
namespace {

constexpr size_t kIpv4Header = 20;
constexpr size_t kIpv6Header = 40;
constexpr size_t kMaxIpPayload = 65535;  // IPv4: with its header; IPv6: without

size_t HeaderSize(Family family) { return family == Family::kIpv4 ? kIpv4Header : kIpv6Header; }

// Whose datagrams are bounded by the device alone, whatever is known of the path: one that probes
// the path itself (RFC 8899 3) and those that do not believe what ICMP says of it.
bool IgnoresPathMtu(SocketOptions::MtuDiscover discover) {
  using Discover = SocketOptions::MtuDiscover;
  return discover == Discover::kProbe || discover == Discover::kInterface ||
         discover == Discover::kOmit;
}

}  // namespace

RouteQuery DatagramBase::QueryFor(const Endpoint& remote, const SendControl& control) const {
  RouteQuery query{.destination = remote.address,
                   .source = IpAddress::Any(remote.address.family()),
                   .interface = control.interface != 0 ? control.interface : device()};
  query.nameless = control.nameless;
  query.temporary = options_.temporary_addresses;
  query.link_mtu = IgnoresPathMtu(options_.mtu_discover);
  if (remote.scope != 0) query.interface = remote.scope;
  const bool multicast = remote.address.IsMulticast();
  if (query.interface == 0) query.interface = DefaultInterface(remote.address);
  if (remote.address.is_v4()) {
    query.on_link_only = options_.dont_route || control.on_link_only;
  } else {
    query.most_mtu = datagram_options_.most_mtu;
  }
  if (control.source && control.source->family() == remote.address.family()) {
    query.source = *control.source;
  } else if (!local_.IsUnspecified() && !local_.IsMulticast() && !local_.IsLimitedBroadcast()) {
    query.source = local_;
  } else if (multicast && options_.multicast_source.family() == remote.address.family()) {
    query.source = options_.multicast_source;
  }
  return query;
}

Result<RouteRef> DatagramBase::RouteFor(const RouteQuery& query) {
  if (route_ != nullptr && route_->valid() && query == route_query_) return route_;
  Result<RouteRef> route = environment_.ip->FindRoute(query);
  if (!route.ok()) return route;
  route_ = *route;
  route_query_ = query;
  flow_label_ = kNoLabel;
  return route;
}

// Where nothing else says by which interface, as Linux.
InterfaceIndex DatagramBase::DefaultInterface(const IpAddress& destination) const {
  const bool v4 = destination.is_v4();
  if (!v4 && datagram_options_.sticky_interface != 0) return datagram_options_.sticky_interface;
  if (destination.IsMulticast()) return options_.multicast_interface;
  return v4 ? datagram_options_.unicast_interface : datagram_options_.unicast_interface6;
}

uint32_t DatagramBase::FlowLabel(const Route& route, uint16_t port, const SendControl& control) {
  if (control.flow_label != 0 || !options_.auto_flow_label) return control.flow_label;
  if (flow_label_ == kNoLabel || flow_label_port_ != port) {
    const uint32_t ports = static_cast<uint32_t>(local_port()) << 16 | port;
    flow_label_ =
        settings_.flow_labels.Of(*environment_.random, route.source, route.destination, ports);
    flow_label_port_ = port;
  }
  return flow_label_;
}

// IP_MTU_DISCOVER (ip(7)).
Error DatagramBase::JudgeSize(const Route& route, size_t transport_size, bool whole,
                              bool* dont_fragment) {
  using Discover = SocketOptions::MtuDiscover;
  const Family family = route.destination.family();
  const size_t packet = transport_size + HeaderSize(family);
  const size_t limit = family == Family::kIpv4 ? packet : transport_size;
  if (limit > kMaxIpPayload) return Error::kMessageSize;
  const bool fits = packet <= route.mtu;
  if (whole && !fits) return Error::kMessageSize;
  switch (options_.mtu_discover) {
    case Discover::kDo:
    case Discover::kProbe:
      *dont_fragment = true;
      return fits ? Error::kOk : Error::kMessageSize;
    case Discover::kInterface:
      *dont_fragment = false;
      return fits ? Error::kOk : Error::kMessageSize;
    case Discover::kWant:
      *dont_fragment = fits && !route.mtu_is_floor;
      return Error::kOk;
    case Discover::kDont:
    case Discover::kOmit:
      // IPv6 has no DF bit: there the flag only says that no fragment header will be needed.
      *dont_fragment = fits && family == Family::kIpv6;
      return Error::kOk;
  }
  return Error::kInvalid;
}

Result<DatagramBase::Outgoing> DatagramBase::PrepareSend(const SendControl& control,
                                                         size_t transport_size) {
  if (shutdown_write_) return Error::kBrokenPipe;
  if (!control.destination && !remote_) return Error::kDestinationRequired;
  Endpoint remote;
  if (control.destination) {
    const Result<Endpoint> resolved = ResolveRemote(*control.destination);
    if (!resolved.ok()) return resolved.error();
    remote = *resolved;
  } else {
    remote = *remote_;
  }
  if (const Error pending = TakeError(); pending != Error::kOk) return pending;
  if (options_.bound_device != 0 && control.interface != 0 &&
      control.interface != options_.bound_device) {
    return Error::kInvalid;
  }
  const Result<RouteRef> route = RouteFor(QueryFor(remote, control));
  if (!route.ok()) return route.error();
  if ((*route)->is_broadcast && !options_.broadcast) return Error::kAccess;

  Outgoing outgoing{.route = *route, .port = remote.port};
  const Ipv4OptionsRef& given =
      control.ip_options != nullptr ? control.ip_options : options_.ip_options;
  if (given != nullptr && given->size != 0 && remote.address.is_v4()) [[unlikely]] {
    outgoing.ip_options = given.get();
    transport_size += given->size;
  }
  const bool v4 = remote.address.is_v4();
  const bool whole = !v4 && control.dont_fragment.value_or(datagram_options_.dont_fragment);
  if (const Error error = JudgeSize(**route, transport_size, whole, &outgoing.dont_fragment);
      error != Error::kOk) {
    if (whole && datagram_options_.receive_path_mtu) path_mtu_ = {remote, (*route)->mtu};
    QueueLocalError(error, **route, remote.port);
    return error;
  }
  if (const Error error = AutoBind(); error != Error::kOk) return error;

  const bool multicast = (*route)->is_multicast;
  const int hops = multicast ? (v4 ? options_.multicast_ttl : options_.multicast_hops)
                             : (v4 ? options_.ttl : options_.hop_limit);
  outgoing.hop_limit = control.hop_limit.value_or(static_cast<uint8_t>(hops < 0 ? 0 : hops));
  const bool use_tos = v4 || options_.traffic_class < 0;
  outgoing.traffic_class = control.traffic_class.value_or(
      use_tos ? (v4 ? options_.tos : 0) : static_cast<uint8_t>(options_.traffic_class));
  if (!v4) outgoing.flow_label = FlowLabel(**route, remote.port, control);
  return outgoing;
}

Error DatagramBase::SendOutcome(Error error, const Outgoing& outgoing) {
  if (error == Error::kNoBuffers) {
    OnSendDropped(outgoing.route->destination.family());
    // udp_send_skb(): a full queue below is loss, unless the program asked for errors.
    return queue_errors_ ? error : Error::kOk;
  }
  if (error == Error::kMessageSize) QueueLocalError(error, *outgoing.route, outgoing.port);
  return error;
}

void DatagramBase::QueueLocalError(Error error, const Route& route, uint16_t port) {
  if (!queue_errors_ || error != Error::kMessageSize) return;
  QueueError({.error = error,
              .mtu = route.mtu,
              .destination = {.address = route.destination, .port = port},
              .offender = IpAddress::Any(route.destination.family()),
              .payload = {},
              .local = true});
  Notify();
}

}  // namespace moat::netstack
