// One message for sendmsg(2) or recvmsg(2): one buffer, and at most one piece of control data
// beside it, a T.
#ifndef MOAT_BASE_ONE_MESSAGE_H_
#define MOAT_BASE_ONE_MESSAGE_H_

#include <sys/socket.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstring>
#include <optional>
#include <type_traits>

namespace moat {

template <typename T>
class OneMessage {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  // Borrows the buffer, which sendmsg() only reads.
  OneMessage(const void* data, size_t size) : data_{const_cast<void*>(data), size} {
    header_.msg_iov = &data_;
    header_.msg_iovlen = 1;
  }
  OneMessage(const OneMessage&) = delete;
  OneMessage& operator=(const OneMessage&) = delete;

  // Before sendmsg(): `value` goes along.
  void Attach(int level, int type, const T& value) {
    MakeRoom();
    cmsghdr* control = CMSG_FIRSTHDR(&header_);
    control->cmsg_level = level;
    control->cmsg_type = type;
    control->cmsg_len = CMSG_LEN(sizeof(T));
    std::memcpy(CMSG_DATA(control), &value, sizeof(T));
  }
  // Before recvmsg(): there is room for one T.
  void MakeRoom() {
    header_.msg_control = control_;
    header_.msg_controllen = sizeof(control_);
  }
  // After recvmsg(). Absent: something else came, or nothing.
  std::optional<T> Attached(int level, int type) const {
    const cmsghdr* control = CMSG_FIRSTHDR(&header_);
    if (control == nullptr || control->cmsg_level != level || control->cmsg_type != type ||
        control->cmsg_len != CMSG_LEN(sizeof(T))) {
      return std::nullopt;
    }
    T value;
    std::memcpy(&value, CMSG_DATA(control), sizeof(T));
    return value;
  }
  // Whom it goes to, or (recvmsg()) where its sender is to be written. Borrowed.
  void SetName(void* name, socklen_t size) {
    header_.msg_name = name;
    header_.msg_namelen = size;
  }

  msghdr* header() { return &header_; }

 private:
  iovec data_;
  alignas(cmsghdr) char control_[CMSG_SPACE(sizeof(T))] = {};
  msghdr header_{};
};

}  // namespace moat

#endif  // MOAT_BASE_ONE_MESSAGE_H_
