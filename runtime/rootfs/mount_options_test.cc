#include "runtime/rootfs/mount_options.h"

#include <gtest/gtest.h>
#include <sys/mount.h>

namespace moat::runtime {
namespace {

MountOptions Parse(const std::vector<std::string>& words) {
  absl::StatusOr<MountOptions> options = ParseMountOptions(words, "mounts[0].options");
  EXPECT_TRUE(options.ok()) << options.status();
  return options.value_or(MountOptions());
}

TEST(MountOptions, WordsBecomeAttributes) {
  EXPECT_EQ(Parse({"ro", "nosuid", "nodev", "noexec"}).attr_set,
            uint64_t{MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC});
}

TEST(MountOptions, TheLastWordCounts) {
  EXPECT_EQ(Parse({"ro", "rw"}).attr_set, 0u);
  EXPECT_EQ(Parse({"rw", "ro"}).attr_set, uint64_t{MOUNT_ATTR_RDONLY});
}

TEST(MountOptions, AccessTimesAreOneField) {
  const MountOptions options = Parse({"noatime", "strictatime"});
  EXPECT_EQ(options.attr_set, uint64_t{MOUNT_ATTR_STRICTATIME});
  // mount_setattr(2) takes a new mode only together with the whole field cleared.
  EXPECT_EQ(options.attr_clear, uint64_t{MOUNT_ATTR__ATIME});
}

TEST(MountOptions, AnRInFrontMeansAllMountsBelow) {
  const MountOptions options = Parse({"rbind", "rro", "rprivate"});
  EXPECT_TRUE(options.recursive_bind);
  EXPECT_EQ(options.recursive_set, uint64_t{MOUNT_ATTR_RDONLY});
  EXPECT_EQ(options.attr_set, 0u);
  EXPECT_EQ(options.propagation, uint64_t{MS_PRIVATE});
  EXPECT_TRUE(options.recursive_propagation);
}

TEST(MountOptions, TheRestIsTheFileSystems) {
  const MountOptions options = Parse({"size=65536k", "mode=755", "sync", "defaults", ""});
  EXPECT_EQ(options.data, (std::vector<std::string>{"size=65536k", "mode=755"}));
  EXPECT_EQ(options.super_flags, std::vector<std::string>{"sync"});
}

TEST(MountOptions, WhatIsNotSupportedIsNamed) {
  EXPECT_EQ(ParseMountOptions({"bind", "idmap"}, "mounts[2].options").status().message(),
            "config.json: mounts[2].options: \"idmap\" is not supported");
}

TEST(Propagation, KnowsAllEight) {
  bool recursive = false;
  EXPECT_EQ(PropagationFlag("rslave", &recursive), uint64_t{MS_SLAVE});
  EXPECT_TRUE(recursive);
  EXPECT_EQ(PropagationFlag("shared", &recursive), uint64_t{MS_SHARED});
  EXPECT_FALSE(recursive);
  EXPECT_EQ(PropagationFlag("", &recursive), 0u);
  EXPECT_EQ(PropagationFlag("rw", &recursive), 0u);
}

}  // namespace
}  // namespace moat::runtime
