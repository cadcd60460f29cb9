// Where Docker's resolver listens, read from the kernel's table of UDP sockets.
#ifndef MOAT_SENTRY_RESOLVER_RESOLVER_TABLE_H_
#define MOAT_SENTRY_RESOLVER_RESOLVER_TABLE_H_

#include <cstdint>
#include <string_view>

namespace moat::sentry {

// The port of the first unconnected socket on 127.0.0.11 in `table`, the text of /proc/net/udp
// (proc(5)); 0 when there is none. Lines that cannot be read are skipped.
uint16_t FindResolverPort(std::string_view table);

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_RESOLVER_RESOLVER_TABLE_H_
