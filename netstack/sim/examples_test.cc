// The example files and whatever else is given as arguments: each parses, and its flows complete.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "netstack/sim/parser.h"
#include "netstack/sim/report.h"
#include "netstack/sim/simulation.h"

namespace moat::netstack::sim {
namespace {

class Example : public testing::Test {
 public:
  explicit Example(std::string path) : path_(std::move(path)) {}
  void TestBody() override {
    std::ifstream file(path_);
    ASSERT_TRUE(file) << path_;
    std::stringstream text;
    text << file.rdbuf();
    const absl::StatusOr<Scenario> scenario = ParseScenario(path_, text.str());
    ASSERT_TRUE(scenario.ok()) << scenario.status();
    const absl::StatusOr<Report> report = Simulate(*scenario, {});
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_TRUE(report->complete()) << ReportTable(*scenario, *report);
  }

 private:
  std::string path_;
};

}  // namespace
}  // namespace moat::netstack::sim

int main(int argc, char** argv) {
  using moat::netstack::sim::Example;
  testing::InitGoogleTest(&argc, argv);
  for (int i = 1; i < argc; ++i) {
    const std::string path = argv[i];
    const std::string name = path.substr(path.rfind('/') + 1);
    testing::RegisterTest("Examples", name.c_str(), nullptr, nullptr, __FILE__, __LINE__,
                          [path] { return new Example(path); });
  }
  return argc > 1 ? RUN_ALL_TESTS() : 1;
}
