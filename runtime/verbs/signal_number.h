// Signals as people write them: "KILL", "SIGKILL", "kill", "9". signal(7).
#ifndef MOAT_RUNTIME_VERBS_SIGNAL_NUMBER_H_
#define MOAT_RUNTIME_VERBS_SIGNAL_NUMBER_H_

#include <string>

#include "absl/status/statusor.h"

namespace moat::runtime {

absl::StatusOr<int> SignalNumber(const std::string& word);

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_VERBS_SIGNAL_NUMBER_H_
