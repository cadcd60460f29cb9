// The tunables of one stack. Each protocol registers its own when it is constructed and reads them
// through the returned pointer, which costs a load; text get and set, bounds and listing are done
// here once, for gRPC, /proc/sys/net and the OCI config alike.
//
// Names are Linux's below "net.": "ipv4.tcp_rmem", "ipv6.conf.eth0.forwarding".
//
//   const Sysctl* range = table.Register({.name = "ipv4.ip_local_port_range",
//                                         .values = {32768, 60999}, .min = 1, .max = 65535});
//   uint16_t low = range->value(0);
#ifndef MOAT_NETSTACK_BASE_SYSCTL_H_
#define MOAT_NETSTACK_BASE_SYSCTL_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace moat::netstack {

class Sysctl;

struct SysctlSpec {
  std::string name{};
  // Numbers: the default, one to three of them, each within [min, max]. As on Linux a write may
  // give fewer, which leaves the rest.
  std::vector<int64_t> values{};
  int64_t min = 0;
  int64_t max = std::numeric_limits<int32_t>::max();
  // Words (when `values` is empty): one of these; the first is the default, value(0) is the index.
  std::vector<std::string> choices{};
  // Free text (when both are empty): `text` is the default; `valid` judges a new one, absent: any.
  std::string text{};
  std::function<bool(std::string_view)> valid{};
  bool read_only = false;
  // Judges numbers together (low <= high); absent: bounds are all.
  std::function<bool(const std::vector<int64_t>&)> consistent{};
  // Called after each successful write.
  std::function<void(const Sysctl&)> changed{};
};

class Sysctl {
 public:
  explicit Sysctl(SysctlSpec spec);

  const std::string& name() const { return spec_.name; }
  int64_t value(size_t index = 0) const { return values_[index]; }
  const std::string& text() const { return spec_.text; }

  std::string Format() const;  // numbers are separated by a tab, as in /proc/sys
  // kInvalidArgument names the sysctl and what is wrong; kPermissionDenied when read-only.
  absl::Status Parse(std::string_view text);

 private:
  absl::Status ParseNumbers(std::string_view text);
  absl::Status ParseChoice(std::string_view text);
  absl::Status ParseText(std::string_view text);
  absl::Status Bad(std::string_view text, std::string_view why) const;

  SysctlSpec spec_;
  std::vector<int64_t> values_;  // never empty
};

class SysctlTable {
 public:
  SysctlTable() = default;
  SysctlTable(const SysctlTable&) = delete;
  SysctlTable& operator=(const SysctlTable&) = delete;

  // The pointer stays good until Unregister() or the table's end. Registering a name twice is a
  // programming error and ends the process.
  const Sysctl* Register(SysctlSpec spec);
  void Unregister(std::string_view name);  // harmless when unknown
  // Removes all whose name starts with `prefix` ("ipv4.conf.eth0.").
  void UnregisterPrefix(std::string_view prefix);

  // kNotFound for an unknown name. Leading and trailing white space of the value is ignored.
  absl::Status Set(std::string_view name, std::string_view value);
  absl::Status Get(std::string_view name, std::string* value) const;
  const Sysctl* Find(std::string_view name) const;  // null when unknown
  std::vector<std::string> Names() const;           // sorted

 private:
  std::map<std::string, std::unique_ptr<Sysctl>, std::less<>> entries_;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_BASE_SYSCTL_H_
