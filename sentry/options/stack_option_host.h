// OptionHost over a Stack: everything but the capabilities of the calling thread.
#ifndef MOAT_SENTRY_OPTIONS_STACK_OPTION_HOST_H_
#define MOAT_SENTRY_OPTIONS_STACK_OPTION_HOST_H_

#include <string>

#include "absl/functional/function_ref.h"
#include "netstack/stack/stack.h"
#include "sentry/options/option_host.h"

namespace moat::sentry {

class StackOptionHost final : public OptionHost {
 public:
  // Both are borrowed for the life of this object, which is one call.
  StackOptionHost(netstack::Stack& stack, absl::FunctionRef<bool(int capability)> has_capability)
      : stack_(stack), has_capability_(has_capability) {}

  bool HasCapability(int capability) override { return has_capability_(capability); }
  netstack::InterfaceIndex InterfaceByName(std::string_view name) override;
  std::string InterfaceName(netstack::InterfaceIndex index) override;
  netstack::InterfaceIndex InterfaceByAddress(const netstack::IpAddress& address) override;
  std::optional<uint32_t> PathMtu(const netstack::IpAddress& destination) override;
  int64_t Sysctl(std::string_view name, size_t i, int64_t fallback) override;
  uint64_t NamespaceCookie() override { return 1; }

 private:
  netstack::Stack& stack_;
  absl::FunctionRef<bool(int)> has_capability_;
};

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_OPTIONS_STACK_OPTION_HOST_H_
