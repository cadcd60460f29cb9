#include "netstack/ip/ip_layer.h"

#include "netstack/ip/frame_output.h"
#include "netstack/ip/frame_taps.h"
#include "netstack/wire/ethernet.h"
#include "netstack/wire/ipv4.h"
#include "netstack/wire/ipv6.h"

namespace moat::netstack {

IpLayer::IpLayer(const IpEnvironment& env)
    : state_(env),
      interface_sysctls_(env.sysctls, state_.interfaces, *this),
      errors_(state_),
      next_hops_(state_, env, *this),
      finder_(state_),
      output_(state_, next_hops_),
      limiter_(env.clock, env.sysctls, env.counters, state_.table_counters.full_icmp_limits),
      reassembler_(env.clock, env.timers, env.sysctls, env.memory, *this),
      igmp_(state_, env, next_hops_),
      mld_(state_, env, next_hops_),
      redirects_(state_, finder_),
      icmpv4_(state_, *this, errors_, limiter_, redirects_),
      icmpv6_(state_, *this, errors_, limiter_, next_hops_.ndp(), mld_),
      forward_v4_(state_, finder_, next_hops_, icmpv4_),
      forward_v6_(state_, finder_, next_hops_, icmpv6_),
      input_v4_(state_, reassembler_, icmpv4_, igmp_, forward_v4_),
      input_v6_(state_, reassembler_, icmpv6_, forward_v6_),
      detection_(env.clock, env.random, env.timers, *this),
      discovery_(env.clock, env.random, env.timers, env.sysctls, state_.interfaces,
                 state_.table_counters, *this),
      conflicts_(env.clock, env.random, env.timers, *this),
      advertiser_(env.clock, env.random, env.timers, *this) {
  state_.dead_gateways.SetHost(this);
  AddLoopback();
}

IpLayer::~IpLayer() = default;

// --- Packets -----------------------------------------------------------------------------------

void IpLayer::Receive(InterfaceIndex index, RxFrame frame) {
  Interface* in = state_.interfaces.Find(index);
  if (in == nullptr || !in->up) return state_.drops.Count(DropReason::kInterfaceDown);
  ++in->counters.rx_packets;
  in->counters.rx_bytes += frame.bytes.size();
  if (state_.tapped()) [[unlikely]] TapReceived(*state_.tap, *in, frame);
  if (in->capabilities.has_ethernet_header) return ReceiveEthernet(*in, frame);
  LinkMetadata link;
  link.checksum = frame.checksum;
  link.gso_size = frame.gso_size;
  ReceiveIp(*in, std::move(frame.bytes), link);
}

void IpLayer::ReceiveEthernet(Interface& in, RxFrame& frame) {
  const std::optional<EthernetView> ethernet = EthernetView::Parse(frame.bytes.span());
  if (!ethernet.has_value()) {
    ++in.counters.rx_errors;
    return state_.drops.Count(DropReason::kFrameTruncated);
  }
  LinkMetadata link;
  link.checksum = frame.checksum;
  link.gso_size = frame.gso_size;
  const MacAddress to = ethernet->destination();
  if (to != in.mac) {
    if (!to.IsMulticast()) return state_.drops.Count(DropReason::kOtherHost);
    link.link_group = true;
    link.link_broadcast = to == MacAddress::Broadcast();
    if (!link.link_broadcast) ++in.counters.rx_multicast;
  }
  const uint16_t type = ethernet->ethertype();
  frame.bytes.RemovePrefix(kEthernetHeaderSize);
  switch (type) {
    case ethertype::kIpv4:
      return input_v4_.Receive(in, std::move(frame.bytes), link);
    case ethertype::kIpv6:
      if (!in.Enabled(Family::kIpv6)) return state_.drops.Count(DropReason::kFamilyDisabled);
      return input_v6_.Receive(in, std::move(frame.bytes), link);
    case ethertype::kArp:
      return next_hops_.ReceiveArp(in, frame.bytes.span(), !link.link_group);
    default:
      ++in.counters.rx_dropped;
      return state_.drops.Count(DropReason::kEtherType);
  }
}

void IpLayer::ReceiveIp(Interface& in, Slice packet, const LinkMetadata& link) {
  if (packet.empty()) return state_.drops.Count(DropReason::kIpTruncated);
  switch (packet.data()[0] >> 4) {
    case 4:
      return input_v4_.Receive(in, std::move(packet), link);
    case 6:
      if (!in.Enabled(Family::kIpv6)) return state_.drops.Count(DropReason::kFamilyDisabled);
      return input_v6_.Receive(in, std::move(packet), link);
    default:
      return state_.drops.Count(DropReason::kIpVersion);
  }
}

void IpLayer::FlushLinks() {
  for (const auto& interface : state_.interfaces.all()) {
    if (interface->link != nullptr) interface->link->Flush();
  }
}

bool IpLayer::DeliverLooped(int budget) {
  for (; budget > 0 && !state_.loopback.empty(); --budget) {
    LoopedPacket looped = state_.loopback.Pop();
    Interface* in = state_.interfaces.Find(looped.interface);
    if (in == nullptr || !in->up) {
      state_.drops.Count(DropReason::kInterfaceDown);
      continue;
    }
    if (looped.is_frame) {
      ReceiveLoopedFrame(*in, std::move(looped.packet));
      continue;
    }
    if (in->loopback) {
      ++in->counters.rx_packets;
      in->counters.rx_bytes += looped.packet.size();
      if (state_.tapped()) [[unlikely]] TapLooped(*state_.tap, *in, looped, FrameType::kHost);
    }
    LinkMetadata link;
    if (looped.trusted) link.checksum = RxChecksum::kVerified;
    link.gso_size = looped.gso_size;
    link.looped = true;
    ReceiveIp(*in, std::move(looped.packet), link);
  }
  return !state_.loopback.empty();
}

std::optional<FrameInterface> IpLayer::FindFrameInterface(InterfaceIndex index) const {
  const Interface* found = state_.interfaces.Find(index);
  if (found == nullptr) return std::nullopt;
  return FrameInterface{found->index, LinkTypeOf(*found), found->mac,
                        found->mtu,   found->up,          LinkHeaderSize(*found)};
}

Error IpLayer::SendFrame(InterfaceIndex index, std::span<const uint8_t> frame, const void* origin) {
  Interface* out = state_.interfaces.Find(index);
  if (out == nullptr || !out->active()) return Error::kNetworkDown;
  if (!out->loopback) return TransmitFrame(*out, {frame, {}, {}}, state_, origin);
  if (frame.size() < kEthernetHeaderSize) return Error::kInvalid;
  if (state_.tapped()) TapSent(*state_.tap, *out, {frame, {}, {}}, origin);
  if (!state_.loopback.Push({Slice::Copy(frame), index, 0, /*is_frame=*/true})) {
    state_.drops.Count(DropReason::kLoopbackFull);
    return Error::kNoBuffers;
  }
  ++out->counters.tx_packets;
  out->counters.tx_bytes += frame.size() - kEthernetHeaderSize;
  return Error::kOk;
}

// Nobody but packet sockets wants what is not IP.
void IpLayer::ReceiveLoopedFrame(Interface& in, Slice bytes) {
  ++in.counters.rx_packets;
  in.counters.rx_bytes += bytes.size() - kEthernetHeaderSize;
  const uint16_t type = EthernetView::Parse(bytes.span())->ethertype();
  RxFrame frame{.bytes = std::move(bytes)};
  if (state_.tapped()) [[unlikely]] TapReceived(*state_.tap, in, frame);
  if (type == ethertype::kIpv4 || type == ethertype::kIpv6) ReceiveEthernet(in, frame);
}

Result<RouteRef> IpLayer::FindRoute(const RouteQuery& query) { return finder_.Find(query); }

Error IpLayer::Send(const Route& route, const IpPacketOut& packet) {
  // Every Route there is was made by RouteFinder.
  return output_.Send(static_cast<const RouteHandle&>(route), packet);
}

Error IpLayer::SendPacket(const Route& route, Slice packet, size_t header_size) {
  return output_.SendPacket(static_cast<const RouteHandle&>(route), std::move(packet), header_size);
}

void IpLayer::ConfirmNeighbor(const Route& route) {
  const auto& handle = static_cast<const RouteHandle&>(route);
  if (handle.neighbor == nullptr) return;
  next_hops_.cache(handle.neighbor->info().address.family()).Confirm(*handle.neighbor);
}

bool IpLayer::IsLocalAddress(const IpAddress& address, InterfaceIndex interface) const {
  return state_.addresses.IsLocalOn(address, interface);
}

// --- What the parts report ---------------------------------------------------------------------

void IpLayer::NeighborChanged(const NeighborInfo& neighbor, bool removed) {
  for (StackObserver* observer : observers_) observer->OnNeighborChanged(neighbor, removed);
  const bool failed = neighbor.state == NeighborState::kFailed;
  if (failed && state_.redirects.ForgetGateway(neighbor.address, neighbor.interface)) Invalidate();
  const bool usable = !failed && neighbor.state != NeighborState::kIncomplete;
  if (failed && !removed && state_.routes.HasAlternative(neighbor.interface, neighbor.address)) {
    if (state_.dead_gateways.Add(neighbor.interface, neighbor.address)) {
      ++state_.table_counters.full_dead_gateways;
    }
    Invalidate();
  } else if ((removed || usable) &&
             state_.dead_gateways.Remove(neighbor.interface, neighbor.address)) {
    Invalidate();
  }
  if (failed || (neighbor.router && usable)) {
    discovery_.Reachability(neighbor.interface, neighbor.address, !failed);
  }
}

void IpLayer::DuplicateAddress(InterfaceIndex interface, const IpAddress& address,
                               const std::optional<std::array<uint8_t, 6>>& nonce) {
  detection_.Conflict(interface, address, nonce);
}

void IpLayer::RouterAdvertised(InterfaceIndex interface, const IpAddress& router,
                               const RouterAdvertisement& message) {
  discovery_.Advertised(interface, router, message);
}

bool IpLayer::Redirected(InterfaceIndex interface, const IpAddress& router,
                         const RedirectMessage& message) {
  return redirects_.ReceivedV6(interface, router, message.target, message.destination);
}

void IpLayer::RouterLost(InterfaceIndex interface, const IpAddress& router) {
  if (state_.redirects.ForgetGateway(router, interface)) Invalidate();
  discovery_.RouterLost(interface, router);
}

// The sender is told: a transport of ours, or by ICMP whoever we forwarded for.
void IpLayer::Undeliverable(InterfaceIndex interface, std::span<const uint8_t> packet) {
  if (packet.empty()) return;
  Ipv4View v4;
  Ipv6View v6;
  if (Ipv4View::ParseQuoted(packet, &v4) == Ipv4Parse::kOk) {
    if (!state_.addresses.IsLocal(v4.source())) return icmpv4_.SendHostUnreachable(packet);
  } else if (Ipv6View::ParseQuoted(packet, &v6) == Ipv6Parse::kOk) {
    if (!state_.addresses.IsLocal(v6.source())) {
      return icmpv6_.SendAddressUnreachable(packet, interface);
    }
  }
  errors_.Unreachable(interface, packet);
}

void IpLayer::ReassemblyTimedOut(const FragmentKey& key, const Slice& first) {
  IpCounters& counters = state_.counters(key.source.family());
  ++counters.reassembly_timeouts;
  ++counters.reassembly_fails;
  state_.drops.Count(DropReason::kReassemblyTimeout);
  if (first.empty()) return;  // RFC 792, RFC 8200 4.5: only when the first fragment is here
  if (key.source.is_v4()) {
    icmpv4_.SendTimeExceeded(first, key.interface);
  } else {
    icmpv6_.SendTimeExceeded(first, key.interface);
  }
}

void IpLayer::ReassemblyEvicted(const FragmentKey& key) {
  ++state_.counters(key.source.family()).reassembly_fails;
  state_.drops.Count(DropReason::kReassemblyMemory);
}

void IpLayer::SendProbe(InterfaceIndex interface, const IpAddress& address,
                        const DuplicateDetection::Nonce& nonce) {
  next_hops_.ndp().SolicitForDad(interface, address, nonce);
}

}  // namespace moat::netstack
