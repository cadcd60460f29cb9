#include "runtime/cli/parse.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace moat::runtime {
namespace {

constexpr Flag kFlags[] = {
    {"debug", 0, FlagKind::kBool, "log debug messages"},
    {"log", 0, FlagKind::kString, "file to write the log to (default: standard error)"},
    {"log-format", 0, FlagKind::kString, "text or json (default: text)"},
    {"root", 0, FlagKind::kString, "directory of the containers' state (default: /run/moat)"},
    {"criu", 0, FlagKind::kString, "accepted and ignored: checkpoints are not supported"},
    {"systemd-cgroup", 0, FlagKind::kBool, "cgroupsPath has the form slice:prefix:name"},
    {"rootless", 0, FlagKind::kString, "accepted and ignored: moat needs root"},
    {"version", 'v', FlagKind::kBool, "print the version"},
};

constexpr Flag kHelpFlag = {"help", 'h', FlagKind::kBool, "show help"};

const Flag* FindFlag(absl::Span<const Flag> flags, absl::string_view name) {
  for (const Flag& flag : flags) {
    if (name == flag.name) return &flag;
    if (flag.letter != 0 && name == absl::string_view(&flag.letter, 1)) return &flag;
  }
  if (name == "help" || name == "h") return &kHelpFlag;
  return nullptr;
}

absl::StatusOr<std::string> BoolValue(absl::string_view flag, absl::string_view value) {
  if (value == "true" || value == "1" || value == "t" || value == "T") return "true";
  if (value == "false" || value == "0" || value == "f" || value == "F") return "false";
  return absl::InvalidArgumentError(
      absl::StrCat("invalid boolean value \"", value, "\" for -", flag));
}

// Takes flags from the front of *words.
absl::Status TakeFlags(absl::Span<const char* const>* words, absl::Span<const Flag> flags,
                       Arguments* out) {
  while (!words->empty()) {
    absl::string_view word = words->front();
    if (word.size() < 2 || word[0] != '-') return absl::OkStatus();
    words->remove_prefix(1);
    if (word == "--") return absl::OkStatus();
    word.remove_prefix(absl::StartsWith(word, "--") ? 2 : 1);
    const size_t equals = word.find('=');
    const absl::string_view name = word.substr(0, equals);
    const Flag* flag = FindFlag(flags, name);
    if (flag == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat("flag provided but not defined: -", name));
    }
    std::string value;
    if (equals != absl::string_view::npos) {
      value = std::string(word.substr(equals + 1));
    } else if (flag->kind == FlagKind::kBool) {
      value = "true";
    } else if (words->empty()) {
      return absl::InvalidArgumentError(absl::StrCat("flag needs an argument: -", name));
    } else {
      value = words->front();
      words->remove_prefix(1);
    }
    if (flag->kind == FlagKind::kBool) {
      absl::StatusOr<std::string> normal = BoolValue(name, value);
      if (!normal.ok()) return normal.status();
      value = *normal;
    }
    out->AddFlag(flag->name, std::move(value));
  }
  return absl::OkStatus();
}

absl::Status FillGlobals(const Arguments& flags, Globals* out) {
  out->root = flags.String("root", out->root);
  out->log = flags.String("log");
  out->log_format = flags.String("log-format", "text");
  out->debug = flags.Bool("debug");
  out->systemd_cgroup = flags.Bool("systemd-cgroup");
  if (out->log_format != "text" && out->log_format != "json") {
    return absl::InvalidArgumentError(
        absl::StrCat("--log-format: \"", out->log_format, "\" is neither text nor json"));
  }
  if (out->root.empty()) return absl::InvalidArgumentError("--root: must not be empty");
  return absl::OkStatus();
}

absl::Status CheckWordCount(const Verb& verb, size_t count) {
  const auto fails = [&](absl::string_view bound, int number) {
    return absl::InvalidArgumentError(
        absl::StrCat("moat: \"", verb.name, "\" requires ", bound, number, " argument(s)"));
  };
  const int words = static_cast<int>(count);
  if (verb.min_words == verb.max_words) {
    return words == verb.min_words ? absl::OkStatus() : fails("exactly ", verb.min_words);
  }
  if (words < verb.min_words) return fails("a minimum of ", verb.min_words);
  if (verb.max_words >= 0 && words > verb.max_words) return fails("a maximum of ", verb.max_words);
  return absl::OkStatus();
}

}  // namespace

const absl::Span<const Flag> kGlobalFlags = kFlags;

absl::Status ParseCommandLine(absl::Span<const char* const> words,
                              absl::Span<const Verb* const> verbs, CommandLine* out) {
  Arguments global_flags;
  absl::Status status = TakeFlags(&words, kFlags, &global_flags);
  status.Update(FillGlobals(global_flags, &out->globals));
  out->help = global_flags.Bool("help");
  out->version = global_flags.Bool("version");
  if (!status.ok() || words.empty() || out->help || out->version) return status;

  const absl::string_view name = words.front();
  words.remove_prefix(1);
  if (name == "help" || name == "h") {
    out->help = true;
    if (words.empty()) return absl::OkStatus();
  }
  const absl::string_view wanted = out->help ? words.front() : name;
  for (const Verb* verb : verbs) {
    if (wanted == verb->name) out->verb = verb;
  }
  if (out->verb == nullptr) {
    return WithExitCode(
        absl::InvalidArgumentError(absl::StrCat("no command \"", wanted, "\"; see moat --help")),
        3);
  }
  if (out->help) return absl::OkStatus();

  status = TakeFlags(&words, out->verb->flags, &out->arguments);
  if (!status.ok()) return status;
  out->help = out->arguments.Bool("help");
  if (out->help) return absl::OkStatus();
  for (const char* word : words) out->arguments.AddWord(word);
  return CheckWordCount(*out->verb, words.size());
}

}  // namespace moat::runtime
