#include "sentry/boot/arguments.h"

#include <functional>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace moat::sentry {
namespace {

struct Flag {
  const char* name;
  std::function<bool(const std::string&, BootArguments&)> set;
};

const Flag kFlags[] = {
    {"--id", [](const std::string& v, BootArguments& a) { return a.id = v, !v.empty(); }},
    {"--state-dir",
     [](const std::string& v, BootArguments& a) { return a.state_dir = v, !v.empty(); }},
    {"--netns-fd",
     [](const std::string& v, BootArguments& a) {
       return absl::SimpleAtoi(v, &a.network_namespace_fd) && a.network_namespace_fd >= 0;
     }},
    {"--ready-fd",
     [](const std::string& v, BootArguments& a) {
       return absl::SimpleAtoi(v, &a.ready_fd) && a.ready_fd >= 0;
     }},
    {"--log-level", [](const std::string& v, BootArguments& a) { return a.log_level = v, true; }},
    {"--spin-us",
     [](const std::string& v, BootArguments& a) {
       return absl::SimpleAtoi(v, &a.spin_us) && a.spin_us <= 1000;
     }},
    {"--direct-loopback", [](const std::string& v,
                             BootArguments& a) { return absl::SimpleAtob(v, &a.direct_loopback); }},
    {"--sysctl",
     [](const std::string& v, BootArguments& a) {
       const size_t equals = v.find('=');
       if (equals == std::string::npos || equals == 0) return false;
       a.sysctls[v.substr(0, equals)] = v.substr(equals + 1);
       return true;
     }},
};

}  // namespace

std::vector<std::string> FormatBootArguments(const BootArguments& arguments) {
  std::vector<std::string> out = {"boot",
                                  "--id", arguments.id,
                                  "--state-dir", arguments.state_dir,
                                  "--netns-fd", absl::StrCat(arguments.network_namespace_fd),
                                  "--ready-fd", absl::StrCat(arguments.ready_fd),
                                  "--log-level", arguments.log_level,
                                  "--spin-us", absl::StrCat(arguments.spin_us),
                                  "--direct-loopback", arguments.direct_loopback ? "1" : "0"};
  for (const auto& [name, value] : arguments.sysctls) {
    out.push_back("--sysctl");
    out.push_back(absl::StrCat(name, "=", value));
  }
  return out;
}

absl::StatusOr<BootArguments> ParseBootArguments(const std::vector<std::string>& arguments) {
  BootArguments out;
  for (size_t i = 0; i < arguments.size(); i += 2) {
    const Flag* found = nullptr;
    for (const Flag& flag : kFlags) {
      if (arguments[i] == flag.name) found = &flag;
    }
    if (found == nullptr) {
      return absl::InvalidArgumentError(absl::StrCat("boot: unknown flag ", arguments[i]));
    }
    if (i + 1 == arguments.size() || !found->set(arguments[i + 1], out)) {
      return absl::InvalidArgumentError(
          absl::StrCat("boot: bad or missing value of ", found->name));
    }
  }
  if (out.state_dir.empty() || out.network_namespace_fd < 0) {
    return absl::InvalidArgumentError("boot: --state-dir and --netns-fd are needed");
  }
  return out;
}

}  // namespace moat::sentry
