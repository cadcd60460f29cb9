#include "runtime/do/overlay.h"

#include <gtest/gtest.h>

namespace moat::runtime {
namespace {

std::vector<std::string> Paths(absl::string_view mountinfo, const std::string& root = "/") {
  std::vector<std::string> paths;
  for (const HostMount& mount : MountsBelow(mountinfo, root)) paths.push_back(mount.path);
  return paths;
}

TEST(MountsBelow, LeavesOutTheRootAndWhatTheContainerHasOfItsOwn) {
  EXPECT_EQ(Paths("1 0 8:1 / / rw - ext4 /dev/a rw\n"
                  "2 1 0:2 / /proc rw - proc proc rw\n"
                  "3 1 0:3 / /sys/fs/cgroup rw - tmpfs t rw\n"
                  "4 1 0:4 / /dev rw - devtmpfs d rw\n"
                  "5 1 0:5 / /dev/shm rw - tmpfs t rw\n"
                  "6 1 8:2 / /home rw shared:1 - ext4 /dev/b rw\n"
                  "7 1 0:7 / /devices rw - ext4 /dev/c rw\n"
                  "8 1 0:8 / /auto rw - autofs a rw\n"
                  "9 1 0:9 net:[4026] /run/netns/x rw - nsfs nsfs rw\n"),
            (std::vector<std::string>{"/home", "/devices"}));
}

TEST(MountsBelow, ALaterMountCoversEarlierOnes) {
  EXPECT_EQ(Paths("1 0 8:1 / /a rw - ext4 a rw\n"
                  "2 1 8:2 / /a/b rw - ext4 b rw\n"
                  "3 1 8:3 / /ab rw - ext4 c rw\n"
                  "4 1 8:4 / /a rw - ext4 d rw\n"
                  "5 4 8:5 / /a/c\\040d rw - ext4 e rw\n"),
            (std::vector<std::string>{"/ab", "/a", "/a/c d"}));
}

TEST(MountsBelow, CountsFromAnotherRoot) {
  const char* mounts =
      "1 0 8:1 / /srv/tree rw - ext4 a rw\n"
      "2 1 8:2 / /srv/tree/proc rw - proc p rw\n"
      "3 1 8:3 / /srv/tree/home rw - ext4 c rw\n"
      "4 1 8:4 / /home rw - ext4 d rw\n";
  EXPECT_EQ(Paths(mounts, "/srv/tree"), std::vector<std::string>{"/srv/tree/home"});
}

TEST(MountsBelow, SurvivesNonsense) {
  for (const char* text : {"", " - ", "1 2 3", "1 2 3 4 5 6 - ", "\\", "a b c d \\04 f - x"}) {
    EXPECT_TRUE(Paths(text).empty()) << text;
  }
}

}  // namespace
}  // namespace moat::runtime
