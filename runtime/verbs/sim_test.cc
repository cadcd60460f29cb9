// moat sim: files in, reports and files out. What is simulated is netstack/sim's to test.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "runtime/verbs/table.h"

namespace moat::runtime {
namespace {

struct Outcome {
  absl::StatusOr<int> status = 0;
  std::string output;
};

class Sim : public testing::Test {
 protected:
  Sim() {
    directory_ = testing::TempDir() + "/sim_test";
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(directory_);
  }
  ~Sim() override { std::filesystem::remove_all(directory_); }

  std::string Path(const std::string& name) const { return directory_ + "/" + name; }
  std::string Read(const std::string& name) const {
    std::stringstream text;
    text << std::ifstream(Path(name)).rdbuf();
    return text.str();
  }
  Outcome Run(const std::string& text, Arguments arguments = {}) {
    std::ofstream(Path("net.sim")) << text;
    arguments.AddWord(Path("net.sim"));
    return RunWords(arguments);
  }
  Outcome RunWords(const Arguments& arguments) {
    for (const Verb* verb : VerbTable()) {
      if (std::string(verb->name) != "sim") continue;
      testing::internal::CaptureStdout();
      Outcome outcome{verb->run({}, arguments), {}};
      outcome.output = testing::internal::GetCapturedStdout();
      return outcome;
    }
    return {absl::NotFoundError("sim"), {}};
  }

  std::string directory_;
};

constexpr char kNetwork[] =
    "host a\nhost b\nlink a b rate 10Mbit delay 5ms loss 1%\nbulk f a b 300kB\n";

TEST_F(Sim, PrintsATableOrJsonAndRepeatsBySeed) {
  const Outcome table = Run(kNetwork);
  ASSERT_TRUE(table.status.ok()) << table.status.status();
  EXPECT_EQ(*table.status, 0);
  EXPECT_TRUE(absl::StrContains(table.output, "300kB")) << table.output;
  Arguments seeded;
  seeded.AddFlag("json", "true");
  seeded.AddFlag("seed", "12");
  const Outcome json = Run(kNetwork, seeded);
  EXPECT_TRUE(absl::StrContains(json.output, "\"seed\":12,")) << json.output;
  EXPECT_EQ(json.output, Run(kNetwork, seeded).output);
}

TEST_F(Sim, WritesCapturesAndPlots) {
  Arguments arguments;
  arguments.AddFlag("pcap", Path("captures"));
  arguments.AddFlag("plot", Path("plots"));
  const Outcome outcome = Run(kNetwork, arguments);
  ASSERT_TRUE(outcome.status.ok()) << outcome.status.status();
  const std::string capture = Read("captures/a-b.pcapng");
  EXPECT_EQ(capture.substr(0, 4), "\n\r\r\n");
  EXPECT_GT(capture.size(), 600'000u);  // at both ends
  for (const char* name : {"throughput.svg", "window.svg", "rtt.svg"}) {
    EXPECT_TRUE(absl::StrContains(Read(absl::StrCat("plots/", name)), "<polyline")) << name;
  }
}

TEST_F(Sim, AFlowThatDoesNotCompleteIsAnExitStatus) {
  const Outcome outcome = Run("limit 1s\nhost a\nhost b\nlink a b rate 10kbit\nbulk f a b 1MB");
  ASSERT_TRUE(outcome.status.ok()) << outcome.status.status();
  EXPECT_EQ(*outcome.status, 1);
  EXPECT_TRUE(absl::StrContains(outcome.output, "not finished in time")) << outcome.output;
}

TEST_F(Sim, ErrorsNameWhatIsWrong) {
  EXPECT_EQ(Run("host a\nlink a c").status.status().message(),
            absl::StrCat(Path("net.sim"), ":2: \"c\": no node of this name above"));
  Arguments missing;
  missing.AddWord(Path("nothing.sim"));
  EXPECT_TRUE(absl::StrContains(RunWords(missing).status.status().message(), "nothing.sim"));
  Arguments seed;
  seed.AddFlag("seed", "x");
  EXPECT_TRUE(absl::StrContains(Run(kNetwork, seed).status.status().message(), "--seed \"x\""));
  Arguments plot;
  plot.AddFlag("plot", "/proc/nothing/plots");
  EXPECT_TRUE(
      absl::StrContains(Run(kNetwork, plot).status.status().message(), "/proc/nothing/plots"));
}

}  // namespace
}  // namespace moat::runtime
