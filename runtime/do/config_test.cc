#include "runtime/do/config.h"

#include <gtest/gtest.h>

#include "runtime/config/parse.h"

namespace moat::runtime {
namespace {

DoConfig Example() {
  DoConfig config;
  config.root = "/tmp/x/root";
  config.args = {"sh", "-c", "true"};
  config.cwd = "/home";
  config.environment = {"A=1", "B=2", "A=3", "nonsense", "=x"};
  config.hostname = "h";
  config.cgroups_path = "/moat-do-1";
  config.network_namespace = "/proc/1/fd/7";
  config.annotations = {{"moat.do.ipv4", "10.0.0.2"}};
  return config;
}

TEST(DoConfig, IsAConfigurationThatTheRuntimeTakes) {
  const absl::StatusOr<Spec> spec = ParseSpec(MakeDoConfig(Example()).dump());
  ASSERT_TRUE(spec.ok()) << spec.status();
  EXPECT_EQ(spec->root.path, "/tmp/x/root");
  EXPECT_EQ(spec->process.args, (std::vector<std::string>{"sh", "-c", "true"}));
  EXPECT_EQ(spec->process.cwd, "/home");
  EXPECT_EQ(spec->linux_.FindNamespace("network")->path, "/proc/1/fd/7");
  EXPECT_EQ(spec->annotations.at("moat.do.ipv4"), "10.0.0.2");
  EXPECT_EQ(spec->linux_.cgroups_path, "/moat-do-1");
}

TEST(DoConfig, AnInitIsBoundInAndRunsTheCommand) {
  DoConfig config = Example();
  config.init = "/usr/bin/moat";
  const absl::StatusOr<Spec> spec = ParseSpec(MakeDoConfig(config).dump());
  ASSERT_TRUE(spec.ok()) << spec.status();
  EXPECT_EQ(spec->process.args,
            (std::vector<std::string>{"/dev/.moat-init", "do-init", "--", "sh", "-c", "true"}));
  EXPECT_EQ(spec->mounts.back().source, "/usr/bin/moat");
}

TEST(DoConfig, OfTwoVariablesOfOneNameTheLaterCounts) {
  EXPECT_EQ(MergeEnvironment(Example().environment), (std::vector<std::string>{"A=3", "B=2"}));
}

}  // namespace
}  // namespace moat::runtime
