#include "ctl/run.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "ctl/args.h"
#include "ctl/client.h"
#include "ctl/command.h"

namespace moat::ctl {
namespace {

constexpr int kExitSyntax = 1;
constexpr int kExitFailed = 2;

// Takes one option; false when the next word is none.
absl::StatusOr<bool> TakeOption(Args& args, Options* options) {
  if (args.empty() || !absl::StartsWith(args.Peek(), "-")) return false;
  const std::string word = args.Take();
  if (word == "--json" || word == "-json" || word == "-j") {
    options->json = true;
  } else if (word == "-4") {
    options->family = v1::FAMILY_IPV4;
  } else if (word == "-6") {
    options->family = v1::FAMILY_IPV6;
  } else if (word == "-s" || word == "--stats" || word == "-stats" || word == "-statistics") {
    options->statistics = true;
  } else if (word == "-h" || word == "--help" || word == "-help") {
    options->help = true;
  } else if (absl::StartsWith(word, "--root=")) {
    options->root = word.substr(word.find('=') + 1);
  } else if (word == "--root") {
    absl::StatusOr<std::string> root = args.Value(word);
    if (!root.ok()) return root.status();
    options->root = *std::move(root);
  } else {
    return SyntaxError(absl::StrCat("option \"", word, "\" is unknown; try moatctl --help"));
  }
  return true;
}

absl::Status TakeOptions(Args& args, Options* options) {
  absl::StatusOr<bool> taken = true;
  while (taken.ok() && *taken) taken = TakeOption(args, options);
  return taken.status();
}

absl::Status RunWords(Args& args, const Connector& connect, std::ostream& out) {
  Options options;
  if (absl::Status status = TakeOptions(args, &options); !status.ok()) return status;
  if (!options.help && args.empty()) {
    return SyntaxError("needs the id of a sandbox; try moatctl --help");
  }
  std::string id;
  if (!options.help) {
    id = args.Take();
    if (absl::Status status = TakeOptions(args, &options); !status.ok()) return status;
  }
  if (options.help) {
    PrintUsage(out);
    return absl::OkStatus();
  }
  absl::StatusOr<int> fd = connect(options.root, id);
  if (!fd.ok()) return fd.status();
  Client client(*fd);
  Context context{options, client, out};
  return RunCommand(context, args);
}

}  // namespace

absl::StatusOr<int> ConnectToSandbox(const std::string& root, const std::string& id) {
  absl::StatusOr<std::string> directory = FindSandbox(StateRoots(root), id);
  if (!directory.ok()) return directory.status();
  return ConnectControlSocket(*directory);
}

int Run(std::vector<std::string> words, const Connector& connect, std::ostream& out,
        std::ostream& err) {
  Args args(std::move(words));
  const absl::Status status = RunWords(args, connect, out);
  out.flush();
  if (status.ok()) return 0;
  err << "moatctl: " << status.message() << "\n";
  return IsSyntaxError(status) ? kExitSyntax : kExitFailed;
}

}  // namespace moat::ctl
