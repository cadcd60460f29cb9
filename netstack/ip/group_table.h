// The multicast groups of one interface: how many sockets have joined each with which filter, and
// the filter that serves them all (RFC 3376 3.2, RFC 3810 4.2).
#ifndef MOAT_NETSTACK_IP_GROUP_TABLE_H_
#define MOAT_NETSTACK_IP_GROUP_TABLE_H_

#include <cstddef>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "netstack/base/memory_budget.h"
#include "netstack/wire/source_filter.h"

namespace moat::netstack {

inline constexpr size_t kMaxGroupsPerInterface = 4096;
// Of one group on one interface, of all sockets together.
inline constexpr size_t kMaxSourcesPerGroup = 1024;

class GroupTable {
 public:
  GroupTable() = default;
  ~GroupTable() { SetMemory(nullptr); }
  GroupTable(const GroupTable&) = delete;
  GroupTable& operator=(const GroupTable&) = delete;

  // Where what is kept is charged; borrowed, null: nowhere.
  void SetMemory(MemoryBudget* memory);
  // Bytes that a member's new filter may cost, at most.
  static size_t CostOf(const SourceFilter& filter);

  bool contains(const IpAddress& group) const { return groups_.contains(group); }
  // Whether anybody here wants what `source` sends to `group`.
  bool Accepts(const IpAddress& group, const IpAddress& source) const {
    const auto it = groups_.find(group);
    return it != groups_.end() && it->second.filter.Accepts(source);
  }
  // Null: nobody has joined.
  const SourceFilter* FilterOf(const IpAddress& group) const {
    const auto it = groups_.find(group);
    return it == groups_.end() ? nullptr : &it->second.filter;
  }
  std::vector<IpAddress> List() const;  // sorted

  // One member's filter changes: null `from`: it joins; null `to`: it leaves. False: the table is
  // full, nothing was changed.
  bool Change(const IpAddress& group, const SourceFilter* from, const SourceFilter* to);

 private:
  struct Uses {
    int include = 0, exclude = 0;
  };
  struct Group {
    int includers = 0, excluders = 0;  // members by mode
    absl::flat_hash_map<IpAddress, Uses> sources;
    SourceFilter filter;
  };
  static void Count(Group& group, const SourceFilter& filter, int by);
  static bool Fits(const Group* group, const SourceFilter* from, const SourceFilter* to);
  static SourceFilter Merge(const Group& group);
  static size_t Cost(size_t sources);

  absl::flat_hash_map<IpAddress, Group> groups_;
  MemoryBudget* memory_ = nullptr;
  size_t charged_ = 0;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_IP_GROUP_TABLE_H_
