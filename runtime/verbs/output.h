// Standard output of a verb.
#ifndef MOAT_RUNTIME_VERBS_OUTPUT_H_
#define MOAT_RUNTIME_VERBS_OUTPUT_H_

#include <unistd.h>

#include <cerrno>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace moat::runtime {

inline absl::Status PrintOutput(absl::string_view text) {
  while (!text.empty()) {
    const ssize_t n = write(STDOUT_FILENO, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return absl::ErrnoToStatus(errno, "write to standard output");
    text.remove_prefix(static_cast<size_t>(n));
  }
  return absl::OkStatus();
}

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_VERBS_OUTPUT_H_
