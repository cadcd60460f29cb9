// Security modules: the AppArmor profile or SELinux label that the next execve(2) of the process
// takes on. Source: apparmor(7), kernel Documentation/admin-guide/LSM; proc(5), /proc/PID/attr.
#ifndef MOAT_RUNTIME_PROCESS_LABELS_H_
#define MOAT_RUNTIME_PROCESS_LABELS_H_

#include <string>

#include "absl/status/status.h"

namespace moat::runtime {

// Fails when the configuration asks for a module that this kernel does not run. On the host.
absl::Status CheckLabels(const std::string& apparmor_profile, const std::string& selinux_label);

// `self_fd` is a descriptor of the process's /proc/self. Empty strings change nothing.
absl::Status ApplyLabels(int self_fd, const std::string& apparmor_profile,
                         const std::string& selinux_label);

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_PROCESS_LABELS_H_
