#include "runtime/mountinfo/mountinfo.h"

#include <gtest/gtest.h>

namespace moat::runtime {
namespace {

TEST(Mountinfo, ReadsWholeLinesInOrder) {
  const auto entries = ParseMountinfo(
      "1 0 8:1 / / rw - ext4 /dev/a rw\n"
      "2 1 0:2 /sub /a\\040b\\134 rw shared:1 master:2 - cgroup cgroup rw,cpu,cpuacct\n"
      "3 1 0:3 / /cut rw - tmpfs\n"
      "4 1 0:4\n");
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].mount_point, "/");
  EXPECT_EQ(entries[0].type, "ext4");
  EXPECT_EQ(entries[1].root, "/sub");
  EXPECT_EQ(entries[1].mount_point, "/a b\\");
  EXPECT_EQ(entries[1].type, "cgroup");
  EXPECT_EQ(entries[1].super_options, "rw,cpu,cpuacct");
  EXPECT_TRUE(ParseMountinfo("").empty());
}

TEST(Mountinfo, WhatIsNoEscapeStays) {
  const auto entries = ParseMountinfo("1 0 8:1 / /a\\08x\\1 rw - ext4 s rw");
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].mount_point, "/a\\08x\\1");
}

}  // namespace
}  // namespace moat::runtime
