// IPv4 options as programs give them (ip(7): IP_OPTIONS, IP_RETOPTS).
#ifndef MOAT_SENTRY_ABI_IP_OPTIONS_H_
#define MOAT_SENTRY_ABI_IP_OPTIONS_H_

#include <cstdint>
#include <span>

#include "absl/functional/function_ref.h"
#include "netstack/wire/ipv4_options.h"
#include "sentry/abi/errno_or.h"

namespace moat::sentry {

// At most 40 octets of options; never null, but of size 0 when there are none. EINVAL: malformed,
// or of a type that is not known and `privileged` (CAP_NET_RAW; asked only then) says no.
// EOPNOTSUPP: a source route.
ErrnoOr<netstack::Ipv4OptionsRef> DecodeIpOptions(std::span<const uint8_t> given,
                                                  absl::FunctionRef<bool()> privileged);

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_ABI_IP_OPTIONS_H_
