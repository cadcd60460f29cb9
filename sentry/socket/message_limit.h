// How long a message may be that a program writes into its end of a pair without a notified call.
#ifndef MOAT_SENTRY_SOCKET_MESSAGE_LIMIT_H_
#define MOAT_SENTRY_SOCKET_MESSAGE_LIMIT_H_

#include <cstddef>

namespace moat::sentry {

// The most that a datagram of such a socket carries; `domain` and `type` are socket(2)'s.
size_t MostPayload(int domain, int type);

// Makes write() on `file`, a program's end of a SOCK_SEQPACKET pair, fail with EMSGSIZE beyond
// that.
//
// The kernel compares a message with the send buffer of the file, 32 octets of it set aside, and
// makes every size of a buffer even: an odd limit lets one octet more pass, which is dropped. Nor
// can a limit be smaller than about 4.5 kB, the least buffer that the kernel grants: a path's MTU
// (IP_MTU_DISCOVER) is out of reach. And what fits into the buffer is also what may wait in it.
void LimitMessages(int file, int domain, int type);

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_SOCKET_MESSAGE_LIMIT_H_
