// Docker's /etc/docker/daemon.json as text in, text out: one entry below "runtimes" is added or
// removed, everything else stays, in its order.
#ifndef MOAT_RUNTIME_INSTALL_DOCKER_CONFIG_H_
#define MOAT_RUNTIME_INSTALL_DOCKER_CONFIG_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace moat::runtime {

// An empty text is an empty object. InvalidArgument for what is not JSON, or "runtimes" that is no
// object.
absl::StatusOr<std::string> AddDockerRuntime(absl::string_view text, const std::string& name,
                                             const std::string& path);

// Empty when nothing is left. FailedPrecondition when "default-runtime" is `name`: dockerd would
// not start.
absl::StatusOr<std::string> RemoveDockerRuntime(absl::string_view text, const std::string& name);

// Whether two texts say the same.
bool SameJson(absl::string_view a, absl::string_view b);

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_INSTALL_DOCKER_CONFIG_H_
