#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "runtime/process/capabilities.h"
#include "runtime/process/find_executable.h"
#include "runtime/process/sysctl.h"
#include "runtime/process/user.h"
#include "runtime/verb.h"

namespace moat::runtime {
namespace {

class FindExecutableTest : public testing::Test {
 protected:
  FindExecutableTest() {
    std::string name = testing::TempDir() + "/bin.XXXXXX";
    dir_ = mkdtemp(name.data());
    Make("program", 0755);
    Make("data", 0644);
    mkdir((dir_ + "/directory").c_str(), 0755);
  }
  void Make(const char* name, mode_t mode) {
    close(open((dir_ + "/" + name).c_str(), O_CREAT | O_WRONLY, mode));
  }
  std::string dir_;
};

// What Docker and containerd look for in messages; the exit code is a shell's.
TEST_F(FindExecutableTest, InPath) {
  EXPECT_EQ(*FindExecutable("program", "/nonexistent:" + dir_), dir_ + "/program");
  absl::Status status = FindExecutable("nope", dir_).status();
  EXPECT_EQ(status.message(), "exec: \"nope\": executable file not found in $PATH");
  EXPECT_EQ(ExitCodeOf(status, 0), 127);
  status = FindExecutable("data", dir_).status();
  EXPECT_EQ(status.message(), "exec: \"data\": permission denied");
  EXPECT_EQ(ExitCodeOf(status, 0), 126);
  EXPECT_EQ(ExitCodeOf(FindExecutable("directory", dir_).status(), 0), 127);
}

TEST_F(FindExecutableTest, WithASlash) {
  EXPECT_EQ(*FindExecutable(dir_ + "/program", ""), dir_ + "/program");
  EXPECT_EQ(FindExecutable("/nope/x", "").status().message(),
            "exec: \"/nope/x\": stat /nope/x: no such file or directory");
  EXPECT_EQ(ExitCodeOf(FindExecutable("/nope/x", "").status(), 0), 127);
  EXPECT_EQ(ExitCodeOf(FindExecutable(dir_ + "/data", "").status(), 0), 126);
  EXPECT_EQ(ExitCodeOf(FindExecutable(dir_ + "/directory", "").status(), 0), 126);
}

TEST(ExecError, HasTheShellsCode) {
  EXPECT_EQ(ExecError("/a", ENOEXEC).message(), "exec /a: exec format error");
  EXPECT_EQ(ExitCodeOf(ExecError("/a", ENOEXEC), 0), 126);
  EXPECT_EQ(ExitCodeOf(ExecError("/a", ENOENT), 0), 127);
}

TEST(FindEnv, TheLastOneCounts) {
  EXPECT_EQ(FindEnv({"A=1", "AB=2", "A=3"}, "A"), "3");
  EXPECT_EQ(FindEnv({"AB=2"}, "A"), "");
}

TEST(SysctlPath, DotsAndSlashesChangePlaces) {
  EXPECT_EQ(SysctlPath("net.ipv4.ip_forward"), "sys/net/ipv4/ip_forward");
  EXPECT_EQ(SysctlPath("net/ipv4/conf/eth0.1/forwarding"), "sys/net/ipv4/conf/eth0.1/forwarding");
  EXPECT_EQ(SysctlPath("net.ipv4.conf.eth0/1.forwarding"), "sys/net/ipv4/conf/eth0.1/forwarding");
}

TEST(NetworkSysctls, AreThoseOfNet) {
  EXPECT_EQ(NetworkSysctls({{"net.a", "1"}, {"net/b", "2"}, {"kernel.x", "3"}}).size(), 2u);
}

TEST(HomeOf, FindsTheUser) {
  constexpr char kPasswd[] = "root:x:0:0:r:/root:/bin/sh\nbad\nu:x:5:5::/home/u:/bin/sh\n";
  EXPECT_EQ(HomeOf(kPasswd, 5), "/home/u");
  EXPECT_EQ(HomeOf(kPasswd, 0), "/root");
  EXPECT_EQ(HomeOf(kPasswd, 6), "");
  EXPECT_EQ(HomeOf("", 0), "");
}

TEST(Capabilities, NumbersAreTheKernels) {
  EXPECT_EQ(CapabilityNumber("CAP_CHOWN"), 0);
  EXPECT_EQ(CapabilityNumber("CAP_NET_RAW"), 13);
  EXPECT_EQ(CapabilityNumber("CAP_SYS_ADMIN"), 21);
  EXPECT_EQ(CapabilityNumber("CAP_CHECKPOINT_RESTORE"), 40);
  EXPECT_EQ(CapabilityNumber("CAP_NOPE"), -1);
}

TEST(Capabilities, UnknownNamesAreLeftOut) {
  Capabilities names;
  names.bounding = {"CAP_CHOWN", "CAP_NOPE"};
  names.ambient = {"CAP_KILL"};
  std::vector<std::string> unknown;
  const CapabilitySets sets = ToCapabilitySets(names, &unknown);
  EXPECT_EQ(sets.bounding, 1u);
  EXPECT_EQ(sets.ambient, 1u << 5);
  EXPECT_EQ(sets.effective, 0u);
  EXPECT_EQ(unknown, std::vector<std::string>{"CAP_NOPE"});
}

}  // namespace
}  // namespace moat::runtime
