#include "netstack/ip/interface_sysctls.h"

namespace moat::netstack {
namespace {

constexpr char kDisable[] = "disable_ipv6";

SysctlSpec Switch(std::string name, int64_t value) {
  return {.name = std::move(name), .values = {value}, .min = 0, .max = 1};
}

}  // namespace

InterfaceSysctls::InterfaceSysctls(SysctlTable& sysctls, const InterfaceTable& interfaces,
                                   uint64_t& generation)
    : sysctls_(sysctls), interfaces_(interfaces), generation_(generation) {
  SysctlSpec all = Switch(Prefix("all") + kDisable, 0);
  all.changed = [this](const Sysctl& sysctl) { SetEverywhere(sysctl.value()); };
  sysctls_.Register(std::move(all));
  default_ = sysctls_.Register(Switch(Prefix("default") + kDisable, 0));
}

void InterfaceSysctls::SetEverywhere(int64_t value) {
  const std::string text = std::to_string(value);
  (void)sysctls_.Set(default_->name(), text);
  for (const auto& interface : interfaces_.all()) {
    (void)sysctls_.Set(Prefix(interface->name) + kDisable, text);
  }
  ++generation_;
}

void InterfaceSysctls::Register(Interface& interface, int64_t disable_ipv6) {
  SysctlSpec spec = Switch(Prefix(interface.name) + kDisable, disable_ipv6);
  spec.changed = [this](const Sysctl&) { ++generation_; };
  interface.disable_ipv6 = sysctls_.Register(std::move(spec));
}

void InterfaceSysctls::Unregister(Interface& interface) {
  // The whole name: "eth0." would take those of "eth0.100" along.
  sysctls_.UnregisterPrefix(Prefix(interface.name) + kDisable);
  interface.disable_ipv6 = nullptr;
}

}  // namespace moat::netstack
