#include "absl/strings/str_cat.h"
#include "runtime/config/sections.h"

namespace moat::runtime {
namespace {

void ReadDeviceRules(JsonReader& reader, std::vector<DeviceRule>* out) {
  reader.Array("devices", [&](JsonReader& entry) {
    DeviceRule& rule = out->emplace_back();
    entry.Read("allow", &rule.allow);
    entry.Read("type", &rule.type);
    entry.Read("major", &rule.major);
    entry.Read("minor", &rule.minor);
    entry.Read("access", &rule.access);
    if (!rule.type.empty() && rule.type != "a" && rule.type != "b" && rule.type != "c") {
      entry.Fail("type", "must be \"a\", \"b\" or \"c\"");
    }
    if (rule.access.size() > 3 || rule.access.find_first_not_of("rwm") != std::string::npos) {
      entry.Fail("access", "must consist of the letters r, w and m");
    }
  });
}

void ReadMemory(JsonReader& reader, MemoryLimits* out) {
  reader.Read("limit", &out->limit);
  reader.Read("reservation", &out->reservation);
  reader.Read("swap", &out->swap);
  reader.Read("kernel", &out->kernel);
  reader.Read("kernelTCP", &out->kernel_tcp);
  reader.Read("swappiness", &out->swappiness);
  reader.Read("disableOOMKiller", &out->disable_oom_killer);
  reader.Read("useHierarchy", &out->use_hierarchy);
  reader.Read("checkBeforeUpdate", &out->check_before_update);
}

void ReadCpu(JsonReader& reader, CpuLimits* out) {
  reader.Read("shares", &out->shares);
  reader.Read("quota", &out->quota);
  reader.Read("burst", &out->burst);
  reader.Read("period", &out->period);
  reader.Read("realtimeRuntime", &out->realtime_runtime);
  reader.Read("realtimePeriod", &out->realtime_period);
  reader.Read("cpus", &out->cpus);
  reader.Read("mems", &out->mems);
  reader.Read("idle", &out->idle);
}

void ReadThrottle(JsonReader& reader, const char* name, std::vector<ThrottleDevice>* out) {
  reader.Array(name, [&](JsonReader& entry) {
    ThrottleDevice& device = out->emplace_back();
    entry.Read("major", &device.major);
    entry.Read("minor", &device.minor);
    entry.Read("rate", &device.rate);
  });
}

void ReadBlockIo(JsonReader& reader, BlockIoLimits* out) {
  reader.Read("weight", &out->weight);
  reader.Read("leafWeight", &out->leaf_weight);
  reader.Array("weightDevice", [&](JsonReader& entry) {
    WeightDevice& device = out->weight_devices.emplace_back();
    entry.Read("major", &device.major);
    entry.Read("minor", &device.minor);
    entry.Read("weight", &device.weight);
    entry.Read("leafWeight", &device.leaf_weight);
  });
  ReadThrottle(reader, "throttleReadBpsDevice", &out->throttle_read_bps);
  ReadThrottle(reader, "throttleWriteBpsDevice", &out->throttle_write_bps);
  ReadThrottle(reader, "throttleReadIOPSDevice", &out->throttle_read_iops);
  ReadThrottle(reader, "throttleWriteIOPSDevice", &out->throttle_write_iops);
}

void ReadHugepages(JsonReader& reader, std::vector<HugepageLimit>* out) {
  reader.Array("hugepageLimits", [&](JsonReader& entry) {
    HugepageLimit& limit = out->emplace_back();
    entry.Read("pageSize", &limit.page_size);
    entry.Read("limit", &limit.limit);
    // The size becomes part of a file name ("hugetlb.2MB.limit_in_bytes").
    if (limit.page_size.empty() || limit.page_size.find('/') != std::string::npos) {
      entry.Fail("pageSize", "must be a size such as \"2MB\"");
    }
  });
}

void ReadNetwork(JsonReader& reader, NetworkLimits* out) {
  reader.Read("classID", &out->class_id);
  reader.Array("priorities", [&](JsonReader& entry) {
    NetworkPriority& priority = out->priorities.emplace_back();
    entry.Read("name", &priority.name);
    entry.Read("priority", &priority.priority);
  });
}

// Keys become file names inside the cgroup.
void CheckUnified(JsonReader& reader, const std::map<std::string, std::string>& unified) {
  for (const auto& [file, value] : unified) {
    if (file.empty() || file[0] == '.' || file.find('/') != std::string::npos) {
      reader.Fail("unified", absl::StrCat("\"", file, "\" is not a file of a control group"));
    }
  }
}

}  // namespace

void ReadResources(JsonReader& reader, Resources* out) {
  ReadDeviceRules(reader, &out->devices);
  reader.Object("memory", [&](JsonReader& r) { ReadMemory(r, &out->memory.emplace()); });
  reader.Object("cpu", [&](JsonReader& r) { ReadCpu(r, &out->cpu.emplace()); });
  reader.Object("pids", [&](JsonReader& r) { r.Read("limit", &out->pids_limit); });
  reader.Object("blockIO", [&](JsonReader& r) { ReadBlockIo(r, &out->block_io.emplace()); });
  ReadHugepages(reader, &out->hugepage_limits);
  reader.Object("network", [&](JsonReader& r) { ReadNetwork(r, &out->network.emplace()); });
  reader.Members("rdma", [&](JsonReader& r) {
    RdmaLimits& limits = out->rdma[r.key()];
    r.Read("hcaHandles", &limits.hca_handles);
    r.Read("hcaObjects", &limits.hca_objects);
  });
  reader.Read("unified", &out->unified);
  CheckUnified(reader, out->unified);
}

}  // namespace moat::runtime
