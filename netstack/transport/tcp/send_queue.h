// Octets that the user has written and the peer has not acknowledged, as the slices that were
// written. Nothing is copied but small pieces, so that one big write stays one piece down to the
// link, and many tiny writes do not pin a block each.
#ifndef MOAT_NETSTACK_TRANSPORT_TCP_SEND_QUEUE_H_
#define MOAT_NETSTACK_TRANSPORT_TCP_SEND_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "netstack/packet/slice.h"
#include "netstack/transport/tcp/ring.h"

namespace moat::netstack::tcp {

class SendQueue {
 public:
  size_t size() const { return static_cast<size_t>(end_ - start_); }
  bool empty() const { return end_ == start_; }
  size_t footprint() const { return footprint_; }  // memory kept alive

  void Append(Slice data);
  // Forgets the oldest `n` octets.
  void Drop(size_t n);
  void Clear();

  // Fills `pieces` with octets [offset, offset + length) counted from the oldest. Returns how many
  // octets that covers: fewer than `length` when `pieces` is too small. Sets *count.
  size_t Gather(size_t offset, size_t length, std::span<std::span<const uint8_t>> pieces,
                size_t* count) const;

 private:
  struct Entry {
    Slice data;
    uint64_t start = 0;  // stream offset of its first octet
  };
  // Pieces below this are copied together.
  static constexpr size_t kSmallPiece = 1024;
  static constexpr size_t kBlock = 4096 - sizeof(Storage) - 16;

  bool AppendToTail(const Slice& data);
  void ForgetBlock();

  Ring<Entry> entries_;
  uint64_t start_ = 0;  // stream offsets of the oldest octet and behind the newest
  uint64_t end_ = 0;
  Slice block_;          // the last entry lies in this one, which only this queue writes; or empty
  uint32_t block_used_ = 0;
  uint32_t footprint_ = 0;
};

}  // namespace moat::netstack::tcp

#endif  // MOAT_NETSTACK_TRANSPORT_TCP_SEND_QUEUE_H_
