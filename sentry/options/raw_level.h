// Rows of raw sockets that other levels have too.
#ifndef MOAT_SENTRY_OPTIONS_RAW_LEVEL_H_
#define MOAT_SENTRY_OPTIONS_RAW_LEVEL_H_

#include "netstack/socket/raw_controls.h"
#include "sentry/options/option_row.h"

namespace moat::sentry {

// IP_HDRINCL, IPV6_HDRINCL. Others than raw sockets write no headers.
template <typename Level>
ErrnoOr<OptionBytes> GetHeaderIncluded(const OptionTarget& target, size_t length) {
  netstack::RawControls* raw = target.datagram == nullptr ? nullptr : target.datagram->raw();
  return Level::Write(raw != nullptr && raw->header_included() ? 1 : 0, length);
}

template <typename Level>
int SetHeaderIncluded(const OptionTarget& target, const OptionInput& input) {
  netstack::RawControls* raw = target.datagram == nullptr ? nullptr : target.datagram->raw();
  if (raw == nullptr) return ENOPROTOOPT;
  int value = 0;
  if (int error = Level::Read(input, &value); error != 0) return error;
  raw->SetHeaderIncluded(value != 0);
  return 0;
}

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_OPTIONS_RAW_LEVEL_H_
