// moat pause ID: stops every process of a container through the freezer.
#include "absl/strings/str_cat.h"
#include "runtime/verbs/open_container.h"
#include "runtime/verbs/verbs.h"

namespace moat::runtime {
namespace {

absl::StatusOr<int> Run(const Globals& globals, const Arguments& arguments) {
  const std::string& id = arguments.word(0);
  absl::StatusOr<OpenedContainer> opened = OpenContainer(globals.root, id);
  if (!opened.ok()) return opened.status();
  if (opened->status != ContainerStatus::kRunning && opened->status != ContainerStatus::kCreated) {
    return absl::FailedPreconditionError(
        absl::StrCat("container ", id, " is not running: ", StatusName(opened->status)));
  }
  absl::StatusOr<cgroup::Cgroup> cgroup = CgroupOf(opened->state);
  if (!cgroup.ok()) return cgroup.status();
  if (absl::Status status = cgroup->Freeze(); !status.ok()) return status;
  return 0;
}

}  // namespace

constinit const Verb kPauseVerb = {.name = "pause",
                                   .usage = "<container-id>",
                                   .summary = "suspend all processes of a container",
                                   .min_words = 1,
                                   .max_words = 1,
                                   .run = Run};

}  // namespace moat::runtime
