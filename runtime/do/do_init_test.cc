#include "runtime/do/do_init.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

namespace moat::runtime {
namespace {

// RunDoInit() in a process of its own. `ready` gets a byte when the command has begun.
pid_t Start(const std::vector<std::string>& command, int ready_write = -1) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    if (ready_write >= 0) ::dup2(ready_write, STDOUT_FILENO);
    ::_exit(RunDoInit(command));
  }
  return pid;
}

int Wait(pid_t pid) {
  int status = 0;
  EXPECT_EQ(::waitpid(pid, &status, 0), pid);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int RunToEnd(const std::vector<std::string>& command) { return Wait(Start(command)); }

TEST(DoInit, EndsAsTheCommandEnds) {
  EXPECT_EQ(RunToEnd({"true"}), 0);
  EXPECT_EQ(RunToEnd({"sh", "-c", "exit 7"}), 7);
  EXPECT_EQ(RunToEnd({"sh", "-c", "kill -TERM $$"}), 128 + SIGTERM);
}

TEST(DoInit, SaysWhatAShellSaysOfACommandThatDoesNotRun) {
  EXPECT_EQ(RunToEnd({"no-such-command"}), 127);
  EXPECT_EQ(RunToEnd({"/no/such/file"}), 127);
  EXPECT_EQ(RunToEnd({"/etc/passwd"}), 126);
  EXPECT_EQ(RunToEnd({"/etc"}), 126);
}

TEST(DoInit, HandsSignalsOn) {
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t pid = Start({"sh", "-c", "echo x; exec sleep 60"}, ready[1]);
  char byte;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  ASSERT_EQ(::kill(pid, SIGINT), 0);
  EXPECT_EQ(Wait(pid), 128 + SIGINT);
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST(DoInit, AHandlerOfTheCommandDecides) {
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t pid =
      Start({"sh", "-c", "trap 'exit 9' TERM; echo x; while :; do sleep 0.05; done"}, ready[1]);
  char byte;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  ASSERT_EQ(::kill(pid, SIGTERM), 0);
  EXPECT_EQ(Wait(pid), 9);
  ::close(ready[0]);
  ::close(ready[1]);
}

}  // namespace
}  // namespace moat::runtime
