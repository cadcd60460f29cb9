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
  // As GroupReporter::Changed().
  void Changed(InterfaceIndex interface, const IpAddress& group, const SourceFilter& before);
  void InterfaceGone(InterfaceIndex interface) { reporter_.InterfaceGone(interface); }

 private:
  void SendReports(InterfaceIndex interface, std::span<const GroupRecord> records) override;
  void SendOldReport(InterfaceIndex interface, GroupProtocolVersion version,
                     const IpAddress& group, bool leave) override;
  std::vector<IpAddress> ReportedGroups(InterfaceIndex interface) const override;
  const SourceFilter* FilterOf(InterfaceIndex interface, const IpAddress& group) const override;
  Interface* Sender(InterfaceIndex interface) const;
  void Send(Interface& out, const IpAddress& destination, std::span<uint8_t> message);
  IpAddress LinkLocalSource(const Interface& out) const;

  IpState& state_;
  NextHops& next_hops_;
  Counter in_invalid_;
  GroupReporter reporter_;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_IP_V6_MLD_H_
