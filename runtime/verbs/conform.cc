// moat conform: starts the conformance tester, moat-conform, which lies beside this program.
#include <unistd.h>

#include <cerrno>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "runtime/verbs/verbs.h"

namespace moat::runtime {
namespace {

// As moat-conform has them, which checks their values.
constexpr Flag kFlags[] = {
    {"dut", 0, FlagKind::kList, "device under test: moat, linux, runsc, lwip (may be repeated)"},
    {"suite", 0, FlagKind::kList, "only this suite"},
    {"case", 0, FlagKind::kList, "only this case, as arp-017"},
    {"jobs", 0, FlagKind::kString, "cases at a time"},
    {"once", 0, FlagKind::kBool, "what fails is not run a second time, nearly alone"},
    {"json", 0, FlagKind::kBool, "the report as JSON"},
    {"verbose", 0, FlagKind::kBool, "the frames of what did not pass"},
    {"pcap", 0, FlagKind::kString, "directory for a capture of each case"},
    {"record", 0, FlagKind::kString, "file for results, for the generated document"},
    {"list", 0, FlagKind::kBool, "the cases, without running them"},
    {"moat", 0, FlagKind::kString, "the moat to test"},
    {"moatctl", 0, FlagKind::kString, "the moatctl to test it with"},
    {"lwip", 0, FlagKind::kString, "moat-conform-lwip, which the device lwip is"},
};

absl::StatusOr<std::string> TesterPath() {
  char self[4096];
  const ssize_t size = readlink("/proc/self/exe", self, sizeof(self));
  if (size <= 0) return absl::ErrnoToStatus(errno, "cannot read /proc/self/exe");
  const absl::string_view path(self, static_cast<size_t>(size));
  return absl::StrCat(path.substr(0, path.rfind('/') + 1), "moat-conform");
}

absl::StatusOr<int> Run(const Globals&, const Arguments& arguments) {
  absl::StatusOr<std::string> tester = TesterPath();
  if (!tester.ok()) return tester.status();
  std::vector<std::string> words = {*tester};
  for (const Flag& flag : kFlags) {
    if (flag.kind == FlagKind::kBool) {
      if (arguments.Bool(flag.name)) words.push_back(absl::StrCat("--", flag.name));
      continue;
    }
    for (const std::string& value : arguments.List(flag.name)) {
      words.push_back(absl::StrCat("--", flag.name, "=", value));
    }
  }
  if (words.size() == 1) words.emplace_back("--help");
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  execv(argv[0], argv.data());
  return absl::ErrnoToStatus(errno, absl::StrCat("cannot start ", *tester));
}

}  // namespace

constinit const Verb kConformVerb = {.name = "conform",
                                     .usage = "",
                                     .summary = "run the conformance cases against a TCP/IP stack",
                                     .flags = kFlags,
                                     .run = Run};

}  // namespace moat::runtime
