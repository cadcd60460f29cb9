// Multicast membership options of both families; sources are source_filter.h's. Private to
// options/.
#ifndef MOAT_SENTRY_OPTIONS_MEMBERSHIP_H_
#define MOAT_SENTRY_OPTIONS_MEMBERSHIP_H_

#include "sentry/options/option_row.h"

namespace moat::sentry {

int AddMembership4(const OptionTarget& target, const OptionInput& input);   // IP_ADD_MEMBERSHIP
int DropMembership4(const OptionTarget& target, const OptionInput& input);  // IP_DROP_MEMBERSHIP
int AddMembership6(const OptionTarget& target, const OptionInput& input);   // IPV6_JOIN_GROUP
int DropMembership6(const OptionTarget& target, const OptionInput& input);  // IPV6_LEAVE_GROUP
int JoinGroup4(const OptionTarget& target, const OptionInput& input);       // MCAST_JOIN_GROUP
int LeaveGroup4(const OptionTarget& target, const OptionInput& input);      // MCAST_LEAVE_GROUP
int JoinGroup6(const OptionTarget& target, const OptionInput& input);
int LeaveGroup6(const OptionTarget& target, const OptionInput& input);

int SetMulticastInterface4(const OptionTarget& target,
                           const OptionInput& input);  // IP_MULTICAST_IF
ErrnoOr<OptionBytes> GetMulticastInterface4(const OptionTarget& target, size_t length);
int SetMulticastInterface6(const OptionTarget& target, const OptionInput& input);

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_OPTIONS_MEMBERSHIP_H_
