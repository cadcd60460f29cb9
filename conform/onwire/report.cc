#include "conform/onwire/report.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "conform/doc/results.h"

namespace moat::conform {
namespace {

struct Count {
  int passed = 0, applicable = 0;
};

std::vector<std::string> StacksOf(const std::vector<JobResult>& results) {
  std::vector<std::string> stacks;
  for (const JobResult& result : results) {
    if (std::find(stacks.begin(), stacks.end(), result.job.stack) == stacks.end()) {
      stacks.push_back(result.job.stack);
    }
  }
  return stacks;
}

// An empty suite: all of them.
Count CountOf(const std::vector<JobResult>& results, const std::string& suite,
              const std::string& stack) {
  Count count;
  for (const JobResult& result : results) {
    if (result.job.stack != stack || result.outcome == "n/a") continue;
    if (!suite.empty() && suite != result.job.c->suite) continue;
    ++count.applicable;
    if (result.outcome == "pass") ++count.passed;
  }
  return count;
}

std::string Cell(const std::string& text) {
  char cell[32];
  std::snprintf(cell, sizeof(cell), " %14s", text.c_str());
  return cell;
}

std::string Row(const std::vector<JobResult>& results, const std::string& suite) {
  char head[32];
  std::snprintf(head, sizeof(head), "%-14s", suite.empty() ? "all" : suite.c_str());
  std::string row = head;
  for (const std::string& stack : StacksOf(results)) {
    const Count count = CountOf(results, suite, stack);
    row += Cell(std::to_string(count.passed) + "/" + std::to_string(count.applicable));
  }
  return row + "\n";
}

bool IsFailure(const JobResult& result) {
  return result.outcome == "fail" || result.outcome == "unexpected-pass";
}

}  // namespace

std::string TextReport(const std::vector<JobResult>& results, bool verbose) {
  std::string text;
  for (const JobResult& result : results) {
    if (result.outcome == "pass") continue;
    text += result.job.c->id() + " " + result.job.stack + " " + result.outcome + ": " +
            result.reason + "\n";
    if (IsFailure(result)) {
      text += std::string("    required (") + LevelName(result.job.c->level) + ", " +
              result.job.c->source + "): " + result.job.c->text + "\n";
    }
    if (verbose) text += result.trace;
  }
  text += "\nsuite         ";
  for (const std::string& stack : StacksOf(results)) text += Cell(stack);
  text += "\n";
  for (const std::string& suite : SuiteNames()) {
    const bool run = std::any_of(results.begin(), results.end(), [&](const JobResult& result) {
      return suite == result.job.c->suite;
    });
    if (run) text += Row(results, suite);
  }
  return text + Row(results, "");
}

std::string JsonReport(const std::vector<JobResult>& results) {
  nlohmann::ordered_json out;
  out["results"] = nlohmann::ordered_json::array();
  for (const JobResult& result : results) {
    out["results"].push_back({{"id", result.job.c->id()},
                              {"suite", result.job.c->suite},
                              {"level", LevelName(result.job.c->level)},
                              {"stack", result.job.stack},
                              {"outcome", result.outcome},
                              {"reason", result.reason},
                              {"attempts", result.attempts},
                              {"seconds", result.seconds},
                              {"trace", result.trace}});
  }
  for (const std::string& stack : StacksOf(results)) {
    const Count count = CountOf(results, "", stack);
    out["stacks"][stack] = {{"passed", count.passed}, {"applicable", count.applicable}};
  }
  return out.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

std::string RecordLines(const std::vector<JobResult>& results) {
  Results recorded;
  for (const JobResult& result : results) {
    recorded.Set(result.job.c->id(), result.job.stack, {result.outcome, result.reason});
  }
  return recorded.Format();
}

bool AllPassed(const std::vector<JobResult>& results) {
  return std::none_of(results.begin(), results.end(), IsFailure);
}

}  // namespace moat::conform
