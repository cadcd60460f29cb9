#include "runtime/rootfs/in_root.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

namespace moat::runtime {
namespace {

// A directory "outside" and in it the root, from which nothing must lead to "outside".
class InRoot : public testing::Test {
 protected:
  InRoot() {
    std::string name = testing::TempDir() + "/in_root.XXXXXX";
    outside_ = mkdtemp(name.data());
    path_ = outside_ + "/root";
    mkdir(path_.c_str(), 0755);
    mkdir((outside_ + "/secret").c_str(), 0755);
    root_.reset(open(path_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  }

  void Link(const std::string& target, const std::string& name) {
    ASSERT_EQ(symlink(target.c_str(), (path_ + name).c_str()), 0);
  }
  bool Exists(const std::string& name) { return access(name.c_str(), F_OK) == 0; }
  int root() const { return root_.get(); }

  std::string outside_, path_;
  OwnedFd root_;
};

TEST_F(InRoot, MakesWhatIsMissing) {
  ASSERT_TRUE(MakeDirectoryInRoot(root(), "/a/b/c").ok());
  ASSERT_TRUE(MakeFileInRoot(root(), "d/e").ok());
  EXPECT_TRUE(Exists(path_ + "/a/b/c"));
  EXPECT_TRUE(Exists(path_ + "/d/e"));
}

TEST_F(InRoot, TakesWhatIsThere) {
  ASSERT_EQ(mkdir((path_ + "/a").c_str(), 0700), 0);
  EXPECT_TRUE(MakeDirectoryInRoot(root(), "/a").ok());
  EXPECT_TRUE(MakeDirectoryInRoot(root(), "/").ok());
}

TEST_F(InRoot, DotsDoNotClimbOut) {
  ASSERT_TRUE(MakeDirectoryInRoot(root(), "/../../made").ok());
  EXPECT_TRUE(Exists(path_ + "/made"));
  EXPECT_FALSE(Exists(outside_ + "/made"));
}

TEST_F(InRoot, AnAbsoluteLinkStaysInside) {
  Link(outside_ + "/secret", "/link");
  ASSERT_TRUE(MakeDirectoryInRoot(root(), "/link/x").ok());
  EXPECT_FALSE(Exists(outside_ + "/secret/x"));
  EXPECT_TRUE(Exists(path_ + outside_ + "/secret/x"));
}

TEST_F(InRoot, ARelativeLinkStaysInside) {
  Link("../../../secret", "/link");
  ASSERT_TRUE(MakeDirectoryInRoot(root(), "/link/x").ok());
  EXPECT_FALSE(Exists(outside_ + "/secret/x"));
  EXPECT_TRUE(Exists(path_ + "/secret/x"));
}

TEST_F(InRoot, ADanglingLinkIsFollowedInside) {
  Link("/no/where", "/link");
  ASSERT_TRUE(MakeFileInRoot(root(), "/link").ok());
  EXPECT_TRUE(Exists(path_ + "/no/where"));
}

TEST_F(InRoot, LinksInACircleAreAnError) {
  Link("/b", "/a");
  Link("/a", "/b");
  EXPECT_FALSE(MakeDirectoryInRoot(root(), "/a").ok());
  EXPECT_FALSE(MakeDirectoryInRoot(root(), "/a/b/c").ok());
}

TEST_F(InRoot, AFileIsNoDirectory) {
  ASSERT_TRUE(MakeFileInRoot(root(), "/f").ok());
  EXPECT_FALSE(MakeDirectoryInRoot(root(), "/f").ok());
  EXPECT_FALSE(MakeDirectoryInRoot(root(), "/f/g").ok());
}

TEST_F(InRoot, APathWithoutEndIsAnError) {
  std::string path;
  for (int i = 0; i < 2000; ++i) path += "/x";
  EXPECT_FALSE(MakeDirectoryInRoot(root(), path).ok());
}

TEST_F(InRoot, MissingIsNotFound) {
  EXPECT_TRUE(absl::IsNotFound(OpenInRoot(root(), "/nope", O_PATH).status()));
}

TEST_F(InRoot, ParentAndName) {
  std::string name;
  ASSERT_TRUE(MakeParentInRoot(root(), "/dev/fuse/", &name).ok());
  EXPECT_EQ(name, "fuse");
  EXPECT_TRUE(Exists(path_ + "/dev"));
  EXPECT_FALSE(MakeParentInRoot(root(), "/", &name).ok());
  EXPECT_FALSE(MakeParentInRoot(root(), "/dev/..", &name).ok());
}

}  // namespace
}  // namespace moat::runtime
