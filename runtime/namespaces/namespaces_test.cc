#include <gtest/gtest.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/namespaces/id_map.h"
#include "runtime/namespaces/join.h"
#include "runtime/namespaces/spawn.h"

namespace moat::runtime {
namespace {

TEST(IdMap, TextIsTheKernels) {
  EXPECT_EQ(IdMapText({{0, 1000, 1}, {1, 100000, 65536}}), "0 1000 1\n1 100000 65536\n");
}

TEST(IdMap, ToHostId) {
  const std::vector<IdMapping> map = {{0, 1000, 1}, {10, 2000, 5}};
  EXPECT_EQ(ToHostId(map, 0), 1000u);
  EXPECT_EQ(ToHostId(map, 14), 2004u);
  EXPECT_FALSE(ToHostId(map, 15).has_value());
  EXPECT_FALSE(ToHostId(map, 1).has_value());
  EXPECT_FALSE(ToHostId({}, 0).has_value());
}

TEST(NewNamespaceFlags, AreThoseWithoutAPath) {
  EXPECT_EQ(NewNamespaceFlags({{"network", ""}, {"pid", "/x"}, {"uts", ""}}),
            CLONE_NEWNET | CLONE_NEWUTS);
}

TEST(OpenNamespaces, ErrorsNameTheEntry) {
  EXPECT_EQ(OpenNamespaces({{"pid", ""}, {"ipc", "/nonexistent"}}).status().message(),
            "config.json: linux.namespaces[1].path: open /nonexistent: No such file or directory");
  EXPECT_EQ(OpenNamespaces({{"network", "/proc/self/ns/uts"}}).status().message(),
            "config.json: linux.namespaces[0].path: /proc/self/ns/uts is not a namespace of type "
            "\"network\"");
  EXPECT_EQ(OpenNamespaces({{"network", "/dev/null"}}).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(OpenNamespaces({{"mount", "/proc/self/ns/mnt"}}).status().message(),
            "config.json: linux.namespaces[0].path: joining a mount namespace is not supported");
}

TEST(Spawn, TheResultOfTheBodyIsTheExitStatus) {
  absl::StatusOr<pid_t> pid = Spawn(SpawnPlan(), [] { return 42; });
  ASSERT_TRUE(pid.ok()) << pid.status();
  int status = 0;
  ASSERT_EQ(waitpid(*pid, &status, 0), *pid);
  EXPECT_EQ(WEXITSTATUS(status), 42);
}

}  // namespace
}  // namespace moat::runtime
