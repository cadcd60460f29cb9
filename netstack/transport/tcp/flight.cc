#include "netstack/transport/tcp/flight.h"

#include <algorithm>

namespace moat::netstack::tcp {

void Flight::SetFlag(FlightRecord& record, uint8_t flag) {
  if (record.Has(flag)) return;
  record.flags |= flag;
  if (flag == FlightRecord::kSacked) sacked_ += record.length;
  if (flag == FlightRecord::kLost) lost_ += record.length;
  if (flag == FlightRecord::kRetransmitted) retransmitted_ += record.length;
}

void Flight::ClearFlag(FlightRecord& record, uint8_t flag) {
  if (!record.Has(flag)) return;
  record.flags &= static_cast<uint8_t>(~flag);
  if (flag == FlightRecord::kSacked) sacked_ -= record.length;
  if (flag == FlightRecord::kLost) lost_ -= record.length;
  if (flag == FlightRecord::kRetransmitted) retransmitted_ -= record.length;
}

size_t Flight::IndexOf(SeqNum seq) const {
  return records_.LowerBound([seq](const FlightRecord& record) { return record.end() <= seq; });
}

FlightRecord& Flight::Sent(SeqNum seq, uint32_t length, bool fin, Time now) {
  FlightRecord& record = records_.AddBack();
  record.seq = seq;
  record.length = length;
  record.sent = now;
  record.delivered = record.delivered_before = record.started_before = 0;
  record.flags = fin ? FlightRecord::kFin : 0;
  total_ += length;
  return record;
}

// `record` was delivered and had not been before.
void Flight::Note(const FlightRecord& record, Delivery* delivery) {
  delivery->octets += record.length;
  if (delivery->packet_size != 0) [[unlikely]] {
    delivery->packets += (record.length - 1) / delivery->packet_size + 1;
  }
  const bool repeat = record.Has(FlightRecord::kEverRetransmitted);
  if (!repeat && (!delivery->any_original || record.end() < delivery->first_original_end)) {
    delivery->first_original_end = record.end();
  }
  bool& any = repeat ? delivery->any_repeat : delivery->any_original;
  FlightRecord& newest = repeat ? delivery->newest_repeat : delivery->newest_original;
  if (!any || record.SentAfter(newest.sent, newest.end())) newest = record;
  any = true;
}

void Flight::AckTo(SeqNum ack, Delivery* delivery) {
  while (!records_.empty() && records_.front().seq < ack) {
    if (records_.front().end() > ack) Split(0, ack - records_.front().seq);
    FlightRecord& done = records_.front();
    const bool repeat = done.Has(FlightRecord::kEverRetransmitted);
    if (repeat) delivery->repaired = true;
    if (!done.Has(FlightRecord::kSacked)) {
      if (!repeat) {
        delivery->sent = done.sent;
        if (sacked_ > 0 && done.end() < highest_sacked_) {
          delivery->reordered = std::max(delivery->reordered, highest_sacked_ - done.seq);
        }
      }
      Note(done, delivery);
    }
    ClearFlag(done, FlightRecord::kSacked);
    ClearFlag(done, FlightRecord::kLost);
    ClearFlag(done, FlightRecord::kRetransmitted);
    total_ -= done.length;
    records_.PopFront();
  }
}

void Flight::Split(size_t i, uint32_t length) {
  FlightRecord rest = records_[i];
  rest.seq += length;
  rest.length -= length;
  records_[i].length = length;
  records_[i].flags &= static_cast<uint8_t>(~FlightRecord::kFin);
  records_.Insert(i + 1, rest);
}

void Flight::Sack(std::span<const SackBlock> blocks, uint32_t mss, Delivery* delivery) {
  // Blocks come in any order: what is below another of the same ACK was not overtaken for that.
  const bool had_sacked = sacked_ > 0;
  const SeqNum highest_before = highest_sacked_;
  for (const SackBlock& block : blocks) {
    if (records_.empty()) break;
    const SeqNum una = records_.front().seq;
    // RFC 2018 8 leaves judging to us: nothing outside of what is in flight, nothing backwards.
    if (block.start < una || block.end > records_.back().end() || block.start >= block.end) {
      if (block.end > una) ++delivery->discarded;  // else an ACK that others overtook
      continue;
    }
    for (size_t i = IndexOf(block.start); i < records_.size() && records_[i].seq < block.end; ++i) {
      if (records_[i].Has(FlightRecord::kSacked)) continue;
      if (records_[i].seq < block.start) {
        const uint32_t ahead = (block.start - records_[i].seq + mss - 1) / mss * mss;
        if (ahead < records_[i].length) Split(i, ahead);
        continue;  // the rest, if any, is the next record
      }
      if (records_[i].end() > block.end) {
        const uint32_t covered = (block.end - records_[i].seq) / mss * mss;
        if (covered == 0) break;
        Split(i, covered);
      }
      FlightRecord& record = records_[i];
      SetFlag(record, FlightRecord::kSacked);
      ClearFlag(record, FlightRecord::kLost);
      ClearFlag(record, FlightRecord::kRetransmitted);
      delivery->sacked += record.length;
      if (!record.Has(FlightRecord::kEverRetransmitted)) {
        delivery->sent = record.sent;
        if (had_sacked && record.end() < highest_before) {
          delivery->reordered = std::max(delivery->reordered, highest_before - record.seq);
        }
      }
      Note(record, delivery);
      highest_sacked_ =
          sacked_ == record.length ? record.end() : Max(highest_sacked_, record.end());
    }
  }
}

Duration Flight::MarkOverdueLost(Time sent, SeqNum end, Duration patience, Time now,
                                 uint32_t* repeats) {
  Duration longest{};
  for (size_t i = 0; i < records_.size(); ++i) {
    FlightRecord& record = records_[i];
    const bool repeat = record.Has(FlightRecord::kEverRetransmitted);
    if (record.SentAfter(sent, end)) {
      // Originals are in the order of their transmission: all that follow were sent later still.
      if (!repeat) break;
      continue;
    }
    if (record.Has(FlightRecord::kSacked) || record.WantsRetransmit()) continue;
    const Duration left = record.sent + patience - now;
    if (left > Duration::zero()) {
      longest = std::max(longest, left);
      continue;
    }
    if (record.Has(FlightRecord::kRetransmitted)) *repeats += record.length;
    ClearFlag(record, FlightRecord::kRetransmitted);
    SetFlag(record, FlightRecord::kLost);
  }
  return longest;
}

uint32_t Flight::MarkLostBelowSacked(uint32_t threshold) {
  if (sacked_ == 0) return 0;
  const uint32_t before = lost_;
  uint32_t above = 0;
  int runs = 0;
  bool in_run = false;
  for (size_t i = IndexOf(highest_sacked_ - 1) + 1; i-- > 0;) {
    FlightRecord& record = records_[i];
    const bool sacked = record.Has(FlightRecord::kSacked);
    if (sacked) {
      above += record.length;
      if (!in_run) ++runs;
    } else if (above >= threshold || runs >= kDupThresh) {
      SetFlag(record, FlightRecord::kLost);
    }
    in_run = sacked;
  }
  return lost_ - before;
}

uint32_t Flight::MarkFirstLost(uint32_t mss) {
  for (size_t i = 0; i < records_.size(); ++i) {
    if (records_[i].Has(FlightRecord::kSacked)) continue;
    if (records_[i].Has(FlightRecord::kLost)) return 0;
    if (records_[i].length > mss) Split(i, mss);
    SetFlag(records_[i], FlightRecord::kLost);
    return records_[i].length;
  }
  return 0;
}

void Flight::MarkAllLost(bool forget_sacks, Time before) {
  for (size_t i = 0; i < records_.size(); ++i) {
    FlightRecord& record = records_[i];
    if (forget_sacks) ClearFlag(record, FlightRecord::kSacked);
    if (record.Has(FlightRecord::kSacked)) continue;
    if (i > 0 && record.sent > before) continue;
    ClearFlag(record, FlightRecord::kRetransmitted);
    SetFlag(record, FlightRecord::kLost);
  }
}

void Flight::UnmarkLost() {
  for (size_t i = 0; i < records_.size() && lost_ > 0; ++i)
    ClearFlag(records_[i], FlightRecord::kLost);
}

void Flight::MarkLongerLost(uint32_t mss) {
  for (size_t i = 0; i < records_.size(); ++i) {
    FlightRecord& record = records_[i];
    if (record.length <= mss || record.Has(FlightRecord::kSacked)) continue;
    ClearFlag(record, FlightRecord::kRetransmitted);
    SetFlag(record, FlightRecord::kLost);
  }
}

size_t Flight::NextLost(size_t hint) const {
  if (lost_ == 0) return records_.size();
  size_t i = hint;
  while (i < records_.size() && !records_[i].WantsRetransmit()) ++i;
  return i;
}

void Flight::Retransmitted(size_t i, Time now) {
  FlightRecord& record = records_[i];
  SetFlag(record, FlightRecord::kRetransmitted);
  record.flags |= FlightRecord::kEverRetransmitted;
  record.sent = now;
}

void Flight::Clear() {
  records_.Clear();
  total_ = sacked_ = lost_ = retransmitted_ = 0;
}

}  // namespace moat::netstack::tcp
