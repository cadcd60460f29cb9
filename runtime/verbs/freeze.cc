// moat pause ID and moat resume ID: stop every process of a container through the freezer, and let
// them go on.
#include "absl/strings/str_cat.h"
#include "runtime/verbs/open_container.h"
#include "runtime/verbs/verbs.h"

namespace moat::runtime {
namespace {

absl::Status WrongState(const std::string& id, const char* wanted, ContainerStatus status) {
  return absl::FailedPreconditionError(
      absl::StrCat("container ", id, " is not ", wanted, ": ", StatusName(status)));
}

absl::StatusOr<int> Pause(const Globals& globals, const Arguments& arguments) {
  const std::string& id = arguments.word(0);
  absl::StatusOr<OpenedContainer> opened = OpenContainer(globals.root, id);
  if (!opened.ok()) return opened.status();
  if (opened->status != ContainerStatus::kRunning && opened->status != ContainerStatus::kCreated) {
    return WrongState(id, "running", opened->status);
  }
  absl::StatusOr<cgroup::Cgroup> cgroup = CgroupOf(opened->state);
  if (!cgroup.ok()) return cgroup.status();
  if (absl::Status status = cgroup->Freeze(); !status.ok()) return status;
  return 0;
}

absl::StatusOr<int> Resume(const Globals& globals, const Arguments& arguments) {
  const std::string& id = arguments.word(0);
  absl::StatusOr<OpenedContainer> opened = OpenContainer(globals.root, id);
  if (!opened.ok()) return opened.status();
  if (opened->status != ContainerStatus::kPaused) return WrongState(id, "paused", opened->status);
  absl::StatusOr<cgroup::Cgroup> cgroup = CgroupOf(opened->state);
  if (!cgroup.ok()) return cgroup.status();
  if (absl::Status status = cgroup->Thaw(); !status.ok()) return status;
  return 0;
}

}  // namespace

constinit const Verb kPauseVerb = {.name = "pause",
                                   .usage = "<container-id>",
                                   .summary = "suspend all processes of a container",
                                   .min_words = 1,
                                   .max_words = 1,
                                   .run = Pause};

constinit const Verb kResumeVerb = {.name = "resume",
                                    .usage = "<container-id>",
                                    .summary = "resume all processes of a paused container",
                                    .min_words = 1,
                                    .max_words = 1,
                                    .run = Resume};

}  // namespace moat::runtime
