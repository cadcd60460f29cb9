#include "runtime/cgroup/hierarchy.h"

#include <gtest/gtest.h>

#include "runtime/cgroup/fake_host.h"

namespace moat::runtime::cgroup {
namespace {

TEST(ParseHost, LegacyWithSharedControllersAndANamedHierarchy) {
  const Host host = ParseHost(
      "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
      "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
      "40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup "
      "rw,xattr,release_agent=/x,name=systemd\n",
      "2:cpu,cpuacct:/user.slice\n1:name=systemd:/user.slice/s\n");
  ASSERT_EQ(host.hierarchies.size(), 2u);
  EXPECT_EQ(host.mode(), Mode::kLegacy);
  EXPECT_EQ(host.hierarchies[0].controllers, (std::vector<std::string>{"cpu", "cpuacct"}));
  EXPECT_EQ(host.hierarchies[0].own_path, "/user.slice");
  EXPECT_EQ(host.hierarchies[0].Name(), "cpu,cpuacct");
  EXPECT_EQ(host.hierarchies[1].Name(), "systemd");
  EXPECT_EQ(host.hierarchies[1].own_path, "/user.slice/s");
}

TEST(ParseHost, UnifiedReadsItsControllersFromTheMount) {
  FakeHost fake;
  const Hierarchy v2 = fake.AddV2({"cpu", "memory", "pids"});
  const Host host =
      ParseHost("30 1 0:26 / " + v2.mount_point + " rw - cgroup2 cgroup2 rw\n", "0::/init.scope\n");
  ASSERT_EQ(host.hierarchies.size(), 1u);
  EXPECT_EQ(host.mode(), Mode::kUnified);
  EXPECT_EQ(host.hierarchies[0].controllers, v2.controllers);
  EXPECT_EQ(host.hierarchies[0].own_path, "/init.scope");
}

TEST(ParseHost, HybridIsBothAndTheFirstOfTwoEqualMountsCounts) {
  const Host host = ParseHost(
      "1 0 0:1 /docker/x /a/memory rw - cgroup cgroup rw,memory\n"
      "2 0 0:1 / /b/memory rw - cgroup cgroup rw,memory\n"
      "3 0 0:2 / /nowhere/unified rw - cgroup2 cgroup2 rw\n",
      "3:memory:/docker/x\n0::/\n");
  EXPECT_EQ(host.mode(), Mode::kHybrid);
  ASSERT_EQ(host.hierarchies.size(), 2u);
  EXPECT_EQ(host.hierarchies[0].mount_point, "/a/memory");
  EXPECT_EQ(host.hierarchies[0].mount_root, "/docker/x");
  EXPECT_TRUE(host.hierarchies[1].controllers.empty());
}

TEST(ParseHost, UnescapesMountPoints) {
  const Host host = ParseHost("1 0 0:1 / /a\\040b rw - cgroup cgroup rw,pids\n", "");
  ASSERT_EQ(host.hierarchies.size(), 1u);
  EXPECT_EQ(host.hierarchies[0].mount_point, "/a b");
}

TEST(ParseHost, LeavesOutWhatMakesNoSense) {
  for (const char* text : {"", "\n\n", "- cgroup", "1 2 3 4 5 6 - cgroup", " - ", "cgroup cgroup2",
                           "1 0 0:1 / /x rw - cgroup cgroup rw"}) {
    EXPECT_TRUE(ParseHost(text, "::::\n:\n0:\n").hierarchies.empty()) << text;
  }
}

TEST(DiscoverHost, ReadsThisMachine) {
  const absl::StatusOr<Host> host = DiscoverHost();
  EXPECT_TRUE(host.ok()) << host.status();
}

}  // namespace
}  // namespace moat::runtime::cgroup
