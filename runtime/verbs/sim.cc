// moat sim FILE: a network of many of our stacks in virtual time (netstack/sim). Needs no privilege
// and touches no network of the host.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/owned_fd.h"
#include "netstack/sim/parser.h"
#include "netstack/sim/report.h"
#include "netstack/sim/simulation.h"
#include "runtime/verbs/output.h"
#include "runtime/verbs/verbs.h"

namespace moat::runtime {
namespace {

namespace sim = netstack::sim;

constexpr Flag kFlags[] = {
    {"json", 0, FlagKind::kBool, "print the report as JSON"},
    {"pcap", 0, FlagKind::kString, "directory for a capture of each link (pcapng)"},
    {"plot", 0, FlagKind::kString, "directory for throughput.svg, window.svg and rtt.svg"},
    {"seed", 0, FlagKind::kString, "seed of all randomness, instead of the file's"},
};

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  OwnedFd fd(path == "-" ? ::dup(STDIN_FILENO) : ::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.ok()) return absl::ErrnoToStatus(errno, absl::StrCat("open ", path));
  std::string text;
  char buffer[65536];
  // One byte more than the parser takes, so that it refuses what was cut.
  while (text.size() <= sim::kMaxScenarioBytes) {
    const ssize_t n = ::read(fd.get(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return absl::ErrnoToStatus(errno, absl::StrCat("read ", path));
    if (n == 0) return text;
    text.append(buffer, static_cast<size_t>(n));
  }
  return text;
}

// Files of one directory. The first error is kept: sinks cannot return one.
class Directory {
 public:
  explicit Directory(std::string path) : path_(std::move(path)) {
    if (!path_.empty() && ::mkdir(path_.c_str(), 0777) != 0 && errno != EEXIST) Fail("make", path_);
  }

  // Appends to the file that OpenFile() gave.
  struct File {
    OwnedFd fd;
    std::string path;
    std::string buffer;
  };
  File* OpenFile(const std::string& name) {
    auto file = std::make_unique<File>();
    file->path = absl::StrCat(path_, "/", name);
    file->fd.reset(::open(file->path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
    if (!file->fd.ok()) Fail("create", file->path);
    files_.push_back(std::move(file));
    return files_.back().get();
  }
  void Append(File* file, absl::string_view bytes) {
    absl::StrAppend(&file->buffer, bytes);
    if (file->buffer.size() >= kFlushAt) Flush(file);
  }
  absl::Status Finish() {
    for (auto& file : files_) Flush(file.get());
    return status_;
  }
  const absl::Status& status() const { return status_; }

 private:
  static constexpr size_t kFlushAt = 1 << 18;

  void Flush(File* file) {
    absl::string_view left = file->buffer;
    while (!left.empty() && status_.ok()) {
      const ssize_t n = ::write(file->fd.get(), left.data(), left.size());
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) {
        Fail("write", file->path);
        break;
      }
      left.remove_prefix(static_cast<size_t>(n));
    }
    file->buffer.clear();
  }
  void Fail(const char* action, const std::string& path) {
    status_.Update(absl::ErrnoToStatus(errno, absl::StrCat(action, " ", path)));
  }

  std::string path_;
  std::vector<std::unique_ptr<File>> files_;
  absl::Status status_;
};

absl::Status WritePlots(const std::string& path, const sim::Scenario& scenario,
                        const sim::Report& report) {
  Directory directory(path);
  if (!directory.status().ok()) return directory.status();
  for (const auto& [name, svg] : sim::ReportPlots(scenario, report)) {
    directory.Append(directory.OpenFile(name), svg);
  }
  return directory.Finish();
}

absl::StatusOr<int> Run(const Globals&, const Arguments& arguments) {
  sim::RunOptions options;
  if (arguments.Has("seed")) {
    uint64_t seed = 0;
    if (!absl::SimpleAtoi(arguments.String("seed"), &seed)) {
      return absl::InvalidArgumentError(
          absl::StrCat("--seed \"", arguments.String("seed"), "\": not a number"));
    }
    options.seed = seed;
  }
  const std::string& path = arguments.word(0);
  absl::StatusOr<std::string> text = ReadFile(path);
  if (!text.ok()) return text.status();
  absl::StatusOr<sim::Scenario> scenario = sim::ParseScenario(path, *text);
  if (!scenario.ok()) return scenario.status();

  Directory captures(arguments.String("pcap"));
  if (!captures.status().ok()) return captures.status();
  if (arguments.Has("pcap")) {
    options.capture = [&captures](const sim::LinkSpec& link) {
      Directory::File* file = captures.OpenFile(absl::StrCat(link.name, ".pcapng"));
      return [&captures, file](std::span<const uint8_t> block) {
        captures.Append(file, {reinterpret_cast<const char*>(block.data()), block.size()});
      };
    };
  }
  absl::StatusOr<sim::Report> report = sim::Simulate(*scenario, options);
  if (!report.ok()) return report.status();
  if (absl::Status status = captures.Finish(); !status.ok()) return status;
  if (arguments.Has("plot")) {
    absl::Status status = WritePlots(arguments.String("plot"), *scenario, *report);
    if (!status.ok()) return status;
  }
  absl::Status status = PrintOutput(arguments.Bool("json") ? sim::ReportJson(*scenario, *report)
                                                           : sim::ReportTable(*scenario, *report));
  if (!status.ok()) return status;
  return report->complete() ? 0 : 1;
}

}  // namespace

constinit const Verb kSimVerb = {
    .name = "sim",
    .usage = "<file>",
    .summary = "simulate a network of stacks in virtual time (1: a flow did not complete)",
    .flags = kFlags,
    .min_words = 1,
    .max_words = 1,
    .error_exit_code = 2,
    .run = Run};

}  // namespace moat::runtime
