#include "netstack/link/frame_outbox.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace moat::netstack {
namespace {

constexpr int kFlags = MSG_DONTWAIT | MSG_NOSIGNAL;

}  // namespace

void FrameOutbox::Add(const TxFrame& frame) {
  // Left uninitialised: pages that no frame reached stay untouched.
  if (bytes_ == nullptr) bytes_.reset(new uint8_t[kMaxBytes]);
  uint8_t* out = bytes_.get() + ends_[count_];
  const auto append = [&out](std::span<const uint8_t> bytes) {
    if (bytes.empty()) return;
    std::memcpy(out, bytes.data(), bytes.size());
    out += bytes.size();
  };
  append(EncodeVnetHeader(frame));
  append(frame.headers);
  for (const auto& piece : frame.payload) append(piece);
  ends_[++count_] = static_cast<uint32_t>(out - bytes_.get());
}

size_t FrameOutbox::Send(int fd) {
  std::array<iovec, kMaxFrames> pieces;
  std::array<mmsghdr, kMaxFrames> messages;
  for (size_t i = 0; i < count_; ++i) {
    pieces[i] = {bytes_.get() + ends_[i], ends_[i + 1] - ends_[i]};
    messages[i] = {};
    messages[i].msg_hdr.msg_iov = &pieces[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  size_t refused = 0;
  bool stale_error = true;  // the first error may be an old one of the device: try that frame again
  for (size_t next = 0; next < count_;) {
    const int sent = sendmmsg(fd, &messages[next], static_cast<unsigned>(count_ - next), kFlags);
    if (sent > 0) {
      next += static_cast<size_t>(sent);
    } else if (errno == ENETDOWN && stale_error) {
      stale_error = false;
    } else {
      ++refused;
      ++next;
    }
  }
  count_ = 0;
  return refused;
}

}  // namespace moat::netstack
