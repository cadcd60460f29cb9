// The closed set of errors of the data path and the socket handles. No allocation, no text. The
// sentry turns each into the errno of the same meaning in one exhaustive switch; the control plane
// speaks absl::Status instead.
#ifndef MOAT_NETSTACK_BASE_ERROR_H_
#define MOAT_NETSTACK_BASE_ERROR_H_

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

namespace moat::netstack {

enum class [[nodiscard]] Error : uint8_t {
  kOk = 0,
  kWouldBlock,            // EAGAIN
  kInProgress,            // EINPROGRESS
  kAlready,               // EALREADY
  kIsConnected,           // EISCONN
  kNotConnected,          // ENOTCONN
  kDestinationRequired,   // EDESTADDRREQ
  kInvalid,               // EINVAL
  kAddressInUse,          // EADDRINUSE
  kAddressNotAvailable,   // EADDRNOTAVAIL
  kAddressFamily,         // EAFNOSUPPORT
  kOperationNotSupported, // EOPNOTSUPP
  kProtocolOption,        // ENOPROTOOPT
  kProtocol,              // EPROTO
  kMessageSize,           // EMSGSIZE
  kNoBuffers,             // ENOBUFS
  kNoMemory,              // ENOMEM
  kAccess,                // EACCES: broadcast without SO_BROADCAST, prohibit route
  kPermission,            // EPERM
  kNetworkDown,           // ENETDOWN
  kNetworkUnreachable,    // ENETUNREACH
  kHostDown,              // EHOSTDOWN
  kHostUnreachable,       // EHOSTUNREACH
  kConnectionRefused,     // ECONNREFUSED
  kConnectionReset,       // ECONNRESET
  kConnectionAborted,     // ECONNABORTED
  kTimedOut,              // ETIMEDOUT
  kBrokenPipe,            // EPIPE
  kNoDevice,              // ENODEV
};

std::string_view ErrorName(Error error);

// A value or the reason why there is none. Never holds kOk as a reason.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}  // NOLINT: implicit by design
  Result(Error error) : error_(error) {}         // NOLINT: implicit by design

  bool ok() const { return value_.has_value(); }
  Error error() const { return error_; }
  T& value() { return *value_; }
  const T& value() const { return *value_; }
  T& operator*() { return *value_; }
  const T& operator*() const { return *value_; }
  T* operator->() { return &*value_; }
  const T* operator->() const { return &*value_; }

 private:
  std::optional<T> value_;
  Error error_ = Error::kOk;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_BASE_ERROR_H_
