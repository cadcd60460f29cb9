// IGMP, the host's side: queries in, reports out. When is GroupReporter's business.
#ifndef MOAT_NETSTACK_IP_V4_IGMP_H_
#define MOAT_NETSTACK_IP_V4_IGMP_H_

#include "netstack/ip/group_reporter.h"
#include "netstack/ip/ip_state.h"
#include "netstack/ip/next_hops.h"

namespace moat::netstack {

class Igmp final : private GroupReporter::Host {
 public:
  Igmp(IpState& state, const IpEnvironment& env, NextHops& next_hops);

  void Receive(const IpPacketIn& packet);
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
  // `message` has a zero checksum.
  void Send(Interface& out, const IpAddress& destination, std::span<uint8_t> message);

  IpState& state_;
  NextHops& next_hops_;
  Counter in_queries_;
  Counter in_invalid_;
  Counter out_reports_;
  GroupReporter reporter_;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_IP_V4_IGMP_H_
