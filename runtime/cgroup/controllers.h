// What each controller does with its part of linux.resources: one table, a row per controller, with
// one function for each cgroup version.
#ifndef MOAT_RUNTIME_CGROUP_CONTROLLERS_H_
#define MOAT_RUNTIME_CGROUP_CONTROLLERS_H_

#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "runtime/cgroup/control_dir.h"
#include "runtime/config/resources.h"

namespace moat::runtime::cgroup {

using ApplyFunction = absl::Status (*)(const ControlDir& dir, const Resources& resources);

struct ControllerRow {
  const char* field;  // the member of linux.resources, for errors
  const char* v1_controller;
  const char* v2_controller;  // null: none; "": every v2 cgroup has it
  // Whether `resources` ask anything of this controller.
  bool (*wanted)(const Resources& resources);
  ApplyFunction v1;
  ApplyFunction v2;
};

// In the order in which they are applied.
absl::Span<const ControllerRow> Controllers();

// v1: Documentation/admin-guide/cgroup-v1/*.rst
absl::Status ApplyCpuV1(const ControlDir& dir, const Resources& resources);
absl::Status ApplyCpusetV1(const ControlDir& dir, const Resources& resources);
absl::Status ApplyMemoryV1(const ControlDir& dir, const Resources& resources);
absl::Status ApplyBlockIoV1(const ControlDir& dir, const Resources& resources);
absl::Status ApplyHugePagesV1(const ControlDir& dir, const Resources& resources);
absl::Status ApplyNetworkClassV1(const ControlDir& dir, const Resources& resources);
absl::Status ApplyNetworkPriorityV1(const ControlDir& dir, const Resources& resources);
absl::Status ApplyDevicesV1(const ControlDir& dir, const Resources& resources);

// v2: Documentation/admin-guide/cgroup-v2.rst
absl::Status ApplyCpuV2(const ControlDir& dir, const Resources& resources);
absl::Status ApplyCpusetV2(const ControlDir& dir, const Resources& resources);
absl::Status ApplyMemoryV2(const ControlDir& dir, const Resources& resources);
absl::Status ApplyIoV2(const ControlDir& dir, const Resources& resources);
absl::Status ApplyHugePagesV2(const ControlDir& dir, const Resources& resources);
absl::Status ApplyDevicesV2(const ControlDir& dir, const Resources& resources);

// The same file in both.
absl::Status ApplyPids(const ControlDir& dir, const Resources& resources);
absl::Status ApplyRdma(const ControlDir& dir, const Resources& resources);

// The section of `resources`, or an empty one.
const CpuLimits& CpuOf(const Resources& resources);
const MemoryLimits& MemoryOf(const Resources& resources);
const BlockIoLimits& BlockIoOf(const Resources& resources);
const NetworkLimits& NetworkOf(const Resources& resources);

// Zero is how Go programs leave a number out, so zero asks for nothing, here as in runc.
template <typename T>
bool Given(const std::optional<T>& value) {
  return value.value_or(0) != 0;
}

// memory.swappiness; all ones is how containerd's CRI leaves it out.
std::optional<uint64_t> Swappiness(const MemoryLimits& memory);

// v1's 2..262144 to v2's 1..10000, and blkio's 10..1000 to io's 1..10000, both linear.
uint64_t WeightFromShares(uint64_t shares);
uint64_t WeightFromBlockIo(uint64_t weight);

}  // namespace moat::runtime::cgroup

#endif  // MOAT_RUNTIME_CGROUP_CONTROLLERS_H_
