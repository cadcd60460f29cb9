// Containers that share a network: a Kubernetes pod, `docker run --network container:ID`. The
// second one is given a network namespace in which the first one's sentry already serves the
// frames; a second stack on the same links would answer each packet twice. So its processes are
// handed to that sentry.
#ifndef MOAT_RUNTIME_CONTAINER_SHARED_NETWORK_H_
#define MOAT_RUNTIME_CONTAINER_SHARED_NETWORK_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "runtime/state/container_dir.h"

namespace moat::runtime {

struct SharedNetwork {
  std::string sandbox;  // id of the container whose sentry serves the network
  // The namespace is not the configured one but that of the other container's programs, which is
  // empty: what Docker names, by /proc/PID/ns/net. It is entered and stays.
  bool inside = false;
};

// Whether the namespace behind `namespace_fd` is that of another living container below `root`;
// nothing when it is nobody's. FailedPrecondition, with the container's id: it is that of a
// container without a sentry (of runc, say), whose sockets are the kernel's; or its sentry has
// died.
absl::StatusOr<std::optional<SharedNetwork>> FindSharedNetwork(const std::string& root,
                                                               const std::string& own_id,
                                                               int namespace_fd);

// The directory of the sentry that serves the container: its own, or that of its sandbox beside it.
std::string SandboxDir(const ContainerDir& dir, const ContainerState& state);

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_CONTAINER_SHARED_NETWORK_H_
