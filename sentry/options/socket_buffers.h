// SO_SNDBUF and SO_RCVBUF: Linux reports twice what was set, within limits from sysctls. Private to
// options/.
#ifndef MOAT_SENTRY_OPTIONS_SOCKET_BUFFERS_H_
#define MOAT_SENTRY_OPTIONS_SOCKET_BUFFERS_H_

#include <cstdint>

#include "sentry/options/option_row.h"

namespace moat::sentry {

// As getsockopt reports them.
int64_t SendBufferSize(const OptionTarget& target);
int64_t ReceiveBufferSize(const OptionTarget& target);

ErrnoOr<OptionBytes> GetSendBuffer(const OptionTarget& target, size_t length);
ErrnoOr<OptionBytes> GetReceiveBuffer(const OptionTarget& target, size_t length);
int SetSendBuffer(const OptionTarget& target, const OptionInput& input);
int SetReceiveBuffer(const OptionTarget& target, const OptionInput& input);
int ForceSendBuffer(const OptionTarget& target, const OptionInput& input);     // CAP_NET_ADMIN
int ForceReceiveBuffer(const OptionTarget& target, const OptionInput& input);  // CAP_NET_ADMIN

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_OPTIONS_SOCKET_BUFFERS_H_
