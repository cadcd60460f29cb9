#include "runtime/hooks/hooks.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "absl/strings/match.h"

namespace moat::runtime {
namespace {

Hook Shell(const std::string& script) {
  Hook hook;
  hook.path = "/bin/sh";
  hook.args = {"sh", "-c", script};
  hook.env = {"PATH=/usr/bin:/bin", "GREETING=hello"};
  return hook;
}

TEST(Hooks, GetTheStateOnStandardInputAndTheirEnvironmentOnly) {
  const absl::Status status =
      RunHooks({Shell("read -r line; [ \"$line\" = '{\"a\":1}' ] && [ $GREETING = hello ] && "
                      "[ -z \"$HOME\" ]")},
               "hooks.prestart", "{\"a\":1}\n");
  EXPECT_TRUE(status.ok()) << status;
}

TEST(Hooks, TheFirstFailureEndsItAndSaysWhy) {
  EXPECT_EQ(RunHooks({Shell("true"), Shell("echo oh no >&2; exit 3"), Shell("exit 4")},
                     "hooks.prestart", "")
                .message(),
            "error running hook hooks.prestart[1] (/bin/sh): exit status 3, output: oh no");
}

TEST(Hooks, ASignalIsAFailure) {
  EXPECT_TRUE(absl::StrContains(RunHooks({Shell("kill -9 $$")}, "h", "").message(), "signal 9"));
}

TEST(Hooks, AMissingProgramIsNamed) {
  Hook hook;
  hook.path = "/nonexistent";
  EXPECT_EQ(
      RunHooks({hook}, "hooks.poststop", "").message(),
      "error running hook hooks.poststop[0] (/nonexistent): exec /nonexistent: No such file or "
      "directory");
}

TEST(Hooks, TooSlowIsKilled) {
  Hook hook = Shell("exec sleep 1000");
  hook.timeout = 1;
  EXPECT_EQ(RunHooks({hook}, "h", "").message(),
            "error running hook h[0] (/bin/sh): timed out after 1 s");
}

TEST(Hooks, WhatStaysInTheBackgroundIsNotWaitedFor) {
  EXPECT_TRUE(RunHooks({Shell("sleep 5 & exit 0")}, "h", "").ok());
}

TEST(Hooks, OfALongOutputTheEndIsKept) {
  const std::string message(
      RunHooks({Shell("i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done; exit 1")},
               "h", "")
          .message());
  EXPECT_LT(message.size(), 4096u);
  EXPECT_TRUE(absl::EndsWith(message, "line 2999"));
}

}  // namespace
}  // namespace moat::runtime
