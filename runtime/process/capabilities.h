// The five capability sets of a process (capabilities(7)), by the spec's names. System calls only.
#ifndef MOAT_RUNTIME_PROCESS_CAPABILITIES_H_
#define MOAT_RUNTIME_PROCESS_CAPABILITIES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "runtime/config/process.h"

namespace moat::runtime {

struct CapabilitySets {  // bit n is capability n
  uint64_t bounding = 0;
  uint64_t effective = 0;
  uint64_t inheritable = 0;
  uint64_t permitted = 0;
  uint64_t ambient = 0;
};

// Unknown names, and those that this kernel does not have, are left out and added to *unknown.
CapabilitySets ToCapabilitySets(const Capabilities& capabilities,
                                std::vector<std::string>* unknown);

// The number of "CAP_NET_RAW", or -1.
int CapabilityNumber(absl::string_view name);

// All names, by number. For `moat features`.
absl::Span<const char* const> CapabilityNames();

// In this order around the change of user:
//   LimitBoundingSet   while CAP_SETPCAP is there
//   (setgroups, setgid, setuid, with PR_SET_KEEPCAPS)
//   ApplyCapabilitySets
absl::Status LimitBoundingSet(const CapabilitySets& sets);
absl::Status ApplyCapabilitySets(const CapabilitySets& sets);

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_PROCESS_CAPABILITIES_H_
