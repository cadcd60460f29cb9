#include "runtime/install/install.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "runtime/install/reload.h"

namespace moat::runtime {
namespace {

namespace fs = std::filesystem;

class InstallTest : public ::testing::Test {
 protected:
  InstallTest() {
    std::string name = absl::StrCat(::testing::TempDir(), "/install-XXXXXX");
    root_ = ::mkdtemp(name.data());
    fs::create_directories(root_ + "/docker");
    fs::create_directories(root_ + "/containerd");
    options_.docker_config = root_ + "/docker/daemon.json";
    options_.containerd_config = root_ + "/containerd/config.toml";
    options_.binary = "/bin/sh";
  }
  ~InstallTest() override { fs::remove_all(root_); }

  void Write(const std::string& path, const std::string& text) { std::ofstream(path) << text; }
  std::string Read(const std::string& path) {
    std::ostringstream out;
    out << std::ifstream(path).rdbuf();
    return out.str();
  }
  size_t FileCount() {
    size_t n = 0;
    for (const auto& entry : fs::recursive_directory_iterator(root_)) n += entry.is_regular_file();
    return n;
  }

  std::string root_;
  InstallOptions options_;
};

TEST_F(InstallTest, NewFilesAppearAndGoAgain) {
  ASSERT_TRUE(Install(options_).ok());
  EXPECT_NE(Read(options_.docker_config).find("/bin/sh"), std::string::npos);
  EXPECT_NE(Read(options_.containerd_config).find("version = 2"), std::string::npos);
  ASSERT_TRUE(Install(options_).ok()) << "a second time";
  ASSERT_TRUE(Uninstall(options_).ok());
  EXPECT_EQ(FileCount(), 0u);
}

TEST_F(InstallTest, ExistingFilesComeBackByteForByteWithTheirMode) {
  const std::string json = "{ \"debug\" : true ,\n\n \"hosts\":[]}";
  const std::string toml = "version=2\n[grpc]\n  uid = 0";  // no newline at the end
  Write(options_.docker_config, json);
  Write(options_.containerd_config, toml);
  ASSERT_EQ(::chmod(options_.docker_config.c_str(), 0600), 0);
  ASSERT_TRUE(Install(options_).ok());
  struct stat st;
  ASSERT_EQ(::stat(options_.docker_config.c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777, 0600u);
  EXPECT_NE(Read(options_.docker_config), json);
  ASSERT_TRUE(Uninstall(options_).ok());
  EXPECT_EQ(Read(options_.docker_config), json);
  EXPECT_EQ(Read(options_.containerd_config), toml);
  EXPECT_EQ(FileCount(), 2u);
}

TEST_F(InstallTest, ChangesOfOthersSinceThenAreKept) {
  Write(options_.docker_config, "{\"debug\": true}");
  ASSERT_TRUE(Install(options_).ok());
  std::string changed = Read(options_.docker_config);
  changed.replace(changed.find("true"), 4, "false");
  Write(options_.docker_config, changed);
  ASSERT_TRUE(Uninstall(options_).ok());
  const std::string after = Read(options_.docker_config);
  EXPECT_NE(after.find("false"), std::string::npos);
  EXPECT_EQ(after.find("moat"), std::string::npos);
}

TEST_F(InstallTest, ABrokenFileStopsEverythingAndNothingIsLost) {
  Write(options_.docker_config, "{\"debug\": true");
  absl::Status status = Install(options_);
  EXPECT_NE(status.message().find("daemon.json: not valid JSON at byte"), std::string::npos)
      << status;
  EXPECT_EQ(Read(options_.docker_config), "{\"debug\": true");
  Write(options_.docker_config, "{\"debug\": true}");
  Write(options_.containerd_config, "version = 2\nx = [\n");
  status = Install(options_);
  EXPECT_NE(status.message().find("config.toml: line 2"), std::string::npos) << status;
  EXPECT_EQ(Read(options_.docker_config), "{\"debug\": true}")
      << "the first edit was not taken back";
  EXPECT_EQ(FileCount(), 2u);
}

TEST_F(InstallTest, WhatIsNotInstalledIsLeftAloneUnlessNamed) {
  fs::remove_all(root_ + "/containerd");
  ASSERT_TRUE(Install(options_).ok());
  EXPECT_FALSE(fs::exists(options_.containerd_config));
  options_.containerd_named = true;
  ASSERT_TRUE(Install(options_).ok());
  EXPECT_TRUE(fs::exists(options_.containerd_config));
  ASSERT_TRUE(Uninstall(options_).ok());
  EXPECT_EQ(FileCount(), 0u);
}

TEST_F(InstallTest, ALinkIsFollowed) {
  Write(root_ + "/real.json", "{}");
  fs::create_symlink(root_ + "/real.json", options_.docker_config);
  ASSERT_TRUE(Install(options_).ok());
  EXPECT_TRUE(fs::is_symlink(options_.docker_config));
  EXPECT_NE(Read(root_ + "/real.json").find("moat"), std::string::npos);
}

TEST_F(InstallTest, BadArgumentsAreNamed) {
  options_.binary = "/no/such/file";
  EXPECT_NE(Install(options_).message().find("--binary /no/such/file"), std::string::npos);
  options_.binary = "sh";
  EXPECT_NE(Install(options_).message().find("absolute"), std::string::npos);
  options_.binary = "/bin/sh";
  options_.runtime_name = "a b";
  EXPECT_NE(Install(options_).message().find("--runtime-name"), std::string::npos);
  EXPECT_EQ(FileCount(), 0u);
}

TEST_F(InstallTest, ReloadSignalsNobodyButDockerd) {
  EXPECT_EQ(ReloadDocker(root_ + "/none").code(), absl::StatusCode::kNotFound);
  Write(root_ + "/pid", absl::StrCat(::getpid()));
  EXPECT_EQ(ReloadDocker(root_ + "/pid").code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace moat::runtime
