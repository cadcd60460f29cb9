// Source filters of multicast memberships (RFC 3678), both families. Private to options/.
//
// At most kMaxFilterSources are taken, whatever igmp_max_msf and mld_max_msf say. A TCP socket has
// no memberships: what would give it one fails (EPROTO).
#ifndef MOAT_SENTRY_OPTIONS_SOURCE_FILTER_H_
#define MOAT_SENTRY_OPTIONS_SOURCE_FILTER_H_

#include "sentry/options/option_row.h"

namespace moat::sentry {

// IP_{ADD,DROP}_SOURCE_MEMBERSHIP, IP_{BLOCK,UNBLOCK}_SOURCE.
int ChangeSource4(netstack::SourceChange change, const OptionTarget& target,
                  const OptionInput& input);
// MCAST_{JOIN,LEAVE}_SOURCE_GROUP, MCAST_{BLOCK,UNBLOCK}_SOURCE at a family's level.
int ChangeGroupSource(netstack::SourceChange change, netstack::Family family,
                      const OptionTarget& target, const OptionInput& input);
// IP_MSFILTER.
int SetSourceFilter4(const OptionTarget& target, const OptionInput& input);
ErrnoOr<OptionBytes> GetSourceFilter4(const OptionTarget& target, size_t length);
// MCAST_MSFILTER.
int SetGroupFilter(netstack::Family family, const OptionTarget& target, const OptionInput& input);
ErrnoOr<OptionBytes> GetGroupFilter(netstack::Family family, const OptionTarget& target,
                                    size_t length);

// --- As the table wants them ---------------------------------------------------------------------

template <netstack::SourceChange kChange>
int ChangeSource4(const OptionTarget& target, const OptionInput& input) {
  return ChangeSource4(kChange, target, input);
}
template <netstack::SourceChange kChange, netstack::Family kFamily>
int ChangeGroupSource(const OptionTarget& target, const OptionInput& input) {
  return ChangeGroupSource(kChange, kFamily, target, input);
}
template <netstack::Family kFamily>
int SetGroupFilter(const OptionTarget& target, const OptionInput& input) {
  return SetGroupFilter(kFamily, target, input);
}
template <netstack::Family kFamily>
ErrnoOr<OptionBytes> GetGroupFilter(const OptionTarget& target, size_t length) {
  return GetGroupFilter(kFamily, target, length);
}

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_OPTIONS_SOURCE_FILTER_H_
