#include "runtime/verbs/update_flags.h"

#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace moat::runtime {
namespace {

absl::Status Bad(const char* flag, absl::string_view text, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("--", flag, " \"", text, "\": ", what));
}

// One reader per kind of value; all leave *out alone when the flag is not given.
template <typename T>
absl::Status ReadNumber(const Arguments& arguments, const char* flag, std::optional<T>* out) {
  if (!arguments.Has(flag)) return absl::OkStatus();
  const std::string text = arguments.String(flag);
  T value{};
  if (!absl::SimpleAtoi(text, &value)) return Bad(flag, text, "must be a number");
  *out = value;
  return absl::OkStatus();
}

absl::Status ReadBytes(const Arguments& arguments, const char* flag, std::optional<int64_t>* out) {
  if (!arguments.Has(flag)) return absl::OkStatus();
  const std::string text = arguments.String(flag);
  const absl::StatusOr<int64_t> value = ParseBytes(text);
  if (!value.ok()) return Bad(flag, text, value.status().message());
  *out = *value;
  return absl::OkStatus();
}

void ReadText(const Arguments& arguments, const char* flag, std::string* out) {
  if (arguments.Has(flag)) *out = arguments.String(flag);
}

bool AnyOf(const Arguments& arguments, std::initializer_list<const char*> flags) {
  for (const char* flag : flags) {
    if (arguments.Has(flag)) return true;
  }
  return false;
}

absl::Status ReadCpu(const Arguments& arguments, CpuLimits* cpu) {
  absl::Status status = ReadNumber(arguments, "cpu-period", &cpu->period);
  status.Update(ReadNumber(arguments, "cpu-quota", &cpu->quota));
  status.Update(ReadNumber(arguments, "cpu-burst", &cpu->burst));
  status.Update(ReadNumber(arguments, "cpu-share", &cpu->shares));
  status.Update(ReadNumber(arguments, "cpu-rt-period", &cpu->realtime_period));
  status.Update(ReadNumber(arguments, "cpu-rt-runtime", &cpu->realtime_runtime));
  status.Update(ReadNumber(arguments, "cpu-idle", &cpu->idle));
  ReadText(arguments, "cpuset-cpus", &cpu->cpus);
  ReadText(arguments, "cpuset-mems", &cpu->mems);
  return status;
}

absl::Status ReadMemory(const Arguments& arguments, MemoryLimits* memory) {
  absl::Status status = ReadBytes(arguments, "memory", &memory->limit);
  status.Update(ReadBytes(arguments, "memory-reservation", &memory->reservation));
  status.Update(ReadBytes(arguments, "memory-swap", &memory->swap));
  status.Update(ReadBytes(arguments, "kernel-memory-tcp", &memory->kernel_tcp));
  return status;
}

}  // namespace

absl::StatusOr<int64_t> ParseBytes(absl::string_view text) {
  int64_t value = 0;
  if (absl::SimpleAtoi(text, &value)) {
    if (value >= -1) return value;
    return absl::InvalidArgumentError("must not be negative, but for -1");
  }
  std::string lower = absl::AsciiStrToLower(text);
  absl::string_view number = lower;
  if (!absl::ConsumeSuffix(&number, "ib")) absl::ConsumeSuffix(&number, "b");
  constexpr absl::string_view kUnits = "kmgt";
  const size_t unit = number.empty() ? kUnits.npos : kUnits.find(number.back());
  if (unit != kUnits.npos) number.remove_suffix(1);
  const int shift = unit == kUnits.npos ? 0 : 10 * static_cast<int>(unit + 1);
  if (!absl::SimpleAtoi(number, &value) || value < 0) {
    return absl::InvalidArgumentError("must be bytes, such as 4096 or 512m");
  }
  if (value > std::numeric_limits<int64_t>::max() >> shift) {
    return absl::InvalidArgumentError("is too large");
  }
  return value << shift;
}

absl::Status ReadUpdateFlags(const Arguments& arguments, Resources* resources) {
  absl::Status status;
  if (AnyOf(arguments, {"cpu-period", "cpu-quota", "cpu-burst", "cpu-share", "cpu-rt-period",
                        "cpu-rt-runtime", "cpu-idle", "cpuset-cpus", "cpuset-mems"})) {
    if (!resources->cpu) resources->cpu.emplace();
    status.Update(ReadCpu(arguments, &*resources->cpu));
  }
  if (AnyOf(arguments, {"memory", "memory-reservation", "memory-swap", "kernel-memory-tcp"})) {
    if (!resources->memory) resources->memory.emplace();
    status.Update(ReadMemory(arguments, &*resources->memory));
  }
  if (arguments.Has("blkio-weight")) {
    if (!resources->block_io) resources->block_io.emplace();
    std::optional<uint32_t> weight;
    status.Update(ReadNumber(arguments, "blkio-weight", &weight));
    if (weight && (*weight < 10 || *weight > 1000)) {
      status.Update(Bad("blkio-weight", absl::StrCat(*weight), "must be 10 to 1000"));
    }
    if (weight) resources->block_io->weight = static_cast<uint16_t>(*weight);
  }
  status.Update(ReadNumber(arguments, "pids-limit", &resources->pids_limit));
  return status;
}

}  // namespace moat::runtime
