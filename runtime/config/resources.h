// Limits of a container: config.json's "linux.resources", and the document of `moat update`.
// Source: OCI runtime-spec, config-linux.md, "Control groups". Absent means "leave as it is".
#ifndef MOAT_RUNTIME_CONFIG_RESOURCES_H_
#define MOAT_RUNTIME_CONFIG_RESOURCES_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace moat::runtime {

// One rule of the device cgroup. Absent numbers mean all.
struct DeviceRule {
  bool allow = false;
  std::string type;  // "a", "b", "c", or empty (= "a")
  std::optional<int64_t> major;
  std::optional<int64_t> minor;
  std::string access;  // letters of "rwm"
};

struct MemoryLimits {  // bytes; -1 is unlimited
  std::optional<int64_t> limit;
  std::optional<int64_t> reservation;
  std::optional<int64_t> swap;  // memory plus swap, as cgroup v1 counts
  std::optional<int64_t> kernel;
  std::optional<int64_t> kernel_tcp;
  std::optional<uint64_t> swappiness;  // 0..100
  std::optional<bool> disable_oom_killer;
  std::optional<bool> use_hierarchy;
  std::optional<bool> check_before_update;
};

struct CpuLimits {
  std::optional<uint64_t> shares;
  std::optional<int64_t> quota;    // microseconds per period
  std::optional<uint64_t> burst;   // microseconds
  std::optional<uint64_t> period;  // microseconds
  std::optional<int64_t> realtime_runtime;
  std::optional<uint64_t> realtime_period;
  std::string cpus;  // "0-3,7"
  std::string mems;
  std::optional<int64_t> idle;
};

struct WeightDevice {
  int64_t major = 0;
  int64_t minor = 0;
  std::optional<uint16_t> weight;
  std::optional<uint16_t> leaf_weight;
};

struct ThrottleDevice {
  int64_t major = 0;
  int64_t minor = 0;
  uint64_t rate = 0;  // bytes or operations per second
};

struct BlockIoLimits {
  std::optional<uint16_t> weight;
  std::optional<uint16_t> leaf_weight;
  std::vector<WeightDevice> weight_devices;
  std::vector<ThrottleDevice> throttle_read_bps;
  std::vector<ThrottleDevice> throttle_write_bps;
  std::vector<ThrottleDevice> throttle_read_iops;
  std::vector<ThrottleDevice> throttle_write_iops;
};

struct HugepageLimit {
  std::string page_size;  // "2MB"
  uint64_t limit = 0;     // bytes
};

struct NetworkPriority {
  std::string name;  // of an interface
  uint32_t priority = 0;
};

struct NetworkLimits {
  std::optional<uint32_t> class_id;
  std::vector<NetworkPriority> priorities;
};

struct RdmaLimits {
  std::optional<uint32_t> hca_handles;
  std::optional<uint32_t> hca_objects;
};

struct Resources {
  std::vector<DeviceRule> devices;
  std::optional<MemoryLimits> memory;
  std::optional<CpuLimits> cpu;
  std::optional<int64_t> pids_limit;  // pids.limit; 0 or less is unlimited
  std::optional<BlockIoLimits> block_io;
  std::vector<HugepageLimit> hugepage_limits;
  std::optional<NetworkLimits> network;
  std::map<std::string, RdmaLimits> rdma;       // by device name
  std::map<std::string, std::string> unified;   // cgroup v2 file -> value
};

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_CONFIG_RESOURCES_H_
