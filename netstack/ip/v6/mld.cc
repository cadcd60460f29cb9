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

constexpr size_t kRecordsPerReport = 60;
constexpr size_t kRecordSize = 20;
constexpr size_t kReportHeader = 8;
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
      out_reports_(env.counters, "Icmp6.OutMLDv2Reports"),
      reporter_(env.clock, env.random, env.timers, *this) {}

void Mld::Joined(InterfaceIndex interface, const IpAddress& group) {
  if (IsReported(group)) reporter_.Joined(interface, group);
}

void Mld::Left(InterfaceIndex interface, const IpAddress& group) {
  if (IsReported(group)) reporter_.Left(interface, group);
}

std::vector<IpAddress> Mld::ReportedGroups(InterfaceIndex interface) const {
  std::vector<IpAddress> groups;
  const Interface* on = state_.interfaces.Find(interface);
  if (on == nullptr) return groups;
  for (const auto& [group, count] : on->groups) {
    if (IsReported(group)) groups.push_back(group);
  }
  std::sort(groups.begin(), groups.end());
  return groups;
}

// RFC 3810 5.1.14 and 6.2, 8.1.
void Mld::Receive(const IpPacketIn& packet, bool router_alert) {
  const std::span<const uint8_t> message = packet.payload.span();
  if (message[0] != icmpv6_type::kMldQuery) return;
  const bool odd_size = message.size() < kMldV1Size ||
                        (message.size() > kMldV1Size && message.size() < kMldV2QuerySize);
  if (odd_size || !packet.source.IsLinkLocal() || packet.hop_limit != 1 || !router_alert) {
    ++in_invalid_;
    return;
  }
  const IpAddress group = IpAddress::V6(message.data() + 8);
  if (!group.IsUnspecified() && !group.IsMulticast()) {
    ++in_invalid_;
    return;
  }
  const uint16_t code = LoadBe16(message.data() + 4);
  const bool v1 = message.size() == kMldV1Size;
  const uint32_t response = v1 ? code : MldResponseMilliseconds(code);
  reporter_.Queried(packet.interface, v1 ? GroupProtocolVersion::kV2 : GroupProtocolVersion::kV3,
                    group, std::chrono::milliseconds(response));
}

void Mld::SendReport(InterfaceIndex interface, GroupProtocolVersion version,
                     std::span<const GroupRecord> records) {
  Interface* out = state_.interfaces.Find(interface);
  if (out == nullptr || !out->active() || out->loopback || !out->Enabled(Family::kIpv6)) return;
  while (!records.empty()) {
    const bool v2 = version == GroupProtocolVersion::kV3;
    const size_t count = v2 ? std::min(records.size(), kRecordsPerReport) : 1;
    if (v2) {
      SendV2(*out, records.first(count));
    } else {
      SendV1(*out, records.front());
    }
    records = records.subspan(count);
  }
}

void Mld::SendV2(Interface& out, std::span<const GroupRecord> records) {
  uint8_t message[kReportHeader + kRecordsPerReport * kRecordSize] = {};
  message[0] = icmpv6_type::kMldV2Report;
  StoreBe16(message + 6, static_cast<uint16_t>(records.size()));
  uint8_t* to = message + kReportHeader;
  for (const GroupRecord& record : records) {
    to[0] = static_cast<uint8_t>(record.type);
    std::memcpy(to + 4, record.group.data(), 16);
    to += kRecordSize;
  }
  Send(out, kMldV2Routers, {message, static_cast<size_t>(to - message)});
}

void Mld::SendV1(Interface& out, const GroupRecord& record) {
  uint8_t message[kMldV1Size] = {};
  const bool done = record.type == GroupRecordType::kToInclude;
  message[0] = done ? icmpv6_type::kMldDone : icmpv6_type::kMldReport;
  std::memcpy(message + 8, record.group.data(), 16);
  Send(out, done ? kAllRouters : record.group, message);
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
  ++out_reports_;
  ++state_.v6_counters.out_requests;
  ++state_.v6_counters.out_multicast;
  const std::span<const uint8_t> payload = message;
  (void)next_hops_.SendTo(out, MulticastMac(destination), Family::kIpv6,
                          {ip, kIpv6HeaderSize + kHopByHopSize, {&payload, 1}, {}});
}

}  // namespace moat::netstack
