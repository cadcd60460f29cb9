#include "runtime/cgroup/cgroup.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "runtime/cgroup/controllers.h"
#include "runtime/cgroup/fake_host.h"

namespace moat::runtime::cgroup {
namespace {

CgroupOptions Options(const std::string& path) { return {.cgroups_path = path, .id = "c1"}; }

TEST(Cgroup, CreateMakesADirectoryInEachHierarchyAndInheritsCpusets) {
  FakeHost fake;
  fake.AddV1("memory");
  const std::string cpuset = fake.AddV1("cpuset").mount_point;
  fake.Write(cpuset + "/cpuset.cpus", "0-1\n");
  fake.Write(cpuset + "/cpuset.mems", "0\n");
  fake.Populate(cpuset + "/docker", {"cpuset.cpus", "cpuset.mems"});
  fake.Populate(cpuset + "/docker/c1", {"cpuset.cpus", "cpuset.mems"});
  auto cgroup = Cgroup::OpenOn(fake.host(), Options("/docker/c1"));
  ASSERT_TRUE(cgroup.ok()) << cgroup.status();
  ASSERT_TRUE(cgroup->Create().ok());
  struct stat st;
  EXPECT_EQ(::stat((fake.root() + "/memory/docker/c1").c_str(), &st), 0);
  EXPECT_EQ(fake.Read(cpuset + "/docker/cpuset.cpus"), "0-1");
  EXPECT_EQ(fake.Read(cpuset + "/docker/c1/cpuset.mems"), "0");
}

TEST(Cgroup, CreateOnV2EnablesControllersDownThePathAndKeepsThoseOffered) {
  FakeHost fake;
  const std::string root = fake.AddV2({"cpu", "memory", "pids"}).mount_point;
  fake.Populate(root + "/docker", {"cgroup.subtree_control"});
  fake.Populate(root + "/docker/c1", {"cgroup.procs"});
  fake.Write(root + "/docker/c1/cgroup.controllers", "memory pids\n");
  auto cgroup = Cgroup::OpenOn(fake.host(), Options("/docker/c1"));
  ASSERT_TRUE(cgroup.ok());
  ASSERT_TRUE(cgroup->Create().ok());
  EXPECT_EQ(fake.Read(root + "/cgroup.subtree_control"), "+cpu +memory +pids");
  EXPECT_EQ(fake.Read(root + "/docker/cgroup.subtree_control"), "+cpu +memory +pids");
  EXPECT_EQ(cgroup->dirs()[0].controllers, (std::vector<std::string>{"memory", "pids"}));
}

TEST(Cgroup, CreateRefusesACgroupWithProcesses) {
  FakeHost fake;
  fake.AddV1("pids");
  fake.AddV1("memory");
  fake.Populate(fake.root() + "/memory/c1", {});
  fake.Write(fake.root() + "/memory/c1/cgroup.procs", "123\n");
  auto cgroup = Cgroup::OpenOn(fake.host(), Options("/c1"));
  const absl::Status status = cgroup->Create();
  EXPECT_EQ(status.code(), absl::StatusCode::kAlreadyExists) << status;
  struct stat st;
  EXPECT_NE(::stat((fake.root() + "/pids/c1").c_str(), &st), 0) << "was not taken back";
}

TEST(Cgroup, StateRoundTripsAndForeignPathsAreRefused) {
  FakeHost fake;
  fake.AddV1("memory");
  fake.AddV2({"hugetlb"});
  auto cgroup = Cgroup::OpenOn(fake.host(), Options("/x/c1"));
  ASSERT_TRUE(cgroup.ok());
  nlohmann::json state = cgroup->ToJson();
  auto again = Cgroup::FromJson(state);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->ToJson(), state);
  for (const char* path : {"/", "/etc", "", "/x/../.."}) {
    nlohmann::json bad = state;
    bad["dirs"][0]["path"] = path;
    EXPECT_FALSE(Cgroup::FromJson(bad).ok()) << path;
    bad["dirs"][0]["path"] = fake.root() + "/memory" + path;
    if (*path == '\0' || path[1] == '\0' || path[1] == 'x') {
      EXPECT_FALSE(Cgroup::FromJson(bad).ok()) << path;
    }
  }
  EXPECT_FALSE(Cgroup::FromJson(nlohmann::json::parse("{}")).ok());
  EXPECT_FALSE(Cgroup::FromJson(nlohmann::json::parse("[]")).ok());
}

TEST(Cgroup, AHybridMachinesEmptyUnifiedHierarchyIsLeftOut) {
  FakeHost fake;
  fake.AddV1("memory");
  fake.AddV2({});
  EXPECT_EQ(Cgroup::OpenOn(fake.host(), Options("/c1"))->dirs().size(), 1u);
}

class Applied : public ::testing::Test {
 protected:
  void V1(const std::string& controller, const std::vector<std::string>& files) {
    fake_.AddV1(controller);
    fake_.Populate(fake_.root() + "/" + controller + "/c1", files);
  }
  void V2(const std::vector<std::string>& controllers, const std::vector<std::string>& files) {
    fake_.AddV2(controllers);
    fake_.Populate(fake_.root() + "/unified/c1", files);
  }
  absl::Status Apply(const Resources& resources) {
    return Cgroup::OpenOn(fake_.host(), Options("/c1"))->Apply(resources);
  }
  std::string V1File(const std::string& controller, const std::string& file) {
    return fake_.Read(fake_.root() + "/" + controller + "/c1/" + file);
  }
  std::string V2File(const std::string& file) {
    return fake_.Read(fake_.root() + "/unified/c1/" + file);
  }

  FakeHost fake_;
};

TEST_F(Applied, CpuV1) {
  V1("cpu", {"cpu.shares", "cpu.cfs_quota_us", "cpu.cfs_period_us"});
  Resources r;
  r.cpu.emplace();
  r.cpu->shares = 512;
  r.cpu->quota = 20000;
  r.cpu->period = 50000;
  ASSERT_TRUE(Apply(r).ok());
  EXPECT_EQ(V1File("cpu", "cpu.shares"), "512");
  EXPECT_EQ(V1File("cpu", "cpu.cfs_quota_us"), "20000");
  EXPECT_EQ(V1File("cpu", "cpu.cfs_period_us"), "50000");
}

TEST_F(Applied, CpuV2) {
  V2({"cpu"}, {"cpu.weight", "cpu.max"});
  Resources r;
  r.cpu.emplace();
  r.cpu->shares = 1024;
  r.cpu->quota = 20000;
  ASSERT_TRUE(Apply(r).ok());
  EXPECT_EQ(V2File("cpu.weight"), "39");
  EXPECT_EQ(V2File("cpu.max"), "20000 100000");
}

TEST_F(Applied, CpuV2PeriodAloneKeepsTheQuota) {
  V2({"cpu"}, {});
  fake_.Write(fake_.root() + "/unified/c1/cpu.max", "max 100000\n");
  Resources r;
  r.cpu.emplace();
  r.cpu->period = 5000;
  ASSERT_TRUE(Apply(r).ok());
  EXPECT_EQ(V2File("cpu.max"), "max 5000");
}

TEST_F(Applied, MemoryV1) {
  V1("memory", {"memory.limit_in_bytes", "memory.memsw.limit_in_bytes",
                "memory.soft_limit_in_bytes", "memory.swappiness", "memory.oom_control"});
  Resources r;
  r.memory.emplace();
  r.memory->limit = 1 << 20;
  r.memory->swap = 2 << 20;
  r.memory->reservation = 1 << 19;
  r.memory->swappiness = 7;
  r.memory->disable_oom_killer = true;
  ASSERT_TRUE(Apply(r).ok());
  EXPECT_EQ(V1File("memory", "memory.limit_in_bytes"), "1048576");
  EXPECT_EQ(V1File("memory", "memory.memsw.limit_in_bytes"), "2097152");
  EXPECT_EQ(V1File("memory", "memory.soft_limit_in_bytes"), "524288");
  EXPECT_EQ(V1File("memory", "memory.swappiness"), "7");
  EXPECT_EQ(V1File("memory", "memory.oom_control"), "1");
}

TEST_F(Applied, MemoryV1WithoutLimitIsUnlimitedWithSwap) {
  V1("memory", {"memory.limit_in_bytes", "memory.memsw.limit_in_bytes"});
  Resources r;
  r.memory.emplace();
  r.memory->limit = -1;
  ASSERT_TRUE(Apply(r).ok());
  EXPECT_EQ(V1File("memory", "memory.limit_in_bytes"), "-1");
  EXPECT_EQ(V1File("memory", "memory.memsw.limit_in_bytes"), "-1");
}

TEST_F(Applied, MemoryV2CountsSwapAlone) {
  V2({"memory"}, {"memory.max", "memory.swap.max", "memory.low"});
  Resources r;
  r.memory.emplace();
  r.memory->limit = 1 << 20;
  r.memory->swap = 3 << 20;
  r.memory->reservation = 4096;
  ASSERT_TRUE(Apply(r).ok());
  EXPECT_EQ(V2File("memory.max"), "1048576");
  EXPECT_EQ(V2File("memory.swap.max"), "2097152");
  EXPECT_EQ(V2File("memory.low"), "4096");
  r.memory->swap = 4096;
  EXPECT_EQ(Apply(r).code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(Applied, PidsBothWays) {
  V1("pids", {"pids.max"});
  Resources r;
  r.pids_limit = 42;
  ASSERT_TRUE(Apply(r).ok());
  EXPECT_EQ(V1File("pids", "pids.max"), "42");
  r.pids_limit = -1;
  ASSERT_TRUE(Apply(r).ok());
  EXPECT_EQ(V1File("pids", "pids.max"), "max");
}

TEST_F(Applied, BlockIoV1PrefersTheFilesOfBfq) {
  V1("blkio", {"blkio.bfq.weight", "blkio.throttle.read_bps_device"});
  Resources r;
  r.block_io.emplace();
  r.block_io->weight = 100;
  r.block_io->throttle_read_bps = {{.major = 8, .minor = 0, .rate = 1000}};
  ASSERT_TRUE(Apply(r).ok());
  EXPECT_EQ(V1File("blkio", "blkio.bfq.weight"), "100");
  EXPECT_EQ(V1File("blkio", "blkio.throttle.read_bps_device"), "8:0 1000");
}

TEST_F(Applied, IoV2) {
  V2({"io"}, {"io.weight", "io.max"});
  Resources r;
  r.block_io.emplace();
  r.block_io->weight = 1000;
  r.block_io->throttle_write_iops = {{.major = 8, .minor = 16, .rate = 30}};
  ASSERT_TRUE(Apply(r).ok());
  EXPECT_EQ(V2File("io.weight"), "default 10000");
  EXPECT_EQ(V2File("io.max"), "8:16 wiops=30");
}

TEST_F(Applied, HugePagesOnTheV2HalfOfAHybridMachine) {
  V1("memory", {});
  V2({"hugetlb"}, {"hugetlb.2MB.max", "hugetlb.2MB.rsvd.max"});
  Resources r;
  r.hugepage_limits = {{.page_size = "2MB", .limit = 4194304}};
  ASSERT_TRUE(Apply(r).ok());
  EXPECT_EQ(V2File("hugetlb.2MB.max"), "4194304");
  EXPECT_EQ(V2File("hugetlb.2MB.rsvd.max"), "4194304");
}

TEST_F(Applied, DevicesV1TakesTheRulesInOrder) {
  V1("devices", {"devices.allow", "devices.deny"});
  Resources r;
  r.devices.resize(2);
  r.devices[0].access = "rwm";
  r.devices[1].allow = true;
  r.devices[1].type = "c";
  r.devices[1].major = 1;
  r.devices[1].access = "rw";
  ASSERT_TRUE(Apply(r).ok());
  EXPECT_EQ(V1File("devices", "devices.deny"), "a");
  EXPECT_EQ(V1File("devices", "devices.allow"), "c 1:* rw");
  r.devices[0].major = 3;
  EXPECT_EQ(Apply(r).code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(Applied, UnifiedEntriesNeedTheirV2Controller) {
  V1("cpu", {});
  V2({"memory"}, {"memory.high"});
  Resources r;
  r.unified["memory.high"] = "12345";
  ASSERT_TRUE(Apply(r).ok());
  EXPECT_EQ(V2File("memory.high"), "12345");
  r.unified["cpu.weight"] = "3";
  const absl::Status status = Apply(r);
  EXPECT_NE(status.message().find("linux.resources.unified.cpu.weight"), std::string::npos)
      << status;
}

TEST_F(Applied, ALimitWithoutItsControllerNamesTheField) {
  V1("memory", {});
  Resources r;
  r.pids_limit = 5;
  EXPECT_NE(Apply(r).message().find("linux.resources.pids"), std::string::npos);
}

TEST_F(Applied, ZeroAsksForNothing) {
  V1("systemd", {});
  Resources r;
  r.pids_limit = 0;
  r.memory.emplace();
  r.memory->limit = 0;
  r.memory->swappiness = ~uint64_t{0};
  r.cpu.emplace();
  r.cpu->shares = 0;
  r.block_io.emplace();
  r.block_io->weight = 0;
  EXPECT_TRUE(Apply(r).ok());
}

TEST(Weights, TheEndsMeet) {
  EXPECT_EQ(WeightFromShares(2), 1u);
  EXPECT_EQ(WeightFromShares(262144), 10000u);
  EXPECT_EQ(WeightFromBlockIo(10), 1u);
  EXPECT_EQ(WeightFromBlockIo(1000), 10000u);
}

TEST(Cgroup, RemoveTakesNestedDirectoriesAndIsQuietTheSecondTime) {
  FakeHost fake;
  fake.AddV1("freezer");
  fake.Populate(fake.root() + "/freezer/c1/a/b", {});
  auto cgroup = Cgroup::OpenOn(fake.host(), Options("/c1"));
  EXPECT_TRUE(cgroup->Exists());
  EXPECT_TRUE(cgroup->Remove().ok());
  EXPECT_FALSE(cgroup->Exists());
  EXPECT_TRUE(cgroup->Remove().ok());
}

TEST(Cgroup, PidsOfNestedCgroupsAreListedOnce) {
  FakeHost fake;
  fake.AddV1("freezer");
  fake.Populate(fake.root() + "/freezer/c1/sub", {});
  fake.Write(fake.root() + "/freezer/c1/cgroup.procs", "30\n10\n");
  fake.Write(fake.root() + "/freezer/c1/sub/cgroup.procs", "20\n10\nnonsense\n-4\n");
  auto cgroup = Cgroup::OpenOn(fake.host(), Options("/c1"));
  EXPECT_EQ(cgroup->Pids(), (std::vector<pid_t>{10, 20, 30}));
}

}  // namespace
}  // namespace moat::runtime::cgroup
