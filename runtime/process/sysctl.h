// linux.sysctl: kernel parameters of the namespaces that the process is in now.
#ifndef MOAT_RUNTIME_PROCESS_SYSCTL_H_
#define MOAT_RUNTIME_PROCESS_SYSCTL_H_

#include <map>
#include <string>

#include "absl/status/status.h"

namespace moat::runtime {

// "net.ipv4.ip_forward" to "sys/net/ipv4/ip_forward"; a name with slashes keeps its dots
// ("net/ipv4/conf/eth0.1/forwarding"). sysctl(8).
std::string SysctlPath(const std::string& name);

// Those that belong to a network namespace, for which the sentry must know them too.
std::map<std::string, std::string> NetworkSysctls(const std::map<std::string, std::string>& all);

// Writes below `proc_fd`, a descriptor of a procfs. The error names the parameter.
absl::Status WriteSysctls(int proc_fd, const std::map<std::string, std::string>& sysctls);

// The same for parameters that may not exist here; failures are not told.
void TryWriteSysctls(int proc_fd, const std::map<std::string, std::string>& sysctls);

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_PROCESS_SYSCTL_H_
