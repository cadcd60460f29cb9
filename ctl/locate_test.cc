#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "ctl/client.h"

namespace moat::ctl {
namespace {

class LocateTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "/locate.XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
  }
  void TearDown() override {
    for (const int fd : listeners_) close(fd);
    std::filesystem::remove_all(root_);
  }

  // A directory with a listening control socket, as a sentry leaves it.
  std::string MakeSandbox(const std::string& id) {
    std::string directory = root_ + "/" + id;
    std::filesystem::create_directories(directory);
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string former = std::filesystem::current_path();
    EXPECT_EQ(chdir(directory.c_str()), 0);  // the path may be too long for sun_path
    std::strcpy(address.sun_path, "control.sock");
    EXPECT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_EQ(chdir(former.c_str()), 0);
    EXPECT_EQ(listen(fd, 1), 0);
    listeners_.push_back(fd);
    return directory;
  }

  std::string root_;
  std::vector<int> listeners_;
};

TEST_F(LocateTest, FindsByWholeIdAndByItsBeginning) {
  const std::string directory = MakeSandbox("0123456789abcdef");
  EXPECT_EQ(FindSandbox({root_}, "0123456789abcdef").value(), directory);
  EXPECT_EQ(FindSandbox({"/nowhere", root_}, "0123").value(), directory);
}

TEST_F(LocateTest, AWholeIdWinsOverABeginning) {
  const std::string directory = MakeSandbox("web");
  MakeSandbox("web2");
  EXPECT_EQ(FindSandbox({root_}, "web").value(), directory);
  const auto ambiguous = FindSandbox({root_}, "we");
  EXPECT_EQ(ambiguous.status().message(), "\"we\" is the beginning of 2 ids; give more of it");
}

TEST_F(LocateTest, ADirectoryWithoutControlSocketIsNoSandbox) {
  std::filesystem::create_directories(root_ + "/runc-container");
  const auto status = FindSandbox({root_}, "runc-container").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(status.message(), "no such sandbox below " + root_ + ": runc-container");
}

TEST_F(LocateTest, WhatIsNotAnIdIsRefused) {
  for (const char* bad : {"", "..", "a/b", "*", "-x", "a b"}) {
    EXPECT_EQ(FindSandbox({root_}, bad).status().code(), absl::StatusCode::kInvalidArgument) << bad;
  }
}

TEST_F(LocateTest, ConnectsThroughALongPath) {
  const std::string directory = MakeSandbox(std::string(120, 'x'));
  const absl::StatusOr<int> fd = ConnectControlSocket(directory);
  ASSERT_TRUE(fd.ok()) << fd.status();
  close(*fd);
}

TEST_F(LocateTest, ASocketWithoutSentryHasEnded) {
  const std::string directory = MakeSandbox("dead");
  close(listeners_.back());
  listeners_.pop_back();
  EXPECT_EQ(ConnectControlSocket(directory).status().message(), "the sandbox has ended");
}

TEST_F(LocateTest, RootIsTheOnlyPlaceWhenGiven) {
  EXPECT_EQ(StateRoots("/x"), std::vector<std::string>{"/x"});
}

}  // namespace
}  // namespace moat::ctl
