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

constexpr size_t kRecordsPerReport = 60;
constexpr size_t kRecordSize = 8;
constexpr size_t kReportHeader = 8;
constexpr size_t kHeaderWithAlert = kIpv4HeaderSize + 4;  // RFC 2113's option
constexpr Duration kV1Response = std::chrono::seconds(10);  // RFC 3376 7.2.1

}  // namespace

Igmp::Igmp(IpState& state, const IpEnvironment& env, NextHops& next_hops)
    : state_(state),
      next_hops_(next_hops),
      in_queries_(env.counters, "Igmp.InQueries"),
      in_invalid_(env.counters, "Igmp.InInvalid"),
      out_reports_(env.counters, "Igmp.OutReports"),
      reporter_(env.clock, env.random, env.timers, *this) {}

// 224.0.0.1 is never reported (RFC 3376 5).
void Igmp::Joined(InterfaceIndex interface, const IpAddress& group) {
  if (group != kAllHosts) reporter_.Joined(interface, group);
}

void Igmp::Left(InterfaceIndex interface, const IpAddress& group) {
  if (group != kAllHosts) reporter_.Left(interface, group);
}

std::vector<IpAddress> Igmp::ReportedGroups(InterfaceIndex interface) const {
  std::vector<IpAddress> groups;
  const Interface* on = state_.interfaces.Find(interface);
  if (on == nullptr) return groups;
  for (const auto& [group, count] : on->groups) {
    if (group.is_v4() && group != kAllHosts) groups.push_back(group);
  }
  std::sort(groups.begin(), groups.end());
  return groups;
}

// RFC 3376 4.1, 7.1: the size and the code tell the querier's version.
void Igmp::Receive(const IpPacketIn& packet) {
  const std::span<const uint8_t> message = packet.payload.span();
  if (message.size() < kIgmpV2Size || ChecksumOf(message) != 0) {
    ++in_invalid_;
    return;
  }
  if (message[0] != igmp_type::kQuery) return;  // others' reports do not concern a version 3 host
  const IpAddress group = IpAddress::V4(message.data() + 4);
  const uint8_t code = message[1];
  GroupProtocolVersion version = GroupProtocolVersion::kV3;
  if (message.size() == kIgmpV2Size) {
    version = code == 0 ? GroupProtocolVersion::kV1 : GroupProtocolVersion::kV2;
  }
  const bool odd_size = message.size() > kIgmpV2Size && message.size() < kIgmpV3QuerySize;
  if (odd_size || (!group.IsUnspecified() && !group.IsMulticast()) ||
      !packet.destination.IsMulticast()) {
    ++in_invalid_;
    return;
  }
  ++in_queries_;
  const Duration response = version == GroupProtocolVersion::kV1
                                ? kV1Response
                                : std::chrono::milliseconds(100) * IgmpResponseTenths(code);
  reporter_.Queried(packet.interface, version, group, response);
}

void Igmp::SendReport(InterfaceIndex interface, GroupProtocolVersion version,
                      std::span<const GroupRecord> records) {
  Interface* out = state_.interfaces.Find(interface);
  if (out == nullptr || !out->active() || out->loopback) return;
  while (!records.empty()) {
    const size_t count = version == GroupProtocolVersion::kV3
                             ? std::min(records.size(), kRecordsPerReport)
                             : 1;
    if (version == GroupProtocolVersion::kV3) {
      SendV3(*out, records.first(count));
    } else {
      SendOld(*out, version, records.front());
    }
    records = records.subspan(count);
  }
}

void Igmp::SendV3(Interface& out, std::span<const GroupRecord> records) {
  uint8_t message[kReportHeader + kRecordsPerReport * kRecordSize] = {};
  message[0] = igmp_type::kV3Report;
  StoreBe16(message + 6, static_cast<uint16_t>(records.size()));
  uint8_t* to = message + kReportHeader;
  for (const GroupRecord& record : records) {
    to[0] = static_cast<uint8_t>(record.type);
    std::memcpy(to + 4, record.group.data(), 4);
    to += kRecordSize;
  }
  Send(out, kV3Routers, {message, static_cast<size_t>(to - message)});
}

void Igmp::SendOld(Interface& out, GroupProtocolVersion version, const GroupRecord& record) {
  uint8_t message[kIgmpV2Size] = {};
  const bool leave = record.type == GroupRecordType::kToInclude;
  if (leave && version == GroupProtocolVersion::kV1) return;  // version 1 leaves in silence
  message[0] = leave ? igmp_type::kV2Leave
                     : (version == GroupProtocolVersion::kV1 ? igmp_type::kV1Report
                                                             : igmp_type::kV2Report);
  std::memcpy(message + 4, record.group.data(), 4);
  Send(out, leave ? kAllRouters : record.group, message);
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
  fields.source = SelectSource(state_.interfaces, out, destination, destination)
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
