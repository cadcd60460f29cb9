#include "netstack/ip/group_table.h"

#include <algorithm>
#include <utility>

namespace moat::netstack {

void GroupTable::SetMemory(MemoryBudget* memory) {
  if (memory_ != nullptr) memory_->Release(charged_);
  memory_ = memory;
  if (memory_ != nullptr) memory_->Charge(charged_);
}

// A source is counted among the members', and may be listed in what they come to.
size_t GroupTable::Cost(size_t sources) {
  constexpr size_t kRow = sizeof(std::pair<IpAddress, Group>) + 8;
  constexpr size_t kSource = sizeof(std::pair<IpAddress, Uses>) + sizeof(IpAddress) + 8;
  return kRow + sources * kSource;
}

size_t GroupTable::CostOf(const SourceFilter& filter) { return Cost(filter.sources.size()); }

std::vector<IpAddress> GroupTable::List() const {
  std::vector<IpAddress> out;
  out.reserve(groups_.size());
  for (const auto& [address, group] : groups_) out.push_back(address);
  std::sort(out.begin(), out.end());
  return out;
}

void GroupTable::Count(Group& group, const SourceFilter& filter, int by) {
  (filter.exclude ? group.excluders : group.includers) += by;
  for (const IpAddress& source : filter.sources) {
    Uses& uses = group.sources[source];
    (filter.exclude ? uses.exclude : uses.include) += by;
    if (uses.include == 0 && uses.exclude == 0) group.sources.erase(source);
  }
}

// Counted generously: what `from` frees is not known before it is gone.
bool GroupTable::Fits(const Group* group, const SourceFilter* from, const SourceFilter* to) {
  if (to->sources.size() > kMaxSourcesPerGroup) return false;
  if (group == nullptr) return true;
  size_t added = 0;
  for (const IpAddress& source : to->sources) {
    if (!group->sources.contains(source) && (from == nullptr || !from->Lists(source))) ++added;
  }
  return added == 0 || group->sources.size() + added <= kMaxSourcesPerGroup;
}

// With a member that excludes: what all of those exclude and nobody includes is excluded. Without:
// what anybody includes is included.
SourceFilter GroupTable::Merge(const Group& group) {
  SourceFilter merged;
  merged.exclude = group.excluders > 0;
  for (const auto& [source, uses] : group.sources) {
    const bool listed = merged.exclude ? uses.exclude == group.excluders && uses.include == 0
                                       : uses.include > 0;
    if (listed) merged.sources.push_back(source);
  }
  std::sort(merged.sources.begin(), merged.sources.end());
  return merged;
}

bool GroupTable::Change(const IpAddress& group, const SourceFilter* from, const SourceFilter* to) {
  auto it = groups_.find(group);
  if (to != nullptr) {
    if (it == groups_.end() && groups_.size() >= kMaxGroupsPerInterface) return false;
    if (!Fits(it == groups_.end() ? nullptr : &it->second, from, to)) return false;
  }
  if (it == groups_.end()) {
    if (to == nullptr) return true;
    it = groups_.try_emplace(group).first;
  }
  Group& entry = it->second;
  const bool fresh = entry.includers == 0 && entry.excluders == 0;
  const size_t before = fresh ? 0 : Cost(entry.sources.size());
  if (to != nullptr) Count(entry, *to, 1);
  if (from != nullptr) Count(entry, *from, -1);
  const bool gone = entry.includers <= 0 && entry.excluders <= 0;
  const size_t after = gone ? 0 : Cost(entry.sources.size());
  if (gone) {
    groups_.erase(it);
  } else {
    entry.filter = Merge(entry);
  }
  if (memory_ != nullptr) memory_->Adjust(before, after);
  charged_ = charged_ - before + after;
  return true;
}

}  // namespace moat::netstack
