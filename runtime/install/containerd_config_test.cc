#include "runtime/install/containerd_config.h"

#include <gtest/gtest.h>

#include <random>

#include "absl/strings/match.h"
#include "runtime/install/toml_scan.h"

namespace moat::runtime {
namespace {

constexpr char kVersion2[] =
    "version = 2\n\n[plugins]\n  [plugins.\"io.containerd.grpc.v1.cri\".containerd]\n"
    "    default_runtime_name = \"runc\" # so\n    x = [ \"a\", # [not.a.table]\n \"b\" ]\n";

std::vector<std::string> Runtime(const std::string& plugin, const std::string& name) {
  return {"plugins", plugin, "containerd", "runtimes", name};
}

bool HasTable(const std::string& text, const std::vector<std::string>& table) {
  const auto outline = ScanToml(text);
  EXPECT_TRUE(outline.ok()) << outline.status();
  return outline.ok() &&
         std::find(outline->tables.begin(), outline->tables.end(), table) != outline->tables.end();
}

TEST(ContainerdConfig, AppendsABlockAndTakesExactlyThatBack) {
  const std::string added = AddContainerdRuntime(kVersion2, "moat", "/usr/bin/moat").value();
  EXPECT_TRUE(absl::StartsWith(added, kVersion2));
  EXPECT_TRUE(HasTable(added, Runtime("io.containerd.grpc.v1.cri", "moat"))) << added;
  EXPECT_NE(added.find("BinaryName = \"/usr/bin/moat\""), std::string::npos);
  EXPECT_EQ(RemoveContainerdRuntime(added, "moat").value(), kVersion2);
}

TEST(ContainerdConfig, InstallingAgainReplacesTheBlock) {
  const std::string once = AddContainerdRuntime(kVersion2, "moat", "/a").value();
  const std::string twice = AddContainerdRuntime(once, "moat", "/b").value();
  EXPECT_EQ(twice.find("/a\""), std::string::npos);
  EXPECT_EQ(RemoveContainerdRuntime(twice, "moat").value(), kVersion2);
}

TEST(ContainerdConfig, TwoNamesDoNotMeetEachOther) {
  const std::string both =
      AddContainerdRuntime(AddContainerdRuntime(kVersion2, "moat", "/a").value(), "moat2", "/b")
          .value();
  EXPECT_TRUE(HasTable(RemoveContainerdRuntime(both, "moat").value(),
                       Runtime("io.containerd.grpc.v1.cri", "moat2")));
}

TEST(ContainerdConfig, EachVersionHasItsPlugin) {
  EXPECT_TRUE(HasTable(AddContainerdRuntime("", "moat", "/m").value(),
                       Runtime("io.containerd.grpc.v1.cri", "moat")));
  EXPECT_TRUE(HasTable(AddContainerdRuntime("root = \"/x\"\n", "moat", "/m").value(),
                       Runtime("cri", "moat")));
  EXPECT_TRUE(HasTable(AddContainerdRuntime("version = 3\n", "moat", "/m").value(),
                       Runtime("io.containerd.cri.v1.runtime", "moat")));
  EXPECT_EQ(AddContainerdRuntime("version = 9\n", "moat", "/m").status().code(),
            absl::StatusCode::kUnimplemented);
}

TEST(ContainerdConfig, SomebodyElsesTableIsNotTouched) {
  for (const char* header :
       {"[plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.moat]",
        "[ plugins . 'io.containerd.grpc.v1.cri' . containerd . runtimes . \"moat\" ]"}) {
    const std::string text = std::string("version = 2\n") + header + "\nruntime_type = \"x\"\n";
    EXPECT_EQ(AddContainerdRuntime(text, "moat", "/m").status().code(),
              absl::StatusCode::kAlreadyExists);
  }
}

TEST(ContainerdConfig, BrokenFilesAreRefusedWithTheirLine) {
  struct Row {
    const char* text;
    const char* line;
  };
  for (const Row& row :
       {Row{"version = 2\nx = \"abc\n", "line 2"}, Row{"a = '''\n[b]\n", "line 1"},
        Row{"version = 2\n\n[plugins\n", "line 3"}, Row{"a = [1,\n2\n", "line 1"},
        Row{"\n\nnonsense\n", "line 3"}, Row{"a =\n", "line 1"}, Row{"a = 1]\n", "line 1"},
        Row{"[a] b\n", "line 1"}, Row{"=\n", "line 1"}}) {
    const auto added = AddContainerdRuntime(row.text, "moat", "/m");
    EXPECT_EQ(added.status().code(), absl::StatusCode::kInvalidArgument) << row.text;
    EXPECT_NE(added.status().message().find(row.line), std::string::npos) << added.status();
  }
  const std::string cut = AddContainerdRuntime("", "moat", "/m").value();
  EXPECT_FALSE(RemoveContainerdRuntime(cut.substr(0, cut.size() - 10), "moat").ok());
}

TEST(ScanToml, StringsOfAllKindsAreSkippedWhole) {
  const auto outline = ScanToml(
      "version = 2 # comment\n"
      "a = \"[x] \\\" # no\"\n"
      "b = 'C:\\'\n"
      "c = \"\"\"\n[not.a.table]\n\\\"\"\"\"\"\"\n"
      "d = '''[no]\n'''\n"
      "e = { k = \"}\", l = [ 1 ] }\r\n"
      "\"quoted key\".x = 1979-05-27 07:32:00\n"
      "[[array.of]]\n"
      "version = 7\n");
  ASSERT_TRUE(outline.ok()) << outline.status();
  EXPECT_EQ(outline->version, 2);
  EXPECT_EQ(outline->tables, (std::vector<std::vector<std::string>>{{"array", "of"}}));
  EXPECT_TRUE(ScanToml("# nothing\n\n")->empty);
}

TEST(ScanToml, SurvivesMutations) {
  std::mt19937 random(5);
  const std::string whole = AddContainerdRuntime(kVersion2, "moat", "/m").value();
  for (int round = 0; round < 20000; ++round) {
    std::string text = whole.substr(0, random() % (whole.size() + 1));
    for (int i = random() % 5; i > 0 && !text.empty(); --i) {
      text[random() % text.size()] = "[]{}\"'\\\n#=. \0x"[random() % 14];
    }
    const auto added = AddContainerdRuntime(text, "other", "/m");
    if (!added.ok()) continue;
    // What could be added can be taken out, and the file is then the old one.
    const auto removed = RemoveContainerdRuntime(*added, "other");
    ASSERT_TRUE(removed.ok()) << removed.status();
    ASSERT_TRUE(absl::StartsWith(*removed, text));
  }
}

}  // namespace
}  // namespace moat::runtime
