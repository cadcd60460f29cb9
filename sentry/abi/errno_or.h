// A value, or the errno (positive, as in errno(3)) that the container's call fails with. What every
// decoder and handler of the sentry returns, so that an answer can go straight into the
// notification.
#ifndef MOAT_SENTRY_ABI_ERRNO_OR_H_
#define MOAT_SENTRY_ABI_ERRNO_OR_H_

#include <optional>
#include <utility>

namespace moat::sentry {

// A plain errno; kept apart from int so that a value cannot be mistaken for an error.
struct Errno {
  int value = 0;
};

template <typename T>
class [[nodiscard]] ErrnoOr {
 public:
  ErrnoOr(T value) : value_(std::move(value)) {}     // NOLINT: implicit by design
  ErrnoOr(Errno error) : error_(error.value) {}      // NOLINT: implicit by design

  bool ok() const { return value_.has_value(); }
  int error() const { return error_; }  // 0 when ok()
  T& value() { return *value_; }
  const T& value() const { return *value_; }
  T& operator*() { return *value_; }
  const T& operator*() const { return *value_; }
  T* operator->() { return &*value_; }
  const T* operator->() const { return &*value_; }

 private:
  std::optional<T> value_;
  int error_ = 0;
};

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_ABI_ERRNO_OR_H_
