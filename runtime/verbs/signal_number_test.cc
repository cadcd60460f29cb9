#include "runtime/verbs/signal_number.h"

#include <gtest/gtest.h>
#include <signal.h>

namespace moat::runtime {
namespace {

TEST(SignalNumber, NamesAndNumbers) {
  for (const char* word : {"KILL", "SIGKILL", "kill", "sigkill", "9"}) {
    EXPECT_EQ(SignalNumber(word).value_or(0), SIGKILL) << word;
  }
  EXPECT_EQ(SignalNumber("RTMIN+3").value_or(0), SIGRTMIN + 3);
  EXPECT_EQ(SignalNumber("SIGRTMAX-1").value_or(0), SIGRTMAX - 1);
}

TEST(SignalNumber, WhatIsNoneIsNamed) {
  for (const char* word : {"", "0", "-1", "65", "FOO", "SIG", "RTMIN+99", "KILL "}) {
    EXPECT_FALSE(SignalNumber(word).ok()) << word;
  }
  EXPECT_EQ(SignalNumber("FOO").status().message(), "unknown signal \"FOO\"");
}

}  // namespace
}  // namespace moat::runtime
