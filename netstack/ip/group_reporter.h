// When a host tells routers which groups it listens to: IGMPv3 (RFC 3376 5) and MLDv2 (RFC 3810 6)
// without source filters, with their fallbacks to the older versions (RFC 3376 7.2, RFC 3810 8.2).
// The wire formats are v4/igmp's and v6/mld's; this is the one engine of both.
#ifndef MOAT_NETSTACK_IP_GROUP_REPORTER_H_
#define MOAT_NETSTACK_IP_GROUP_REPORTER_H_

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "netstack/base/random.h"
#include "netstack/base/time.h"
#include "netstack/base/timer.h"
#include "netstack/wire/address.h"

namespace moat::netstack {

// RFC 3376 4.2.12, RFC 3810 5.2.12.
enum class GroupRecordType : uint8_t { kIsExclude = 2, kToInclude = 3, kToExclude = 4 };

struct GroupRecord {
  IpAddress group;
  GroupRecordType type = GroupRecordType::kIsExclude;
};

// Of IGMP; MLDv1 is kV2's equivalent and MLDv2 kV3's.
enum class GroupProtocolVersion : uint8_t { kV1 = 1, kV2 = 2, kV3 = 3 };

class GroupReporter {
 public:
  class Host {
   public:
    virtual ~Host() = default;
    virtual void SendReport(InterfaceIndex interface, GroupProtocolVersion version,
                            std::span<const GroupRecord> records) = 0;
    // Joined groups of the family, those that are never reported left out.
    virtual std::vector<IpAddress> ReportedGroups(InterfaceIndex interface) const = 0;
  };

  GroupReporter(const Clock& clock, Random& random, TimerQueue& timers, Host& host)
      : clock_(clock), random_(random), timers_(timers), host_(host) {}

  // The first membership of a group on an interface began, the last one ended. Told twice
  // (Robustness Variable), the second time within a second.
  void Joined(InterfaceIndex interface, const IpAddress& group);
  void Left(InterfaceIndex interface, const IpAddress& group);

  // A valid query. `group` is unspecified in a general one. Answered within `max_response`.
  void Queried(InterfaceIndex interface, GroupProtocolVersion version, const IpAddress& group,
               Duration max_response);

  void InterfaceGone(InterfaceIndex interface);

 private:
  using GroupKey = std::pair<InterfaceIndex, IpAddress>;

  struct Change {
    Change(GroupReporter& owner, const GroupKey& key)
        : owner(owner), key(key), timer(owner.timers_, MemberTimer<&Change::OnTimer>, this) {}
    void OnTimer() { owner.SendChange(*this); }
    GroupReporter& owner;
    GroupKey key;
    GroupRecordType type = GroupRecordType::kToExclude;
    int left = 0;
    Timer timer;
  };
  struct InterfaceState {
    InterfaceState(GroupReporter& owner, InterfaceIndex interface)
        : owner(owner),
          interface(interface),
          timer(owner.timers_, MemberTimer<&InterfaceState::OnTimer>, this) {}
    void OnTimer() { owner.Answer(*this); }
    GroupReporter& owner;
    InterfaceIndex interface;
    // The answer that is due: about everything, or about these groups.
    bool general = false;
    std::set<IpAddress> groups;
    // The oldest querier that was heard, and until when it counts.
    GroupProtocolVersion version = GroupProtocolVersion::kV3;
    Time version_until{};
    Timer timer;
  };

  void Begin(InterfaceIndex interface, const IpAddress& group, GroupRecordType type);
  void SendChange(Change& change);
  void Answer(InterfaceState& state);
  InterfaceState& StateOf(InterfaceIndex interface);
  GroupProtocolVersion VersionOf(InterfaceIndex interface);
  Duration RandomUpTo(Duration most);

  const Clock& clock_;
  Random& random_;
  TimerQueue& timers_;
  Host& host_;
  std::map<GroupKey, std::unique_ptr<Change>> changes_;
  std::map<InterfaceIndex, std::unique_ptr<InterfaceState>> interfaces_;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_IP_GROUP_REPORTER_H_
