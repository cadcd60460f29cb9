#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "runtime/init/channel.h"
#include "runtime/init/start_fifo.h"
#include "runtime/verb.h"

namespace moat::runtime {
namespace {

TEST(Channel, CarriesKindTextAndDescriptor) {
  auto pair = Channel::MakePair();
  ASSERT_TRUE(pair.ok());
  OwnedFd file(open("/dev/null", O_RDONLY));
  ASSERT_TRUE(pair->first.Send(MessageKind::kTerminal, "text", file.get()).ok());
  absl::StatusOr<Channel::Message> message = pair->second.Receive();
  ASSERT_TRUE(message.ok());
  EXPECT_EQ(message->kind, MessageKind::kTerminal);
  EXPECT_EQ(message->text, "text");
  EXPECT_TRUE(message->fd.ok());
}

TEST(Channel, AnErrorComesWithItsExitCode) {
  auto pair = Channel::MakePair();
  pair->first.SendError(WithExitCode(absl::NotFoundError("why"), 127));
  absl::Status status = pair->second.Receive().status();
  EXPECT_EQ(status.message(), "why");
  EXPECT_EQ(ExitCodeOf(status, 1), 127);
  pair->first.SendError(absl::NotFoundError("other"));
  EXPECT_EQ(ExitCodeOf(pair->second.Receive().status(), 1), 1);
}

TEST(Channel, TheEndIsUnavailable) {
  auto pair = Channel::MakePair();
  pair->first.Close();
  EXPECT_TRUE(absl::IsUnavailable(pair->second.Receive().status()));
}

TEST(Channel, AnErrorOutlivesItsSenderAndItsUnreadMessages) {
  auto pair = Channel::MakePair();
  ASSERT_TRUE(pair->second.Send(MessageKind::kGo).ok());  // never read
  pair->first.SendError(absl::NotFoundError("why"));
  pair->first.Close();
  EXPECT_EQ(pair->second.Send(MessageKind::kHandover).message(), "why");
}

TEST(Channel, AHandoverMayComeEarly) {
  auto pair = Channel::MakePair();
  OwnedFd file(open("/dev/null", O_RDONLY));
  ASSERT_TRUE(pair->first.Send(MessageKind::kHandover, "", file.get()).ok());
  ASSERT_TRUE(pair->first.Send(MessageKind::kHooksDone).ok());
  ASSERT_TRUE(pair->second.Expect(MessageKind::kHooksDone).ok());
  absl::StatusOr<OwnedFd> handover = pair->second.TakeHandover();
  ASSERT_TRUE(handover.ok());
  EXPECT_TRUE(handover->ok());
}

// One process waits at the fifo, as a container's first one does; the test is `moat start`.
class StartFifo : public testing::Test {
 protected:
  StartFifo() {
    std::string name = testing::TempDir() + "/fifo.XXXXXX";
    path_ = std::string(mkdtemp(name.data())) + "/exec.fifo";
    fifo_ = *MakeStartFifo(path_, geteuid(), getegid());
  }
  ~StartFifo() override {
    if (child_ > 0) waitpid(child_, nullptr, 0);
  }

  template <typename F>
  ProcessIdentity Wait(F then) {
    child_ = fork();
    if (child_ == 0) {
      OwnedFd self(open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
      absl::StatusOr<OwnedFd> fifo = WaitForStart(self.get(), fifo_.get());
      if (!fifo.ok()) _exit(1);
      then(fifo->get());
      _exit(0);
    }
    return IdentifyProcess(child_);
  }

  std::string path_;
  OwnedFd fifo_;
  pid_t child_ = -1;
};

TEST_F(StartFifo, ReleasesTheProcessAndRemovesTheFifo) {
  const ProcessIdentity init = Wait([](int) {});
  absl::Status status = ReleaseContainer(path_, init);
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_NE(access(path_.c_str(), F_OK), 0);
}

TEST_F(StartFifo, AFailureComesBackWithItsExitCode) {
  const ProcessIdentity init = Wait([](int fifo) {
    ReportStartFailure(fifo, WithExitCode(absl::NotFoundError("exec /x: why"), 126));
  });
  absl::Status status = ReleaseContainer(path_, init);
  EXPECT_EQ(status.message(), "exec /x: why");
  EXPECT_EQ(ExitCodeOf(status, 1), 126);
}

TEST_F(StartFifo, AStartThatDiesHalfWayIsAsIfItHadNotBeen) {
  const ProcessIdentity init = Wait([](int) {});
  // Opens and goes, before or after the process writes: either way the next one must succeed, or
  // find the process released.
  OwnedFd(open(path_.c_str(), O_RDONLY | O_NONBLOCK));
  absl::Status status = ReleaseContainer(path_, init);
  EXPECT_TRUE(status.ok() || !IsAlive(init)) << status;
}

TEST_F(StartFifo, ADeadProcessIsToldAtOnce) {
  EXPECT_EQ(ReleaseContainer(path_, {}).message(), "cannot start a container that has stopped");
}

}  // namespace
}  // namespace moat::runtime
