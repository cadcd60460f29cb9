// The lines of ps(1)'s output that are about given processes.
#ifndef MOAT_RUNTIME_VERBS_PS_FILTER_H_
#define MOAT_RUNTIME_VERBS_PS_FILTER_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace moat::runtime {

// The header and the matching lines. `pids` is sorted. InvalidArgument when the header has no PID
// column.
absl::StatusOr<std::string> FilterPs(absl::string_view output, const std::vector<pid_t>& pids);

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_VERBS_PS_FILTER_H_
