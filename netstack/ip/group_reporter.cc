#include "netstack/ip/group_reporter.h"

#include <algorithm>

namespace moat::netstack {
namespace {

// RFC 3376 8, RFC 3810 9: defaults of the protocol's variables.
constexpr int kRobustness = 2;
constexpr Duration kUnsolicitedReportInterval = std::chrono::seconds(1);
constexpr Duration kOlderQuerierTimeout = std::chrono::seconds(kRobustness * 125 + 10);
constexpr size_t kMaxQueriedGroups = 256;  // more than that are answered as one general query

}  // namespace

Duration GroupReporter::RandomUpTo(Duration most) {
  const auto milliseconds =
      static_cast<uint32_t>(std::clamp<int64_t>(most / std::chrono::milliseconds(1), 1, 1 << 24));
  return std::chrono::milliseconds(1 + random_.Below(milliseconds));
}

GroupReporter::InterfaceState& GroupReporter::StateOf(InterfaceIndex interface) {
  auto& slot = interfaces_[interface];
  if (slot == nullptr) slot = std::make_unique<InterfaceState>(*this, interface);
  return *slot;
}

GroupProtocolVersion GroupReporter::VersionOf(InterfaceIndex interface) {
  const auto it = interfaces_.find(interface);
  if (it == interfaces_.end() || it->second->version_until <= clock_.Now()) {
    return GroupProtocolVersion::kV3;
  }
  return it->second->version;
}

void GroupReporter::Joined(InterfaceIndex interface, const IpAddress& group) {
  Begin(interface, group, GroupRecordType::kToExclude);
}

void GroupReporter::Left(InterfaceIndex interface, const IpAddress& group) {
  Begin(interface, group, GroupRecordType::kToInclude);
}

// A change replaces one that is still being told (RFC 3376 5.1).
void GroupReporter::Begin(InterfaceIndex interface, const IpAddress& group, GroupRecordType type) {
  const GroupKey key(interface, group);
  auto& slot = changes_[key];
  slot = std::make_unique<Change>(*this, key);
  slot->type = type;
  slot->left = kRobustness;
  SendChange(*slot);
}

void GroupReporter::SendChange(Change& change) {
  const GroupKey key = change.key;
  const GroupRecord record{key.second, change.type};
  if (--change.left > 0) {
    change.timer.Arm(clock_.Now() + RandomUpTo(kUnsolicitedReportInterval));
  } else {
    changes_.erase(key);
  }
  host_.SendReport(key.first, VersionOf(key.first), {&record, 1});
}

void GroupReporter::Queried(InterfaceIndex interface, GroupProtocolVersion version,
                            const IpAddress& group, Duration max_response) {
  InterfaceState& state = StateOf(interface);
  const Time now = clock_.Now();
  if (version != GroupProtocolVersion::kV3) {
    const bool current = state.version_until > now;
    state.version = current ? std::min(state.version, version) : version;
    state.version_until = now + kOlderQuerierTimeout;
  }
  if (group.IsUnspecified()) {
    state.general = true;
    state.groups.clear();
  } else if (!state.general) {
    const std::vector<IpAddress> joined = host_.ReportedGroups(interface);
    if (std::find(joined.begin(), joined.end(), group) == joined.end()) return;
    state.groups.insert(group);
    if (state.groups.size() > kMaxQueriedGroups) state.general = true;
  }
  // RFC 3376 5.2: an answer that is due sooner stays.
  const Time due = now + RandomUpTo(max_response);
  if (!state.timer.armed() || due < state.timer.deadline()) state.timer.Arm(due);
}

void GroupReporter::Answer(InterfaceState& state) {
  std::vector<GroupRecord> records;
  for (const IpAddress& group : host_.ReportedGroups(state.interface)) {
    if (state.general || state.groups.contains(group)) {
      records.push_back({group, GroupRecordType::kIsExclude});
    }
  }
  state.general = false;
  state.groups.clear();
  if (!records.empty()) host_.SendReport(state.interface, VersionOf(state.interface), records);
}

void GroupReporter::InterfaceGone(InterfaceIndex interface) {
  interfaces_.erase(interface);
  std::erase_if(changes_, [&](const auto& row) { return row.first.first == interface; });
}

}  // namespace moat::netstack
