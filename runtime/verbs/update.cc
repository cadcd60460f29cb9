// moat update ID: changes limits of a container that runs.
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "runtime/config/parse.h"
#include "runtime/verbs/open_container.h"
#include "runtime/verbs/update_flags.h"
#include "runtime/verbs/verbs.h"

namespace moat::runtime {
namespace {

absl::StatusOr<std::string> ReadStandardInput() {
  std::string text;
  char buffer[65536];
  ssize_t n;
  while ((n = ::read(STDIN_FILENO, buffer, sizeof buffer)) > 0) {
    text.append(buffer, static_cast<size_t>(n));
    if (text.size() > kMaxDocumentSize) {
      return absl::InvalidArgumentError("--resources: standard input is too long");
    }
  }
  if (n < 0) return absl::ErrnoToStatus(errno, "--resources: read standard input");
  return text;
}

absl::StatusOr<Resources> ReadWanted(const Arguments& arguments) {
  Resources resources;
  if (arguments.Has("resources")) {
    const std::string path = arguments.String("resources");
    absl::StatusOr<std::string> text = path == "-" ? ReadStandardInput() : ReadConfigFile(path);
    if (!text.ok()) return text.status();
    absl::StatusOr<Resources> parsed = ParseResources(*text, path == "-" ? "standard input" : path);
    if (!parsed.ok()) return parsed.status();
    resources = *std::move(parsed);
  }
  if (absl::Status status = ReadUpdateFlags(arguments, &resources); !status.ok()) return status;
  return resources;
}

absl::StatusOr<int> Run(const Globals& globals, const Arguments& arguments) {
  const std::string& id = arguments.word(0);
  absl::StatusOr<OpenedContainer> opened = OpenContainer(globals.root, id);
  if (!opened.ok()) return opened.status();
  if (opened->status == ContainerStatus::kStopped) {
    return absl::FailedPreconditionError(absl::StrCat("container ", id, " is stopped"));
  }
  absl::StatusOr<Resources> wanted = ReadWanted(arguments);
  if (!wanted.ok()) return wanted.status();
  absl::StatusOr<cgroup::Cgroup> cgroup = CgroupOf(opened->state);
  if (!cgroup.ok()) return cgroup.status();
  // Device rules are a list that create has made whole; half a list would take devices away.
  wanted->devices.clear();
  if (absl::Status status = cgroup->Apply(*wanted); !status.ok()) return status;
  return 0;
}

}  // namespace

constinit const Verb kUpdateVerb = {.name = "update",
                                    .usage = "<container-id>",
                                    .summary = "change the limits of a container",
                                    .flags = kUpdateFlags,
                                    .min_words = 1,
                                    .max_words = 1,
                                    .run = Run};

}  // namespace moat::runtime
