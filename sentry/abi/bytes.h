// Native-endian loads and stores at byte offsets: system call structures are images of another
// process's memory, of unknown alignment and length, so they are never cast to a struct.
#ifndef MOAT_SENTRY_ABI_BYTES_H_
#define MOAT_SENTRY_ABI_BYTES_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

namespace moat::sentry {

// The caller has checked that offset + sizeof(T) <= bytes.size().
template <typename T>
T LoadAt(std::span<const uint8_t> bytes, size_t offset) {
  static_assert(std::is_trivially_copyable_v<T>);
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(value));
  return value;
}

template <typename T>
void StoreAt(std::span<uint8_t> bytes, size_t offset, const T& value) {
  static_assert(std::is_trivially_copyable_v<T>);
  std::memcpy(bytes.data() + offset, &value, sizeof(value));
}

// The object representation of a value.
template <typename T>
std::span<const uint8_t> BytesOf(const T& value) {
  static_assert(std::is_trivially_copyable_v<T>);
  return {reinterpret_cast<const uint8_t*>(&value), sizeof(value)};
}

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_ABI_BYTES_H_
