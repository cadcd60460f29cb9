#include "netstack/transport/tcp/receive_queue.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace moat::netstack::tcp {

Slice RightSized(Slice data) {
  constexpr size_t kOverhead = 512;  // headers and allocation of a packet are never worth a copy
  if (data.footprint() <= 2 * data.size() + kOverhead) return data;
  return Slice::Copy(data.span());
}

bool ReceiveQueue::AppendToTail(const Slice& data) {
  if (slices_.empty() || data.size() > block_.size() - block_used_) return false;
  std::memcpy(block_.mutable_data() + block_used_, data.data(), data.size());
  block_used_ += static_cast<uint32_t>(data.size());
  Slice& tail = slices_.back();
  tail = block_.Sub(static_cast<size_t>(tail.data() - block_.data()), tail.size() + data.size());
  return true;
}

bool ReceiveQueue::Append(Slice data) {
  const size_t size = data.size();
  if (size == 0) return false;
  size_ += static_cast<uint32_t>(size);
  if (size >= kSmallPiece || slices_.empty()) {
    data = RightSized(std::move(data));
    block_ = Slice();
    block_used_ = 0;
    footprint_ += static_cast<uint32_t>(data.footprint());
    slices_.PushBack(std::move(data));
    return false;
  }
  if (AppendToTail(data)) return true;
  block_ = Slice::Allocate(kBlock);
  std::memcpy(block_.mutable_data(), data.data(), size);
  block_used_ = static_cast<uint32_t>(size);
  footprint_ += static_cast<uint32_t>(block_.footprint());
  slices_.PushBack(block_.Sub(0, size));
  return false;
}

size_t ReceiveQueue::Peek(std::span<std::span<const uint8_t>> pieces) const {
  const size_t count = std::min(pieces.size(), slices_.size());
  for (size_t i = 0; i < count; ++i) pieces[i] = slices_[i].span();
  return count;
}

void ReceiveQueue::Consume(size_t n) {
  n = std::min<size_t>(n, size_);
  size_ -= static_cast<uint32_t>(n);
  while (n > 0) {
    Slice& front = slices_.front();
    if (n < front.size()) {
      front.RemovePrefix(n);
      return;
    }
    n -= front.size();
    footprint_ -= static_cast<uint32_t>(front.footprint());
    slices_.PopFront();
  }
  if (slices_.empty()) block_ = Slice();
}

void ReceiveQueue::Clear() {
  slices_.Clear();
  block_ = Slice();
  size_ = footprint_ = block_used_ = 0;
}

}  // namespace moat::netstack::tcp
