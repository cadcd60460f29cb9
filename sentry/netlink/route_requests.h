// Requests as programs send them, for the tests of the route server.
#ifndef MOAT_SENTRY_NETLINK_ROUTE_REQUESTS_H_
#define MOAT_SENTRY_NETLINK_ROUTE_REQUESTS_H_

#include <linux/rtnetlink.h>

#include <cstdint>
#include <vector>

#include "sentry/netlink/message.h"

namespace moat::sentry {

inline constexpr uint32_t kSequence = 7;
inline constexpr uint16_t kDump = NLM_F_REQUEST | NLM_F_DUMP;

template <typename T>
std::vector<uint8_t> Request(uint16_t type, uint16_t flags, const T& header) {
  NetlinkWriter writer;
  writer.Begin(type, flags, kSequence, 0);
  writer.Fixed(header);
  writer.End();
  return writer.Take();
}

inline rtgenmsg Family(uint8_t family) { return {.rtgen_family = family}; }

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_NETLINK_ROUTE_REQUESTS_H_
