// TCP sequence numbers: a circle of 2^32 values (RFC 9293 3.4). Comparison means "before" and
// "after" within half of the circle, so it is not transitive and there is no operator<=>.
#ifndef MOAT_NETSTACK_WIRE_SEQNUM_H_
#define MOAT_NETSTACK_WIRE_SEQNUM_H_

#include <cstdint>

namespace moat::netstack {

class SeqNum {
 public:
  constexpr SeqNum() = default;
  constexpr explicit SeqNum(uint32_t value) : value_(value) {}

  constexpr uint32_t value() const { return value_; }

  constexpr SeqNum operator+(uint32_t n) const { return SeqNum(value_ + n); }
  constexpr SeqNum operator-(uint32_t n) const { return SeqNum(value_ - n); }
  constexpr SeqNum& operator+=(uint32_t n) {
    value_ += n;
    return *this;
  }
  constexpr SeqNum& operator-=(uint32_t n) {
    value_ -= n;
    return *this;
  }
  // Octets from `other` up to this one; meaningful when other <= *this.
  constexpr uint32_t operator-(SeqNum other) const { return value_ - other.value_; }

  constexpr bool operator==(const SeqNum&) const = default;
  constexpr bool operator<(SeqNum other) const { return Signed(other) < 0; }
  constexpr bool operator<=(SeqNum other) const { return Signed(other) <= 0; }
  constexpr bool operator>(SeqNum other) const { return Signed(other) > 0; }
  constexpr bool operator>=(SeqNum other) const { return Signed(other) >= 0; }

  // True in [start, start + size).
  constexpr bool InWindow(SeqNum start, uint32_t size) const {
    return value_ - start.value_ < size;
  }

 private:
  constexpr int32_t Signed(SeqNum other) const {
    return static_cast<int32_t>(value_ - other.value_);
  }

  uint32_t value_ = 0;
};

constexpr SeqNum Max(SeqNum a, SeqNum b) { return a < b ? b : a; }
constexpr SeqNum Min(SeqNum a, SeqNum b) { return a < b ? a : b; }

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_WIRE_SEQNUM_H_
