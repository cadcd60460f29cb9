#include "netstack/ip/v4/igmp.h"

#include <algorithm>

#include "netstack/ip/source_selection.h"
#include "netstack/wire/checksum.h"
#include "netstack/wire/ethernet.h"
#include "netstack/wire/igmp.h"
#include "netstack/wire/ipv4.h"
#include "netstack/wire/ipv4_options.h"

namespace moat::netstack {
namespace {

const IpAddress kAllHosts = IpAddress::V4(224, 0, 0, 1);
const IpAddress kAllRouters = IpAddress::V4(224, 0, 0, 2);
const IpAddress kV3Routers = IpAddress::V4(224, 0, 0, 22);

constexpr size_t kHeaderWithAlert = kIpv4HeaderSize + 4;  // RFC 2113's option

// RFC 3376 9.1: what a forged query from afar lacks. Queries of version 1 never had the option.
bool MayBeForged(const IpPacketIn& packet, const GroupQuery& query) {
  const IpAddress& to = packet.destination;
  if (query.group.IsUnspecified() && to.IsMulticast() && to != kAllHosts) return true;
  if (query.version == GroupProtocolVersion::kV1) return false;
  Ipv4View view;
  return Ipv4View::Parse(packet.ip_packet.span(), &view) != Ipv4Parse::kOk ||
         !HasRouterAlert(view.options());
}

}  // namespace

Igmp::Igmp(IpState& state, const IpEnvironment& env, NextHops& next_hops)
    : state_(state),
      next_hops_(next_hops),
      in_queries_(env.counters, "Igmp.InQueries"),
      in_invalid_(env.counters, "Igmp.InInvalid"),
      out_reports_(env.counters, "Igmp.OutReports"),
      reporter_(env.clock, env.random, env.timers, *this) {}

// 224.0.0.1 is never reported (RFC 3376 5).
void Igmp::Changed(InterfaceIndex interface, const IpAddress& group, const SourceFilter& before) {
  if (group != kAllHosts) reporter_.Changed(interface, group, before);
}

std::vector<IpAddress> Igmp::ReportedGroups(InterfaceIndex interface) const {
  const Interface* on = state_.interfaces.Find(interface);
  if (on == nullptr) return {};
  std::vector<IpAddress> groups = on->groups.List();
  std::erase_if(groups, [](const IpAddress& group) { return group.is_v6() || group == kAllHosts; });
  return groups;
}

const SourceFilter* Igmp::FilterOf(InterfaceIndex interface, const IpAddress& group) const {
  const Interface* on = state_.interfaces.Find(interface);
  return on == nullptr || group == kAllHosts ? nullptr : on->groups.FilterOf(group);
}

// A query may be sent to any address of ours (RFC 3376 4.1.12); a report of an older version is
// sent to its group.
void Igmp::Receive(const IpPacketIn& packet) {
  const std::span<const uint8_t> message = packet.payload.span();
  if (message.size() < kIgmpV2Size || ChecksumOf(message) != 0) {
    ++in_invalid_;
    return;
  }
  if (message[0] == igmp_type::kV1Report || message[0] == igmp_type::kV2Report) {
    const IpAddress group = IpAddress::V4(message.data() + 4);
    if (group == packet.destination) reporter_.Heard(packet.interface, group);
    return;
  }
  if (message[0] != igmp_type::kQuery) return;  // what routers say to each other
  const std::optional<GroupQuery> query = ParseIgmpQuery(message);
  if (!query.has_value() || MayBeForged(packet, *query)) {
    ++in_invalid_;
    return;
  }
  ++in_queries_;
  reporter_.Queried(packet.interface, *query);
}

// Null: nothing can be sent there.
Interface* Igmp::Sender(InterfaceIndex interface) const {
  Interface* out = state_.interfaces.Find(interface);
  return out == nullptr || !out->active() || out->loopback ? nullptr : out;
}

void Igmp::SendReports(InterfaceIndex interface, std::span<const GroupRecord> records) {
  Interface* out = Sender(interface);
  if (out == nullptr) return;
  const size_t room = std::max<size_t>(out->mtu, kIpv4MinMtu + 20) - kHeaderWithAlert;
  for (std::vector<uint8_t>& message : EmitGroupReports(records, room)) {
    Send(*out, kV3Routers, message);
  }
}

void Igmp::SendOldReport(InterfaceIndex interface, GroupProtocolVersion version,
                         const IpAddress& group, bool leave) {
  Interface* out = Sender(interface);
  if (out == nullptr) return;
  uint8_t message[kIgmpV2Size] = {};
  message[0] = leave ? igmp_type::kV2Leave
                     : (version == GroupProtocolVersion::kV1 ? igmp_type::kV1Report
                                                             : igmp_type::kV2Report);
  std::memcpy(message + 4, group.data(), 4);
  Send(*out, leave ? kAllRouters : group, message);
}

// RFC 3376 4: TTL 1, precedence of internetwork control, router alert.
void Igmp::Send(Interface& out, const IpAddress& destination, std::span<uint8_t> message) {
  StoreBe16(message.data() + 2, ChecksumOf(message));
  uint8_t buffer[kEthernetHeaderSize + kHeaderWithAlert];
  uint8_t* ip = buffer + kEthernetHeaderSize;
  Ipv4Fields fields;
  fields.tos = 0xc0;
  fields.total_length = static_cast<uint16_t>(kHeaderWithAlert + message.size());
  fields.dont_fragment = true;
  fields.ttl = 1;
  fields.protocol = kIgmpProtocol;
  fields.source = SelectSource(state_.interfaces, state_.policies, out, destination, destination)
                      .value_or(IpAddress::Any(Family::kIpv4));
  fields.destination = destination;
  EmitIpv4(fields, ip);
  ip[0] = 0x46;
  ip[20] = ipv4_option::kRouterAlert;
  ip[21] = 4;
  StoreBe16(ip + 22, 0);
  FixIpv4Checksum({ip, kHeaderWithAlert});
  ++out_reports_;
  ++state_.v4_counters.out_requests;
  ++state_.v4_counters.out_multicast;
  const std::span<const uint8_t> payload = message;
  (void)next_hops_.SendTo(out, MulticastMac(destination), Family::kIpv4,
                          {ip, kHeaderWithAlert, {&payload, 1}, {}});
}

}  // namespace moat::netstack
