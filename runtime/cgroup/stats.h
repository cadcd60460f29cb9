// What a container used, in the JSON shape of `runc events --stats`, which Docker's and cAdvisor's
// readers know: cpu (nanoseconds), memory (bytes), pids, blkio, hugetlb.
#ifndef MOAT_RUNTIME_CGROUP_STATS_H_
#define MOAT_RUNTIME_CGROUP_STATS_H_

#include <nlohmann/json.hpp>

#include "runtime/cgroup/cgroup.h"

namespace moat::runtime::cgroup {

// The "data" member of a stats event. What a machine does not count is zero or absent.
nlohmann::json ReadStats(const Cgroup& cgroup);

// Lines of blkio's ("8:0 Read 4096") and io's ("8:0 rbytes=4096 wbytes=0") files as runc's entries.
nlohmann::json ParseBlkioLines(absl::string_view text);
nlohmann::json ParseIoStat(absl::string_view text, absl::string_view read_key,
                           absl::string_view write_key);

}  // namespace moat::runtime::cgroup

#endif  // MOAT_RUNTIME_CGROUP_STATS_H_
