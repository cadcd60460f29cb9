// In-order octets that wait for the user, as the slices that arrived.
//
// A slice may keep far more memory alive than it shows. The queue counts footprints, copies a
// little data out of a big block, and joins small pieces, so that memory stays within a small
// factor of octets.
#ifndef MOAT_NETSTACK_TRANSPORT_TCP_RECEIVE_QUEUE_H_
#define MOAT_NETSTACK_TRANSPORT_TCP_RECEIVE_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "netstack/packet/slice.h"
#include "netstack/transport/tcp/ring.h"

namespace moat::netstack::tcp {

// `data` itself when it keeps a sensible amount of memory alive, else a copy.
Slice RightSized(Slice data);

class ReceiveQueue {
 public:
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  size_t footprint() const { return footprint_; }

  // True when it was joined with what waits already.
  bool Append(Slice data);
  // Fills `pieces` from the oldest octet on; returns how many were filled.
  size_t Peek(std::span<std::span<const uint8_t>> pieces) const;
  void Consume(size_t n);
  void Clear();

 private:
  static constexpr size_t kSmallPiece = 512;
  static constexpr size_t kBlock = 4096 - sizeof(Storage) - 16;

  bool AppendToTail(const Slice& data);

  Ring<Slice> slices_;
  uint32_t size_ = 0;       // windows are below 2^30, and memory is a small multiple of octets
  uint32_t footprint_ = 0;
  uint32_t block_used_ = 0;
  Slice block_;  // the last slice lies in this one, which only this queue writes; or empty
};

}  // namespace moat::netstack::tcp

#endif  // MOAT_NETSTACK_TRANSPORT_TCP_RECEIVE_QUEUE_H_
