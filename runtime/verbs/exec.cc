// moat exec ID COMMAND...: one more process in a running container.
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "runtime/config/parse.h"
#include "runtime/container/exec.h"
#include "runtime/container/foreground.h"
#include "runtime/container/protect_binary.h"
#include "runtime/verbs/verbs.h"

namespace moat::runtime {
namespace {

constexpr Flag kFlags[] = {
    {"console-socket", 0, FlagKind::kString, "AF_UNIX socket that gets the terminal's master"},
    {"cwd", 0, FlagKind::kString, "working directory in the container"},
    {"env", 'e', FlagKind::kList, "NAME=value to add to the environment"},
    {"tty", 't', FlagKind::kBool, "with a terminal"},
    {"user", 'u', FlagKind::kString, "uid[:gid]"},
    {"additional-gids", 'g', FlagKind::kList, "more groups"},
    {"process", 'p', FlagKind::kString, "file with the whole process as JSON"},
    {"detach", 'd', FlagKind::kBool, "end when the program runs"},
    {"pid-file", 0, FlagKind::kString, "file to write the process id to"},
    {"process-label", 0, FlagKind::kString, "SELinux label"},
    {"apparmor", 0, FlagKind::kString, "AppArmor profile"},
    {"no-new-privs", 0, FlagKind::kBool, "set no_new_privs"},
    {"cap", 'c', FlagKind::kList, "capability to add"},
    {"preserve-fds", 0, FlagKind::kString, "pass that many descriptors from 3 up (default: 0)"},
    {"cgroup", 0, FlagKind::kList, "not supported"},
    {"ignore-paused", 0, FlagKind::kBool, "allow it in a paused container"},
};

absl::Status BadFlag(const char* flag, absl::string_view value, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("--", flag, ": \"", value, "\" ", what));
}

absl::Status EditUser(const Arguments& arguments, User* user) {
  if (arguments.Has("user")) {
    const std::string text = arguments.String("user");
    const std::vector<absl::string_view> ids = absl::StrSplit(text, absl::MaxSplits(':', 1));
    if (!absl::SimpleAtoi(ids[0], &user->uid) ||
        (ids.size() > 1 && !absl::SimpleAtoi(ids[1], &user->gid))) {
      return BadFlag("user", text, "does not have the form uid[:gid]");
    }
  }
  for (const std::string& text : arguments.List("additional-gids")) {
    uint32_t gid;
    if (!absl::SimpleAtoi(text, &gid)) return BadFlag("additional-gids", text, "is not a number");
    user->additional_gids.push_back(gid);
  }
  return absl::OkStatus();
}

void AddCapabilities(const std::vector<std::string>& names, Process* process) {
  if (names.empty()) return;
  if (!process->capabilities) process->capabilities.emplace();
  Capabilities& sets = *process->capabilities;
  for (auto* set : {&sets.bounding, &sets.effective, &sets.permitted, &sets.ambient}) {
    set->insert(set->end(), names.begin(), names.end());
  }
}

absl::Status EditFromFlags(const Arguments& arguments, Process* process) {
  const auto& words = arguments.words();
  if (words.size() < 2) {
    return absl::InvalidArgumentError("process args cannot be empty");
  }
  process->args.assign(words.begin() + 1, words.end());
  process->terminal = arguments.Bool("tty");
  process->cwd = arguments.String("cwd", process->cwd);
  if (process->cwd.empty() || process->cwd[0] != '/') {
    return BadFlag("cwd", process->cwd, "is not an absolute path");
  }
  for (const std::string& entry : arguments.List("env")) {
    if (entry.find('=') == std::string::npos || entry[0] == '=') {
      return BadFlag("env", entry, "does not have the form NAME=value");
    }
    process->env.push_back(entry);
  }
  process->apparmor_profile = arguments.String("apparmor", process->apparmor_profile);
  process->selinux_label = arguments.String("process-label", process->selinux_label);
  if (arguments.Has("no-new-privs")) process->no_new_privileges = arguments.Bool("no-new-privs");
  AddCapabilities(arguments.List("cap"), process);
  return EditUser(arguments, &process->user);
}

absl::Status Edit(const Arguments& arguments, Process* process) {
  if (!arguments.Has("process")) return EditFromFlags(arguments, process);
  const std::string path = arguments.String("process");
  absl::StatusOr<std::string> text = ReadConfigFile(path);
  if (!text.ok()) {
    return absl::Status(text.status().code(),
                        absl::StrCat("--process: ", text.status().message()));
  }
  absl::StatusOr<Process> parsed = ParseProcess(*text, path);
  if (!parsed.ok()) return parsed.status();
  *process = *std::move(parsed);
  return absl::OkStatus();
}

absl::StatusOr<int> Run(const Globals& globals, const Arguments& arguments) {
  absl::Status status = CheckPrivileges();
  if (status.ok()) status = ProtectBinary();
  if (!status.ok()) return status;
  absl::StatusOr<ProcessOptions> process =
      ReadProcessOptions(arguments, arguments.Bool("detach"));
  if (!process.ok()) return process.status();
  ExecOptions options;
  options.root = globals.root;
  options.id = arguments.word(0);
  options.process = *std::move(process);
  options.ignore_paused = arguments.Bool("ignore-paused");
  options.cgroup = arguments.String("cgroup");

  Foreground foreground(false);
  absl::StatusOr<ExecutedProcess> executed = ExecInContainer(
      options, [&](Process* process) { return Edit(arguments, process); });
  if (!executed.ok()) return executed.status();
  if (arguments.Bool("detach")) return 0;
  return foreground.Wait(executed->pid, std::move(executed->terminal));
}

}  // namespace

constinit const Verb kExecVerb = {
    .name = "exec",
    .usage = "<container-id> <command> [arguments...] | -p process.json <container-id>",
    .summary = "run one more process in a container",
    .flags = kFlags,
    .min_words = 1,
    .max_words = -1,
    .error_prefix = "exec failed: ",
    .error_exit_code = 255,
    .run = Run};

}  // namespace moat::runtime
