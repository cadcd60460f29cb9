// What the verbs for a living container begin with.
#ifndef MOAT_RUNTIME_VERBS_OPEN_CONTAINER_H_
#define MOAT_RUNTIME_VERBS_OPEN_CONTAINER_H_

#include <string>

#include "absl/status/statusor.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/state/container_dir.h"
#include "runtime/state/status.h"

namespace moat::runtime {

struct OpenedContainer {
  ContainerDir dir;
  ContainerState state;
  ContainerStatus status;
};

inline absl::StatusOr<OpenedContainer> OpenContainer(const std::string& root,
                                                     const std::string& id) {
  absl::StatusOr<ContainerDir> dir = ContainerDir::Open(root, id);
  if (!dir.ok()) return dir.status();
  absl::StatusOr<ContainerState> state = dir->Load();
  if (!state.ok()) return state.status();
  const ContainerStatus status = FindStatus(*dir, *state);
  return OpenedContainer{*std::move(dir), *std::move(state), status};
}

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_VERBS_OPEN_CONTAINER_H_
