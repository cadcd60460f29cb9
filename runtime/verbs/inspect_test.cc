// The verbs that look, without a container to look at: texts, filters, flags, and a list that never
// fails.
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "runtime/config/parse.h"
#include "runtime/state/container_state.h"
#include "runtime/verbs/default_spec.h"
#include "runtime/verbs/ps_filter.h"
#include "runtime/verbs/table.h"
#include "runtime/verbs/table_text.h"
#include "runtime/verbs/update_flags.h"

namespace moat::runtime {
namespace {

TEST(TableText, AlignsColumnsAndHidesControlCharacters) {
  EXPECT_EQ(TableText({{"ID", "PID", "STATUS"}, {"a-long-container", "1", "ru\nn"}}),
            "ID                 PID         STATUS\n"
            "a-long-container   1           ru?n\n");
  EXPECT_EQ(TableText({}), "");
}

TEST(FilterPs, KeepsTheHeaderAndTheContainersLines) {
  const std::string output =
      "UID        PID  PPID CMD\nroot         1     0 init\nroot        20     1 sh -c 30\n"
      "root        30    20 sleep\n";
  EXPECT_EQ(FilterPs(output, {20, 31}).value(),
            "UID        PID  PPID CMD\nroot        20     1 sh -c 30\n");
  EXPECT_FALSE(FilterPs("A B\n1 2\n", {1}).ok());
  EXPECT_FALSE(FilterPs("", {1}).ok());
}

TEST(DefaultSpec, IsAConfigurationThatTheRuntimeTakes) {
  const absl::StatusOr<Spec> spec = ParseSpec(DefaultSpec().dump());
  ASSERT_TRUE(spec.ok()) << spec.status();
  EXPECT_EQ(spec->process.args, std::vector<std::string>{"sh"});
  EXPECT_TRUE(spec->process.terminal);
  const absl::StatusOr<Spec> rootless = ParseSpec(RootlessSpec(1000, 1001).dump());
  ASSERT_TRUE(rootless.ok()) << rootless.status();
  EXPECT_EQ(rootless->linux_.uid_mappings.at(0).host_id, 1000u);
  EXPECT_NE(rootless->linux_.FindNamespace("user"), nullptr);
}

TEST(ParseBytes, UnitsAreOf1024) {
  EXPECT_EQ(ParseBytes("4096").value(), 4096);
  EXPECT_EQ(ParseBytes("-1").value(), -1);
  EXPECT_EQ(ParseBytes("512m").value(), 512 << 20);
  EXPECT_EQ(ParseBytes("2GiB").value(), int64_t{2} << 30);
  EXPECT_EQ(ParseBytes("1kb").value(), 1024);
  for (const char* bad : {"", "m", "-2", "1x", "1.5g", "99999999999t", "b"}) {
    EXPECT_FALSE(ParseBytes(bad).ok()) << bad;
  }
}

TEST(UpdateFlags, BecomeResources) {
  Arguments arguments;
  arguments.AddFlag("memory", "64m");
  arguments.AddFlag("cpu-quota", "-1");
  arguments.AddFlag("cpuset-cpus", "0-1");
  arguments.AddFlag("pids-limit", "7");
  arguments.AddFlag("blkio-weight", "100");
  Resources resources;
  ASSERT_TRUE(ReadUpdateFlags(arguments, &resources).ok());
  EXPECT_EQ(resources.memory->limit, 64 << 20);
  EXPECT_EQ(resources.cpu->quota, -1);
  EXPECT_EQ(resources.cpu->cpus, "0-1");
  EXPECT_EQ(resources.pids_limit, 7);
  EXPECT_EQ(resources.block_io->weight, 100);
  EXPECT_FALSE(resources.cpu->shares.has_value());
}

TEST(UpdateFlags, BadValuesNameTheirFlag) {
  for (const auto& [flag, value] : {std::pair{"memory", "lots"},
                                    {"cpu-quota", "1.5"},
                                    {"blkio-weight", "5"},
                                    {"pids-limit", ""},
                                    {"cpu-share", "-1"}}) {
    Arguments arguments;
    arguments.AddFlag(flag, value);
    Resources resources;
    const absl::Status status = ReadUpdateFlags(arguments, &resources);
    EXPECT_NE(status.message().find(absl::StrCat("--", flag)), std::string::npos) << status;
  }
}

TEST(VerbTable, IsSortedAndComplete) {
  std::string last;
  for (const Verb* verb : VerbTable()) {
    EXPECT_LT(last, verb->name);
    EXPECT_NE(verb->run, nullptr) << verb->name;
    last = verb->name;
  }
}

const Verb& FindVerb(const std::string& name) {
  for (const Verb* verb : VerbTable()) {
    if (name == verb->name) return *verb;
  }
  ADD_FAILURE() << "no verb " << name;
  return *VerbTable()[0];
}

class ListTest : public ::testing::Test {
 protected:
  ListTest() {
    std::string name = absl::StrCat(::testing::TempDir(), "/list-XXXXXX");
    globals_.root = ::mkdtemp(name.data());
  }
  ~ListTest() override { std::filesystem::remove_all(globals_.root); }

  std::string List(const std::string& flag = "", const std::string& value = "") {
    Arguments arguments;
    if (!flag.empty()) arguments.AddFlag(flag, value);
    ::testing::internal::CaptureStdout();
    const absl::StatusOr<int> code = FindVerb("list").run(globals_, arguments);
    const std::string text = ::testing::internal::GetCapturedStdout();
    EXPECT_TRUE(code.ok()) << code.status();
    return text;
  }

  Globals globals_;
};

TEST_F(ListTest, BrokenDirectoriesAreRowsNotErrors) {
  namespace fs = std::filesystem;
  const std::string texts[] = {"", "{", "null", "{\"id\":7}", std::string("\xff\0\x80", 3)};
  for (size_t i = 0; i < std::size(texts); ++i) {
    const std::string dir = absl::StrCat(globals_.root, "/broken", i);
    fs::create_directories(dir);
    std::ofstream(dir + "/state.json") << texts[i];
  }
  fs::create_directories(globals_.root + "/empty");
  fs::create_directories(globals_.root + "/loop");
  fs::create_symlink("state.json", globals_.root + "/loop/state.json");
  std::ofstream(globals_.root + "/file") << "x";
  const std::string table = List();
  EXPECT_EQ(std::count(table.begin(), table.end(), '\n'), 8) << table;
  EXPECT_NE(table.find("broken3"), std::string::npos);
  EXPECT_EQ(nlohmann::json::parse(List("format", "json")).size(), 7u);
  EXPECT_EQ(List("quiet", "true"), "broken0\nbroken1\nbroken2\nbroken3\nbroken4\nempty\nloop\n");
}

TEST_F(ListTest, WithoutARootThereIsNothing) {
  globals_.root += "/none";
  EXPECT_EQ(List("format", "json"), "[]\n");
}

TEST_F(ListTest, AnUnknownFormatIsNamed) {
  Arguments arguments;
  arguments.AddFlag("format", "xml");
  EXPECT_NE(FindVerb("list").run(globals_, arguments).status().message().find("--format \"xml\""),
            std::string::npos);
}

TEST(Verbs, AContainerThatIsNotThereIsSaidSo) {
  Globals globals;
  globals.root = "/nonexistent";
  for (const char* name : {"pause", "resume", "ps", "events", "update"}) {
    Arguments arguments;
    arguments.AddWord("nobody");
    const absl::StatusOr<int> code = FindVerb(name).run(globals, arguments);
    EXPECT_EQ(code.status().code(), absl::StatusCode::kNotFound) << name << " " << code.status();
  }
}

}  // namespace
}  // namespace moat::runtime
