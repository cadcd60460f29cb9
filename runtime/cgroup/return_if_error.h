// For functions that do one fallible step after another.
#ifndef MOAT_RUNTIME_CGROUP_RETURN_IF_ERROR_H_
#define MOAT_RUNTIME_CGROUP_RETURN_IF_ERROR_H_

#include "absl/status/status.h"

#define RETURN_IF_ERROR(expression)                                         \
  do {                                                                      \
    if (absl::Status status_ = (expression); !status_.ok()) return status_; \
  } while (false)

#endif  // MOAT_RUNTIME_CGROUP_RETURN_IF_ERROR_H_
