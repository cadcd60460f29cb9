// Segments beyond a hole in the received stream, and the SACK blocks that report them (RFC 2018 4).
#ifndef MOAT_NETSTACK_TRANSPORT_TCP_OUT_OF_ORDER_QUEUE_H_
#define MOAT_NETSTACK_TRANSPORT_TCP_OUT_OF_ORDER_QUEUE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "netstack/packet/slice.h"
#include "netstack/transport/tcp/ring.h"
#include "netstack/wire/tcp_options.h"

namespace moat::netstack::tcp {

class OutOfOrderQueue {
 public:
  // More pieces than this are refused: it bounds the work per segment that an attacker can cause.
  static constexpr size_t kMaxPieces = 8192;

  bool empty() const { return pieces_.empty(); }
  size_t size() const { return size_; }            // octets
  size_t footprint() const { return footprint_; }  // memory kept alive

  enum class Inserted : uint8_t { kNew, kPartial, kDuplicate, kRefused };
  // Keeps what is new of `data`, whose first octet is `seq`, and notes the block that now holds it
  // as the most recent. *duplicate is the first range that was there before, for D-SACK (RFC 2883).
  Inserted Insert(SeqNum seq, Slice data, SackBlock* duplicate);

  // The next piece that begins at or before `next`, cut to begin there; empty when there is a hole
  // or nothing. Calls belong together: once all pieces are popped, Advance().
  std::optional<Slice> Pop(SeqNum next);
  // The left edge moved to `next`: forgets blocks behind it.
  void Advance(SeqNum next);

  // Drops from the right until at most `footprint` is kept. Returns false when nothing was dropped.
  bool Prune(size_t footprint);
  void Clear();

  // Most recent first.
  std::span<const SackBlock> blocks() const { return {blocks_.data(), block_count_}; }
  SeqNum highest() const { return End(pieces_.back()); }  // when not empty

 private:
  struct Piece {
    SeqNum seq;
    Slice data;
  };
  static SeqNum End(const Piece& piece) {
    return piece.seq + static_cast<uint32_t>(piece.data.size());
  }

  void InsertPiece(size_t at, SeqNum seq, Slice data);
  void NoteBlock(SeqNum start, SeqNum end);
  SackBlock Widen(SackBlock block) const;

  Ring<Piece> pieces_;  // ordered, disjoint
  size_t size_ = 0;
  size_t footprint_ = 0;
  std::array<SackBlock, kTcpMaxSackBlocks> blocks_{};
  size_t block_count_ = 0;
};

}  // namespace moat::netstack::tcp

#endif  // MOAT_NETSTACK_TRANSPORT_TCP_OUT_OF_ORDER_QUEUE_H_
