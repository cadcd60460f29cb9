// Answers the requests that a container sends to its NETLINK_SOCK_DIAG sockets (sock_diag(7)): what
// ss(8) and its like ask.
//
// Served: SOCK_DIAG_BY_FAMILY of AF_INET and AF_INET6 for TCP, UDP and raw sockets, as dumps
// (filtered by states, ports and bytecode) and of one socket; ping sockets are not shown by Linux
// either. SOCK_DESTROY with CAP_NET_ADMIN, as far as the view can (else EOPNOTSUPP). Other families
// and protocols: ENOENT, which is what a kernel without their modules says; then ss reads
// /proc/net/{unix,packet,netlink}, which are the kernel's and true. The request of old
// (TCPDIAG_GETSOCK): EOPNOTSUPP.
#ifndef MOAT_SENTRY_NETLINK_DIAG_SERVER_H_
#define MOAT_SENTRY_NETLINK_DIAG_SERVER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "sentry/netlink/diag_encode.h"
#include "sentry/netlink/diag_view.h"
#include "sentry/netlink/netlink_answer.h"

namespace moat::sentry {

struct DiagRequest {
  std::span<const uint8_t> bytes;  // one datagram, of any number of messages
  uint32_t port = 0;               // nl_pid of the asking socket
  NetlinkFlags flags{};
  bool net_admin = false;          // the sender has CAP_NET_ADMIN
  bool busy = false;               // no dump may begin now: EBUSY
};

// A dump that goes on as its reader reads: only the choice of sockets is kept, not their encoding.
class DiagDump {
 public:
  DiagDump(std::vector<DiagSocket> sockets, DiagTag tag, int error)
      : sockets_(std::move(sockets)), tag_(tag), error_(error) {}

  // The next datagram; empty after the last. Sockets that have gone meanwhile are left out.
  std::vector<uint8_t> Next(DiagView& view);

 private:
  std::vector<DiagSocket> sockets_;
  size_t next_ = 0;
  std::vector<uint8_t> kept_;  // encoded, and did not fit into the datagram before
  DiagTag tag_;
  int error_;                  // for the end of the dump
  bool done_ = false;
};

struct DiagAnswer {
  NetlinkDatagrams datagrams;      // at once
  std::unique_ptr<DiagDump> dump;  // and this behind them; null when there is none
};

// At most one dump begins; further ones in the same datagram get EBUSY, as on Linux while one is
// running.
DiagAnswer AnswerDiagRequest(const DiagRequest& request, DiagView& view);

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_NETLINK_DIAG_SERVER_H_
