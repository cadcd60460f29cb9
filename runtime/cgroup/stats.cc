#include "runtime/cgroup/stats.h"

#include <dirent.h>
#include <unistd.h>

#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace moat::runtime::cgroup {
namespace {

using nlohmann::json;

constexpr uint64_t kNanosecondsPerMicrosecond = 1000;

uint64_t Number(const CgroupDir* entry, absl::string_view file) {
  if (entry == nullptr) return 0;
  return entry->dir.ReadNumber(file).value_or(0);
}

std::vector<std::pair<std::string, uint64_t>> Table(const CgroupDir* entry,
                                                    absl::string_view file) {
  if (entry == nullptr) return {};
  return entry->dir.ReadTable(file).value_or(std::vector<std::pair<std::string, uint64_t>>());
}

json TableJson(const std::vector<std::pair<std::string, uint64_t>>& table) {
  json object = json::object();
  for (const auto& [key, value] : table) object[key] = value;
  return object;
}

json CpuV1(const Cgroup& cgroup) {
  const CgroupDir* account = cgroup.Find(Version::kV1, "cpuacct");
  const CgroupDir* cpu = cgroup.Find(Version::kV1, "cpu");
  json usage = {{"total", Number(account, "cpuacct.usage")}, {"kernel", 0}, {"user", 0}};
  if (account != nullptr) {
    std::vector<uint64_t> per_cpu;
    const std::string text = account->dir.Read("cpuacct.usage_percpu").value_or("");
    for (absl::string_view word : absl::StrSplit(text, ' ', absl::SkipEmpty())) {
      uint64_t value = 0;
      if (absl::SimpleAtoi(word, &value)) per_cpu.push_back(value);
    }
    if (!per_cpu.empty()) usage["percpu"] = per_cpu;
    const auto ticks = Table(account, "cpuacct.stat");
    const uint64_t tick = 1'000'000'000 / ::sysconf(_SC_CLK_TCK);
    usage["user"] = Lookup(ticks, "user") * tick;
    usage["kernel"] = Lookup(ticks, "system") * tick;
  }
  const auto stat = Table(cpu, "cpu.stat");
  return {{"usage", usage},
          {"throttling",
           {{"periods", Lookup(stat, "nr_periods")},
            {"throttledPeriods", Lookup(stat, "nr_throttled")},
            {"throttledTime", Lookup(stat, "throttled_time")}}}};
}

json CpuV2(const CgroupDir* unified) {
  const auto stat = Table(unified, "cpu.stat");
  const auto nanoseconds = [&](absl::string_view key) {
    return Lookup(stat, key) * kNanosecondsPerMicrosecond;
  };
  return {{"usage",
           {{"total", nanoseconds("usage_usec")},
            {"user", nanoseconds("user_usec")},
            {"kernel", nanoseconds("system_usec")}}},
          {"throttling",
           {{"periods", Lookup(stat, "nr_periods")},
            {"throttledPeriods", Lookup(stat, "nr_throttled")},
            {"throttledTime", nanoseconds("throttled_usec")}}}};
}

json MemoryCounter(const CgroupDir* memory, absl::string_view prefix) {
  return {{"usage", Number(memory, absl::StrCat(prefix, ".usage_in_bytes"))},
          {"max", Number(memory, absl::StrCat(prefix, ".max_usage_in_bytes"))},
          {"failcnt", Number(memory, absl::StrCat(prefix, ".failcnt"))},
          {"limit", Number(memory, absl::StrCat(prefix, ".limit_in_bytes"))}};
}

json MemoryV1(const CgroupDir* memory) {
  const auto stat = Table(memory, "memory.stat");
  return {{"cache", Lookup(stat, "cache")},
          {"usage", MemoryCounter(memory, "memory")},
          {"swap", MemoryCounter(memory, "memory.memsw")},
          {"kernel", MemoryCounter(memory, "memory.kmem")},
          {"kernelTCP", MemoryCounter(memory, "memory.kmem.tcp")},
          {"raw", TableJson(stat)}};
}

json MemoryV2(const CgroupDir* memory) {
  const auto stat = Table(memory, "memory.stat");
  const uint64_t used = Number(memory, "memory.current");
  const uint64_t swap = Number(memory, "memory.swap.current");
  const auto events = Table(memory, "memory.events");
  const uint64_t limit = Number(memory, "memory.max");
  const uint64_t swap_limit = Number(memory, "memory.swap.max");
  const uint64_t none = std::numeric_limits<uint64_t>::max();
  return {{"cache", Lookup(stat, "file")},
          {"usage",
           {{"usage", used},
            {"max", Number(memory, "memory.peak")},
            {"failcnt", Lookup(events, "max")},
            {"limit", limit}}},
          // As v1 counts, memory and swap together.
          {"swap",
           {{"usage", used + swap},
            {"failcnt", 0},
            {"limit", limit == none || swap_limit > none - limit ? none : limit + swap_limit}}},
          {"raw", TableJson(stat)}};
}

json BlkioV1(const CgroupDir* blkio) {
  json out = json::object();
  if (blkio == nullptr) return out;
  const bool bfq = blkio->dir.Has("blkio.bfq.io_service_bytes_recursive") &&
                   !blkio->dir.Read("blkio.bfq.io_serviced_recursive").value_or("").empty();
  const std::string prefix = bfq ? "blkio.bfq." : "blkio.throttle.";
  out["ioServiceBytesRecursive"] =
      ParseBlkioLines(blkio->dir.Read(prefix + "io_service_bytes_recursive").value_or(""));
  out["ioServicedRecursive"] =
      ParseBlkioLines(blkio->dir.Read(prefix + "io_serviced_recursive").value_or(""));
  return out;
}

json BlkioV2(const CgroupDir* io) {
  json out = json::object();
  if (io == nullptr) return out;
  const std::string text = io->dir.Read("io.stat").value_or("");
  out["ioServiceBytesRecursive"] = ParseIoStat(text, "rbytes", "wbytes");
  out["ioServicedRecursive"] = ParseIoStat(text, "rios", "wios");
  return out;
}

json Pids(const CgroupDir* pids) {
  const uint64_t limit = Number(pids, "pids.max");
  json out = {{"current", Number(pids, "pids.current")}};
  if (limit != std::numeric_limits<uint64_t>::max()) out["limit"] = limit;
  return out;
}

// One entry per page size that the controller has a file for.
json HugePages(const CgroupDir* huge) {
  json out = json::object();
  if (huge == nullptr) return out;
  const bool v1 = huge->version == Version::kV1;
  const std::string usage = v1 ? ".usage_in_bytes" : ".current";
  DIR* dir = ::opendir(huge->dir.path().c_str());
  if (dir == nullptr) return out;
  while (const dirent* entry = ::readdir(dir)) {
    absl::string_view name = entry->d_name;
    if (!absl::ConsumePrefix(&name, "hugetlb.") || !absl::ConsumeSuffix(&name, usage)) continue;
    if (absl::StrContains(name, ".")) continue;  // 2MB.rsvd
    const std::string prefix = absl::StrCat("hugetlb.", name);
    out[std::string(name)] = {{"usage", Number(huge, prefix + usage)},
                              {"max", v1 ? Number(huge, prefix + ".max_usage_in_bytes") : 0},
                              {"failcnt", v1 ? Number(huge, prefix + ".failcnt")
                                             : Lookup(Table(huge, prefix + ".events"), "max")}};
  }
  ::closedir(dir);
  return out;
}

// runc's entry of one line: {"major":8,"minor":0,"op":"Read","value":4096}.
bool ParseDevice(absl::string_view text, uint64_t* major, uint64_t* minor) {
  const std::pair<absl::string_view, absl::string_view> parts = absl::StrSplit(text, ':');
  return absl::SimpleAtoi(parts.first, major) && absl::SimpleAtoi(parts.second, minor);
}

}  // namespace

json ParseBlkioLines(absl::string_view text) {
  json out = json::array();
  for (absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    const std::vector<absl::string_view> word = absl::StrSplit(line, ' ', absl::SkipEmpty());
    uint64_t major = 0, minor = 0, value = 0;
    if (word.size() != 3 || !ParseDevice(word[0], &major, &minor)) continue;  // "Total 4096"
    if (!absl::SimpleAtoi(word[2], &value)) continue;
    out.push_back(
        {{"major", major}, {"minor", minor}, {"op", std::string(word[1])}, {"value", value}});
  }
  return out;
}

json ParseIoStat(absl::string_view text, absl::string_view read_key, absl::string_view write_key) {
  json out = json::array();
  for (absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    const std::vector<absl::string_view> word = absl::StrSplit(line, ' ', absl::SkipEmpty());
    uint64_t major = 0, minor = 0;
    if (word.empty() || !ParseDevice(word[0], &major, &minor)) continue;
    for (size_t i = 1; i < word.size(); ++i) {
      const std::pair<absl::string_view, absl::string_view> pair = absl::StrSplit(word[i], '=');
      const char* op = pair.first == read_key    ? "Read"
                       : pair.first == write_key ? "Write"
                                                 : nullptr;
      uint64_t value = 0;
      if (op == nullptr || !absl::SimpleAtoi(pair.second, &value)) continue;
      out.push_back({{"major", major}, {"minor", minor}, {"op", op}, {"value", value}});
    }
  }
  return out;
}

json ReadStats(const Cgroup& cgroup) {
  const CgroupDir* unified = cgroup.Unified();
  const bool cpu_v1 = cgroup.Find(Version::kV1, "cpuacct") || cgroup.Find(Version::kV1, "cpu");
  const CgroupDir* memory = cgroup.Find(Version::kV1, "memory");
  const CgroupDir* blkio = cgroup.Find(Version::kV1, "blkio");
  const CgroupDir* pids = cgroup.Find(Version::kV1, "pids");
  const CgroupDir* huge = cgroup.Find(Version::kV1, "hugetlb");
  const auto or_v2 = [&](const CgroupDir* v1, absl::string_view controller) {
    return v1 != nullptr ? v1 : cgroup.Find(Version::kV2, controller);
  };
  return {{"cpu", cpu_v1 ? CpuV1(cgroup) : CpuV2(unified)},
          {"memory",
           memory != nullptr ? MemoryV1(memory) : MemoryV2(cgroup.Find(Version::kV2, "memory"))},
          {"pids", Pids(or_v2(pids, "pids"))},
          {"blkio", blkio != nullptr ? BlkioV1(blkio) : BlkioV2(cgroup.Find(Version::kV2, "io"))},
          {"hugetlb", HugePages(or_v2(huge, "hugetlb"))}};
}

}  // namespace moat::runtime::cgroup
