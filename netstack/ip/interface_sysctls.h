// The sysctls that every interface has, as Linux names them: ipv6.conf.<name>.*, with "default" for
// interfaces to come, and "all", whose writes reach every interface and "default".
#ifndef MOAT_NETSTACK_IP_INTERFACE_SYSCTLS_H_
#define MOAT_NETSTACK_IP_INTERFACE_SYSCTLS_H_

#include <string>

#include "netstack/base/sysctl.h"
#include "netstack/ip/interface.h"

namespace moat::netstack {

class InterfaceSysctls {
 public:
  // `generation` is incremented when a change could make another route right.
  InterfaceSysctls(SysctlTable& sysctls, const InterfaceTable& interfaces, uint64_t& generation);

  // When an interface has got its name, and before it loses it.
  void Register(Interface& interface) { Register(interface, default_->value()); }
  void Register(Interface& interface, int64_t disable_ipv6);
  void Unregister(Interface& interface);

 private:
  static std::string Prefix(const std::string& name) { return "ipv6.conf." + name + "."; }
  void SetEverywhere(int64_t value);

  SysctlTable& sysctls_;
  const InterfaceTable& interfaces_;
  uint64_t& generation_;
  const Sysctl* default_;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_IP_INTERFACE_SYSCTLS_H_
