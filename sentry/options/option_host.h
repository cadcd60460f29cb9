// What socket options ask of the world around the socket.
#ifndef MOAT_SENTRY_OPTIONS_OPTION_HOST_H_
#define MOAT_SENTRY_OPTIONS_OPTION_HOST_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "netstack/wire/address.h"

namespace moat::sentry {

class OptionHost {
 public:
  virtual ~OptionHost() = default;

  // Whether the calling thread holds CAP_* over the container's network. May be slow; asked only
  // where Linux asks.
  virtual bool HasCapability(int capability) = 0;

  virtual netstack::InterfaceIndex InterfaceByName(std::string_view name) = 0;  // 0: none
  virtual std::string InterfaceName(netstack::InterfaceIndex index) = 0;        // empty: none
  virtual netstack::InterfaceIndex InterfaceByAddress(const netstack::IpAddress& address) = 0;
  // MTU of the path to a connected peer; absent when there is no route.
  virtual std::optional<uint32_t> PathMtu(const netstack::IpAddress& destination) = 0;
  // The i-th number of a sysctl (name below "net."), or `fallback` when the stack has none of it.
  virtual int64_t Sysctl(std::string_view name, size_t i, int64_t fallback) = 0;
  virtual uint64_t NamespaceCookie() = 0;  // SO_NETNS_COOKIE
};

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_OPTIONS_OPTION_HOST_H_
