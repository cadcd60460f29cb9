// moat state ID: the container's state as JSON, in runc's shape.
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "runtime/state/container_dir.h"
#include "runtime/state/status.h"
#include "runtime/verbs/verbs.h"

namespace moat::runtime {
namespace {

absl::StatusOr<int> Run(const Globals& globals, const Arguments& arguments) {
  absl::StatusOr<ContainerDir> dir = ContainerDir::Open(globals.root, arguments.word(0));
  if (!dir.ok()) return dir.status();
  absl::StatusOr<ContainerState> state = dir->Load();
  if (!state.ok()) return state.status();
  const ContainerStatus status = FindStatus(*dir, *state);
  nlohmann::ordered_json out;
  out["ociVersion"] = kOciVersion;
  out["id"] = state->id;
  out["pid"] = status == ContainerStatus::kStopped ? 0 : state->init.pid;
  out["status"] = StatusName(status);
  out["bundle"] = state->bundle;
  out["rootfs"] = state->rootfs;
  out["created"] = state->created;
  if (!state->annotations.empty()) out["annotations"] = state->annotations;
  out["owner"] = "";
  const std::string text = out.dump(2);
  if (write(STDOUT_FILENO, text.data(), text.size()) < 0) {
    return absl::ErrnoToStatus(errno, "write to standard output");
  }
  return 0;
}

}  // namespace

constinit const Verb kStateVerb = {.name = "state",
                                   .usage = "<container-id>",
                                   .summary = "output the state of a container",
                                   .min_words = 1,
                                   .max_words = 1,
                                   .run = Run};

}  // namespace moat::runtime
