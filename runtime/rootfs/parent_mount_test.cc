#include "runtime/rootfs/parent_mount.h"

#include <gtest/gtest.h>

namespace moat::runtime {
namespace {

constexpr char kMountinfo[] =
    "20 1 8:1 / / rw - ext4 /dev/a rw\n"
    "21 20 0:5 / /a rw shared:1 - tmpfs tmpfs rw\n"
    "22 21 0:6 / /a/b\\040c rw - tmpfs tmpfs rw\n"
    "garbage\n";

TEST(LongestMountPoint, IsTheInnermostOne) {
  EXPECT_EQ(LongestMountPoint(kMountinfo, "/a/x/y"), "/a");
  EXPECT_EQ(LongestMountPoint(kMountinfo, "/a"), "/a");
  EXPECT_EQ(LongestMountPoint(kMountinfo, "/ab"), "/");
  EXPECT_EQ(LongestMountPoint(kMountinfo, "/a/b c/d"), "/a/b c");
  EXPECT_EQ(LongestMountPoint("", "/x"), "/");
}

}  // namespace
}  // namespace moat::runtime
