#include "runtime/cgroup/controllers.h"

#include "absl/strings/str_cat.h"

namespace moat::runtime::cgroup {
namespace {

template <typename T>
const T& OrEmpty(const std::optional<T>& section) {
  static const T kEmpty{};
  return section.has_value() ? *section : kEmpty;
}

bool WantsCpu(const Resources& r) {
  const CpuLimits& cpu = CpuOf(r);
  return Given(cpu.shares) || Given(cpu.quota) || Given(cpu.period) || cpu.burst ||
         Given(cpu.realtime_runtime) || Given(cpu.realtime_period) || cpu.idle.has_value();
}

bool WantsCpuset(const Resources& r) { return !CpuOf(r).cpus.empty() || !CpuOf(r).mems.empty(); }

bool WantsMemory(const Resources& r) {
  const MemoryLimits& m = MemoryOf(r);
  return Given(m.limit) || Given(m.reservation) || Given(m.swap) || Given(m.kernel_tcp) ||
         Swappiness(m).has_value() || m.disable_oom_killer.value_or(false);
}

bool WantsPids(const Resources& r) { return Given(r.pids_limit); }

bool WantsBlockIo(const Resources& r) {
  const BlockIoLimits& io = BlockIoOf(r);
  return Given(io.weight) || Given(io.leaf_weight) || !io.weight_devices.empty() ||
         !io.throttle_read_bps.empty() || !io.throttle_write_bps.empty() ||
         !io.throttle_read_iops.empty() || !io.throttle_write_iops.empty();
}

bool WantsHugePages(const Resources& r) { return !r.hugepage_limits.empty(); }
bool WantsRdma(const Resources& r) { return !r.rdma.empty(); }
bool WantsNetworkClass(const Resources& r) { return Given(NetworkOf(r).class_id); }
bool WantsNetworkPriority(const Resources& r) { return !NetworkOf(r).priorities.empty(); }
bool WantsDevices(const Resources& r) { return !r.devices.empty(); }

constexpr ControllerRow kControllers[] = {
    {"devices", "devices", "", WantsDevices, ApplyDevicesV1, ApplyDevicesV2},
    {"cpu", "cpu", "cpu", WantsCpu, ApplyCpuV1, ApplyCpuV2},
    {"cpu.cpus", "cpuset", "cpuset", WantsCpuset, ApplyCpusetV1, ApplyCpusetV2},
    {"memory", "memory", "memory", WantsMemory, ApplyMemoryV1, ApplyMemoryV2},
    {"pids", "pids", "pids", WantsPids, ApplyPids, ApplyPids},
    {"blockIO", "blkio", "io", WantsBlockIo, ApplyBlockIoV1, ApplyIoV2},
    {"hugepageLimits", "hugetlb", "hugetlb", WantsHugePages, ApplyHugePagesV1, ApplyHugePagesV2},
    {"rdma", "rdma", "rdma", WantsRdma, ApplyRdma, ApplyRdma},
    {"network.classID", "net_cls", nullptr, WantsNetworkClass, ApplyNetworkClassV1, nullptr},
    {"network.priorities", "net_prio", nullptr, WantsNetworkPriority, ApplyNetworkPriorityV1,
     nullptr},
};

}  // namespace

const CpuLimits& CpuOf(const Resources& resources) { return OrEmpty(resources.cpu); }
const MemoryLimits& MemoryOf(const Resources& resources) { return OrEmpty(resources.memory); }
const BlockIoLimits& BlockIoOf(const Resources& resources) { return OrEmpty(resources.block_io); }
const NetworkLimits& NetworkOf(const Resources& resources) { return OrEmpty(resources.network); }

std::optional<uint64_t> Swappiness(const MemoryLimits& memory) {
  return memory.swappiness == ~uint64_t{0} ? std::nullopt : memory.swappiness;
}

absl::Span<const ControllerRow> Controllers() { return kControllers; }

absl::Status ApplyPids(const ControlDir& dir, const Resources& resources) {
  return dir.Write("pids.max", LimitText(*resources.pids_limit));
}

absl::Status ApplyRdma(const ControlDir& dir, const Resources& resources) {
  for (const auto& [device, limit] : resources.rdma) {
    std::string line = device;
    if (limit.hca_handles) absl::StrAppend(&line, " hca_handle=", *limit.hca_handles);
    if (limit.hca_objects) absl::StrAppend(&line, " hca_object=", *limit.hca_objects);
    if (absl::Status status = dir.Write("rdma.max", line); !status.ok()) return status;
  }
  return absl::OkStatus();
}

uint64_t WeightFromShares(uint64_t shares) {
  if (shares < 2) shares = 2;
  if (shares > 262144) shares = 262144;
  return 1 + (shares - 2) * 9999 / 262142;
}

uint64_t WeightFromBlockIo(uint64_t weight) {
  if (weight < 10) weight = 10;
  if (weight > 1000) weight = 1000;
  return 1 + (weight - 10) * 9999 / 990;
}

}  // namespace moat::runtime::cgroup
