#include "netstack/ip/v6/mld.h"

#include <algorithm>

#include "netstack/ip/ip_sender.h"
#include "netstack/wire/checksum.h"
#include "netstack/wire/ethernet.h"
#include "netstack/wire/icmpv6.h"
#include "netstack/wire/igmp.h"
#include "netstack/wire/ipv6.h"

namespace moat::netstack {
namespace {

constexpr size_t kHopByHopSize = 8;

// ff02::n
IpAddress LinkGroup(uint8_t n) {
  uint8_t bytes[16] = {0xff, 2};
  bytes[15] = n;
  return IpAddress::V6(bytes);
}
const IpAddress kAllNodes = LinkGroup(1);
const IpAddress kAllRouters = LinkGroup(2);
const IpAddress kMldV2Routers = LinkGroup(0x16);

// RFC 3810 6: all-nodes and what never leaves the node are not reported.
bool IsReported(const IpAddress& group) {
  return group.is_v6() && group != kAllNodes && (group.data()[1] & 15) >= 2;
}

}  // namespace

Mld::Mld(IpState& state, const IpEnvironment& env, NextHops& next_hops)
    : state_(state),
      next_hops_(next_hops),
      in_invalid_(env.counters, "Mld.InInvalid"),
      reporter_(env.clock, env.random, env.timers, *this) {}

void Mld::Changed(InterfaceIndex interface, const IpAddress& group, const SourceFilter& before) {
  if (IsReported(group)) reporter_.Changed(interface, group, before);
}

std::vector<IpAddress> Mld::ReportedGroups(InterfaceIndex interface) const {
  const Interface* on = state_.interfaces.Find(interface);
  if (on == nullptr) return {};
  std::vector<IpAddress> groups = on->groups.List();
  std::erase_if(groups, [](const IpAddress& group) { return !IsReported(group); });
  return groups;
}

const SourceFilter* Mld::FilterOf(InterfaceIndex interface, const IpAddress& group) const {
  const Interface* on = state_.interfaces.Find(interface);
  return on == nullptr || !IsReported(group) ? nullptr : on->groups.FilterOf(group);
}

// RFC 3810 5.1.14 and 6.2, 8.1; RFC 2710 3 and 4.
void Mld::Receive(const IpPacketIn& packet, bool router_alert) {
  const std::span<const uint8_t> message = packet.payload.span();
  const bool report = message[0] == icmpv6_type::kMldReport;
  if (message[0] != icmpv6_type::kMldQuery && !report) return;  // what routers hear
  // A report may come from who has no address yet (RFC 3590).
  const bool from_here = packet.source.IsLinkLocal() || (report && packet.source.IsUnspecified());
  if (message.size() < kMldV1Size || !from_here || packet.hop_limit != 1 || !router_alert) {
    ++in_invalid_;
    return;
  }
  if (report) {
    const IpAddress group = IpAddress::V6(message.data() + 8);
    if (group == packet.destination) reporter_.Heard(packet.interface, group);
    return;
  }
  const std::optional<GroupQuery> query = ParseMldQuery(message);
  if (!query.has_value()) {
    ++in_invalid_;
    return;
  }
  reporter_.Queried(packet.interface, *query);
}

// Null: nothing can be sent there.
Interface* Mld::Sender(InterfaceIndex interface) const {
  Interface* out = state_.interfaces.Find(interface);
  const bool ready = out != nullptr && out->active() && !out->loopback;
  return ready && out->Enabled(Family::kIpv6) ? out : nullptr;
}

void Mld::SendReports(InterfaceIndex interface, std::span<const GroupRecord> records) {
  Interface* out = Sender(interface);
  if (out == nullptr) return;
  const size_t room =
      std::max<size_t>(out->mtu, kIpv6MinMtu) - kIpv6HeaderSize - kHopByHopSize;
  for (std::vector<uint8_t>& message : EmitGroupReports(records, room)) {
    Send(*out, kMldV2Routers, message);
  }
}

void Mld::SendOldReport(InterfaceIndex interface, GroupProtocolVersion, const IpAddress& group,
                        bool leave) {
  Interface* out = Sender(interface);
  if (out == nullptr) return;
  uint8_t message[kMldV1Size] = {};
  message[0] = leave ? icmpv6_type::kMldDone : icmpv6_type::kMldReport;
  std::memcpy(message + 8, group.data(), 16);
  Send(*out, leave ? kAllRouters : group, message);
}

// RFC 3810 5.2.13, RFC 3590: a link-local source, or none while there is no valid one.
IpAddress Mld::LinkLocalSource(const Interface& out) const {
  for (const AssignedAddress& assigned : out.addresses) {
    if (assigned.usable() && assigned.prefix.address.is_v6() &&
        assigned.prefix.address.IsLinkLocal()) {
      return assigned.prefix.address;
    }
  }
  return IpAddress::Any(Family::kIpv6);
}

// RFC 3810 5: hop limit 1 and a router alert in a hop-by-hop header.
void Mld::Send(Interface& out, const IpAddress& destination, std::span<uint8_t> message) {
  const IpAddress source = LinkLocalSource(out);
  Checksum sum;
  sum.AddPseudoHeader(source, destination, ip_protocol::kIcmpV6,
                      static_cast<uint32_t>(message.size()));
  sum.Add(message);
  StoreBe16(message.data() + 2, sum.Finish());
  uint8_t buffer[kEthernetHeaderSize + kIpv6HeaderSize + kHopByHopSize];
  uint8_t* ip = buffer + kEthernetHeaderSize;
  Ipv6Fields fields;
  fields.payload_length = static_cast<uint16_t>(kHopByHopSize + message.size());
  fields.next_header = ipv6_next_header::kHopByHop;
  fields.hop_limit = 1;
  fields.source = source;
  fields.destination = destination;
  EmitIpv6(fields, ip);
  // Next header, length 0, router alert of value 0 (MLD), PadN of two bytes.
  const uint8_t hop_by_hop[kHopByHopSize] = {ip_protocol::kIcmpV6, 0, 5, 2, 0, 0, 1, 0};
  std::memcpy(ip + kIpv6HeaderSize, hop_by_hop, kHopByHopSize);
  state_.icmpv6_counters.CountOut(message[0]);
  ++state_.v6_counters.out_requests;
  ++state_.v6_counters.out_multicast;
  const std::span<const uint8_t> payload = message;
  (void)next_hops_.SendTo(out, MulticastMac(destination), Family::kIpv6,
                          {ip, kIpv6HeaderSize + kHopByHopSize, {&payload, 1}, {}});
}

}  // namespace moat::netstack
