// Builds the ancillary data of a receive with Linux's truncation (put_cmsg() as behaviour,
// cmsg(3)): a message that does not fit is cut and MSG_CTRUNC is reported; nothing is ever written
// past the caller's capacity.
#ifndef MOAT_SENTRY_ABI_CONTROL_WRITER_H_
#define MOAT_SENTRY_ABI_CONTROL_WRITER_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "sentry/abi/bytes.h"

namespace moat::sentry {

class ControlWriter {
 public:
  // `capacity`: the container's msg_controllen (any value; what is built is small), 0 without a
  // buffer.
  explicit ControlWriter(uint64_t capacity) : capacity_(capacity) {}

  void Put(int level, int type, std::span<const uint8_t> data);
  template <typename T>
  void PutValue(int level, int type, const T& value) {
    Put(level, type, BytesOf(value));
  }

  // What goes to msg_control; its size is the new msg_controllen.
  std::span<const uint8_t> bytes() const { return bytes_; }
  bool truncated() const { return truncated_; }  // report MSG_CTRUNC

 private:
  uint64_t capacity_;
  std::vector<uint8_t> bytes_;
  bool truncated_ = false;
};

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_ABI_CONTROL_WRITER_H_
