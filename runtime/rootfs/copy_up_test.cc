#include "runtime/rootfs/copy_up.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "base/owned_fd.h"

namespace moat::runtime {
namespace {

std::string MakeTemporary() {
  std::string name = testing::TempDir() + "/copy_up.XXXXXX";
  return mkdtemp(name.data());
}

TEST(CopyUp, TakesFilesDirectoriesAndLinksAsTheyAre) {
  const std::string from = MakeTemporary(), to = MakeTemporary();
  ASSERT_EQ(mkdir((from + "/d").c_str(), 0700), 0);
  const int file = open((from + "/d/f").c_str(), O_CREAT | O_WRONLY, 0600);
  ASSERT_EQ(write(file, "hello", 5), 5);
  close(file);
  ASSERT_EQ(chmod((from + "/d/f").c_str(), 04751), 0);
  ASSERT_EQ(symlink("/etc/shadow", (from + "/l").c_str()), 0);
  ASSERT_EQ(mkfifo((from + "/p").c_str(), 0600), 0);

  OwnedFd source(open(from.c_str(), O_PATH | O_DIRECTORY));
  OwnedFd target(open(to.c_str(), O_PATH | O_DIRECTORY));
  ASSERT_TRUE(CopyUp(source.get(), target.get()).ok());

  struct stat info;
  ASSERT_EQ(stat((to + "/d/f").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 04751u);
  EXPECT_EQ(info.st_size, 5);
  ASSERT_EQ(stat((to + "/d").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0700u);
  char link[64] = {};
  ASSERT_GT(readlink((to + "/l").c_str(), link, sizeof link), 0);
  EXPECT_STREQ(link, "/etc/shadow");
  EXPECT_NE(access((to + "/p").c_str(), F_OK), 0) << "other kinds are left out";
}

}  // namespace
}  // namespace moat::runtime
