// bazel run //conform/doc:generate [RESULTS...]
//
// Runs every case in process, joins the outcome and the results files that are named (as `moat
// conform
// --record FILE` writes them) to the recorded results, and writes the files of docs/ and the table
// of README.md anew.
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include "conform/bench/run_case.h"
#include "conform/doc/document.h"
#include "conform/doc/requirements_page.h"
#include "conform/doc/results.h"
#include "conform/inprocess/in_process.h"

namespace moat::conform {
namespace {

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

void WriteFile(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::trunc);
  file << text;
  file.close();
  if (file) return;
  std::fprintf(stderr, "cannot write %s\n", path.c_str());
  std::exit(1);
}

void RunInProcess(Results& results) {
  for (const Case* c : AllCases()) {
    InProcess stack(c->options.setup, (c->options.needs & kTwoPorts) != 0);
    const Report report = RunCase(*c, stack, stack, /*waivers=*/true);
    results.Set(c->id(), "inprocess", {OutcomeName(report.outcome), report.reason});
    if (report.outcome == Outcome::kFailed || report.outcome == Outcome::kPassedWaived) {
      std::fprintf(stderr, "%s fails: %s\n", c->id().c_str(), report.reason.c_str());
    }
  }
}

std::string PageOfRequirements(const std::string& prefix) {
  Requirements requirements;
  requirements.ReadDirectory(prefix + kRequirementsDirectory);
  for (const std::string& error : requirements.errors) std::fprintf(stderr, "%s\n", error.c_str());
  return RequirementsPage(requirements);
}

int Main(int argc, char** argv) {
  const char* top = std::getenv("BUILD_WORKSPACE_DIRECTORY");
  if (top == nullptr) {
    std::fprintf(stderr, "use: bazel run //conform/doc:generate [RESULTS...]\n");
    return 2;
  }
  const std::string prefix = std::string(top) + "/";
  std::string text = ReadFile(prefix + kResultsPath);
  for (int i = 1; i < argc; ++i) text += "\n" + ReadFile(argv[i]);
  Results results = Results::Parse(text);
  results.Keep([](const std::string& id) { return FindCase(id) != nullptr; });
  RunInProcess(results);
  WriteFile(prefix + kResultsPath, results.Format());
  WriteFile(prefix + kDocumentPath, Document(results));
  WriteFile(prefix + kRequirementsPath, PageOfRequirements(prefix));
  WriteFile(prefix + kReadmePath, WithTable(ReadFile(prefix + kReadmePath), results));
  return 0;
}

}  // namespace
}  // namespace moat::conform

int main(int argc, char** argv) { return moat::conform::Main(argc, argv); }
