#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "runtime/state/container_dir.h"
#include "runtime/state/container_state.h"
#include "runtime/state/process_identity.h"
#include "runtime/state/status.h"

namespace moat::runtime {
namespace {

class StateTest : public testing::Test {
 protected:
  StateTest() {
    std::string name = testing::TempDir() + "/state.XXXXXX";
    root_ = std::string(mkdtemp(name.data())) + "/deep/er";
  }
  std::string root_;
};

ContainerState Example() {
  ContainerState state;
  state.id = "c1";
  state.bundle = "/b";
  state.rootfs = "/b/rootfs";
  state.created = "2026-01-01T00:00:00.5Z";
  state.annotations = {{"k", "v\n\"\xff"}};
  state.complete = true;
  state.init = {7, 8};
  state.sentry = {9, 10};
  return state;
}

TEST_F(StateTest, SavedIsLoaded) {
  absl::StatusOr<ContainerDir> dir = ContainerDir::Create(root_, "c1");
  ASSERT_TRUE(dir.ok()) << dir.status();
  ASSERT_TRUE(dir->Save(Example()).ok());
  absl::StatusOr<ContainerState> state = dir->Load();
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_EQ(state->rootfs, "/b/rootfs");
  EXPECT_EQ(state->init.pid, 7);
  EXPECT_EQ(state->sentry.start_time, 10u);
  EXPECT_TRUE(state->complete);
}

TEST_F(StateTest, TheDirectoryIsPrivateAndReservesTheId) {
  absl::StatusOr<ContainerDir> dir = ContainerDir::Create(root_, "c1");
  ASSERT_TRUE(dir.ok());
  struct stat info;
  ASSERT_EQ(stat(dir->path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0700u);
  EXPECT_EQ(ContainerDir::Create(root_, "c1").status().message(),
            "container with given ID already exists");
}

TEST_F(StateTest, AMissingContainerDoesNotExist) {
  EXPECT_EQ(ContainerDir::Open(root_, "c1").status().message(), "container does not exist");
}

TEST_F(StateTest, RemoveTakesFilesAndNestedDirectories) {
  absl::StatusOr<ContainerDir> dir = ContainerDir::Create(root_, "c1");
  ASSERT_TRUE(dir.ok());
  ASSERT_TRUE(dir->WriteFile("a", "b").ok());
  ASSERT_EQ(mkdir(dir->File("d").c_str(), 0700), 0);
  close(open(dir->File("d/e").c_str(), O_CREAT | O_WRONLY, 0600));
  EXPECT_TRUE(dir->Remove().ok());
  EXPECT_NE(access(dir->path().c_str(), F_OK), 0);
  EXPECT_TRUE(dir->Remove().ok()) << "twice is as good as once";
}

TEST_F(StateTest, ListLeavesOutWhatIsNoContainer) {
  ASSERT_TRUE(ContainerDir::Create(root_, "b").ok());
  ASSERT_TRUE(ContainerDir::Create(root_, "a").ok());
  close(open((root_ + "/file").c_str(), O_CREAT | O_WRONLY, 0600));
  EXPECT_EQ(ListContainerIds(root_), (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(ListContainerIds("/nonexistent").empty());
}

TEST_F(StateTest, TheLockKeepsAnotherProcessOutUntilTheHolderIsGone) {
  absl::StatusOr<ContainerDir> dir = ContainerDir::Create(root_, "c1");
  ASSERT_TRUE(dir.ok());
  ASSERT_TRUE(dir->Lock(0).ok());
  const pid_t child = fork();
  if (child == 0) {
    absl::StatusOr<ContainerDir> again = ContainerDir::Open(root_, "c1");
    _exit(absl::IsDeadlineExceeded(again->Lock(0)) ? 0 : 1);
  }
  int status = 1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  dir->Unlock();
  const pid_t second = fork();
  if (second == 0) {
    absl::StatusOr<ContainerDir> again = ContainerDir::Open(root_, "c1");
    _exit(again->Lock(0).ok() ? 0 : 1);
  }
  waitpid(second, &status, 0);
  EXPECT_EQ(status, 0);
}

TEST(ContainerId, IsAFileNameOfPlainLetters) {
  for (const char* id : {"a", "A-b_c.d+1", "...", "-x"})
    EXPECT_TRUE(CheckContainerId(id).ok()) << id;
  for (const char* id : {"", ".", "..", "a/b", "a b", "\xc3\xa4"}) {
    EXPECT_FALSE(CheckContainerId(id).ok()) << id;
  }
  EXPECT_FALSE(CheckContainerId(std::string(1025, 'a')).ok());
}

TEST(ParseState, NamesWhatIsWrong) {
  EXPECT_EQ(ParseState("{}").status().message(), "state.json: id: must not be empty");
  EXPECT_EQ(ParseState("{\"id\": \"a\", \"init_process_pid\": \"x\"}").status().message(),
            "state.json: init_process_pid: must be an integer");
  EXPECT_FALSE(ParseState("").ok());
}

TEST(HookState, HasThePidOnlyWhileThereIsOne) {
  ContainerState state = Example();
  state.annotations.clear();
  EXPECT_EQ(HookStateJson(state, "creating"),
            R"({"ociVersion":"1.0.2","id":"c1","status":"creating","pid":7,"bundle":"/b"})");
  state.init.pid = 0;
  EXPECT_EQ(HookStateJson(state, "stopped"),
            R"({"ociVersion":"1.0.2","id":"c1","status":"stopped","bundle":"/b"})");
}

TEST(ProcessStat, ACommandMayLookLikeTheRest) {
  auto stat = ParseProcessStat("12 (a) Z 1) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 0");
  ASSERT_TRUE(stat.has_value());
  EXPECT_EQ(stat->state, 'S');
  EXPECT_EQ(stat->start_time, 4711u);
  EXPECT_FALSE(ParseProcessStat("12 (a) S 1 2").has_value());
  EXPECT_FALSE(ParseProcessStat("12 (a)").has_value());
  EXPECT_FALSE(ParseProcessStat("").has_value());
}

TEST(ProcessIdentity, APidWithAnotherStartTimeIsAnotherProcess) {
  ProcessIdentity self = IdentifyProcess(getpid());
  EXPECT_TRUE(IsAlive(self));
  EXPECT_TRUE(SignalProcess(self, 0));
  self.start_time += 1;
  EXPECT_FALSE(IsAlive(self));
  EXPECT_FALSE(SignalProcess(self, 0));
  EXPECT_FALSE(IsAlive({}));
}

TEST(ProcessIdentity, KillAndWaitEndsAZombieToo) {
  const pid_t child = fork();
  if (child == 0) {
    pause();
    _exit(0);
  }
  const ProcessIdentity identity = IdentifyProcess(child);
  EXPECT_TRUE(KillAndWait(identity, 10000));
  EXPECT_FALSE(IsAlive(identity)) << "a zombie is not alive";
  waitpid(child, nullptr, 0);
}

TEST_F(StateTest, StatusFollowsTheProcessAndTheFifo) {
  absl::StatusOr<ContainerDir> dir = ContainerDir::Create(root_, "c1");
  ASSERT_TRUE(dir.ok());
  ContainerState state = Example();
  EXPECT_EQ(FindStatus(*dir, state), ContainerStatus::kStopped);
  state.init = IdentifyProcess(getpid());
  EXPECT_EQ(FindStatus(*dir, state), ContainerStatus::kRunning);
  ASSERT_EQ(mkfifo(dir->fifo_path().c_str(), 0600), 0);
  EXPECT_EQ(FindStatus(*dir, state), ContainerStatus::kCreated);
  state.complete = false;
  EXPECT_EQ(FindStatus(*dir, state), ContainerStatus::kCreating);
}

}  // namespace
}  // namespace moat::runtime
