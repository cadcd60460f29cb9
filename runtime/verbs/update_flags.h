// The flags of `moat update`, in runc's names, as resources.
#ifndef MOAT_RUNTIME_VERBS_UPDATE_FLAGS_H_
#define MOAT_RUNTIME_VERBS_UPDATE_FLAGS_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "runtime/config/resources.h"
#include "runtime/verb.h"

namespace moat::runtime {

inline constexpr Flag kUpdateFlags[] = {
    {"resources", 'r', FlagKind::kString, "file of linux.resources as JSON, - for standard input"},
    {"blkio-weight", 0, FlagKind::kString, "block I/O weight, 10 to 1000"},
    {"cpu-period", 0, FlagKind::kString, "period of the CPU quota, microseconds"},
    {"cpu-quota", 0, FlagKind::kString, "CPU time in each period, microseconds; -1: no limit"},
    {"cpu-burst", 0, FlagKind::kString, "CPU time that may be saved up, microseconds"},
    {"cpu-share", 0, FlagKind::kString, "CPU shares, 2 to 262144"},
    {"cpu-rt-period", 0, FlagKind::kString, "period of the realtime quota, microseconds"},
    {"cpu-rt-runtime", 0, FlagKind::kString, "realtime CPU time in each period, microseconds"},
    {"cpu-idle", 0, FlagKind::kString, "1: run only when nothing else wants to"},
    {"cpuset-cpus", 0, FlagKind::kString, "CPUs to use, such as 0-2,7"},
    {"cpuset-mems", 0, FlagKind::kString, "memory nodes to use"},
    {"kernel-memory", 0, FlagKind::kString, "ignored: the kernel has it no longer"},
    {"kernel-memory-tcp", 0, FlagKind::kString, "limit of the kernel's TCP buffers, bytes"},
    {"memory", 0, FlagKind::kString, "memory limit, bytes; -1: none"},
    {"memory-reservation", 0, FlagKind::kString, "memory reservation, bytes"},
    {"memory-swap", 0, FlagKind::kString, "memory and swap together, bytes; -1: no limit"},
    {"pids-limit", 0, FlagKind::kString, "number of processes; -1: no limit"},
};

// Sets in *resources what the flags say. Errors name the flag.
absl::Status ReadUpdateFlags(const Arguments& arguments, Resources* resources);

// Bytes: a number with an optional unit k, m, g, t (times 1024; "kb" and "KiB" too), or -1.
absl::StatusOr<int64_t> ParseBytes(absl::string_view text);

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_VERBS_UPDATE_FLAGS_H_
