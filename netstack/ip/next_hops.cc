#include "netstack/ip/next_hops.h"

#include "netstack/ip/frame_output.h"
#include "netstack/ip/ip_sender.h"
#include "netstack/ip/source_selection.h"
#include "netstack/wire/checksum.h"
#include "netstack/wire/ethernet.h"
#include "netstack/wire/ipv6.h"

namespace moat::netstack {
namespace {

constexpr size_t kMinEthernetPayload = 46;  // IEEE 802.3: ARP frames are padded

uint16_t EtherTypeOf(Family family) {
  return family == Family::kIpv4 ? ethertype::kIpv4 : ethertype::kIpv6;
}

}  // namespace

NextHops::NextHops(IpState& state, const IpEnvironment& env, Listener& listener)
    : state_(state),
      listener_(listener),
      v4_(Family::kIpv4, env.clock, env.random, env.timers, env.sysctls, env.counters, env.memory,
          *this),
      v6_(Family::kIpv6, env.clock, env.random, env.timers, env.sysctls, env.counters, env.memory,
          *this),
      arp_(*this, v4_, env.counters),
      ndp_(*this, v6_, env.counters, env.clock, env.random, env.timers) {}

// --- Sending -----------------------------------------------------------------------------------

Error NextHops::SendTo(Interface& out, const MacAddress& to, Family family,
                       const LinkPacket& packet) {
  const size_t link_header = out.capabilities.has_ethernet_header ? kEthernetHeaderSize : 0;
  uint8_t* start = packet.ip - link_header;
  if (link_header != 0) EmitEthernet(start, to, out.mac, EtherTypeOf(family));
  TxFrame frame{{start, link_header + packet.header_size}, packet.payload, packet.offload};
  frame.offload.checksum_start = static_cast<uint16_t>(packet.offload.checksum_start + link_header);
  return TransmitFrame(out, frame, state_);
}

Error NextHops::Send(Interface& out, const IpAddress& next_hop, const IpAddress& source,
                     NeighborRef& entry, const LinkPacket& packet) {
  const Family packet_family = source.family();
  if (!out.resolves()) return SendTo(out, MacAddress{}, packet_family, packet);
  NeighborCache& neighbors = cache(next_hop.family());
  if (entry == nullptr || entry->detached()) {
    entry = neighbors.Get(out.index, next_hop);
    if (entry == nullptr) {
      state_.drops.Count(DropReason::kNeighborTableFull);
      return Error::kNoBuffers;
    }
  }
  if (entry->usable()) {
    neighbors.Touch(*entry);
    return SendTo(out, entry->mac(), packet_family, packet);
  }
  if (!out.active()) return Error::kNetworkDown;
  neighbors.Queue(*entry, MakePending(packet), source);
  return Error::kOk;
}

PendingPacket NextHops::MakePending(const LinkPacket& packet) {
  size_t size = kEthernetHeaderSize + packet.header_size;
  for (const auto& piece : packet.payload) size += piece.size();
  PendingPacket pending;
  pending.frame = Slice::Allocate(size);
  uint8_t* to = pending.frame.mutable_data() + kEthernetHeaderSize;
  std::memcpy(to, packet.ip, packet.header_size);
  to += packet.header_size;
  for (const auto& piece : packet.payload) {
    if (piece.empty()) continue;
    std::memcpy(to, piece.data(), piece.size());
    to += piece.size();
  }
  pending.header_size = kEthernetHeaderSize + packet.header_size;
  pending.offload = packet.offload;
  pending.offload.checksum_start =
      static_cast<uint16_t>(packet.offload.checksum_start + kEthernetHeaderSize);
  return pending;
}

void NextHops::TransmitPending(const NeighborEntry& entry, PendingPacket packet) {
  Interface* out = state_.interfaces.Find(entry.info().interface);
  if (out == nullptr) return;
  const bool v4 = packet.frame.data()[kEthernetHeaderSize] >> 4 == 4;
  EmitEthernet(packet.frame.mutable_data(), entry.mac(), out->mac,
               EtherTypeOf(v4 ? Family::kIpv4 : Family::kIpv6));
  const std::span<const uint8_t> all = packet.frame.span();
  const std::span<const uint8_t> payload = all.subspan(packet.header_size);
  const std::span<const std::span<const uint8_t>> pieces(&payload, payload.empty() ? 0 : 1);
  (void)TransmitFrame(*out, {all.first(packet.header_size), pieces, packet.offload}, state_);
}

// --- Resolution --------------------------------------------------------------------------------

// RFC 4861 7.2.2: the source of the packet that asks, when it is an address of the interface; ARP
// likewise (Linux's arp_announce 0).
IpAddress NextHops::SolicitSource(const NeighborEntry& entry) const {
  const NeighborInfo& info = entry.info();
  const IpAddress& wanted = entry.solicit_source();
  if (wanted.family() == info.address.family() && !wanted.IsUnspecified() &&
      state_.addresses.IsLocalOn(wanted, info.interface) && !wanted.IsLoopback()) {
    return wanted;
  }
  return SourceTowards(info.interface, info.address);
}

void NextHops::Solicit(const NeighborEntry& entry, bool unicast) {
  const NeighborInfo& info = entry.info();
  std::optional<MacAddress> to;
  if (unicast) to = info.mac;
  const IpAddress source = SolicitSource(entry);
  if (info.address.is_v4()) {
    arp_.Request(info.interface, info.address, source, to);
  } else {
    ndp_.Solicit(info.interface, info.address, source, to);
  }
}

void NextHops::ResolutionFailed(const NeighborInfo& neighbor, std::vector<PendingPacket> packets) {
  for (const PendingPacket& packet : packets) {
    listener_.Undeliverable(neighbor.interface,
                            packet.frame.span().subspan(kEthernetHeaderSize));
  }
}

void NextHops::NeighborChanged(const NeighborInfo& neighbor, bool removed) {
  listener_.NeighborChanged(neighbor, removed);
}

void NextHops::RouterLost(const NeighborInfo& neighbor) {
  listener_.RouterLost(neighbor.interface, neighbor.address);
}

// --- ARP ---------------------------------------------------------------------------------------

bool NextHops::AnswersArp(InterfaceIndex interface, const IpAddress& address) const {
  if (address.IsLoopback()) return false;
  Interface* on = state_.interfaces.Find(interface);
  if (on == nullptr) return false;
  if (on->conf.larger(Conf::kArpIgnore) == 0) return state_.addresses.IsLocal(address);
  return on->FindAddress(address) != nullptr;
}

MacAddress NextHops::InterfaceMac(InterfaceIndex interface) const {
  const Interface* found = state_.interfaces.Find(interface);
  return found == nullptr ? MacAddress{} : found->mac;
}

bool NextHops::IsOwnMac(const MacAddress& mac) const {
  for (const auto& interface : state_.interfaces.all()) {
    if (interface->mac == mac) return true;
  }
  return false;
}

void NextHops::SendArp(InterfaceIndex interface, const MacAddress& to, const ArpMessage& message) {
  Interface* out = state_.interfaces.Find(interface);
  if (out == nullptr || !out->resolves()) return;
  uint8_t frame[kEthernetHeaderSize + kMinEthernetPayload] = {};
  EmitEthernet(frame, to, out->mac, ethertype::kArp);
  EmitArp(message, frame + kEthernetHeaderSize);
  (void)TransmitFrame(*out, {frame, {}, {}}, state_);
}

// --- NDP ---------------------------------------------------------------------------------------

AddressStanding NextHops::Standing(InterfaceIndex interface, const IpAddress& address) const {
  Interface* on = state_.interfaces.Find(interface);
  const AssignedAddress* assigned = on == nullptr ? nullptr : on->FindAddress(address);
  if (assigned == nullptr && on != nullptr && on->HasAnycast(address)) {
    return AddressStanding::kAnycast;
  }
  if (assigned == nullptr || assigned->duplicate) return AddressStanding::kNotOurs;
  return assigned->tentative ? AddressStanding::kTentative : AddressStanding::kOurs;
}

bool NextHops::IsRouter(InterfaceIndex interface) const {
  const Interface* on = state_.interfaces.Find(interface);
  return on != nullptr && on->Forwards(Family::kIpv6);
}

std::optional<MacAddress> NextHops::KnownMac(InterfaceIndex interface,
                                             const IpAddress& neighbor) const {
  const std::optional<NeighborInfo> info = v6_.Find(interface, neighbor);
  if (!info.has_value() || info->state == NeighborState::kIncomplete ||
      info->state == NeighborState::kFailed) {
    return std::nullopt;
  }
  return info->mac;
}

IpAddress NextHops::LinkLocalAddress(InterfaceIndex interface) const {
  const Interface* on = state_.interfaces.Find(interface);
  if (on == nullptr) return IpAddress::Any(Family::kIpv6);
  for (const AssignedAddress& assigned : on->addresses) {
    const IpAddress& address = assigned.prefix.address;
    if (assigned.usable() && address.is_v6() && address.IsLinkLocal()) return address;
  }
  return IpAddress::Any(Family::kIpv6);
}

IpAddress NextHops::SourceTowards(InterfaceIndex interface, const IpAddress& destination) const {
  const IpAddress none = IpAddress::Any(destination.family());
  const Interface* out = state_.interfaces.Find(interface);
  if (out == nullptr) return none;
  return SelectSource(state_.interfaces, state_.policies, *out, destination, destination)
      .value_or(none);
}

void NextHops::DuplicateSeen(InterfaceIndex interface, const IpAddress& address,
                             const std::optional<std::array<uint8_t, 6>>& nonce) {
  listener_.DuplicateAddress(interface, address, nonce);
}

void NextHops::RouterAdvertised(InterfaceIndex interface, const IpAddress& router,
                                const RouterAdvertisement& message) {
  listener_.RouterAdvertised(interface, router, message);
}

void NextHops::SendNdp(InterfaceIndex interface, const IpAddress& source,
                       const IpAddress& destination, const std::optional<MacAddress>& to_mac,
                       std::span<uint8_t> message) {
  Interface* out = state_.interfaces.Find(interface);
  if (out == nullptr) return;
  const auto size = static_cast<uint16_t>(message.size());
  Checksum sum;
  sum.AddPseudoHeader(source, destination, ip_protocol::kIcmpV6, size);
  sum.Add(message);
  StoreBe16(message.data() + 2, sum.Finish());
  uint8_t buffer[kEthernetHeaderSize + kIpv6HeaderSize];
  uint8_t* ip = buffer + kEthernetHeaderSize;
  Ipv6Fields fields;
  fields.payload_length = size;
  fields.next_header = ip_protocol::kIcmpV6;
  fields.hop_limit = kNdpHopLimit;
  fields.source = source;
  fields.destination = destination;
  EmitIpv6(fields, ip);
  ++state_.v6_counters.out_requests;
  state_.icmpv6_counters.CountOut(message[0]);
  const std::span<const uint8_t> body = message;
  const LinkPacket packet{ip, kIpv6HeaderSize, {&body, 1}, {}};
  if (to_mac.has_value()) {
    (void)SendTo(*out, *to_mac, Family::kIpv6, packet);
  } else if (destination.IsMulticast()) {
    (void)SendTo(*out, MulticastMac(destination), Family::kIpv6, packet);
  } else {
    NeighborRef entry;
    (void)Send(*out, destination, source, entry, packet);
  }
}

}  // namespace moat::netstack
