// When a host tells routers which groups and sources it listens to: IGMPv3 (RFC 3376 5), MLDv2 (RFC
// 3810 6), and their older versions when such a querier is there (RFC 2236 3, RFC 2710 4; RFC 3376
// 7.2, RFC 3810 8.2), whose members hear each other's reports. The wire formats are v4/igmp's and
// v6/mld's; this is the one engine of both.
#ifndef MOAT_NETSTACK_IP_GROUP_REPORTER_H_
#define MOAT_NETSTACK_IP_GROUP_REPORTER_H_

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "netstack/base/random.h"
#include "netstack/base/time.h"
#include "netstack/base/timer.h"
#include "netstack/wire/igmp.h"
#include "netstack/wire/source_filter.h"

namespace moat::netstack {

class GroupReporter {
 public:
  class Host {
   public:
    virtual ~Host() = default;
    virtual void SendReports(InterfaceIndex interface, std::span<const GroupRecord> records) = 0;
    // A report of an older version, or that the group was left.
    virtual void SendOldReport(InterfaceIndex interface, GroupProtocolVersion version,
                               const IpAddress& group, bool leave) = 0;
    // Joined groups of the family, sorted, those that are never reported left out.
    virtual std::vector<IpAddress> ReportedGroups(InterfaceIndex interface) const = 0;
    // Null: not joined.
    virtual const SourceFilter* FilterOf(InterfaceIndex interface,
                                         const IpAddress& group) const = 0;
  };

  GroupReporter(const Clock& clock, Random& random, TimerQueue& timers, Host& host)
      : clock_(clock), random_(random), timers_(timers), host_(host) {}

  // The filter of a group on an interface was another one before; INCLUDE {} stands for no
  // membership. To be called after the change. Told as often as the Robustness Variable says.
  void Changed(InterfaceIndex interface, const IpAddress& group, const SourceFilter& before);

  // A valid query.
  void Queried(InterfaceIndex interface, const GroupQuery& query);

  // Somebody else's report of an older version: ours is needless.
  void Heard(InterfaceIndex interface, const IpAddress& group);

  void InterfaceGone(InterfaceIndex interface) { interfaces_.erase(interface); }

 private:
  struct InterfaceState;
  // What is going on about one group.
  struct GroupState {
    GroupState(InterfaceState& on, const IpAddress& group)
        : on(on),
          group(group),
          change(on.owner.timers_, MemberTimer<&GroupState::OnChangeTimer>, this),
          response(on.owner.timers_, MemberTimer<&GroupState::OnResponseTimer>, this) {}
    void OnChangeTimer() { on.owner.RepeatChange(*this); }
    void OnResponseTimer() { on.owner.AnswerGroup(*this); }
    InterfaceState& on;
    IpAddress group;
    // State changes that are still to be told (RFC 3376 5.1): as a change of mode, or of these
    // sources, each so many times. An older version's report: old_left times.
    int mode_left = 0;
    std::map<IpAddress, int> sources_left;
    int old_left = 0;
    // The answer that is due (5.2) concerns these sources; none: the group.
    std::vector<IpAddress> queried;
    bool suppressed = false;  // somebody else reported it last (RFC 2236 3)
    Timer change;
    Timer response;
  };
  struct InterfaceState {
    InterfaceState(GroupReporter& owner, InterfaceIndex interface)
        : owner(owner),
          interface(interface),
          general(owner.timers_, MemberTimer<&InterfaceState::OnTimer>, this) {}
    void OnTimer() { owner.AnswerGeneral(*this); }
    GroupReporter& owner;
    InterfaceIndex interface;
    // What the querier said last, and until when one of an older version counts.
    int robustness;
    Duration query_interval;
    Time v1_until{}, v2_until{};
    GroupProtocolVersion version = GroupProtocolVersion::kV3;  // when it was looked at last
    std::map<IpAddress, std::unique_ptr<GroupState>> groups;
    Timer general;  // the answer to a general query is due
  };

  InterfaceState& StateOf(InterfaceIndex interface);
  // The version to speak. A change of it ends what was going on.
  GroupProtocolVersion VersionOf(InterfaceState& on);
  // Null: too much is going on.
  GroupState* GroupOf(InterfaceState& on, const IpAddress& group);
  // Forgets the state when nothing is going on. It may be gone afterwards.
  void Settle(GroupState& state);
  SourceFilter CurrentFilter(const InterfaceState& on, const IpAddress& group) const;

  void ChangedOld(InterfaceState& on, GroupState& state, bool joined, bool left);
  void TellChange(GroupState& state);
  void RepeatChange(GroupState& state);
  void NoteQuerier(InterfaceState& on, const GroupQuery& query);
  void QueriedOld(InterfaceState& on, const GroupQuery& query);
  void DelayOldReport(InterfaceState& on, const IpAddress& group, Duration most);
  void QueriedGroup(InterfaceState& on, const GroupQuery& query, Time due);
  void AnswerGeneral(InterfaceState& on);
  void AnswerGroup(GroupState& state);
  Duration RandomUpTo(Duration most);

  const Clock& clock_;
  Random& random_;
  TimerQueue& timers_;
  Host& host_;
  std::map<InterfaceIndex, std::unique_ptr<InterfaceState>> interfaces_;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_IP_GROUP_REPORTER_H_
