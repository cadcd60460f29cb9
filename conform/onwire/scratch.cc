#include "conform/onwire/scratch.h"

#include <stdlib.h>

#include <cerrno>
#include <filesystem>

#include "conform/onwire/container_device.h"

namespace moat::conform {

absl::Status Scratch::Make() {
  std::string path = "/tmp/moat-conform-XXXXXX";
  if (mkdtemp(path.data()) == nullptr) return absl::ErrnoToStatus(errno, path);
  programs_.scratch = path;
  return absl::OkStatus();
}

Scratch::~Scratch() {
  if (programs_.scratch.empty()) return;
  std::error_code ignored;
  for (const auto& left : std::filesystem::directory_iterator(programs_.scratch, ignored)) {
    ContainerDevice::Remove(left.path().string());
  }
  std::filesystem::remove_all(programs_.scratch, ignored);
}

}  // namespace moat::conform
