#include "runtime/process/sysctl.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "runtime/fd/write_file.h"

namespace moat::runtime {

std::string SysctlPath(const std::string& name) {
  std::string path = name;
  // Whichever separator comes first is the one in use.
  const size_t first = path.find_first_of("./");
  if (first != std::string::npos && path[first] == '.') {
    for (char& c : path) c = c == '.' ? '/' : c == '/' ? '.' : c;
  }
  return absl::StrCat("sys/", path);
}

std::map<std::string, std::string> NetworkSysctls(const std::map<std::string, std::string>& all) {
  std::map<std::string, std::string> out;
  for (const auto& [name, value] : all) {
    if (absl::StartsWith(name, "net.") || absl::StartsWith(name, "net/")) out[name] = value;
  }
  return out;
}

absl::Status WriteSysctls(int proc_fd, const std::map<std::string, std::string>& sysctls) {
  for (const auto& [name, value] : sysctls) {
    absl::Status status = WriteFileAt(proc_fd, SysctlPath(name), value);
    if (!status.ok()) {
      return absl::Status(status.code(), absl::StrCat("config.json: linux.sysctl[", name, "]: ",
                                                      status.message()));
    }
  }
  return absl::OkStatus();
}

void TryWriteSysctls(int proc_fd, const std::map<std::string, std::string>& sysctls) {
  for (const auto& [name, value] : sysctls) {
    [[maybe_unused]] absl::Status ignored = WriteFileAt(proc_fd, SysctlPath(name), value);
  }
}

}  // namespace moat::runtime
