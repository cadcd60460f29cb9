#include "sentry/options/stack_option_host.h"

#include <algorithm>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"

namespace moat::sentry {

using netstack::InterfaceIndex;
using netstack::IpAddress;

InterfaceIndex StackOptionHost::InterfaceByName(std::string_view name) {
  const auto found = stack_.FindInterface(name);
  return found.has_value() ? found->index : 0;
}

std::string StackOptionHost::InterfaceName(InterfaceIndex index) {
  const auto found = stack_.FindInterface(index);
  return found.has_value() ? found->name : std::string();
}

InterfaceIndex StackOptionHost::InterfaceByAddress(const IpAddress& address) {
  for (const netstack::AddressInfo& info : stack_.Addresses()) {
    if (info.prefix.address == address) return info.interface;
  }
  return 0;
}

// Through the interface that the packet would leave by; what ICMP taught about the path is not
// asked.
std::optional<uint32_t> StackOptionHost::PathMtu(const IpAddress& destination) {
  const auto source = stack_.SelectSource(destination, 0);
  if (!source.ok()) return std::nullopt;
  const auto interface = stack_.FindInterface(InterfaceByAddress(*source));
  if (!interface.has_value()) return std::nullopt;
  return interface->mtu;
}

int64_t StackOptionHost::Sysctl(std::string_view name, size_t i, int64_t fallback) {
  std::string text;
  if (!stack_.GetSysctl(name, &text).ok()) return fallback;
  const std::vector<std::string> words =
      absl::StrSplit(text, absl::ByAnyChar(" \t"), absl::SkipEmpty());
  int64_t value = 0;
  if (i >= words.size() || !absl::SimpleAtoi(words[i], &value)) return fallback;
  return value;
}

}  // namespace moat::sentry
