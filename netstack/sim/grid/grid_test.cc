// The fault grid: every case of cases.h with every congestion control that netstack/transport/tcp
// registers.
//
//   bazel test --config=opt //netstack/sim/grid:grid_test
//   bazel run --config=opt //netstack/sim/grid:grid_test -- --update   # writes golden/*.txt anew
//   bazel run --config=opt //netstack/sim/grid:grid_test -- --full     # FullGrid(), ten seeds
//   ... --show    # goodput against theory, for choosing bounds
//
// Judged for each: the transfer completes, byte for byte; goodput is within its bounds;
// retransmissions are in proportion to what the network did. The golden tables hold the results of
// the first seed, so that nothing changes unnoticed.
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "netstack/sim/grid/cases.h"
#include "netstack/sim/parser.h"
#include "netstack/sim/quantity.h"
#include "netstack/sim/report.h"
#include "netstack/sim/simulation.h"
#include "netstack/transport/tcp/congestion.h"

namespace moat::netstack::sim {
namespace {

constexpr char kUpdate[] = "bazel run --config=opt //netstack/sim/grid:grid_test -- --update";
constexpr uint64_t kSeeds = 4, kFullSeeds = 10;

struct Settings {
  bool full = false;
  bool update = false;
  bool show = false;
};
Settings g_settings;  // set by main before any test runs

struct Outcome {
  Scenario scenario;
  Report report;
  const FlowResult& flow() const { return report.flows.at(0); }
};

absl::StatusOr<Outcome> RunCase(const GridCase& c, const std::string& congestion, uint64_t seed) {
  const std::string text = absl::StrCat("limit 2h\n", c.network, "bulk data a b ", c.bytes, " cc ",
                                        congestion, " ", c.flow_options, "\n");
  Outcome outcome;
  absl::StatusOr<Scenario> scenario = ParseScenario(c.name, text);
  if (!scenario.ok()) return scenario.status();
  outcome.scenario = *std::move(scenario);
  absl::StatusOr<Report> report = Simulate(outcome.scenario, {.seed = seed, .capture = {}});
  if (!report.ok()) return report.status();
  outcome.report = *std::move(report);
  return outcome;
}

// Frames that did not arrive as they were sent, of either direction of any link.
double Faults(const Report& report) {
  uint64_t faults = 0;
  for (const LinkResult& link : report.links) {
    for (const ChannelCounters* c : {&link.forth, &link.back}) {
      faults += c->missing() + c->corrupted + c->reordered;
    }
  }
  return static_cast<double>(faults);
}

double Floor(const GridCase& c, const std::string& congestion) {
  const auto own = c.floor_of.find(congestion);
  return own == c.floor_of.end() ? c.floor : own->second;
}

// Empty, or what is wrong.
std::string Judge(const GridCase& c, const std::string& congestion, const Outcome& outcome) {
  const FlowResult& flow = outcome.flow();
  if (!flow.complete) return absl::StrCat("not complete: ", flow.error);
  const double capacity = Capacity(c.path);
  // Before a link slows down it may be faster than it is in the model.
  if (outcome.scenario.events.empty() && flow.goodput() > capacity) {
    return absl::StrCat("goodput ", FormatRate(flow.goodput()), " is above the capacity, ",
                        FormatRate(capacity));
  }
  const double expected = TransferGoodput(c.path, c.bytes);
  const double floor = Floor(c, congestion);
  if (flow.goodput() < floor * expected) {
    return absl::StrCat("goodput ", FormatRate(flow.goodput()), " is below ", floor, " of ",
                        FormatRate(expected));
  }
  const double segments = static_cast<double>(flow.sent_bytes) / c.path.payload;
  const double most = c.per_fault * Faults(outcome.report) + c.storm * segments + 10;
  if (static_cast<double>(flow.retransmits) > most) {
    return absl::StrCat("retransmission storm: ", flow.retransmits, " segments, where ", most,
                        " are explained by ", Faults(outcome.report), " faults");
  }
  return "";
}

void Show(const GridCase& c, const std::string& congestion, uint64_t seed, const Outcome& outcome) {
  const FlowResult& flow = outcome.flow();
  absl::PrintF("%-8s %-28s %2d  goodput/theory %5.2f (floor %4.2f)  retrans/fault %5.2f  %s\n",
               congestion, c.name, seed, flow.goodput() / TransferGoodput(c.path, c.bytes),
               Floor(c, congestion),
               static_cast<double>(flow.retransmits) / std::max(Faults(outcome.report), 1.0),
               flow.complete ? "" : flow.error);
}

std::string GoldenLine(const GridCase& c, const Outcome& outcome) {
  const FlowResult& flow = outcome.flow();
  return absl::StrFormat("%-28s %9s %12s %5d retrans %3d RTOs  RTT %6s / %6s\n", c.name,
                         FormatDuration(flow.time), FormatRate(flow.goodput()), flow.retransmits,
                         flow.timeouts, FormatDuration(flow.min_rtt),
                         FormatDuration(flow.mean_rtt));
}

// Results of the first seed, by congestion control and case: what the golden tables are made of.
std::map<std::pair<std::string, std::string>, std::string>& Lines() {
  static auto* lines = new std::map<std::pair<std::string, std::string>, std::string>;
  return *lines;
}

class CaseTest : public testing::Test {
 public:
  CaseTest(GridCase c, std::string congestion)
      : case_(std::move(c)), congestion_(std::move(congestion)) {}

  void TestBody() override {
    for (uint64_t seed = 1; seed <= (g_settings.full ? kFullSeeds : kSeeds); ++seed) {
      const absl::StatusOr<Outcome> outcome = RunCase(case_, congestion_, seed);
      ASSERT_TRUE(outcome.ok()) << outcome.status();
      if (g_settings.show) Show(case_, congestion_, seed, *outcome);
      EXPECT_EQ(Judge(case_, congestion_, *outcome), "")
          << "seed " << seed << " of\n"
          << case_.network << "bulk data a b " << case_.bytes << " cc " << congestion_ << " "
          << case_.flow_options << "\n"
          << ReportTable(outcome->scenario, outcome->report);
      if (seed == 1) Lines()[{congestion_, case_.name}] = GoldenLine(case_, *outcome);
    }
  }

 private:
  GridCase case_;
  std::string congestion_;
};

class GoldenTest : public testing::Test {
 public:
  explicit GoldenTest(std::string congestion) : congestion_(std::move(congestion)) {}

  void TestBody() override {
    std::string table =
        absl::StrCat("# ", congestion_,
                     ": time, goodput, retransmitted segments, retransmission timeouts, RTT "
                     "(least / mean)\n# Made by: ",
                     kUpdate, "\n");
    for (const GridCase& c : BoundedGrid()) {
      std::string& line = Lines()[{congestion_, c.name}];
      if (line.empty()) {  // only this test was asked for
        const absl::StatusOr<Outcome> outcome = RunCase(c, congestion_, 1);
        ASSERT_TRUE(outcome.ok()) << outcome.status();
        line = GoldenLine(c, *outcome);
      }
      table += line;
    }
    const std::string name = absl::StrCat("netstack/sim/grid/golden/", congestion_, ".txt");
    if (g_settings.update) {
      const char* workspace = std::getenv("BUILD_WORKSPACE_DIRECTORY");
      ASSERT_NE(workspace, nullptr) << "--update wants: " << kUpdate;
      std::ofstream(absl::StrCat(workspace, "/", name)) << table;
      return;
    }
    std::ifstream file(name);
    ASSERT_TRUE(file) << name << " is missing. If " << congestion_ << " is new: " << kUpdate;
    std::stringstream golden;
    golden << file.rdbuf();
    Compare(golden.str(), table);
  }

 private:
  // Line by line, so that a failure shows what changed and not all that did not.
  static void Compare(const std::string& golden, const std::string& table) {
    std::stringstream was(golden), is(table);
    std::string old_line, new_line, differences;
    while (true) {
      const bool more_old = static_cast<bool>(std::getline(was, old_line));
      const bool more_new = static_cast<bool>(std::getline(is, new_line));
      if (!more_old && !more_new) break;
      if (more_old && more_new && old_line == new_line) continue;
      if (more_old) absl::StrAppend(&differences, "- ", old_line, "\n");
      if (more_new) absl::StrAppend(&differences, "+ ", new_line, "\n");
    }
    EXPECT_EQ(differences, "") << "The stack behaves differently. If that is meant: " << kUpdate
                               << "\n"
                               << differences;
  }

  std::string congestion_;
};

std::string TestName(const std::string& name) {
  std::string out;
  for (const char c : name) out += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  return out;
}

void RegisterTests() {
  for (const std::string& congestion : tcp::CongestionControlNames()) {
    const std::string suite = absl::StrCat("FaultGrid_", TestName(congestion));
    for (const GridCase& c : g_settings.full ? FullGrid() : BoundedGrid()) {
      testing::RegisterTest(
          suite.c_str(), TestName(c.name).c_str(), nullptr, nullptr, __FILE__, __LINE__,
          [c, congestion]() -> testing::Test* { return new CaseTest(c, congestion); });
    }
    testing::RegisterTest(suite.c_str(), "GoldenTable", nullptr, nullptr, __FILE__, __LINE__,
                          [congestion]() -> testing::Test* { return new GoldenTest(congestion); });
  }
}

}  // namespace
}  // namespace moat::netstack::sim

int main(int argc, char** argv) {
  using moat::netstack::sim::g_settings;
  testing::InitGoogleTest(&argc, argv);
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--full") == 0) {
      g_settings.full = true;
    } else if (std::strcmp(argv[i], "--update") == 0) {
      g_settings.update = true;
    } else if (std::strcmp(argv[i], "--show") == 0) {
      g_settings.show = true;
    } else {
      std::fprintf(stderr, "%s: --full, --update and --show are known\n", argv[i]);
      return 2;
    }
  }
  moat::netstack::sim::RegisterTests();
  return RUN_ALL_TESTS();
}
