// Making a container: everything of `moat create`, and the first half of `moat run`.
#ifndef MOAT_RUNTIME_CONTAINER_CREATE_H_
#define MOAT_RUNTIME_CONTAINER_CREATE_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/owned_fd.h"
#include "runtime/config/spec.h"
#include "runtime/container/options.h"
#include "runtime/init/channel.h"
#include "runtime/state/container_dir.h"
#include "runtime/state/container_state.h"

namespace moat::runtime {

struct CreateOptions {
  std::string root;  // of all containers' directories
  std::string id;
  std::string bundle;  // may be relative; empty: the working directory
  ProcessOptions process;
  bool systemd_cgroup = false;
  bool no_pivot = false;
  bool no_new_keyring = false;
  bool debug = false;
  bool await_start = true;  // false: the caller starts it through `channel`
};

// A container that is ready to start. Its process is the caller's child.
struct CreatedContainer {
  ContainerDir dir;  // locked
  ContainerState state;
  Spec spec;
  Channel channel;  // closed when await_start
  OwnedFd terminal;  // master, when the configuration asks for one and there is no console socket
};

// When it fails nothing is left: no process, control group, directory.
absl::StatusOr<CreatedContainer> CreateContainer(const CreateOptions& options);

// Runs the program of a container made with await_start = false; poststart hooks are the caller's.
absl::Status StartThroughChannel(CreatedContainer& container);

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_CONTAINER_CREATE_H_
