// containerd's /etc/containerd/config.toml as text in, text out. What was there stays byte for
// byte; the runtime is a marked block at the end.
#ifndef MOAT_RUNTIME_INSTALL_CONTAINERD_CONFIG_H_
#define MOAT_RUNTIME_INSTALL_CONTAINERD_CONFIG_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace moat::runtime {

// A table for the CRI plugin of the file's version (1, 2 or 3; an empty text becomes version 2),
// with the shim that ships with containerd and `path` as the binary it calls. A block of ours of
// that name is replaced. AlreadyExists when somebody else's table has the name.
absl::StatusOr<std::string> AddContainerdRuntime(absl::string_view text, const std::string& name,
                                                 const std::string& path);

// Without the block; the text as it is when there is none.
absl::StatusOr<std::string> RemoveContainerdRuntime(absl::string_view text,
                                                    const std::string& name);

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_INSTALL_CONTAINERD_CONFIG_H_
