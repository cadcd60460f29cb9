// What was sent and not yet acknowledged, one record per transmission (a super-segment is one), in
// sequence order: the SACK scoreboard (RFC 6675 3), the source of round trip samples, and the list
// that retransmission walks. Octet counts of each condition are kept so that the pipe is O(1).
#ifndef MOAT_NETSTACK_TRANSPORT_TCP_FLIGHT_H_
#define MOAT_NETSTACK_TRANSPORT_TCP_FLIGHT_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "netstack/base/time.h"
#include "netstack/transport/tcp/ring.h"
#include "netstack/wire/seqnum.h"
#include "netstack/wire/tcp_options.h"

namespace moat::netstack::tcp {

struct FlightRecord {
  static constexpr uint8_t kSacked = 1;         // the peer has it, beyond a hole
  static constexpr uint8_t kLost = 2;           // deemed lost; kept when retransmitted
  static constexpr uint8_t kRetransmitted = 4;  // sent again since it was deemed lost, in the pipe
  static constexpr uint8_t kEverRetransmitted = 8;  // never gives a round trip sample (Karn)
  static constexpr uint8_t kFin = 16;           // its last octet is the FIN
  static constexpr uint8_t kAppLimited = 32;    // sent when the user had too little to send

  SeqNum seq;
  uint32_t length = 0;  // sequence space: a FIN counts one
  Time sent{};          // last transmission
  // Stamps of the delivery rate estimator (delivery_rate.h), of the last transmission.
  uint32_t delivered = 0;        // the connection's count then, modulo 2^32
  uint32_t delivered_before = 0;  // how long ago the count had changed
  uint32_t started_before = 0;    // how long ago the sampling interval's first transmission was
  uint8_t flags = 0;

  SeqNum end() const { return seq + length; }
  bool Has(uint8_t flag) const { return (flags & flag) != 0; }
  bool WantsRetransmit() const { return (flags & (kSacked | kLost | kRetransmitted)) == kLost; }
  // RFC 8985 6.2 Rack_sent_after().
  bool SentAfter(Time other_sent, SeqNum other_end) const {
    return sent > other_sent || (sent == other_sent && end() > other_end);
  }
};

// What one acknowledgment says was delivered, cumulatively or by SACK, and had not been before.
struct Delivery {
  Delivery() {}

  uint32_t octets = 0;
  uint32_t sacked = 0;           // of them, by SACK
  uint32_t packet_size = 0;  // in: of the packets of a super-segment; 0: packets are not counted
  uint32_t packets = 0;          // that the octets were sent in
  std::optional<Time> sent;      // of the newest record that was sent only once: the RTT sample
  uint8_t discarded = 0;         // SACK blocks that cannot be
  bool repaired = false;         // the cumulative part covered a record that was retransmitted
  // An original arrived after one that was sent later (RFC 8985 6.2): how far behind the highest
  // octet that the peer had, in octets; 0: none did.
  uint32_t reordered = 0;
  bool any_original = false;     // something sent only once was delivered
  bool any_repeat = false;       // something retransmitted was
  SeqNum first_original_end;  // end of the lowest record that was sent only once, when any_original
  // The record of each kind that was sent last, when there is any. Unions leave them uninitialized
  // until then: most ACKs have one of them, and clearing both costs more than all the rest.
  union {
    FlightRecord newest_original;
  };
  union {
    FlightRecord newest_repeat;
  };

  const FlightRecord& newest() const {  // when `octets` is not 0
    if (!any_original) return newest_repeat;
    if (!any_repeat) return newest_original;
    const bool repeat = newest_repeat.SentAfter(newest_original.sent, newest_original.end());
    return repeat ? newest_repeat : newest_original;
  }
};

inline constexpr int kDupThresh = 3;  // RFC 5681 3.2, RFC 6675 2

class Flight {
 public:
  bool empty() const { return records_.empty(); }
  size_t size() const { return records_.size(); }
  FlightRecord& operator[](size_t i) { return records_[i]; }
  const FlightRecord& operator[](size_t i) const { return records_[i]; }
  FlightRecord& front() { return records_.front(); }
  const FlightRecord& front() const { return records_.front(); }
  const FlightRecord& back() const { return records_.back(); }

  // Octets of each condition.
  uint32_t total() const { return total_; }
  uint32_t sacked() const { return sacked_; }
  uint32_t lost() const { return lost_; }
  uint32_t retransmitted() const { return retransmitted_; }
  // RFC 6675's pipe: octets believed to be in the network.
  uint32_t pipe() const { return total_ - sacked_ - lost_ + retransmitted_; }
  // End of the highest SACKed record; meaningful while sacked() > 0.
  SeqNum highest_sacked() const { return highest_sacked_; }

  // New data, or a FIN, at the end. The caller may stamp the record.
  FlightRecord& Sent(SeqNum seq, uint32_t length, bool fin, Time now);

  // Everything before `ack` is acknowledged; adds to *delivery.
  void AckTo(SeqNum ack, Delivery* delivery);

  // Marks blocks that lie within (una, end); adds to *delivery. A record that a block covers in
  // part is split at a multiple of `mss`, inwards, so that a hostile peer cannot cut it to crumbs.
  void Sack(std::span<const SackBlock> blocks, uint32_t mss, Delivery* delivery);

  // RFC 6675 4 IsLost(): marks records as lost above which `threshold` octets or more, or
  // kDupThresh separate runs, are SACKed. Returns octets newly marked.
  uint32_t MarkLostBelowSacked(uint32_t threshold);
  // RFC 8985 6.2 RACK_detect_loss(): what was sent before the record (`sent`, `end`), which was
  // delivered, and is overdue by `patience` since its transmission, is lost, retransmissions
  // included. Returns how long the next candidate still has; zero when there is none. Adds octets
  // of lost retransmissions to *repeats.
  Duration MarkOverdueLost(Time sent, SeqNum end, Duration patience, Time now, uint32_t* repeats);
  // The first record not SACKed, cut to `mss`, is lost. Returns octets newly marked.
  uint32_t MarkFirstLost(uint32_t mss);
  // After a retransmission timeout: the first record, and all that were sent at or before `before`,
  // are lost, unless SACKed.
  void MarkAllLost(bool forget_sacks, Time before);
  // What waits for retransmission is not lost after all (an undone recovery).
  void UnmarkLost();
  // Everything longer than `mss` is lost: the path cannot carry it (RFC 1191).
  void MarkLongerLost(uint32_t mss);

  // Index of the first record that waits for retransmission from `hint` on; size() when none does.
  size_t NextLost(size_t hint) const;
  // Cuts record `i` to `length`; the rest follows as a record of the same condition.
  void Split(size_t i, uint32_t length);
  void Retransmitted(size_t i, Time now);
  void Clear();

 private:
  static void Note(const FlightRecord& record, Delivery* delivery);
  void SetFlag(FlightRecord& record, uint8_t flag);
  void ClearFlag(FlightRecord& record, uint8_t flag);
  size_t IndexOf(SeqNum seq) const;  // of the record that holds it

  Ring<FlightRecord> records_;
  uint32_t total_ = 0;
  uint32_t sacked_ = 0;
  uint32_t lost_ = 0;
  uint32_t retransmitted_ = 0;
  SeqNum highest_sacked_;
};

}  // namespace moat::netstack::tcp

#endif  // MOAT_NETSTACK_TRANSPORT_TCP_FLIGHT_H_
