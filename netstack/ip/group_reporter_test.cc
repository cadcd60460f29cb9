// What a router makes of the reports is what the host wants, whatever changes when, and although a
// report is lost (RFC 3376 5.1: the Robustness Variable is what it is for).
#include "netstack/ip/group_reporter.h"

#include <gtest/gtest.h>

#include <set>

#include "netstack/testing/fake_clock.h"
#include "netstack/testing/seeded_random.h"

namespace moat::netstack {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr InterfaceIndex kOn = 2;

IpAddress Group(uint32_t n) { return IpAddress::V4(239, 1, 1, static_cast<uint8_t>(n)); }
IpAddress Source(uint32_t n) { return IpAddress::V4(10, 0, 0, static_cast<uint8_t>(n)); }

// A router with one host behind it, whose queries are answered in its head: without timers.
class Router {
 public:
  void Hear(const GroupRecord& record) {
    SourceFilter& filter = groups_[record.group];
    std::set<IpAddress> listed(filter.sources.begin(), filter.sources.end());
    switch (record.type) {
      case GroupRecordType::kIsInclude:  // of one host it is all there is, unless sources were
                                         // asked
      case GroupRecordType::kIsExclude:
        return;
      case GroupRecordType::kToInclude:
      case GroupRecordType::kToExclude:
        filter = {record.type == GroupRecordType::kToExclude, record.sources};
        filter.Normalize();
        return;
      case GroupRecordType::kAllow:
      case GroupRecordType::kBlock:
        for (const IpAddress& source : record.sources) {
          if ((record.type == GroupRecordType::kAllow) != filter.exclude) {
            listed.insert(source);
          } else {
            listed.erase(source);
          }
        }
        filter.sources.assign(listed.begin(), listed.end());
    }
  }
  SourceFilter Of(const IpAddress& group) const {
    const auto it = groups_.find(group);
    return it == groups_.end() ? SourceFilter{} : it->second;
  }

 private:
  std::map<IpAddress, SourceFilter> groups_;
};

class World final : public GroupReporter::Host {
 public:
  explicit World(uint64_t seed)
      : random(seed), timers(clock.Now()), reporter(clock, random, timers, *this) {}

  void SendReports(InterfaceIndex, std::span<const GroupRecord> records) override {
    if (++reports == lost) return;
    for (const GroupRecord& record : records) {
      EXPECT_FALSE(record.sources.empty() && (record.type == GroupRecordType::kAllow ||
                                              record.type == GroupRecordType::kBlock));
      router.Hear(record);
    }
  }
  void SendOldReport(InterfaceIndex, GroupProtocolVersion, const IpAddress&, bool) override {
    ++old_reports;
  }
  std::vector<IpAddress> ReportedGroups(InterfaceIndex) const override {
    std::vector<IpAddress> out;
    for (const auto& [group, filter] : filters) out.push_back(group);
    return out;
  }
  const SourceFilter* FilterOf(InterfaceIndex, const IpAddress& group) const override {
    const auto it = filters.find(group);
    return it == filters.end() ? nullptr : &it->second;
  }

  void Set(const IpAddress& group, const SourceFilter& filter) {
    const SourceFilter before = filters.contains(group) ? filters[group] : SourceFilter{};
    if (filter.IsNothing()) {
      filters.erase(group);
    } else {
      filters[group] = filter;
    }
    reporter.Changed(kOn, group, before);
  }
  void Advance(Duration by) {
    const Time end = clock.Now() + by;
    while (timers.NextDeadline() <= end) {
      if (timers.NextDeadline() > clock.Now()) clock.Set(timers.NextDeadline());
      timers.RunExpired(clock.Now());
    }
    clock.Set(end);
  }
  SourceFilter RandomFilter() {
    SourceFilter filter{random.Below(2) == 0, {}};
    for (uint32_t i = 0; i < 5; ++i) {
      if (random.Below(2) == 0) filter.sources.push_back(Source(i));
    }
    return filter;
  }
  void QueryAtRandom() {
    GroupQuery query;
    query.group = random.Below(2) == 0 ? IpAddress::V4(0, 0, 0, 0) : Group(random.Below(4));
    query.response_ms = random.Below(3000);
    if (!query.group.IsUnspecified() && random.Below(2) == 0)
      query.sources = {Source(1), Source(7)};
    reporter.Queried(kOn, query);
  }
  void ExpectKnown(uint64_t seed) {
    for (uint32_t n = 0; n < 4; ++n) {
      const SourceFilter* wanted = FilterOf(kOn, Group(n));
      EXPECT_EQ(router.Of(Group(n)), wanted == nullptr ? SourceFilter{} : *wanted)
          << "group " << n << " seed " << seed << " lost " << lost;
    }
  }

  FakeClock clock;
  SeededRandom random;
  TimerQueue timers;
  std::map<IpAddress, SourceFilter> filters;
  Router router;
  int reports = 0, lost = 0, old_reports = 0;
  GroupReporter reporter;
};

void Live(World& world, int steps) {
  for (int i = 0; i < steps; ++i) {
    world.Set(Group(world.random.Below(4)), world.RandomFilter());
    if (world.random.Below(3) == 0) world.QueryAtRandom();
    world.Advance(milliseconds(world.random.Below(1500)));
  }
  world.Advance(seconds(10));
}

TEST(GroupReporter, Rfc3376_S5_1_TheRouterKnowsAtOnce) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    World world(seed);
    for (int i = 0; i < 40; ++i) {
      world.Set(Group(world.random.Below(4)), world.RandomFilter());
      world.ExpectKnown(seed);
      if (world.random.Below(3) == 0) world.QueryAtRandom();
      world.Advance(milliseconds(world.random.Below(1500)));
    }
  }
}

TEST(GroupReporter, Rfc3376_S5_1_OneLostReportDoesNotMatter) {
  for (uint64_t seed = 1; seed <= 400; ++seed) {
    World world(seed);
    world.lost = 1 + static_cast<int>(seed % 60);
    Live(world, 30);
    world.ExpectKnown(seed);
    EXPECT_EQ(world.timers.NextDeadline(), kNever) << seed;  // nothing is left to be said
  }
}

TEST(GroupReporter, Rfc3376_S7_2_1_InOldModeNothingNewIsSaid) {
  World world(7);
  GroupQuery query;
  query.version = GroupProtocolVersion::kV2;
  query.group = IpAddress::V4(0, 0, 0, 0);
  query.response_ms = 1000;
  world.reporter.Queried(kOn, query);
  Live(world, 60);
  EXPECT_EQ(world.reports, 0);
  EXPECT_GT(world.old_reports, 10);
}

// State of many groups is bounded, and given back.
TEST(GroupReporter, LeavingManyGroupsEndsInSilence) {
  World world(3);
  for (int round = 0; round < 3; ++round) {
    for (uint32_t n = 0; n < 20000; ++n) {
      const IpAddress group = IpAddress::V4(238, static_cast<uint8_t>(n >> 16),
                                            static_cast<uint8_t>(n >> 8), static_cast<uint8_t>(n));
      world.Set(group, SourceFilter::Everything());
      world.Set(group, {});
    }
    world.Advance(seconds(2));
    EXPECT_EQ(world.timers.NextDeadline(), kNever);
  }
}

}  // namespace
}  // namespace moat::netstack
