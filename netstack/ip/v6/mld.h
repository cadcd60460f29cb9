// MLD, the host's side: queries in, reports out. When is GroupReporter's business.
#ifndef MOAT_NETSTACK_IP_V6_MLD_H_
#define MOAT_NETSTACK_IP_V6_MLD_H_

#include "netstack/ip/group_reporter.h"
#include "netstack/ip/ip_state.h"
#include "netstack/ip/next_hops.h"

namespace moat::netstack {

class Mld final : private GroupReporter::Host {
 public:
  Mld(IpState& state, const IpEnvironment& env, NextHops& next_hops);

  // An ICMPv6 message of type 130..132 or 143, its checksum verified.
  void Receive(const IpPacketIn& packet, bool router_alert);
  void Joined(InterfaceIndex interface, const IpAddress& group);
  void Left(InterfaceIndex interface, const IpAddress& group);
  void InterfaceGone(InterfaceIndex interface) { reporter_.InterfaceGone(interface); }

 private:
  void SendReport(InterfaceIndex interface, GroupProtocolVersion version,
                  std::span<const GroupRecord> records) override;
  std::vector<IpAddress> ReportedGroups(InterfaceIndex interface) const override;
  void SendV2(Interface& out, std::span<const GroupRecord> records);
  void SendV1(Interface& out, const GroupRecord& record);
  void Send(Interface& out, const IpAddress& destination, std::span<uint8_t> message);
  IpAddress LinkLocalSource(const Interface& out) const;

  IpState& state_;
  NextHops& next_hops_;
  Counter in_invalid_;
  Counter out_reports_;
  GroupReporter reporter_;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_IP_V6_MLD_H_
