// The root file system of `moat do`: the host's, seen through overlays that keep every change in
// memory.
#ifndef MOAT_RUNTIME_DO_OVERLAY_H_
#define MOAT_RUNTIME_DO_OVERLAY_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace moat::runtime {

// A mount of the host below `root` that the container shall see.
struct HostMount {
  std::string path;  // as the host sees it
  std::string type;  // "ext4"
};

// The mounts of `mountinfo` (proc(5)) strictly below `root`, outermost first. Left out: what the
// container has of its own (/proc, /dev, /sys and below), what another mount covers, and what no
// directory can show (autofs, nsfs).
std::vector<HostMount> MountsBelow(absl::string_view mountinfo, const std::string& root);

// Moves the calling process into a mount namespace of its own in which nothing propagates back;
// then mounts a tmpfs on `directory` (it exists, empty) and on <directory>/root the overlay of
// `root`, with overlays of all mounts below it in their places. What cannot be a lower layer of an
// overlay (a file, a file system that refuses) is bound read-only. Everything ends with the
// namespace. Returns the path of the new root.
absl::StatusOr<std::string> BuildOverlay(const std::string& root, const std::string& directory);

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_DO_OVERLAY_H_
