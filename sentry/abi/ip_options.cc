#include "sentry/abi/ip_options.h"

#include <cerrno>
#include <memory>
#include <utility>

namespace moat::sentry {

ErrnoOr<netstack::Ipv4OptionsRef> DecodeIpOptions(std::span<const uint8_t> given,
                                                  absl::FunctionRef<bool()> privileged) {
  using netstack::Ipv4OptionVerdict;
  auto options = std::make_shared<netstack::Ipv4Options>();
  const Ipv4OptionVerdict verdict = netstack::TakeProgramOptions(given, options.get());
  if (verdict == Ipv4OptionVerdict::kMalformed) return Errno{EINVAL};
  if (verdict == Ipv4OptionVerdict::kSourceRoute) return Errno{EOPNOTSUPP};
  if (verdict == Ipv4OptionVerdict::kPrivileged && !privileged()) return Errno{EINVAL};
  return netstack::Ipv4OptionsRef(std::move(options));
}

}  // namespace moat::sentry
