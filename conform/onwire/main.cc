// moat-conform: the tester on the wire (`moat conform` starts it), and the agent inside devices.
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "conform/agent/agent.h"
#include "conform/onwire/pool.h"
#include "conform/onwire/report.h"
#include "conform/onwire/scratch.h"

namespace moat::conform {
namespace {

constexpr char kUsage[] =
    R"(usage: moat conform --dut DEVICE[,DEVICE...] [options]

Runs the conformance cases against devices, on veth pairs in network namespaces of their own.
Needs root.

  --dut KIND        device under test: %s
  --suite NAME      only this suite (may be repeated)
  --case ID         only this case, as arp-017 (may be repeated)
  --jobs N          cases at a time (default 6)
  --once            what fails is not run a second time, nearly alone
  --json            the report as JSON
  --verbose         the frames of what did not pass
  --pcap DIR        a capture of each case; the directory is made
  --record FILE     results for bazel run //conform/doc:generate
  --list            the cases, without running them
  --moat PATH, --moatctl PATH  programs of the device moat (default: beside this one)
  --lwip PATH       moat-conform-lwip, the program of the device lwip (default: beside this one)

Exit code: 0 when every applicable case passed, 1 when one did not, 2 for a mistake in the command
line.
)";

constexpr int kQuietJobs = 2;

struct CommandLine {
  std::vector<std::string> duts, suites, cases;
  std::string record;
  bool json = false, list = false, verbose = false, once = false;
  PoolOptions pool;
};

std::string SelfPath() {
  char path[4096];
  const ssize_t n = readlink("/proc/self/exe", path, sizeof(path));
  return std::string(path, static_cast<size_t>(std::max<ssize_t>(n, 0)));
}

int Mistake(const std::string& text) {
  std::fprintf(stderr, "moat conform: %s\n", text.c_str());
  return 2;
}

void Usage() {
  std::string kinds;
  for (const std::string& kind : WireDeviceKinds()) kinds += (kinds.empty() ? "" : ", ") + kind;
  std::printf(kUsage, kinds.c_str());
}

void Split(const std::string& text, std::vector<std::string>* out) {
  size_t at = 0;
  while (at <= text.size()) {
    const size_t comma = std::min(text.find(',', at), text.size());
    if (comma > at) out->push_back(text.substr(at, comma - at));
    at = comma + 1;
  }
}

// Empty, or what is wrong.
std::string Apply(const std::string& flag, const std::string& value, CommandLine* line) {
  if (flag == "--dut") return Split(value, &line->duts), "";
  if (flag == "--suite") return Split(value, &line->suites), "";
  if (flag == "--case") return Split(value, &line->cases), "";
  if (flag == "--pcap") return line->pool.pcap_directory = value, "";
  if (flag == "--record") return line->record = value, "";
  if (flag == "--moat") return line->pool.programs.moat = value, "";
  if (flag == "--moatctl") return line->pool.programs.moatctl = value, "";
  if (flag == "--lwip") return line->pool.programs.lwip = value, "";
  if (flag == "--jobs") {
    line->pool.parallel = std::atoi(value.c_str());
    return line->pool.parallel >= 1 && line->pool.parallel <= 256 ? "" : "--jobs is 1 to 256";
  }
  return "\"" + flag + "\" is no option; see --help";
}

std::string Parse(const std::vector<std::string>& words, CommandLine* line) {
  for (size_t i = 0; i < words.size(); ++i) {
    std::string flag = words[i], value;
    if (flag == "--json") {
      line->json = true;
    } else if (flag == "--list") {
      line->list = true;
    } else if (flag == "--once") {
      line->once = true;
    } else if (flag == "--verbose") {
      line->verbose = true;
    } else {
      if (const size_t equal = flag.find('='); equal != flag.npos) {
        value = flag.substr(equal + 1);
        flag.resize(equal);
      } else if (i + 1 < words.size()) {
        value = words[++i];
      } else {
        return flag + " needs a value";
      }
      if (std::string error = Apply(flag, value, line); !error.empty()) return error;
    }
  }
  return "";
}

bool Contains(const std::vector<std::string>& list, const std::string& item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

// Empty, or which name does not exist.
std::string CheckNames(const CommandLine& line) {
  for (const std::string& dut : line.duts) {
    if (!Contains(WireDeviceKinds(), dut)) return "there is no device \"" + dut + "\"";
  }
  for (const std::string& suite : line.suites) {
    if (!Contains(SuiteNames(), suite)) return "there is no suite \"" + suite + "\"";
  }
  for (const std::string& id : line.cases) {
    if (FindCase(id) == nullptr) return "there is no case \"" + id + "\"";
  }
  return "";
}

std::vector<const Case*> Selected(const CommandLine& line) {
  std::vector<const Case*> cases;
  for (const Case* c : AllCases()) {
    const bool all = line.suites.empty() && line.cases.empty();
    if (all || Contains(line.suites, c->suite) || Contains(line.cases, c->id())) {
      cases.push_back(c);
    }
  }
  return cases;
}

int List(const CommandLine& line) {
  for (const Case* c : Selected(line)) {
    std::printf("%-18s %-6s %s (%s)\n", c->id().c_str(), LevelName(c->level), c->text, c->source);
  }
  return 0;
}

// Time is real: a machine that is busy with other cases makes answers late. What failed is run once
// more, nearly alone, and that counts.
void RepeatFailures(const PoolOptions& pool, std::vector<JobResult>* results) {
  PoolOptions quiet = pool;
  quiet.parallel = std::min(pool.parallel, kQuietJobs);
  std::vector<Job> jobs;
  for (const JobResult& result : *results) {
    if (result.outcome == "fail") jobs.push_back(result.job);
  }
  std::vector<JobResult> again = RunJobs(jobs, quiet, [](const JobResult&) {});
  size_t next = 0;
  for (JobResult& result : *results) {
    if (result.outcome != "fail") continue;
    result = std::move(again[next++]);
    result.attempts = 2;
  }
}

// Empty, or what the user would not get: better told now than after the run. An older record stays
// until there is a new one.
std::string PrepareOutputs(const CommandLine& line) {
  if (const std::string& directory = line.pool.pcap_directory; !directory.empty()) {
    std::error_code error;
    std::filesystem::create_directories(directory, error);
    if (error) return "cannot make the directory " + directory + ": " + error.message();
  }
  if (line.record.empty() || std::ofstream(line.record, std::ios::app)) return "";
  return "cannot write " + line.record + ": " + std::strerror(errno);
}

int RunAll(CommandLine& line) {
  if (std::string error = PrepareOutputs(line); !error.empty()) return Mistake(error);
  Scratch scratch(line.pool.programs);
  if (absl::Status status = scratch.Make(); !status.ok()) {
    std::fprintf(stderr, "moat conform: %s\n", status.ToString().c_str());
    return 1;
  }
  CatchSignals();
  std::vector<Job> jobs;
  for (const Case* c : Selected(line)) {
    for (const std::string& dut : line.duts) jobs.push_back({c, dut});
  }
  size_t done = 0;
  const bool show = isatty(2) != 0;
  std::vector<JobResult> results = RunJobs(jobs, line.pool, [&](const JobResult& result) {
    ++done;
    if (show) {
      std::fprintf(stderr, "\r%zu/%zu %-24s", done, jobs.size(), result.job.c->id().c_str());
    }
  });
  if (show) std::fprintf(stderr, "\r%40s\r", "");
  if (!line.once) RepeatFailures(line.pool, &results);
  if (CaughtSignal() != 0) return 128 + CaughtSignal();
  std::fputs((line.json ? JsonReport(results) : TextReport(results, line.verbose)).c_str(),
             stdout);
  if (!line.record.empty() &&
      (std::ofstream(line.record) << RecordLines(results)).flush().fail()) {
    std::fprintf(stderr, "moat conform: %s could not be written in full\n", line.record.c_str());
    return 1;
  }
  return AllPassed(results) ? 0 : 1;
}

int Main(std::vector<std::string> words) {
  if (!words.empty() && words[0] == "agent") {
    return AgentMain([](const std::string& line) { return AgentAnswer(KernelSockets(), line); });
  }
  if (words.empty() || words[0] == "--help" || words[0] == "-h") return Usage(), 0;
  CommandLine line;
  line.pool.parallel = 6;
  line.pool.programs.self = SelfPath();
  const std::string directory =
      line.pool.programs.self.substr(0, line.pool.programs.self.rfind('/') + 1);
  line.pool.programs.moat = directory + "moat";
  line.pool.programs.moatctl = directory + "moatctl";
  line.pool.programs.lwip = directory + "moat-conform-lwip";
  if (std::string error = Parse(words, &line); !error.empty()) return Mistake(error);
  if (std::string error = CheckNames(line); !error.empty()) return Mistake(error);
  if (line.list) return List(line);
  if (line.duts.empty()) return Mistake("--dut says which device");
  if (geteuid() != 0) return Mistake("root is needed, to make network namespaces");
  return RunAll(line);
}

}  // namespace
}  // namespace moat::conform

int main(int argc, char** argv) {
  return moat::conform::Main(std::vector<std::string>(argv + 1, argv + argc));
}
