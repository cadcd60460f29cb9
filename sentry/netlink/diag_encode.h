// struct inet_diag_msg and its attributes (linux/inet_diag.h), as Linux's inet_sk_diag_fill() gives
// them.
#ifndef MOAT_SENTRY_NETLINK_DIAG_ENCODE_H_
#define MOAT_SENTRY_NETLINK_DIAG_ENCODE_H_

#include <linux/inet_diag.h>

#include <cstdint>

#include "sentry/netlink/diag_filter.h"
#include "sentry/netlink/diag_view.h"
#include "sentry/netlink/message.h"
#include "sentry/netlink/netlink_answer.h"

namespace moat::sentry {

// The socket's names. A dual-stack socket's IPv4 addresses are mapped, as Linux shows them.
inet_diag_sockid SockIdOf(const DiagSocket& socket);

// For a filter; `id` is SockIdOf(socket) and must outlive the result.
DiagSubject SubjectOf(const DiagSocket& socket, const inet_diag_sockid& id);

struct DiagTag {
  NetlinkAsker asker;
  uint16_t flags = 0;     // NLM_F_MULTI in a dump
  uint8_t extensions = 0; // idiag_ext: 1 << (INET_DIAG_* - 1)
  bool net_admin = false; // marks are shown
};

void EncodeDiagSocket(const DiagTag& tag, const DiagSocket& socket, const DiagDetails& details,
                      NetlinkWriter& writer);

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_NETLINK_DIAG_ENCODE_H_
