// moat ps ID [ps options]: the processes of a container, as ps(1) shows them or as a JSON array of
// pids.
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "base/owned_fd.h"
#include "runtime/verbs/open_container.h"
#include "runtime/verbs/output.h"
#include "runtime/verbs/ps_filter.h"
#include "runtime/verbs/table_text.h"
#include "runtime/verbs/verbs.h"

extern char** environ;

namespace moat::runtime {
namespace {

constexpr Flag kFlags[] = {
    {"format", 'f', FlagKind::kString, "table or json (default: table)"},
};

constexpr size_t kMaxOutput = 64 << 20;

// The output of ps(1); NotFound when the machine has none.
absl::StatusOr<std::string> RunPs(std::vector<std::string> options) {
  if (options.empty()) options = {"-ef"};
  std::vector<char*> argv = {const_cast<char*>("ps")};
  for (std::string& option : options) argv.push_back(option.data());
  argv.push_back(nullptr);
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return absl::ErrnoToStatus(errno, "pipe");
  OwnedFd read_end(ends[0]);
  OwnedFd write_end(ends[1]);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, write_end.get(), STDOUT_FILENO);
  pid_t pid = 0;
  const int error = ::posix_spawnp(&pid, "ps", &actions, nullptr, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return absl::ErrnoToStatus(error, "run ps");
  write_end.reset();
  std::string output;
  char buffer[65536];
  ssize_t n;
  while (output.size() < kMaxOutput && (n = ::read(read_end.get(), buffer, sizeof buffer)) > 0) {
    output.append(buffer, static_cast<size_t>(n));
  }
  read_end.reset();
  int status = 0;
  ::waitpid(pid, &status, 0);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    return absl::InvalidArgumentError("ps failed; see what it said");
  }
  return output;
}

// For a machine without ps(1).
std::string OwnTable(const std::vector<pid_t>& pids) {
  std::vector<std::vector<std::string>> rows = {{"PID", "CMD"}};
  for (pid_t pid : pids) {
    std::ostringstream command;
    command << std::ifstream(absl::StrCat("/proc/", pid, "/cmdline")).rdbuf();
    std::string text = command.str();
    while (!text.empty() && text.back() == '\0') text.pop_back();
    for (char& c : text) {
      if (c == '\0') c = ' ';
    }
    rows.push_back({absl::StrCat(pid), text});
  }
  return TableText(rows);
}

absl::StatusOr<std::string> Text(const std::vector<pid_t>& pids, const Arguments& arguments) {
  if (arguments.String("format", "table") == "json") return nlohmann::json(pids).dump() + "\n";
  const std::vector<std::string> options(arguments.words().begin() + 1, arguments.words().end());
  absl::StatusOr<std::string> output = RunPs(options);
  if (output.ok()) return FilterPs(*output, pids);
  if (absl::IsNotFound(output.status()) && options.empty()) return OwnTable(pids);
  return output.status();
}

absl::StatusOr<int> Run(const Globals& globals, const Arguments& arguments) {
  const std::string format = arguments.String("format", "table");
  if (format != "table" && format != "json") {
    return absl::InvalidArgumentError(absl::StrCat("--format \"", format, "\": table or json"));
  }
  absl::StatusOr<OpenedContainer> opened = OpenContainer(globals.root, arguments.word(0));
  if (!opened.ok()) return opened.status();
  absl::StatusOr<cgroup::Cgroup> cgroup = CgroupOf(opened->state);
  if (!cgroup.ok()) return cgroup.status();
  const absl::StatusOr<std::string> text = Text(cgroup->Pids(), arguments);
  if (!text.ok()) return text.status();
  if (absl::Status status = PrintOutput(*text); !status.ok()) return status;
  return 0;
}

}  // namespace

constinit const Verb kPsVerb = {.name = "ps",
                                .usage = "<container-id> [ps options]",
                                .summary = "display the processes of a container",
                                .flags = kFlags,
                                .min_words = 1,
                                .max_words = -1,
                                .run = Run};

}  // namespace moat::runtime
