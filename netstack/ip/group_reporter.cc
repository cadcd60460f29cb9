#include "netstack/ip/group_reporter.h"

#include <algorithm>

namespace moat::netstack {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// RFC 3376 8, RFC 3810 9: defaults of the protocol's variables.
constexpr int kRobustness = 2;
constexpr Duration kQueryInterval = seconds(125);
constexpr Duration kUnsolicitedInterval = seconds(1);
constexpr Duration kOldUnsolicitedInterval = seconds(10);  // RFC 2236 8.10, RFC 2710 7.10
// Groups of an interface that something is going on about; more than can be joined, for those that
// were just left.
constexpr size_t kMaxGroupStates = 8192;
constexpr size_t kMaxQueriedSources = 1024;  // of one group; more are answered as for the group

// RFC 3376 5.2: the current state of a group, or what of it concerns the queried sources.
std::optional<GroupRecord> CurrentRecord(const IpAddress& group, const SourceFilter& filter,
                                         const std::vector<IpAddress>& queried) {
  if (filter.IsNothing()) return std::nullopt;
  if (queried.empty()) {
    return GroupRecord{
        group, filter.exclude ? GroupRecordType::kIsExclude : GroupRecordType::kIsInclude,
        filter.sources};
  }
  GroupRecord record{group, GroupRecordType::kIsInclude, {}};
  for (const IpAddress& source : queried) {
    if (filter.Accepts(source)) record.sources.push_back(source);
  }
  if (record.sources.empty()) return std::nullopt;
  return record;
}

}  // namespace

Duration GroupReporter::RandomUpTo(Duration most) {
  const auto least = std::clamp<int64_t>(most / milliseconds(1), 1, 1 << 30);
  return milliseconds(1 + random_.Below(static_cast<uint32_t>(least)));
}

GroupReporter::InterfaceState& GroupReporter::StateOf(InterfaceIndex interface) {
  auto& slot = interfaces_[interface];
  if (slot == nullptr) {
    slot = std::make_unique<InterfaceState>(*this, interface);
    slot->robustness = kRobustness;
    slot->query_interval = kQueryInterval;
  }
  return *slot;
}

// RFC 3376 7.2.1: the oldest querier that was heard of late decides. Whoever changes its version
// cancels pending responses and retransmissions.
GroupProtocolVersion GroupReporter::VersionOf(InterfaceState& on) {
  const Time now = clock_.Now();
  const GroupProtocolVersion version = on.v1_until > now   ? GroupProtocolVersion::kV1
                                       : on.v2_until > now ? GroupProtocolVersion::kV2
                                                           : GroupProtocolVersion::kV3;
  if (version != on.version) {
    on.version = version;
    on.general.Cancel();
    on.groups.clear();
  }
  return version;
}

GroupReporter::GroupState* GroupReporter::GroupOf(InterfaceState& on, const IpAddress& group) {
  const auto it = on.groups.find(group);
  if (it != on.groups.end()) return it->second.get();
  if (on.groups.size() >= kMaxGroupStates) return nullptr;
  return on.groups.emplace(group, std::make_unique<GroupState>(on, group)).first->second.get();
}

void GroupReporter::Settle(GroupState& state) {
  if (!state.change.armed() && !state.response.armed() && !state.suppressed) {
    state.on.groups.erase(IpAddress(state.group));
  }
}

SourceFilter GroupReporter::CurrentFilter(const InterfaceState& on, const IpAddress& group) const {
  const SourceFilter* filter = host_.FilterOf(on.interface, group);
  return filter == nullptr ? SourceFilter{} : *filter;
}

// --- Changes -----------------------------------------------------------------------------------

void GroupReporter::Changed(InterfaceIndex interface, const IpAddress& group,
                            const SourceFilter& before) {
  InterfaceState& on = StateOf(interface);
  const GroupProtocolVersion version = VersionOf(on);
  const SourceFilter now = CurrentFilter(on, group);
  if (now == before) return;
  GroupState* state = GroupOf(on, group);
  if (state == nullptr) return;  // the next query will find it out
  if (version != GroupProtocolVersion::kV3) {
    return ChangedOld(on, *state, before.IsNothing(), now.IsNothing());
  }
  if (now.exclude != before.exclude) {
    state->mode_left = on.robustness;
    state->sources_left.clear();
  } else {
    // Whoever is in one list alone.
    for (const IpAddress& source : now.sources) {
      if (!before.Lists(source)) state->sources_left[source] = on.robustness;
    }
    for (const IpAddress& source : before.sources) {
      if (!now.Lists(source)) state->sources_left[source] = on.robustness;
    }
  }
  TellChange(*state);
}

// RFC 2236 3, RFC 2710 4: only joining and leaving counts, and who was not the last to report
// leaves in silence, as everybody does in version 1.
void GroupReporter::ChangedOld(InterfaceState& on, GroupState& state, bool joined, bool left) {
  const IpAddress group = state.group;
  if (joined) {
    state.suppressed = false;
    state.old_left = on.robustness;
    return TellChange(state);
  }
  if (!left) return Settle(state);
  const bool silent = state.suppressed || on.version == GroupProtocolVersion::kV1;
  on.groups.erase(group);
  if (!silent) host_.SendOldReport(on.interface, on.version, group, /*leave=*/true);
}

void GroupReporter::RepeatChange(GroupState& state) {
  const GroupProtocolVersion was = state.on.version;
  if (VersionOf(state.on) == was) TellChange(state);  // else the state is gone
}

// RFC 3376 5.1: a change of mode is told before changes of sources, with the state as it is now,
// which tells those too.
void GroupReporter::TellChange(GroupState& state) {
  InterfaceState& on = state.on;
  const IpAddress group = state.group;
  const bool old = on.version != GroupProtocolVersion::kV3;
  std::vector<GroupRecord> records;
  if (old) {
    --state.old_left;
  } else {
    const SourceFilter filter = CurrentFilter(on, group);
    if (state.mode_left > 0) {
      --state.mode_left;
      records.push_back({group, filter.exclude ? GroupRecordType::kToExclude
                                               : GroupRecordType::kToInclude,
                         filter.sources});
    } else {
      GroupRecord allow{group, GroupRecordType::kAllow, {}};
      GroupRecord block{group, GroupRecordType::kBlock, {}};
      for (const auto& [source, left] : state.sources_left) {
        (filter.Accepts(source) ? allow : block).sources.push_back(source);
      }
      if (!allow.sources.empty()) records.push_back(std::move(allow));
      if (!block.sources.empty()) records.push_back(std::move(block));
    }
    for (auto row = state.sources_left.begin(); row != state.sources_left.end();) {
      row = --row->second > 0 ? std::next(row) : state.sources_left.erase(row);
    }
  }
  if (state.mode_left > 0 || state.old_left > 0 || !state.sources_left.empty()) {
    state.change.Arm(clock_.Now() +
                     RandomUpTo(old ? kOldUnsolicitedInterval : kUnsolicitedInterval));
  }
  const GroupProtocolVersion version = on.version;
  const InterfaceIndex interface = on.interface;
  Settle(state);
  if (old) return host_.SendOldReport(interface, version, group, /*leave=*/false);
  if (!records.empty()) host_.SendReports(interface, records);
}

// --- Queries -----------------------------------------------------------------------------------

// RFC 3376 7.2.1, 8.12: how long a querier of an older version counts.
void GroupReporter::NoteQuerier(InterfaceState& on, const GroupQuery& query) {
  const Duration timeout =
      on.robustness * on.query_interval + milliseconds(query.response_ms);
  const Time until = clock_.Now() + timeout;
  if (query.version == GroupProtocolVersion::kV1) on.v1_until = until;
  if (query.version == GroupProtocolVersion::kV2) on.v2_until = until;
  if (query.version == GroupProtocolVersion::kV3) {
    on.robustness = query.robustness == 0 ? kRobustness : query.robustness;
    on.query_interval =
        query.interval_seconds == 0 ? kQueryInterval : seconds(query.interval_seconds);
  }
  (void)VersionOf(on);
}

void GroupReporter::Queried(InterfaceIndex interface, const GroupQuery& query) {
  InterfaceState& on = StateOf(interface);
  (void)VersionOf(on);
  NoteQuerier(on, query);
  if (on.version != GroupProtocolVersion::kV3) return QueriedOld(on, query);
  const Time due = clock_.Now() + RandomUpTo(milliseconds(query.response_ms));
  // RFC 3376 5.2, rule 1: an answer about everything that is due sooner says it all.
  if (on.general.armed() && on.general.deadline() <= due) return;
  if (query.group.IsUnspecified()) return on.general.Arm(due);
  QueriedGroup(on, query, due);
}

// Rules 3 to 5.
void GroupReporter::QueriedGroup(InterfaceState& on, const GroupQuery& query, Time due) {
  if (host_.FilterOf(on.interface, query.group) == nullptr) return;
  GroupState* state = GroupOf(on, query.group);
  if (state == nullptr) return on.general.Arm(due);
  if (state->response.armed()) {
    due = std::min(due, state->response.deadline());
    if (query.sources.empty() || state->queried.empty()) {
      state->queried.clear();
    } else {
      state->queried.insert(state->queried.end(), query.sources.begin(), query.sources.end());
    }
  } else {
    state->queried = query.sources;
  }
  std::sort(state->queried.begin(), state->queried.end());
  state->queried.erase(std::unique(state->queried.begin(), state->queried.end()),
                       state->queried.end());
  if (state->queried.size() > kMaxQueriedSources) state->queried.clear();
  state->response.Arm(due);
}

// RFC 2236 3, RFC 2710 4: each group has its own delay.
void GroupReporter::QueriedOld(InterfaceState& on, const GroupQuery& query) {
  const Duration most = milliseconds(query.response_ms);
  if (!query.group.IsUnspecified()) return DelayOldReport(on, query.group, most);
  for (const IpAddress& group : host_.ReportedGroups(on.interface)) DelayOldReport(on, group, most);
}

void GroupReporter::DelayOldReport(InterfaceState& on, const IpAddress& group, Duration most) {
  const SourceFilter* filter = host_.FilterOf(on.interface, group);
  if (filter == nullptr || filter->IsNothing()) return;
  GroupState* state = GroupOf(on, group);
  if (state == nullptr) return;
  const Time now = clock_.Now();
  if (!state->response.armed() || now + most < state->response.deadline()) {
    state->response.Arm(now + RandomUpTo(most));
  }
}

void GroupReporter::Heard(InterfaceIndex interface, const IpAddress& group) {
  const auto on = interfaces_.find(interface);
  if (on == interfaces_.end() || VersionOf(*on->second) == GroupProtocolVersion::kV3) return;
  const auto it = on->second->groups.find(group);
  if (it == on->second->groups.end()) return;
  GroupState& state = *it->second;
  if (!state.change.armed() && !state.response.armed()) return;
  state.change.Cancel();
  state.response.Cancel();
  state.old_left = 0;
  state.suppressed = true;
}

// --- Answers -----------------------------------------------------------------------------------

void GroupReporter::AnswerGeneral(InterfaceState& on) {
  if (VersionOf(on) != GroupProtocolVersion::kV3) return;
  std::vector<GroupRecord> records;
  for (const IpAddress& group : host_.ReportedGroups(on.interface)) {
    auto record = CurrentRecord(group, CurrentFilter(on, group), {});
    if (record.has_value()) records.push_back(std::move(*record));
  }
  if (!records.empty()) host_.SendReports(on.interface, records);
}

void GroupReporter::AnswerGroup(GroupState& state) {
  InterfaceState& on = state.on;
  const GroupProtocolVersion was = on.version;
  const GroupProtocolVersion version = VersionOf(on);
  if (version != was) return;  // the state is gone
  const IpAddress group = state.group;
  const InterfaceIndex interface = on.interface;
  const std::vector<IpAddress> queried = std::move(state.queried);
  state.queried.clear();
  const SourceFilter filter = CurrentFilter(on, group);
  if (version != GroupProtocolVersion::kV3) {
    state.suppressed = false;
    Settle(state);
    if (!filter.IsNothing()) host_.SendOldReport(interface, version, group, /*leave=*/false);
    return;
  }
  Settle(state);
  const auto record = CurrentRecord(group, filter, queried);
  if (record.has_value()) host_.SendReports(interface, {&*record, 1});
}

}  // namespace moat::netstack
