// SO_TIMESTAMP and its relatives. One format is active at a time. Private to options/.
#ifndef MOAT_SENTRY_OPTIONS_SOCKET_TIMESTAMPS_H_
#define MOAT_SENTRY_OPTIONS_SOCKET_TIMESTAMPS_H_

#include "sentry/options/option_row.h"

namespace moat::sentry {

template <TimestampFormat kFormat>
ErrnoOr<OptionBytes> GetTimestamp(const OptionTarget& target, size_t length) {
  return IntLevel::Write(target.settings.receive_control.timestamp == kFormat ? 1 : 0, length);
}

template <TimestampFormat kFormat>
int SetTimestamp(const OptionTarget& target, const OptionInput& input) {
  if (int error = input.Need(sizeof(int)); error != 0) return error;
  // Switching any of them off switches all off.
  target.settings.receive_control.timestamp =
      input.As<int>() != 0 ? kFormat : TimestampFormat::kNone;
  return 0;
}

// SO_TIMESTAMPING is not supported: only "off" is accepted, EOPNOTSUPP otherwise. Two ints are read
// back.
inline ErrnoOr<OptionBytes> GetTimestamping(const OptionTarget&, size_t length) {
  return OptionBytes(BytesOf(uint64_t{0}), length);
}
inline int SetTimestamping(const OptionTarget&, const OptionInput& input) {
  if (int error = input.Need(sizeof(int)); error != 0) return error;
  constexpr int kKnownFlags = (1 << 19) - 1;
  const int flags = input.As<int>();
  if ((flags & ~kKnownFlags) != 0) return EINVAL;
  return flags == 0 ? 0 : EOPNOTSUPP;
}

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_OPTIONS_SOCKET_TIMESTAMPS_H_
