// The v2 half of the table in controllers.h.
#include "absl/strings/str_cat.h"
#include "runtime/cgroup/controllers.h"
#include "runtime/cgroup/device_program.h"
#include "runtime/cgroup/return_if_error.h"

namespace moat::runtime::cgroup {
namespace {

constexpr uint64_t kDefaultPeriod = 100000;  // microseconds, the kernel's

// "$MAX $PERIOD" in one file; what is not given keeps its value.
absl::Status ApplyBandwidth(const ControlDir& dir, const CpuLimits& cpu) {
  const int64_t quota = cpu.quota.value_or(0);
  const uint64_t period = cpu.period.value_or(0);
  if (quota == 0 && period == 0) return absl::OkStatus();
  if (quota != 0) {
    std::string text = quota > 0 ? absl::StrCat(quota) : "max";
    absl::StrAppend(&text, " ", period != 0 ? period : kDefaultPeriod);
    return dir.Write("cpu.max", text);
  }
  absl::StatusOr<std::string> current = dir.Read("cpu.max");
  if (!current.ok()) return current.status();
  return dir.Write("cpu.max", absl::StrCat(current->substr(0, current->find(' ')), " ", period));
}

// v1 counts memory and swap together, v2 swap alone.
absl::StatusOr<std::string> SwapText(const MemoryLimits& memory) {
  const int64_t limit = memory.limit.value_or(0);
  const int64_t swap = *memory.swap;
  if (swap < 0) return std::string("max");
  if (limit == -1) return std::string("max");
  if (limit == 0) {
    return absl::InvalidArgumentError(
        "linux.resources.memory.swap: needs memory.limit too with cgroup v2");
  }
  if (swap < limit) {
    return absl::InvalidArgumentError(
        "linux.resources.memory.swap: is memory and swap together, must not be below memory.limit");
  }
  return absl::StrCat(swap - limit);
}

absl::Status ApplyIoMax(const ControlDir& dir, const char* key,
                        const std::vector<ThrottleDevice>& devices) {
  for (const ThrottleDevice& device : devices) {
    const std::string rate = device.rate == 0 ? "max" : absl::StrCat(device.rate);
    RETURN_IF_ERROR(
        dir.Write("io.max", absl::StrCat(device.major, ":", device.minor, " ", key, "=", rate)));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ApplyCpuV2(const ControlDir& dir, const Resources& resources) {
  const CpuLimits& cpu = CpuOf(resources);
  if (cpu.realtime_runtime.value_or(0) != 0 || cpu.realtime_period.value_or(0) != 0) {
    return absl::UnimplementedError(
        "linux.resources.cpu.realtimeRuntime: not supported with cgroup v2");
  }
  if (cpu.idle) RETURN_IF_ERROR(dir.Write("cpu.idle", *cpu.idle));
  if (cpu.shares.value_or(0) != 0) {
    RETURN_IF_ERROR(dir.Write("cpu.weight", absl::StrCat(WeightFromShares(*cpu.shares))));
  }
  RETURN_IF_ERROR(ApplyBandwidth(dir, cpu));
  if (cpu.burst) RETURN_IF_ERROR(dir.Write("cpu.max.burst", absl::StrCat(*cpu.burst)));
  return absl::OkStatus();
}

absl::Status ApplyCpusetV2(const ControlDir& dir, const Resources& resources) {
  return ApplyCpusetV1(dir, resources);  // the same two files
}

absl::Status ApplyMemoryV2(const ControlDir& dir, const Resources& resources) {
  const MemoryLimits& memory = MemoryOf(resources);
  if (memory.swap.value_or(0) != 0) {
    absl::StatusOr<std::string> swap = SwapText(memory);
    if (!swap.ok()) return swap.status();
    // Without swap accounting there is no swap to use, which every limit allows.
    if (dir.Has("memory.swap.max")) RETURN_IF_ERROR(dir.Write("memory.swap.max", *swap));
  }
  if (memory.limit.value_or(0) != 0) {
    if (memory.check_before_update.value_or(false) && *memory.limit > 0) {
      const absl::StatusOr<uint64_t> used = dir.ReadNumber("memory.current");
      if (used.ok() && *used > static_cast<uint64_t>(*memory.limit)) {
        return absl::FailedPreconditionError(absl::StrCat(
            "linux.resources.memory.limit: ", *memory.limit, " is below the current use ", *used));
      }
    }
    RETURN_IF_ERROR(dir.Write("memory.max", LimitText(*memory.limit)));
  }
  if (memory.reservation.value_or(0) != 0) {
    RETURN_IF_ERROR(dir.Write("memory.low", LimitText(*memory.reservation)));
  }
  return absl::OkStatus();  // swappiness, kernelTCP and disableOOMKiller have no file in v2
}

absl::Status ApplyIoV2(const ControlDir& dir, const Resources& resources) {
  const BlockIoLimits& io = BlockIoOf(resources);
  const bool bfq = dir.Has("io.bfq.weight");
  const char* weight_file = bfq ? "io.bfq.weight" : "io.weight";
  const auto scaled = [bfq](uint16_t weight) -> uint64_t {
    return bfq ? weight : WeightFromBlockIo(weight);  // BFQ kept v1's range
  };
  if (io.weight.value_or(0) != 0) {
    RETURN_IF_ERROR(dir.Write(weight_file, absl::StrCat("default ", scaled(*io.weight))));
  }
  for (const WeightDevice& device : io.weight_devices) {
    if (device.weight.value_or(0) == 0) continue;
    RETURN_IF_ERROR(dir.Write(
        weight_file, absl::StrCat(device.major, ":", device.minor, " ", scaled(*device.weight))));
  }
  RETURN_IF_ERROR(ApplyIoMax(dir, "rbps", io.throttle_read_bps));
  RETURN_IF_ERROR(ApplyIoMax(dir, "wbps", io.throttle_write_bps));
  RETURN_IF_ERROR(ApplyIoMax(dir, "riops", io.throttle_read_iops));
  return ApplyIoMax(dir, "wiops", io.throttle_write_iops);
}

absl::Status ApplyHugePagesV2(const ControlDir& dir, const Resources& resources) {
  for (const HugepageLimit& huge : resources.hugepage_limits) {
    const std::string prefix = absl::StrCat("hugetlb.", huge.page_size);
    const std::string limit = absl::StrCat(huge.limit);
    RETURN_IF_ERROR(dir.Write(absl::StrCat(prefix, ".max"), limit));
    const std::string reserved = absl::StrCat(prefix, ".rsvd.max");
    if (dir.Has(reserved)) RETURN_IF_ERROR(dir.Write(reserved, limit));
  }
  return absl::OkStatus();
}

absl::Status ApplyDevicesV2(const ControlDir& dir, const Resources& resources) {
  return AttachDeviceProgram(dir.path(), CompileDeviceProgram(resources.devices));
}

}  // namespace moat::runtime::cgroup
