// IP_UNICAST_IF and IPV6_UNICAST_IF: the interface that packets leave by, as an index in network
// order. Private to options/.
#ifndef MOAT_SENTRY_OPTIONS_UNICAST_INTERFACE_H_
#define MOAT_SENTRY_OPTIONS_UNICAST_INTERFACE_H_

#include <arpa/inet.h>
#include <errno.h>

#include "sentry/options/option_row.h"

namespace moat::sentry {

template <auto kMember, auto kOption>  // of SocketSettings, of netstack::DatagramOptions
int SetUnicastInterface(const OptionTarget& target, const OptionInput& input) {
  if (input.length != sizeof(int)) return EINVAL;
  if (int error = input.Need(sizeof(int)); error != 0) return error;
  const auto index = static_cast<netstack::InterfaceIndex>(ntohl(input.As<uint32_t>()));
  if (index != 0 && target.host.InterfaceName(index).empty()) return EADDRNOTAVAIL;
  target.settings.*kMember = index;
  ChangeDatagramOptions(target,
                        [&](netstack::DatagramOptions& options) { options.*kOption = index; });
  return 0;
}

template <typename Level, auto kMember>
ErrnoOr<OptionBytes> GetUnicastInterface(const OptionTarget& target, size_t length) {
  const auto index = static_cast<uint32_t>(target.settings.*kMember);
  return Level::Write(static_cast<int>(htonl(index)), length);
}

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_OPTIONS_UNICAST_INTERFACE_H_
