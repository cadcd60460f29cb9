#include "netstack/ip/interface_sysctls.h"

namespace moat::netstack {
namespace {

struct Row {
  const char* family;
  const char* name;
  int64_t value, min, max;
  ConfRule rule;
};
constexpr Row kRows[] = {
#define MOAT_CONF_ROW(key, family, name, value, min, max, rule) \
  {family, name, value, min, max, ConfRule::rule},
    MOAT_INTERFACE_CONF(MOAT_CONF_ROW)
#undef MOAT_CONF_ROW
};

constexpr char kIpForward[] = "ipv4.ip_forward";

}  // namespace

std::string InterfaceSysctls::Name(size_t row, const std::string& interface) {
  return std::string(kRows[row].family) + ".conf." + interface + "." + kRows[row].name;
}

const Sysctl* InterfaceSysctls::RegisterRow(size_t row, const std::string& name, int64_t value,
                                            std::function<void(const Sysctl&)> changed) {
  return sysctls_.Register({.name = Name(row, name),
                            .values = {value},
                            .min = kRows[row].min,
                            .max = kRows[row].max,
                            .changed = std::move(changed)});
}

InterfaceSysctls::InterfaceSysctls(SysctlTable& sysctls, const InterfaceTable& interfaces,
                                   Listener& listener)
    : sysctls_(sysctls), interfaces_(interfaces), listener_(listener) {
  for (size_t row = 0; row < kConfCount; ++row) {
    // Of the larger one of two each should be able to decide.
    const int64_t all = kRows[row].rule == ConfRule::kMax ? kRows[row].min : kRows[row].value;
    all_[row] = RegisterRow(row, "all", all, [this, row](const Sysctl& sysctl) {
      AllChanged(row, sysctl.value());
    });
    default_[row] = RegisterRow(row, "default", kRows[row].value, {});
  }
  RegisterIpForward();
}

// net.ipv4.ip_forward is conf.all.forwarding by its older name.
void InterfaceSysctls::RegisterIpForward() {
  sysctls_.Register({.name = kIpForward, .values = {0}, .min = 0, .max = 1,
                     .changed = [this](const Sysctl& sysctl) {
                       if (mirroring_) return;
                       mirroring_ = true;
                       const size_t row = static_cast<size_t>(Conf::kForwardV4);
                       (void)sysctls_.Set(Name(row, "all"), sysctl.Format());
                       mirroring_ = false;
                     }});
}

void InterfaceSysctls::AllChanged(size_t row, int64_t value) {
  const std::string text = std::to_string(value);
  if (row == static_cast<size_t>(Conf::kForwardV4) && !mirroring_) {
    mirroring_ = true;
    (void)sysctls_.Set(kIpForward, text);
    mirroring_ = false;
  }
  if (row == static_cast<size_t>(Conf::kForwardV4)) {
    // As Linux: who becomes a router stops to believe redirects, unless told otherwise after.
    (void)sysctls_.Set(Name(static_cast<size_t>(Conf::kAcceptRedirectsV4), "all"),
                       value == 0 ? "1" : "0");
  }
  if (kRows[row].rule != ConfRule::kEverywhere) {
    return listener_.ConfChanged(static_cast<Conf>(row), nullptr);
  }
  (void)sysctls_.Set(default_[row]->name(), text);
  for (const auto& interface : interfaces_.all()) {
    (void)sysctls_.Set(Name(row, interface->name), text);
  }
}

void InterfaceSysctls::Register(Interface& interface, const std::optional<Saved>& saved) {
  for (size_t row = 0; row < kConfCount; ++row) {
    const int64_t value = saved.has_value() ? (*saved)[row] : default_[row]->value();
    interface.conf.own_[row] =
        RegisterRow(row, interface.name, value, [this, row, &interface](const Sysctl&) {
          listener_.ConfChanged(static_cast<Conf>(row), &interface);
        });
  }
  interface.conf.all_ = &all_;
}

void InterfaceSysctls::Set(const Interface& interface, Conf key, int64_t value) {
  (void)sysctls_.Set(Name(static_cast<size_t>(key), interface.name), std::to_string(value));
}

InterfaceSysctls::Saved InterfaceSysctls::Unregister(Interface& interface) {
  Saved saved;
  for (size_t row = 0; row < kConfCount; ++row) {
    saved[row] = interface.conf.own_[row]->value();
    sysctls_.Unregister(Name(row, interface.name));
  }
  interface.conf = {};
  return saved;
}

}  // namespace moat::netstack
