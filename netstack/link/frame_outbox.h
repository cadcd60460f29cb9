// Small frames on their way to a socket, sent together by one sendmmsg(2).
//
// A frame that is sent alone wakes its receiver alone: a peer that is faster than the stack would
// go to sleep and be woken again for every frame. Frames of one visit to the stack are therefore
// copied here and leave at its end.
#ifndef MOAT_NETSTACK_LINK_FRAME_OUTBOX_H_
#define MOAT_NETSTACK_LINK_FRAME_OUTBOX_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "netstack/link/link.h"
#include "netstack/link/vnet_header.h"

namespace moat::netstack {

class FrameOutbox {
 public:
  static constexpr size_t kMaxFrames = 64;
  static constexpr size_t kMaxBytes = 32 << 10;  // of all frames with their virtio_net_hdr
  static constexpr size_t kLargestFrame = 2 << 10;  // larger ones are not worth a copy

  // Whether it holds frames of this size at all.
  static bool Takes(const TxFrame& frame) { return frame.size() <= kLargestFrame; }
  // Whether a frame that it takes has room now.
  bool HasRoom(const TxFrame& frame) const {
    return count_ < kMaxFrames && ends_[count_] + kVnetHeaderSize + frame.size() <= kMaxBytes;
  }
  // Copies a frame that has room.
  void Add(const TxFrame& frame);
  bool empty() const { return count_ == 0; }

  // Sends all of them on `fd`, in order, and is empty afterwards. Returns how many `fd` refused.
  size_t Send(int fd);

 private:
  size_t count_ = 0;
  uint32_t ends_[kMaxFrames + 1] = {};  // frame i is bytes_[ends_[i], ends_[i + 1])
  std::unique_ptr<uint8_t[]> bytes_;    // kMaxBytes, from the first use on
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_LINK_FRAME_OUTBOX_H_
