#include "runtime/cgroup/stats.h"

#include <gtest/gtest.h>

#include "runtime/cgroup/fake_host.h"

namespace moat::runtime::cgroup {
namespace {

using nlohmann::json;

TEST(Stats, BlkioLinesBecomeEntriesAndTotalsAreLeftOut) {
  EXPECT_EQ(ParseBlkioLines("8:0 Read 4096\n8:0 Write 0\nTotal 4096\nx:y Read 1\n"),
            json::parse(R"([{"major":8,"minor":0,"op":"Read","value":4096},
                            {"major":8,"minor":0,"op":"Write","value":0}])"));
}

TEST(Stats, IoStatLines) {
  EXPECT_EQ(
      ParseIoStat("254:0 rbytes=10 wbytes=20 rios=1 wios=2 dbytes=0\n\nbad\n", "rios", "wios"),
      json::parse(R"([{"major":254,"minor":0,"op":"Read","value":1},
                            {"major":254,"minor":0,"op":"Write","value":2}])"));
}

TEST(Stats, V2) {
  FakeHost fake;
  const std::string dir = fake.AddV2({"cpu", "memory", "pids", "io"}).mount_point + "/c1";
  fake.Populate(dir, {});
  fake.Write(dir + "/cpu.stat", "usage_usec 7\nuser_usec 4\nsystem_usec 3\nnr_throttled 2\n");
  fake.Write(dir + "/memory.current", "100\n");
  fake.Write(dir + "/memory.max", "max\n");
  fake.Write(dir + "/memory.stat", "anon 60\nfile 40\n");
  fake.Write(dir + "/pids.current", "3\n");
  fake.Write(dir + "/pids.max", "max\n");
  const json stats = ReadStats(*Cgroup::OpenOn(fake.host(), {.cgroups_path = "/c1", .id = "c1"}));
  EXPECT_EQ(stats["cpu"]["usage"]["total"], 7000);
  EXPECT_EQ(stats["cpu"]["throttling"]["throttledPeriods"], 2);
  EXPECT_EQ(stats["memory"]["usage"]["usage"], 100);
  EXPECT_EQ(stats["memory"]["usage"]["limit"], ~uint64_t{0});
  EXPECT_EQ(stats["memory"]["cache"], 40);
  EXPECT_EQ(stats["memory"]["raw"]["anon"], 60);
  EXPECT_EQ(stats["pids"], json::parse(R"({"current":3})"));
}

TEST(Stats, V1) {
  FakeHost fake;
  const std::string cpu = fake.AddV1("cpuacct").mount_point + "/c1";
  const std::string memory = fake.AddV1("memory").mount_point + "/c1";
  fake.Populate(cpu, {});
  fake.Populate(memory, {});
  fake.Write(cpu + "/cpuacct.usage", "123\n");
  fake.Write(cpu + "/cpuacct.usage_percpu", "100 23 \n");
  fake.Write(memory + "/memory.usage_in_bytes", "55\n");
  fake.Write(memory + "/memory.limit_in_bytes", "99\n");
  fake.Write(memory + "/memory.stat", "cache 5\nrss 50\n");
  const json stats = ReadStats(*Cgroup::OpenOn(fake.host(), {.cgroups_path = "/c1", .id = "c1"}));
  EXPECT_EQ(stats["cpu"]["usage"]["total"], 123);
  EXPECT_EQ(stats["cpu"]["usage"]["percpu"], json::parse("[100,23]"));
  EXPECT_EQ(stats["memory"]["usage"]["usage"], 55);
  EXPECT_EQ(stats["memory"]["usage"]["limit"], 99);
  EXPECT_EQ(stats["memory"]["raw"]["rss"], 50);
}

TEST(Stats, NothingThereIsZeroNotAnError) {
  FakeHost fake;
  fake.AddV1("memory");
  const json stats = ReadStats(*Cgroup::OpenOn(fake.host(), {.cgroups_path = "/gone", .id = "c1"}));
  EXPECT_EQ(stats["memory"]["usage"]["usage"], 0);
}

}  // namespace
}  // namespace moat::runtime::cgroup
