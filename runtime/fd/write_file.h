// Small files where one write(2) is one command: those of /proc and /sys.
#ifndef MOAT_RUNTIME_FD_WRITE_FILE_H_
#define MOAT_RUNTIME_FD_WRITE_FILE_H_

#include <fcntl.h>

#include <cerrno>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/owned_fd.h"

namespace moat::runtime {

// Writes `text` to the existing file `path`, relative to `dir_fd`. The error names the path.
inline absl::Status WriteFileAt(int dir_fd, const std::string& path, absl::string_view text) {
  OwnedFd fd(openat(dir_fd, path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY));
  if (!fd.ok()) return absl::ErrnoToStatus(errno, absl::StrCat("open ", path));
  if (write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    return absl::ErrnoToStatus(errno, absl::StrCat("write \"", text, "\" to ", path));
  }
  return absl::OkStatus();
}

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_FD_WRITE_FILE_H_
