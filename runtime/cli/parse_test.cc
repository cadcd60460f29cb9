#include "runtime/cli/parse.h"

#include <gtest/gtest.h>

namespace moat::runtime {
namespace {

constexpr Flag kFlags[] = {
    {"force", 'f', FlagKind::kBool, ""},
    {"bundle", 'b', FlagKind::kString, ""},
    {"env", 'e', FlagKind::kList, ""},
    {"preserve-fds", 0, FlagKind::kString, ""},
};
constexpr Verb kVerb = {.name = "go", .usage = "", .summary = "", .flags = kFlags, .min_words = 1,
                        .max_words = 2};
constexpr Verb kOpen = {.name = "open", .usage = "", .summary = "", .flags = kFlags,
                        .min_words = 1, .max_words = -1};
constexpr const Verb* kVerbs[] = {&kVerb, &kOpen};

absl::Status Parse(std::vector<const char*> words, CommandLine* line) {
  return ParseCommandLine(words, kVerbs, line);
}

TEST(CommandLine, TakesGlobalsVerbFlagsAndWords) {
  CommandLine line;
  ASSERT_TRUE(Parse({"--root", "/r", "--log=/l", "--log-format", "json", "--systemd-cgroup", "go",
                     "-b", "/b", "--force", "id", "KILL"},
                    &line)
                  .ok());
  EXPECT_EQ(line.globals.root, "/r");
  EXPECT_EQ(line.globals.log, "/l");
  EXPECT_EQ(line.globals.log_format, "json");
  EXPECT_TRUE(line.globals.systemd_cgroup);
  EXPECT_EQ(line.verb, &kVerb);
  EXPECT_EQ(line.arguments.String("bundle"), "/b");
  EXPECT_TRUE(line.arguments.Bool("force"));
  EXPECT_EQ(line.arguments.words(), (std::vector<std::string>{"id", "KILL"}));
}

TEST(CommandLine, FlagsEndAtTheFirstWord) {
  CommandLine line;
  ASSERT_TRUE(Parse({"open", "id", "ls", "-l", "--force"}, &line).ok());
  EXPECT_EQ(line.arguments.words(), (std::vector<std::string>{"id", "ls", "-l", "--force"}));
  EXPECT_FALSE(line.arguments.Has("force"));
}

TEST(CommandLine, FlagsEndAtTwoDashes) {
  CommandLine line;
  ASSERT_TRUE(Parse({"open", "--force", "--", "-x"}, &line).ok());
  EXPECT_EQ(line.arguments.words(), std::vector<std::string>{"-x"});
}

TEST(CommandLine, OneDashIsAsGoodAsTwo) {
  CommandLine line;
  ASSERT_TRUE(Parse({"-root", "/r", "go", "-force", "id"}, &line).ok());
  EXPECT_EQ(line.globals.root, "/r");
  EXPECT_TRUE(line.arguments.Bool("force"));
}

TEST(CommandLine, ListsCollectAndTheLastStringCounts) {
  CommandLine line;
  ASSERT_TRUE(
      Parse({"go", "-e", "A=1", "--env=B=2", "-b", "x", "-b", "y", "id"}, &line).ok());
  EXPECT_EQ(line.arguments.List("env"), (std::vector<std::string>{"A=1", "B=2"}));
  EXPECT_EQ(line.arguments.String("bundle"), "y");
}

TEST(CommandLine, BooleansMayBeSetToFalse) {
  CommandLine line;
  ASSERT_TRUE(Parse({"go", "--force=false", "id"}, &line).ok());
  EXPECT_FALSE(line.arguments.Bool("force"));
}

TEST(CommandLine, ErrorsNameTheFlagOrTheVerb) {
  CommandLine line;
  EXPECT_EQ(Parse({"go", "--nope", "id"}, &line).message(),
            "flag provided but not defined: -nope");
  EXPECT_EQ(line.verb, &kVerb);
  line = {};
  EXPECT_EQ(Parse({"go", "-b"}, &line).message(), "flag needs an argument: -b");
  line = {};
  EXPECT_EQ(Parse({"--log-format", "xml", "go", "id"}, &line).message(),
            "--log-format: \"xml\" is neither text nor json");
  line = {};
  EXPECT_EQ(Parse({"go"}, &line).message(), "moat: \"go\" requires a minimum of 1 argument(s)");
  line = {};
  EXPECT_EQ(Parse({"go", "a", "b", "c"}, &line).message(),
            "moat: \"go\" requires a maximum of 2 argument(s)");
}

TEST(CommandLine, AnUnknownVerbEndsWithThree) {
  CommandLine line;
  absl::Status status = Parse({"nope"}, &line);
  EXPECT_EQ(ExitCodeOf(status, 1), 3);
}

TEST(CommandLine, HelpNeedsNoWords) {
  CommandLine line;
  ASSERT_TRUE(Parse({"go", "--help"}, &line).ok());
  EXPECT_TRUE(line.help);
  line = {};
  ASSERT_TRUE(Parse({"help", "go"}, &line).ok());
  EXPECT_TRUE(line.help);
  EXPECT_EQ(line.verb, &kVerb);
}

TEST(Arguments, NumbersAreBounded) {
  CommandLine line;
  ASSERT_TRUE(Parse({"go", "--preserve-fds", "12", "id"}, &line).ok());
  EXPECT_EQ(*line.arguments.Number("preserve-fds", 0, 12), 12);
  EXPECT_EQ(line.arguments.Number("preserve-fds", 0, 11).status().message(),
            "--preserve-fds: \"12\" is not a number between 0 and 11");
  EXPECT_EQ(*line.arguments.Number("bundle", 5, 9), 5);
}

TEST(ExitCode, TravelsWithTheStatus) {
  EXPECT_EQ(ExitCodeOf(WithExitCode(absl::NotFoundError("x"), 127), 1), 127);
  EXPECT_EQ(ExitCodeOf(absl::NotFoundError("x"), 9), 9);
}

}  // namespace
}  // namespace moat::runtime
