// A row of the option table, and the building blocks that most rows are made of. Private to
// options/.
#ifndef MOAT_SENTRY_OPTIONS_OPTION_ROW_H_
#define MOAT_SENTRY_OPTIONS_OPTION_ROW_H_

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <limits>
#include <span>

#include "sentry/abi/bytes.h"
#include "sentry/options/options.h"

namespace moat::sentry {

// The argument of setsockopt: what the caller declared and what could be read of it.
struct OptionInput {
  int32_t length = 0;
  std::span<const uint8_t> value;

  // 0 when `size` bytes are there; EINVAL when the caller gave fewer, EFAULT when they are
  // unreadable.
  int Need(size_t size) const {
    if (length < 0 || static_cast<size_t>(length) < size) return EINVAL;
    return value.size() < size ? EFAULT : 0;
  }
  template <typename T>
  T As() const {  // after Need(sizeof(T))
    return LoadAt<T>(value, 0);
  }
};

// getsockopt: `length` is *optlen, >= 0.
using OptionGetter = ErrnoOr<OptionBytes> (*)(const OptionTarget& target, size_t length);
// setsockopt: 0 or an errno.
using OptionSetter = int (*)(const OptionTarget& target, const OptionInput& input);

namespace option_kind {  // which sockets know a row
inline constexpr uint8_t kTcp = 1 << 0;
inline constexpr uint8_t kUdp = 1 << 1;
inline constexpr uint8_t kPing = 1 << 2;
inline constexpr uint8_t kRaw = 1 << 3;
inline constexpr uint8_t kDatagram = kUdp | kPing | kRaw;
inline constexpr uint8_t kPacket = 1 << 4;
inline constexpr uint8_t kAll = kTcp | kDatagram | kPacket;
}  // namespace option_kind

struct OptionRow {
  int name;
  uint8_t kinds;     // others: ENOPROTOOPT
  OptionGetter get;  // null: ENOPROTOOPT
  OptionSetter set;
};

std::span<const OptionRow> SocketLevelRows();
std::span<const OptionRow> IpLevelRows();
std::span<const OptionRow> Ipv6LevelRows();
std::span<const OptionRow> TcpLevelRows();
std::span<const OptionRow> UdpLevelRows();
std::span<const OptionRow> RawLevelRows(netstack::Family family);  // also SOL_IPV6's of raw sockets
std::span<const OptionRow> Icmpv6LevelRows();
std::span<const OptionRow> PacketLevelRows();

// --- Access to the handle, whichever it is -------------------------------------------------------

inline const netstack::SocketOptions& Options(const OptionTarget& target) {
  if (target.packet != nullptr) return target.packet->options();
  return target.tcp != nullptr ? target.tcp->options() : target.datagram->options();
}

template <typename Change>
void ChangeOptions(const OptionTarget& target, Change change) {
  netstack::SocketOptions options = Options(target);
  change(options);
  if (target.packet != nullptr) {
    target.packet->SetOptions(options);
  } else if (target.tcp != nullptr) {
    target.tcp->SetOptions(options);
  } else {
    target.datagram->SetOptions(options);
  }
}

template <typename Change>
void ChangeDatagramOptions(const OptionTarget& target, Change change) {
  if (target.datagram == nullptr) return;
  netstack::DatagramOptions options = target.datagram->datagram_options();
  change(options);
  target.datagram->SetDatagramOptions(options);
}

template <typename Change>
void ChangeTcpOptions(const OptionTarget& target, Change change) {
  netstack::TcpOptions options = target.tcp->tcp_options();
  change(options);
  target.tcp->SetTcpOptions(options);
}

// --- Integers, by level --------------------------------------------------------------------------
// Levels differ in how they treat short values: SOL_IP reads and writes single bytes, SOL_IPV6
// takes a short value for 0 in flags and for EINVAL elsewhere, the others want an int.

struct IntLevel {  // SOL_SOCKET, SOL_TCP, SOL_UDP, and SOL_IPV6 wherever Linux checks the length
  static int Read(const OptionInput& input, int* value) {
    if (int error = input.Need(sizeof(int)); error != 0) return error;
    *value = input.As<int>();
    return 0;
  }
  static ErrnoOr<OptionBytes> Write(int value, size_t length) {
    return OptionBytes(BytesOf(value), length);
  }
};

struct ByteLevel {  // SOL_IP; a missing value is 0
  static int Read(const OptionInput& input, int* value) {
    *value = 0;
    if (input.length >= static_cast<int32_t>(sizeof(int))) return IntLevel::Read(input, value);
    if (input.length <= 0) return 0;
    if (int error = input.Need(1); error != 0) return error;
    *value = input.value[0];
    return 0;
  }
  static ErrnoOr<OptionBytes> Write(int value, size_t length) {
    if (length < sizeof(int) && length > 0 && value >= 0 && value <= 255) {
      return OptionBytes(BytesOf(static_cast<uint8_t>(value)), 1);
    }
    return IntLevel::Write(value, length);
  }
};

struct NonEmptyByteLevel : ByteLevel {  // SOL_IP where Linux refuses an empty value
  static int Read(const OptionInput& input, int* value) {
    return input.length < 1 ? EINVAL : ByteLevel::Read(input, value);
  }
};

struct LenientIntLevel : IntLevel {  // SOL_IPV6 without a length check: a short value is 0
  static int Read(const OptionInput& input, int* value) {
    *value = 0;
    return input.length < static_cast<int32_t>(sizeof(int)) ? 0 : IntLevel::Read(input, value);
  }
};

// --- Ready-made getters and setters --------------------------------------------------------------

inline constexpr int kAnyMin = std::numeric_limits<int>::min();
inline constexpr int kAnyMax = std::numeric_limits<int>::max();

template <typename Level, int kValue>
ErrnoOr<OptionBytes> GetConstant(const OptionTarget&, size_t length) {
  return Level::Write(kValue, length);
}

// Accepts anything readable and forgets it.
template <typename Level>
int SetIgnored(const OptionTarget&, const OptionInput& input) {
  int value = 0;
  return Level::Read(input, &value);
}

template <int kError>
int Refuse(const OptionTarget&, const OptionInput&) {
  return kError;
}

template <typename Level, int kError>
int RefuseInt(const OptionTarget&, const OptionInput& input) {
  int value = 0;
  const int error = Level::Read(input, &value);
  return error != 0 ? error : kError;
}

template <int kError>
ErrnoOr<OptionBytes> RefuseGet(const OptionTarget&, size_t) {
  return Errno{kError};
}

inline ErrnoOr<OptionBytes> GetEmpty(const OptionTarget&, size_t) { return OptionBytes(); }

// A member of netstack::SocketOptions, bool or integer with bounds.
template <typename Level, auto kMember>
ErrnoOr<OptionBytes> GetSocket(const OptionTarget& target, size_t length) {
  return Level::Write(static_cast<int>(Options(target).*kMember), length);
}
template <typename Level, auto kMember>
int SetSocketFlag(const OptionTarget& target, const OptionInput& input) {
  int value = 0;
  if (int error = Level::Read(input, &value); error != 0) return error;
  ChangeOptions(target, [&](netstack::SocketOptions& options) { options.*kMember = value != 0; });
  return 0;
}
template <typename Level, auto kMember, int kMin, int kMax>
int SetSocketInt(const OptionTarget& target, const OptionInput& input) {
  int value = 0;
  if (int error = Level::Read(input, &value); error != 0) return error;
  if (value < kMin || value > kMax) return EINVAL;
  using Member = std::remove_cvref_t<decltype(std::declval<netstack::SocketOptions&>().*kMember)>;
  ChangeOptions(target, [&](netstack::SocketOptions& options) {
    options.*kMember = static_cast<Member>(value);
  });
  return 0;
}

// A member of netstack::TcpOptions.
template <auto kMember>
ErrnoOr<OptionBytes> GetTcp(const OptionTarget& target, size_t length) {
  return IntLevel::Write(static_cast<int>(target.tcp->tcp_options().*kMember), length);
}
template <auto kMember>
int SetTcpFlag(const OptionTarget& target, const OptionInput& input) {
  int value = 0;
  if (int error = IntLevel::Read(input, &value); error != 0) return error;
  ChangeTcpOptions(target, [&](netstack::TcpOptions& options) { options.*kMember = value != 0; });
  return 0;
}
template <auto kMember, int kMin, int kMax>
int SetTcpInt(const OptionTarget& target, const OptionInput& input) {
  int value = 0;
  if (int error = IntLevel::Read(input, &value); error != 0) return error;
  if (value < kMin || value > kMax) return EINVAL;
  using Member = std::remove_cvref_t<decltype(std::declval<netstack::TcpOptions&>().*kMember)>;
  ChangeTcpOptions(target, [&](netstack::TcpOptions& options) {
    options.*kMember = static_cast<Member>(value);
  });
  return 0;
}

// A member of SocketSettings.
template <typename Level, auto kMember>
ErrnoOr<OptionBytes> GetSetting(const OptionTarget& target, size_t length) {
  return Level::Write(static_cast<int>(target.settings.*kMember), length);
}
template <typename Level, auto kMember, int kMin, int kMax>
int SetSetting(const OptionTarget& target, const OptionInput& input) {
  int value = 0;
  if (int error = Level::Read(input, &value); error != 0) return error;
  if (value < kMin || value > kMax) return EINVAL;
  using Member = std::remove_cvref_t<decltype(std::declval<SocketSettings&>().*kMember)>;
  target.settings.*kMember = static_cast<Member>(value);
  return 0;
}

template <typename Level, auto kMember>
int SetSettingFlag(const OptionTarget& target, const OptionInput& input) {
  int value = 0;
  if (int error = Level::Read(input, &value); error != 0) return error;
  target.settings.*kMember = value != 0;
  return 0;
}

// A flag of netstack::DatagramOptions, on sockets that have those.
template <typename Level, auto kMember>
ErrnoOr<OptionBytes> GetDatagramFlag(const OptionTarget& target, size_t length) {
  return Level::Write(target.datagram->datagram_options().*kMember ? 1 : 0, length);
}
template <typename Level, auto kMember>
int SetDatagramFlag(const OptionTarget& target, const OptionInput& input) {
  int value = 0;
  if (int error = Level::Read(input, &value); error != 0) return error;
  ChangeDatagramOptions(
      target, [&](netstack::DatagramOptions& options) { options.*kMember = value != 0; });
  return 0;
}
// One that other sockets keep as a member of SocketSettings.
template <typename Level, auto kMember, auto kSetting>
int SetSharedFlag(const OptionTarget& target, const OptionInput& input) {
  int value = 0;
  if (int error = Level::Read(input, &value); error != 0) return error;
  target.settings.*kSetting = value != 0;
  ChangeDatagramOptions(
      target, [&](netstack::DatagramOptions& options) { options.*kMember = value != 0; });
  return 0;
}

// A flag of ReceiveControlFlags.
template <typename Level, auto kMember>
ErrnoOr<OptionBytes> GetControl(const OptionTarget& target, size_t length) {
  return Level::Write(target.settings.receive_control.*kMember ? 1 : 0, length);
}
template <typename Level, auto kMember>
int SetControl(const OptionTarget& target, const OptionInput& input) {
  int value = 0;
  if (int error = Level::Read(input, &value); error != 0) return error;
  target.settings.receive_control.*kMember = value != 0;
  return 0;
}

// A remembered value without effect; a flag is stored as 0 or 1.
template <typename Level, Remembered kOption>
ErrnoOr<OptionBytes> GetRemembered(const OptionTarget& target, size_t length) {
  return Level::Write(target.settings.at(kOption), length);
}
template <typename Level, Remembered kOption>
int SetRemembered(const OptionTarget& target, const OptionInput& input) {
  int value = 0;
  if (int error = Level::Read(input, &value); error != 0) return error;
  target.settings.at(kOption) = value != 0 ? 1 : 0;
  return 0;
}
template <typename Level, Remembered kOption, int kMin, int kMax>
int SetRememberedInt(const OptionTarget& target, const OptionInput& input) {
  static_assert(kMin >= -128 && kMax <= 127);
  int value = 0;
  if (int error = Level::Read(input, &value); error != 0) return error;
  if (value < kMin || value > kMax) return EINVAL;
  target.settings.at(kOption) = static_cast<int8_t>(value);
  return 0;
}

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_OPTIONS_OPTION_ROW_H_
