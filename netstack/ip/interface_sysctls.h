// Registers the sysctls that every interface has (interface_conf.h): "default" for interfaces to
// come, "all", and one set per interface.
#ifndef MOAT_NETSTACK_IP_INTERFACE_SYSCTLS_H_
#define MOAT_NETSTACK_IP_INTERFACE_SYSCTLS_H_

#include <array>
#include <optional>
#include <string>

#include "netstack/base/sysctl.h"
#include "netstack/ip/interface.h"

namespace moat::netstack {

class InterfaceSysctls {
 public:
  class Listener {
   public:
    virtual ~Listener() = default;
    // `key` of `interface` was written; null: "all" was, of a row whose rule looks at it.
    virtual void ConfChanged(Conf key, Interface* interface) = 0;
  };
  // What an interface's rows held, to carry them over a change of name.
  using Saved = std::array<int64_t, kConfCount>;

  InterfaceSysctls(SysctlTable& sysctls, const InterfaceTable& interfaces, Listener& listener);

  // When an interface has got its name, and before it loses it. Tells the listener nothing.
  void Register(Interface& interface, const std::optional<Saved>& saved = std::nullopt);
  Saved Unregister(Interface& interface);
  // Writes the interface's own value, as a user would.
  void Set(const Interface& interface, Conf key, int64_t value);

 private:
  static std::string Name(size_t row, const std::string& interface);
  const Sysctl* RegisterRow(size_t row, const std::string& name, int64_t value,
                            std::function<void(const Sysctl&)> changed);
  void AllChanged(size_t row, int64_t value);
  void RegisterIpForward();

  SysctlTable& sysctls_;
  const InterfaceTable& interfaces_;
  Listener& listener_;
  ConfValues all_{};
  ConfValues default_{};
  bool mirroring_ = false;  // ip_forward and conf.all.forwarding are one
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_IP_INTERFACE_SYSCTLS_H_
