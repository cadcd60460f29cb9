// The v1 half of the table in controllers.h.
#include "absl/strings/str_cat.h"
#include "runtime/cgroup/controllers.h"
#include "runtime/cgroup/return_if_error.h"

namespace moat::runtime::cgroup {
namespace {

// The bandwidth period and quota limit each other through the parent's ratio, so one order fits
// when a limit grows and the other when it shrinks.
absl::Status ApplyBandwidth(const ControlDir& dir, const CpuLimits& cpu) {
  bool period_later = false;
  if (cpu.period.value_or(0) != 0) {
    absl::Status status = dir.Write("cpu.cfs_period_us", absl::StrCat(*cpu.period));
    if (!status.ok() && cpu.quota.value_or(0) == 0) return status;
    period_later = !status.ok();
  }
  if (cpu.quota.value_or(0) != 0) RETURN_IF_ERROR(dir.Write("cpu.cfs_quota_us", *cpu.quota));
  if (period_later) {
    RETURN_IF_ERROR(dir.Write("cpu.cfs_period_us", absl::StrCat(*cpu.period)));
  }
  if (cpu.burst) RETURN_IF_ERROR(dir.Write("cpu.cfs_burst_us", absl::StrCat(*cpu.burst)));
  return absl::OkStatus();
}

// memory.limit_in_bytes <= memory.memsw.limit_in_bytes holds at each step: a growing limit moves
// the outer one first.
absl::Status ApplyMemoryAndSwap(const ControlDir& dir, int64_t limit, int64_t swap) {
  // No limit on memory can only go with no limit on both together.
  if (limit == -1 && swap == 0) {
    swap = dir.Has("memory.memsw.limit_in_bytes") ? -1 : 0;
  }
  const auto write_limit = [&] {
    return limit == 0 ? absl::OkStatus() : dir.Write("memory.limit_in_bytes", limit);
  };
  const auto write_swap = [&] {
    return swap == 0 ? absl::OkStatus() : dir.Write("memory.memsw.limit_in_bytes", swap);
  };
  bool swap_first = false;
  if (limit != 0 && swap != 0) {
    const absl::StatusOr<uint64_t> current = dir.ReadNumber("memory.limit_in_bytes");
    swap_first = swap == -1 || (current.ok() && *current < static_cast<uint64_t>(swap));
  }
  if (swap_first) {
    RETURN_IF_ERROR(write_swap());
    return write_limit();
  }
  RETURN_IF_ERROR(write_limit());
  return write_swap();
}

absl::Status ApplyThrottle(const ControlDir& dir, const char* file,
                           const std::vector<ThrottleDevice>& devices) {
  for (const ThrottleDevice& device : devices) {
    RETURN_IF_ERROR(
        dir.Write(file, absl::StrCat(device.major, ":", device.minor, " ", device.rate)));
  }
  return absl::OkStatus();
}

// The weight belongs to the I/O scheduler, and BFQ has its own files.
std::string WeightFile(const ControlDir& dir, const char* file) {
  const std::string bfq = absl::StrCat("blkio.bfq.", file);
  return dir.Has(bfq) ? bfq : absl::StrCat("blkio.", file);
}

}  // namespace

absl::Status ApplyCpuV1(const ControlDir& dir, const Resources& resources) {
  const CpuLimits& cpu = CpuOf(resources);
  if (cpu.shares.value_or(0) != 0) {
    RETURN_IF_ERROR(dir.Write("cpu.shares", absl::StrCat(*cpu.shares)));
  }
  RETURN_IF_ERROR(ApplyBandwidth(dir, cpu));
  if (cpu.realtime_period.value_or(0) != 0) {
    RETURN_IF_ERROR(dir.Write("cpu.rt_period_us", absl::StrCat(*cpu.realtime_period)));
  }
  if (cpu.realtime_runtime.value_or(0) != 0) {
    RETURN_IF_ERROR(dir.Write("cpu.rt_runtime_us", *cpu.realtime_runtime));
  }
  if (cpu.idle) RETURN_IF_ERROR(dir.Write("cpu.idle", *cpu.idle));
  return absl::OkStatus();
}

absl::Status ApplyCpusetV1(const ControlDir& dir, const Resources& resources) {
  const CpuLimits& cpu = CpuOf(resources);
  if (!cpu.cpus.empty()) RETURN_IF_ERROR(dir.Write("cpuset.cpus", cpu.cpus));
  if (!cpu.mems.empty()) RETURN_IF_ERROR(dir.Write("cpuset.mems", cpu.mems));
  return absl::OkStatus();
}

absl::Status ApplyMemoryV1(const ControlDir& dir, const Resources& resources) {
  const MemoryLimits& memory = MemoryOf(resources);
  RETURN_IF_ERROR(ApplyMemoryAndSwap(dir, memory.limit.value_or(0), memory.swap.value_or(0)));
  if (memory.reservation.value_or(0) != 0) {
    RETURN_IF_ERROR(dir.Write("memory.soft_limit_in_bytes", *memory.reservation));
  }
  if (memory.kernel_tcp.value_or(0) != 0) {
    RETURN_IF_ERROR(dir.Write("memory.kmem.tcp.limit_in_bytes", *memory.kernel_tcp));
  }
  if (memory.disable_oom_killer.value_or(false)) {
    RETURN_IF_ERROR(dir.Write("memory.oom_control", "1"));
  }
  if (const std::optional<uint64_t> swappiness = Swappiness(memory)) {
    RETURN_IF_ERROR(dir.Write("memory.swappiness", absl::StrCat(*swappiness)));
  }
  return absl::OkStatus();
}

absl::Status ApplyBlockIoV1(const ControlDir& dir, const Resources& resources) {
  const BlockIoLimits& io = BlockIoOf(resources);
  if (io.weight.value_or(0) != 0) {
    RETURN_IF_ERROR(dir.Write(WeightFile(dir, "weight"), *io.weight));
  }
  if (io.leaf_weight.value_or(0) != 0) {
    RETURN_IF_ERROR(dir.Write("blkio.leaf_weight", *io.leaf_weight));
  }
  for (const WeightDevice& device : io.weight_devices) {
    const std::string prefix = absl::StrCat(device.major, ":", device.minor, " ");
    if (device.weight.value_or(0) != 0) {
      RETURN_IF_ERROR(
          dir.Write(WeightFile(dir, "weight_device"), absl::StrCat(prefix, *device.weight)));
    }
    if (device.leaf_weight.value_or(0) != 0) {
      RETURN_IF_ERROR(
          dir.Write("blkio.leaf_weight_device", absl::StrCat(prefix, *device.leaf_weight)));
    }
  }
  RETURN_IF_ERROR(ApplyThrottle(dir, "blkio.throttle.read_bps_device", io.throttle_read_bps));
  RETURN_IF_ERROR(ApplyThrottle(dir, "blkio.throttle.write_bps_device", io.throttle_write_bps));
  RETURN_IF_ERROR(ApplyThrottle(dir, "blkio.throttle.read_iops_device", io.throttle_read_iops));
  return ApplyThrottle(dir, "blkio.throttle.write_iops_device", io.throttle_write_iops);
}

absl::Status ApplyHugePagesV1(const ControlDir& dir, const Resources& resources) {
  for (const HugepageLimit& huge : resources.hugepage_limits) {
    const std::string prefix = absl::StrCat("hugetlb.", huge.page_size);
    const std::string limit = absl::StrCat(huge.limit);
    RETURN_IF_ERROR(dir.Write(absl::StrCat(prefix, ".limit_in_bytes"), limit));
    const std::string reserved = absl::StrCat(prefix, ".rsvd.limit_in_bytes");  // 5.7 and later
    if (dir.Has(reserved)) RETURN_IF_ERROR(dir.Write(reserved, limit));
  }
  return absl::OkStatus();
}

absl::Status ApplyNetworkClassV1(const ControlDir& dir, const Resources& resources) {
  return dir.Write("net_cls.classid", *NetworkOf(resources).class_id);
}

absl::Status ApplyNetworkPriorityV1(const ControlDir& dir, const Resources& resources) {
  for (const auto& [name, priority] : NetworkOf(resources).priorities) {
    RETURN_IF_ERROR(dir.Write("net_prio.ifpriomap", absl::StrCat(name, " ", priority)));
  }
  return absl::OkStatus();
}

// The kernel keeps a default and a list of exceptions, and takes the rules one by one as the spec
// has them: "a" sets the default, everything else is an exception.
absl::Status ApplyDevicesV1(const ControlDir& dir, const Resources& resources) {
  const auto number = [](const std::optional<int64_t>& n) {
    return n.value_or(-1) < 0 ? std::string("*") : absl::StrCat(*n);
  };
  for (const DeviceRule& rule : resources.devices) {
    std::string line = "a";
    if (rule.type == "b" || rule.type == "c") {
      line = absl::StrCat(rule.type, " ", number(rule.major), ":", number(rule.minor), " ",
                          rule.access.empty() ? "rwm" : rule.access);
    } else if (rule.major.value_or(-1) >= 0 || rule.minor.value_or(-1) >= 0) {
      return absl::InvalidArgumentError(
          "linux.resources.devices: type \"a\" cannot have a major or minor number");
    }
    RETURN_IF_ERROR(dir.Write(rule.allow ? "devices.allow" : "devices.deny", line));
  }
  return absl::OkStatus();
}

}  // namespace moat::runtime::cgroup
