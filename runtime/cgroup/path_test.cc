#include "runtime/cgroup/path.h"

#include <gtest/gtest.h>

namespace moat::runtime::cgroup {
namespace {

Hierarchy V1(const std::string& own, const std::string& root = "/") {
  return {.version = Version::kV1,
          .controllers = {"memory"},
          .mount_point = "/cg/memory",
          .mount_root = root,
          .own_path = own};
}

Hierarchy V2(const std::string& own) {
  return {.version = Version::kV2,
          .controllers = {"memory"},
          .mount_point = "/cg",
          .mount_root = "/",
          .own_path = own};
}

std::string Fs(const Hierarchy& hierarchy, const std::string& path) {
  const auto name = NameFromCgroupsPath(path, "c1");
  return name.ok() ? DirectoryIn(hierarchy, *name) : std::string(name.status().message());
}

TEST(CgroupsPath, AbsoluteIsBelowTheMountPoint) {
  EXPECT_EQ(Fs(V1("/user"), "/docker/abc"), "/cg/memory/docker/abc");
  EXPECT_EQ(Fs(V2("/user"), "/docker/abc"), "/cg/docker/abc");
}

TEST(CgroupsPath, RelativeOrNoneIsBelowTheOwnCgroupOnV1AndBesideItOnV2) {
  EXPECT_EQ(Fs(V1("/user"), "a/b"), "/cg/memory/user/a/b");
  EXPECT_EQ(Fs(V1("/user"), ""), "/cg/memory/user/c1");
  EXPECT_EQ(Fs(V2("/user/shell"), "a"), "/cg/user/a");
  EXPECT_EQ(Fs(V2("/"), ""), "/cg/c1");
}

TEST(CgroupsPath, OwnPathCountsFromTheMountedSubtree) {
  EXPECT_EQ(Fs(V1("/docker/x/sub", "/docker/x"), "c"), "/cg/memory/sub/c");
  EXPECT_EQ(Fs(V1("/docker/x", "/docker/x"), "c"), "/cg/memory/c");
}

TEST(CgroupsPath, NothingLeadsAboveTheHierarchy) {
  EXPECT_EQ(Fs(V1("/user"), "/../../etc/x"), "/cg/memory/etc/x");
  EXPECT_EQ(Fs(V1("/user"), "../../../x"), "/cg/memory/user/x");
}

TEST(CgroupsPath, TheRootCgroupIsRefused) {
  for (const char* path : {"/", "//", "/..", ".", "a/.."}) {
    EXPECT_FALSE(NameFromCgroupsPath(path, "c1").ok()) << path;
  }
  EXPECT_FALSE(NameFromCgroupsPath(std::string("a\0b", 3), "c1").ok());
}

TEST(SystemdPath, MapsSlicePrefixAndName) {
  EXPECT_EQ(NameFromSystemdPath("user-1000.slice:docker:abc", "c1")->path,
            "user.slice/user-1000.slice/docker-abc.scope");
  EXPECT_EQ(NameFromSystemdPath(":docker:abc", "c1")->path, "system.slice/docker-abc.scope");
  EXPECT_EQ(NameFromSystemdPath("-.slice::abc", "c1")->path, "abc.scope");
  EXPECT_EQ(NameFromSystemdPath("a.slice::pod.slice", "c1")->path, "a.slice/pod.slice");
  EXPECT_EQ(NameFromSystemdPath("", "c1")->path, "system.slice/moat-c1.scope");
}

TEST(SystemdPath, RefusesOtherShapes) {
  for (const char* path :
       {"/docker/abc", "a.slice:b", "a.slice:b:c:d", "nosuffix:b:c", ".slice:b:c", "a--b.slice:x:y",
        "a.slice:b:", "a.slice:b:c/../d", "x/y.slice:b:c"}) {
    EXPECT_FALSE(NameFromSystemdPath(path, "c1").ok()) << path;
  }
}

}  // namespace
}  // namespace moat::runtime::cgroup
