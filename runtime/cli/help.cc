#include "runtime/cli/help.h"

#include "absl/strings/str_cat.h"

namespace moat::runtime {
namespace {

constexpr size_t kColumn = 30;

void AppendRow(std::string left, absl::string_view right, std::string* out) {
  if (left.size() < kColumn) left.append(kColumn - left.size(), ' ');
  absl::StrAppend(out, "   ", left, " ", right, "\n");
}

void AppendFlags(absl::Span<const Flag> flags, std::string* out) {
  for (const Flag& flag : flags) {
    const char* value = flag.kind == FlagKind::kBool ? "" : " value";
    std::string left = absl::StrCat("--", flag.name, value);
    if (flag.letter != 0) {
      absl::StrAppend(&left, ", -", absl::string_view(&flag.letter, 1), value);
    }
    AppendRow(std::move(left), flag.help, out);
  }
  AppendRow("--help, -h", "show help", out);
}

}  // namespace

std::string ProgramHelp(absl::Span<const Verb* const> verbs, absl::Span<const Flag> globals) {
  std::string out =
      "NAME:\n   moat - OCI runtime whose containers have a TCP/IP stack of their own\n\n"
      "USAGE:\n   moat [global options] command [command options] [arguments...]\n\n"
      "COMMANDS:\n";
  for (const Verb* verb : verbs) {
    if (!verb->hidden) AppendRow(verb->name, verb->summary, &out);
  }
  out += "\nGLOBAL OPTIONS:\n";
  AppendFlags(globals, &out);
  return out;
}

std::string VerbHelp(const Verb& verb) {
  std::string out = absl::StrCat("NAME:\n   moat ", verb.name, " - ", verb.summary,
                                 "\n\nUSAGE:\n   moat ", verb.name, " [command options] ",
                                 verb.usage, "\n\nOPTIONS:\n");
  AppendFlags(verb.flags, &out);
  return out;
}

}  // namespace moat::runtime
