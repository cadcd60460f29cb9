#include "sentry/boot/arguments.h"

#include "gtest/gtest.h"

namespace moat::sentry {
namespace {

TEST(BootArguments, RoundTrip) {
  BootArguments arguments;
  arguments.id = "web-1";
  arguments.state_dir = "/run/moat/web-1";
  arguments.network_namespace_fd = 3;
  arguments.ready_fd = 4;
  arguments.sysctls = {{"net.ipv4.ip_local_port_range", "1024 2048"}, {"net.core.somaxconn", "="}};
  arguments.log_level = "debug";
  arguments.spin_us = 20;
  arguments.direct_loopback = false;
  std::vector<std::string> words = FormatBootArguments(arguments);
  ASSERT_EQ(words.front(), "boot");
  words.erase(words.begin());
  auto parsed = ParseBootArguments(words);
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->id, arguments.id);
  EXPECT_EQ(parsed->state_dir, arguments.state_dir);
  EXPECT_EQ(parsed->network_namespace_fd, 3);
  EXPECT_EQ(parsed->ready_fd, 4);
  EXPECT_EQ(parsed->sysctls, arguments.sysctls);
  EXPECT_EQ(parsed->log_level, "debug");
  EXPECT_EQ(parsed->spin_us, 20);
  EXPECT_FALSE(parsed->direct_loopback);
}

TEST(BootArguments, NamesWhatIsWrong) {
  const struct {
    std::vector<std::string> words;
    const char* expected;
  } kCases[] = {
      {{"--no-such", "x"}, "--no-such"},
      {{"--id"}, "--id"},
      {{"--netns-fd", "three"}, "--netns-fd"},
      {{"--netns-fd", "-1"}, "--netns-fd"},
      {{"--sysctl", "novalue"}, "--sysctl"},
      {{"--spin-us", "2000"}, "--spin-us"},
      {{}, "--state-dir"},
  };
  for (const auto& test : kCases) {
    auto parsed = ParseBootArguments(test.words);
    ASSERT_FALSE(parsed.ok()) << test.expected;
    EXPECT_NE(std::string(parsed.status().message()).find(test.expected), std::string::npos);
  }
}

}  // namespace
}  // namespace moat::sentry
