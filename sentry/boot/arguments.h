// The command line of `moat boot`: private between StartSentry() and BootMain().
#ifndef MOAT_SENTRY_BOOT_ARGUMENTS_H_
#define MOAT_SENTRY_BOOT_ARGUMENTS_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace moat::sentry {

struct BootArguments {
  std::string id;
  std::string state_dir;
  int network_namespace_fd = -1;
  int ready_fd = -1;  // gets "ok", or one line saying what failed
  std::map<std::string, std::string> sysctls;
  std::string log_level = "info";
  int spin_us = -1;   // -1: the default
  bool direct_loopback = true;
};

// "boot" and what follows it.
std::vector<std::string> FormatBootArguments(const BootArguments& arguments);
// `arguments` without the program's name and "boot". kInvalidArgument names the flag.
absl::StatusOr<BootArguments> ParseBootArguments(const std::vector<std::string>& arguments);

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_BOOT_ARGUMENTS_H_
