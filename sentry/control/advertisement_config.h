// Router advertisements of moat.v1 and of the stack, in both directions.
#ifndef MOAT_SENTRY_CONTROL_ADVERTISEMENT_CONFIG_H_
#define MOAT_SENTRY_CONTROL_ADVERTISEMENT_CONFIG_H_

#include "absl/status/statusor.h"
#include "moat/v1/sandbox.pb.h"
#include "netstack/stack/stack.h"
#include "sentry/control/proto_from_stack.h"

namespace moat::sentry {

// With every field present.
v1::RouterAdvertisement ToProto(const netstack::RouterAdvertisementInfo& info,
                                const InterfaceNames& names);

// What the request asks for, absent fields completed by RFC 4861 6.2.1's defaults. kInvalidArgument
// names the field that is no number, address or prefix of its kind; bounds that hang together are
// the stack's to judge.
absl::StatusOr<netstack::RouterAdvertisementOptions> AdvertisementToSet(
    const v1::RouterAdvertisement& request);

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_CONTROL_ADVERTISEMENT_CONFIG_H_
