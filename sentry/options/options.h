// getsockopt(2) and setsockopt(2) of inet and packet sockets: one lookup in one table.
//
// Rows, bounds, widths and errors are Linux's (socket(7), ip(7), ipv6(7), tcp(7), udp(7)); a test
// runs the same calls against the host's kernel and compares. What differs on purpose is listed in
// README.md.
#ifndef MOAT_SENTRY_OPTIONS_OPTIONS_H_
#define MOAT_SENTRY_OPTIONS_OPTIONS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "netstack/socket/datagram_socket.h"
#include "netstack/socket/packet_socket.h"
#include "netstack/socket/tcp_socket.h"
#include "sentry/abi/errno_or.h"
#include "sentry/abi/sockaddr.h"
#include "sentry/options/option_host.h"
#include "sentry/options/settings.h"

namespace moat::sentry {

// A socket as the options see it. Everything is borrowed for the call.
struct OptionTarget {
  SocketKind kind;
  netstack::Family family;
  netstack::TcpSocket* tcp;            // exactly one of the handles, `packet` included
  netstack::DatagramSocket* datagram;
  SocketSettings& settings;
  int& pending_error;  // that the sentry holds rather than the stack; SO_ERROR reports and clears
                       // it first
  OptionHost& host;
  // What getsockopt's buffer held, for the options of ReadsItsBuffer().
  std::span<const uint8_t> get_input{};
  netstack::PacketSocket* packet = nullptr;
};

// Of a multicast filter.
inline constexpr size_t kMaxFilterSources = 64;

// The most bytes of a value that any option looks at; callers need not copy more of optval.
inline constexpr size_t kMaxOptionInput = 144 + kMaxFilterSources * 128;  // struct group_filter

// What getsockopt(2) copies out; its size is the new *optlen.
class OptionBytes {
 public:
  static constexpr size_t kCapacity = 320;

  OptionBytes() = default;
  // At most `length` bytes of `value`.
  OptionBytes(std::span<const uint8_t> value, size_t length);
  // The whole of a value that may be larger, whatever length the caller named.
  explicit OptionBytes(std::vector<uint8_t> value) : large_(std::move(value)) {}

  std::span<const uint8_t> span() const {
    if (!large_.empty()) return large_;
    return {bytes_.data(), size_};
  }

 private:
  std::array<uint8_t, kCapacity> bytes_{};
  size_t size_ = 0;
  std::vector<uint8_t> large_;
};

// Gives a fresh socket the defaults that depend on its kind. Call once, after socket(2).
void ApplyOptionDefaults(const OptionTarget& target);

// `length` is *optlen. Errors: EINVAL (negative or unfit length), ENOPROTOOPT, and what the option
// says.
ErrnoOr<OptionBytes> GetSocketOption(const OptionTarget& target, int level, int name,
                                     int32_t length);

// Whether reading an option depends on what the buffer holds (OptionTarget::get_input); its first
// kGetInputSize bytes are enough.
bool ReadsItsBuffer(int level, int name);
inline constexpr size_t kGetInputSize = 144;

// `length` is optlen; `value` holds its first min(length, kMaxOptionInput) bytes, or fewer when the
// rest cannot be read (EFAULT once they are needed). 0 or an errno.
int SetSocketOption(const OptionTarget& target, int level, int name, int32_t length,
                    std::span<const uint8_t> value);

// Options that must also be set, by the kernel's own setsockopt(2), on the container's end of the
// pair, because native reads and writes obey it: timeouts, SO_RCVLOWAT, SO_PEEK_OFF. To be asked
// after SetSocketOption() has succeeded.
bool IsPairOption(int level, int name);

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_OPTIONS_OPTIONS_H_
