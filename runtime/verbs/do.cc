// moat do -- COMMAND: a command in a sandbox on the host's own file system.
#include <climits>
#include <cstdlib>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "runtime/do/do_init.h"
#include "runtime/do/run_do.h"
#include "runtime/verbs/verbs.h"

namespace moat::runtime {
namespace {

constexpr Flag kFlags[] = {
    {"rootfs", 0, FlagKind::kString,
     "directory to use as the root, unchanged as well (default: /)"},
    {"id", 0, FlagKind::kString, "the container's id (default: one is made up)"},
    {"cwd", 0, FlagKind::kString, "working directory (default: the caller's)"},
    {"env", 'e', FlagKind::kList, "NAME=VALUE, beyond the caller's environment"},
    {"hostname", 0, FlagKind::kString, "host name (default: the id)"},
    {"ipv4", 0, FlagKind::kString,
     "the container's address, such as 10.1.2.2/30 (default: a free one)"},
    {"ipv6", 0, FlagKind::kString,
     "the container's address, such as fd00::2/126 (default: a free one)"},
    {"publish", 'p', FlagKind::kList,
     "[ADDRESS:]HOST:CONTAINER[/udp]: a port of the host that leads in"},
    {"forward", 0, FlagKind::kBool, "let the host forward, so that other sandboxes can be reached"},
    {"nat", 0, FlagKind::kBool, "not supported"},
    {"ip-file", 0, FlagKind::kString, "file that gets the container's addresses, one a line"},
    {"no-tty", 0, FlagKind::kBool, "no terminal of its own, even when called from one"},
    {"verbose", 'v', FlagKind::kBool, "tell the id and the addresses on standard error"},
};

absl::Status ReadAddress(const Arguments& arguments, const char* flag, int family,
                         std::optional<IpPrefix>* out) {
  if (!arguments.Has(flag)) return absl::OkStatus();
  absl::StatusOr<IpPrefix> address = ParseIpPrefix(arguments.String(flag), family);
  if (!address.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("--", flag, ": ", address.status().message()));
  }
  *out = *address;
  return absl::OkStatus();
}

absl::StatusOr<DoOptions> ReadOptions(const Arguments& arguments) {
  DoOptions options;
  if (arguments.Bool("nat")) {
    return absl::UnimplementedError(
        "--nat: not supported; the container reaches the host, and --publish leads in from "
        "outside");
  }
  const std::string root = arguments.String("rootfs", "/");
  char resolved[PATH_MAX];
  if (::realpath(root.c_str(), resolved) == nullptr) {
    return absl::ErrnoToStatus(errno, absl::StrCat("--rootfs ", root));
  }
  options.root = resolved;
  options.id = arguments.String("id");
  options.cwd = arguments.String("cwd");
  if (!options.cwd.empty() && options.cwd[0] != '/') {
    return absl::InvalidArgumentError(
        absl::StrCat("--cwd \"", options.cwd, "\": must be absolute"));
  }
  options.hostname = arguments.String("hostname");
  options.environment = arguments.List("env");
  for (const std::string& entry : options.environment) {
    if (!absl::StrContains(entry, "=") || entry[0] == '=') {
      return absl::InvalidArgumentError(absl::StrCat("--env \"", entry, "\": must be NAME=VALUE"));
    }
  }
  absl::Status status = ReadAddress(arguments, "ipv4", AF_INET, &options.ipv4);
  status.Update(ReadAddress(arguments, "ipv6", AF_INET6, &options.ipv6));
  if (!status.ok()) return status;
  for (const std::string& text : arguments.List("publish")) {
    absl::StatusOr<PublishedPort> port = ParsePublishedPort(text);
    if (!port.ok()) return port.status();
    options.ports.push_back(*std::move(port));
  }
  options.forward = arguments.Bool("forward");
  options.ip_file = arguments.String("ip-file");
  options.no_tty = arguments.Bool("no-tty");
  options.verbose = arguments.Bool("verbose");
  options.command = arguments.words();
  return options;
}

absl::StatusOr<int> Run(const Globals& globals, const Arguments& arguments) {
  absl::StatusOr<DoOptions> options = ReadOptions(arguments);
  if (!options.ok()) return options.status();
  return RunDo(globals, *options);
}

absl::StatusOr<int> RunInit(const Globals&, const Arguments& arguments) {
  return RunDoInit(arguments.words());
}

}  // namespace

constinit const Verb kDoVerb = {.name = "do",
                                .usage = "[--] <command> [argument...]",
                                .summary = "run a command in a sandbox on the host's own files",
                                .flags = kFlags,
                                .min_words = 1,
                                .max_words = -1,
                                .error_prefix = "moat do: ",
                                .run = Run};

constinit const Verb kDoInitVerbRow = {.name = kDoInitVerb,
                                       .usage = "<command> [argument...]",
                                       .summary = "the first process of a `moat do`",
                                       .min_words = 1,
                                       .max_words = -1,
                                       .hidden = true,
                                       .run = RunInit};

}  // namespace moat::runtime
