// Against the machine's own cgroup file systems, as root.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/cgroup/default_devices.h"
#include "runtime/cgroup/device_program.h"
#include "runtime/cgroup/oom_watch.h"
#include "runtime/cgroup/stats.h"

namespace moat::runtime::cgroup {
namespace {

// A child that waits for the end of a pipe.
class Child {
 public:
  explicit Child(void (*body)() = nullptr) {
    if (::pipe2(pipe_, O_CLOEXEC) != 0) ::abort();
    pid_ = ::fork();
    if (pid_ != 0) return;
    ::close(pipe_[1]);
    char byte;
    if (::read(pipe_[0], &byte, 1) == 1 && body != nullptr) body();
    ::_exit(0);
  }
  ~Child() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    ::close(pipe_[0]);
    ::close(pipe_[1]);
  }
  void Go() const { EXPECT_EQ(::write(pipe_[1], "x", 1), 1); }
  pid_t pid() const { return pid_; }

 private:
  int pipe_[2];
  pid_t pid_;
};

class RealCgroup : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(::geteuid(), 0u) << "this test runs as root";
    const std::string name = absl::StrCat("moat-test-", ::getpid());
    auto opened = Cgroup::Open({.cgroups_path = "/" + name, .id = name});
    ASSERT_TRUE(opened.ok()) << opened.status();
    cgroup_.emplace(*std::move(opened));
    const absl::Status created = cgroup_->Create();
    ASSERT_TRUE(created.ok()) << created;
  }
  void TearDown() override {
    if (!cgroup_.has_value()) return;
    const absl::Status killed = cgroup_->Kill(SIGKILL);
    EXPECT_TRUE(killed.ok()) << killed;
    const absl::Status removed = cgroup_->Remove();
    EXPECT_TRUE(removed.ok()) << removed;
    EXPECT_FALSE(cgroup_->Exists());
  }

  std::optional<Cgroup> cgroup_;
};

TEST_F(RealCgroup, LimitsJoinFreezeStatsKill) {
  Resources r;
  r.cpu.emplace();
  r.cpu->shares = 512;
  r.cpu->quota = 50000;
  r.cpu->period = 100000;
  r.cpu->cpus = "0";
  r.memory.emplace();
  r.memory->limit = 64 << 20;
  r.memory->swap = 64 << 20;
  r.pids_limit = 20;
  r.devices.resize(1);
  r.devices[0].access = "rwm";
  AddDefaultDevices(&r);
  absl::Status status = cgroup_->Apply(r);
  ASSERT_TRUE(status.ok()) << status;
  r.memory->limit = 128 << 20;  // growing and shrinking need different orders
  r.memory->swap = 256 << 20;
  ASSERT_TRUE((status = cgroup_->Apply(r)).ok()) << status;
  r.memory->limit = 32 << 20;
  r.memory->swap = 32 << 20;
  ASSERT_TRUE((status = cgroup_->Apply(r)).ok()) << status;

  Child child;
  ASSERT_TRUE((status = cgroup_->Join(child.pid())).ok()) << status;
  EXPECT_EQ(cgroup_->Pids(), std::vector<pid_t>{child.pid()});
  ASSERT_TRUE((status = cgroup_->Freeze()).ok()) << status;
  EXPECT_TRUE(cgroup_->Frozen().value());
  ASSERT_TRUE((status = cgroup_->Thaw()).ok()) << status;
  EXPECT_FALSE(cgroup_->Frozen().value());
  const nlohmann::json stats = ReadStats(*cgroup_);
  EXPECT_EQ(stats["memory"]["usage"]["limit"], 32 << 20) << stats.dump(2);
  EXPECT_EQ(stats["pids"]["current"], 1);
  EXPECT_EQ(stats["pids"]["limit"], 20);

  ASSERT_TRUE(cgroup_->Freeze().ok());  // killing must work on a frozen container too
  ASSERT_TRUE((status = cgroup_->Kill(SIGKILL)).ok()) << status;
  int wait_status = 0;
  EXPECT_EQ(::waitpid(child.pid(), &wait_status, 0), child.pid());
  EXPECT_TRUE(WIFSIGNALED(wait_status));
}

TEST_F(RealCgroup, TheStateFileFindsItAgain) {
  auto again = Cgroup::FromJson(cgroup_->ToJson());
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_TRUE(again->Exists());
}

TEST_F(RealCgroup, ASecondContainerOfTheSamePathIsRefused) {
  Child child;
  ASSERT_TRUE(cgroup_->Join(child.pid()).ok());
  const std::string name = absl::StrCat("moat-test-", ::getpid());
  auto second = Cgroup::Open({.cgroups_path = "/" + name, .id = name});
  EXPECT_EQ(second->Create().code(), absl::StatusCode::kAlreadyExists);
}

TEST_F(RealCgroup, OutOfMemoryIsReported) {
  Resources r;
  r.memory.emplace();
  r.memory->limit = 8 << 20;
  r.memory->swap = 8 << 20;
  ASSERT_TRUE(cgroup_->Apply(r).ok());
  auto watch = OomWatch::Start(*cgroup_);
  ASSERT_TRUE(watch.ok()) << watch.status();
  Child child(+[] {
    for (int i = 0; i < 64; ++i) {
      auto* block = static_cast<volatile char*>(::malloc(1 << 20));
      for (size_t at = 0; at < (1 << 20); at += 512) block[at] = 1;
    }
  });
  ASSERT_TRUE(cgroup_->Join(child.pid()).ok());
  child.Go();
  int wait_status = 0;
  ASSERT_EQ(::waitpid(child.pid(), &wait_status, 0), child.pid());
  EXPECT_TRUE(WIFSIGNALED(wait_status) && WTERMSIG(wait_status) == SIGKILL) << wait_status;
  EXPECT_TRUE(watch->Poll().oom);
}

// The v2 device program works on any v2 hierarchy, also that of a hybrid machine.
TEST(RealDeviceProgram, TheKernelTakesAndObeysIt) {
  const auto host = DiscoverHost();
  ASSERT_TRUE(host.ok());
  for (const Hierarchy& hierarchy : host->hierarchies) {
    if (hierarchy.version != Version::kV2) continue;
    const std::string path = absl::StrCat(hierarchy.mount_point, "/moat-bpf-", ::getpid());
    ASSERT_EQ(::mkdir(path.c_str(), 0755), 0);
    Resources r;
    AddDefaultDevices(&r);
    absl::Status status = AttachDeviceProgram(path, CompileDeviceProgram(r.devices));
    EXPECT_TRUE(status.ok()) << status;
    status = AttachDeviceProgram(path, CompileDeviceProgram({}));  // replaces
    EXPECT_TRUE(status.ok()) << status;
    status = AttachDeviceProgram(path, CompileDeviceProgram(r.devices));
    EXPECT_TRUE(status.ok()) << status;
    Child child(+[] {
      const bool null_opens = ::open("/dev/null", O_RDWR) >= 0;
      const bool kmsg_opens = ::open("/dev/kmsg", O_RDONLY) >= 0;
      ::_exit((null_opens ? 1 : 0) | (kmsg_opens ? 2 : 0));
    });
    EXPECT_TRUE(ControlDir(path).Write("cgroup.procs", child.pid()).ok());
    child.Go();
    int wait_status = 0;
    ASSERT_EQ(::waitpid(child.pid(), &wait_status, 0), child.pid());
    EXPECT_EQ(WEXITSTATUS(wait_status), 1);
    for (int i = 0; i < 100 && ::rmdir(path.c_str()) != 0; ++i) ::usleep(1000);
    EXPECT_NE(::access(path.c_str(), F_OK), 0);
  }
}

}  // namespace
}  // namespace moat::runtime::cgroup
