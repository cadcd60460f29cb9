// moat spec: writes a config.json to begin with.
#include <fcntl.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "base/owned_fd.h"
#include "runtime/verbs/default_spec.h"
#include "runtime/verbs/verbs.h"

namespace moat::runtime {
namespace {

constexpr Flag kFlags[] = {
    {"bundle", 'b', FlagKind::kString, "directory to write to (default: the working directory)"},
    {"rootless", 0, FlagKind::kBool, "a configuration for a user without root"},
};

absl::StatusOr<int> Run(const Globals&, const Arguments& arguments) {
  const std::string bundle = arguments.String("bundle", ".");
  const std::string path = absl::StrCat(bundle.empty() ? "." : bundle, "/config.json");
  OwnedFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  if (!fd.ok() && errno == EEXIST) {
    return absl::AlreadyExistsError(absl::StrCat("file ", path, " exists; remove it first"));
  }
  if (!fd.ok()) return absl::ErrnoToStatus(errno, absl::StrCat("create ", path));
  const nlohmann::ordered_json spec =
      arguments.Bool("rootless") ? RootlessSpec(::geteuid(), ::getegid()) : DefaultSpec();
  const std::string text = spec.dump(2) + "\n";
  if (::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    const absl::Status status = absl::ErrnoToStatus(errno, absl::StrCat("write ", path));
    ::unlink(path.c_str());
    return status;
  }
  return 0;
}

}  // namespace

constinit const Verb kSpecVerb = {
    .name = "spec", .usage = "", .summary = "write a new config.json", .flags = kFlags, .run = Run};

}  // namespace moat::runtime
