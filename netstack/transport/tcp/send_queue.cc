#include "netstack/transport/tcp/send_queue.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace moat::netstack::tcp {

bool SendQueue::AppendToTail(const Slice& data) {
  if (entries_.empty() || data.size() > block_.size() - block_used_) return false;
  std::memcpy(block_.mutable_data() + block_used_, data.data(), data.size());
  block_used_ += static_cast<uint32_t>(data.size());
  Slice& tail = entries_.back().data;
  tail = block_.Sub(static_cast<size_t>(tail.data() - block_.data()), tail.size() + data.size());
  return true;
}

void SendQueue::Append(Slice data) {
  const size_t size = data.size();
  if (size == 0) return;
  if (size >= kSmallPiece || entries_.empty()) {
    // A little data in a big block is copied out of it, so that memory is as bounded as octets are.
    if (data.footprint() > 2 * size + kSmallPiece) data = Slice::Copy(data.span());
    ForgetBlock();
    footprint_ += static_cast<uint32_t>(data.footprint());
    entries_.PushBack({std::move(data), end_});
  } else if (!AppendToTail(data)) {
    block_ = Slice::Allocate(kBlock);
    std::memcpy(block_.mutable_data(), data.data(), size);
    block_used_ = static_cast<uint32_t>(size);
    footprint_ += static_cast<uint32_t>(block_.footprint());
    entries_.PushBack({block_.Sub(0, size), end_});
  }
  end_ += size;
}

void SendQueue::ForgetBlock() {
  block_ = Slice();
  block_used_ = 0;
}

void SendQueue::Drop(size_t n) {
  n = std::min(n, size());
  start_ += n;
  while (!entries_.empty()) {
    Entry& front = entries_.front();
    const uint64_t front_end = front.start + front.data.size();
    if (front_end > start_) {
      const size_t cut = static_cast<size_t>(start_ - std::min(front.start, start_));
      front.data.RemovePrefix(cut);
      front.start += cut;
      return;
    }
    footprint_ -= static_cast<uint32_t>(front.data.footprint());
    entries_.PopFront();
  }
  ForgetBlock();
}

void SendQueue::Clear() {
  entries_.Clear();
  start_ = end_;
  footprint_ = 0;
  ForgetBlock();
}

size_t SendQueue::Gather(size_t offset, size_t length, std::span<std::span<const uint8_t>> pieces,
                         size_t* count) const {
  *count = 0;
  const uint64_t from = start_ + offset;
  const uint64_t to = std::min<uint64_t>(from + length, end_);
  size_t index = entries_.LowerBound(
      [from](const Entry& entry) { return entry.start + entry.data.size() <= from; });
  uint64_t at = from;
  for (; at < to && *count < pieces.size(); ++index) {
    const Entry& entry = entries_[index];
    const size_t skip = static_cast<size_t>(at - entry.start);
    const size_t take = std::min<size_t>(entry.data.size() - skip, static_cast<size_t>(to - at));
    pieces[(*count)++] = entry.data.span().subspan(skip, take);
    at += take;
  }
  return at > from ? static_cast<size_t>(at - from) : 0;
}

}  // namespace moat::netstack::tcp
