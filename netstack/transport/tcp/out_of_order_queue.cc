#include "netstack/transport/tcp/out_of_order_queue.h"

#include <algorithm>
#include <utility>

#include "netstack/transport/tcp/receive_queue.h"

namespace moat::netstack::tcp {

void OutOfOrderQueue::InsertPiece(size_t at, SeqNum seq, Slice data) {
  data = RightSized(std::move(data));
  size_ += data.size();
  footprint_ += data.footprint();
  pieces_.Insert(at, {seq, std::move(data)});
}

OutOfOrderQueue::Inserted OutOfOrderQueue::Insert(SeqNum seq, Slice data, SackBlock* duplicate) {
  const SeqNum start = seq;
  const SeqNum end = seq + static_cast<uint32_t>(data.size());
  size_t at = pieces_.LowerBound([seq](const Piece& piece) { return End(piece) <= seq; });
  bool any_new = false;
  bool any_old = false;
  while (seq < end) {
    const SeqNum next = at < pieces_.size() ? Min(pieces_[at].seq, end) : end;
    if (seq < next) {
      if (pieces_.size() >= kMaxPieces) {
        if (!any_new) return Inserted::kRefused;
        break;
      }
      const size_t length = next - seq;
      InsertPiece(at, seq, data.Sub(seq - start, length));
      any_new = true;
      seq = next;
      ++at;
    }
    if (seq < end) {  // overlaps pieces_[at]
      const SeqNum overlap_end = Min(End(pieces_[at]), end);
      if (!any_old) *duplicate = {seq, overlap_end};
      any_old = true;
      seq = overlap_end;
      ++at;
    }
  }
  NoteBlock(start, seq);
  if (!any_new) return Inserted::kDuplicate;
  return any_old ? Inserted::kPartial : Inserted::kNew;
}

// Extends `block`, whose edges are edges of pieces, over the pieces that adjoin it. Costs only what
// it finds: looks beyond the edges, never inside.
SackBlock OutOfOrderQueue::Widen(SackBlock block) const {
  size_t right = pieces_.LowerBound([&](const Piece& piece) { return piece.seq < block.end; });
  for (; right < pieces_.size() && pieces_[right].seq == block.end; ++right) {
    block.end = End(pieces_[right]);
  }
  size_t left = pieces_.LowerBound([&](const Piece& piece) { return piece.seq < block.start; });
  for (; left > 0 && End(pieces_[left - 1]) >= block.start; --left) {
    block.start = pieces_[left - 1].seq;
  }
  return block;
}

void OutOfOrderQueue::NoteBlock(SeqNum start, SeqNum end) {
  SackBlock merged{start, end};
  size_t kept = 0;
  bool touched = false;
  for (size_t i = 0; i < block_count_; ++i) {
    const SackBlock block = blocks_[i];
    if (block.start <= merged.end && merged.start <= block.end) {
      merged = {Min(block.start, merged.start), Max(block.end, merged.end)};
      touched = true;
    } else {
      blocks_[kept++] = block;
    }
  }
  // Only when blocks were forgotten (there are more than four) can a run be unknown here.
  if (!touched || block_count_ == kTcpMaxSackBlocks) merged = Widen(merged);
  kept = std::min(kept, blocks_.size() - 1);
  std::copy_backward(blocks_.begin(), blocks_.begin() + static_cast<ptrdiff_t>(kept),
                     blocks_.begin() + static_cast<ptrdiff_t>(kept) + 1);
  blocks_[0] = merged;
  block_count_ = kept + 1;
}

std::optional<Slice> OutOfOrderQueue::Pop(SeqNum next) {
  while (!pieces_.empty() && pieces_.front().seq <= next) {
    Piece piece = std::move(pieces_.front());
    pieces_.PopFront();
    size_ -= piece.data.size();
    footprint_ -= piece.data.footprint();
    if (End(piece) <= next) continue;
    piece.data.RemovePrefix(next - piece.seq);
    return std::move(piece.data);
  }
  return std::nullopt;
}

void OutOfOrderQueue::Advance(SeqNum next) {
  size_t kept = 0;
  for (size_t i = 0; i < block_count_; ++i) {
    if (blocks_[i].end > next) blocks_[kept++] = blocks_[i];
  }
  block_count_ = kept;
}

bool OutOfOrderQueue::Prune(size_t footprint) {
  bool pruned = false;
  while (footprint_ > footprint && !pieces_.empty()) {
    size_ -= pieces_.back().data.size();
    footprint_ -= pieces_.back().data.footprint();
    pieces_.PopBack();
    pruned = true;
  }
  if (!pruned) return false;
  // What was reported and is gone must not be reported again.
  const SeqNum edge = pieces_.empty() ? SeqNum() : highest();
  size_t kept = 0;
  for (size_t i = 0; i < block_count_ && !pieces_.empty(); ++i) {
    SackBlock block = blocks_[i];
    block.end = Min(block.end, edge);
    if (block.start < block.end) blocks_[kept++] = block;
  }
  block_count_ = kept;
  return true;
}

void OutOfOrderQueue::Clear() {
  pieces_.Clear();
  size_ = footprint_ = block_count_ = 0;
}

}  // namespace moat::netstack::tcp
