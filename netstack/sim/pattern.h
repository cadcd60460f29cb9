// The bytes that flows carry: known at every position, so that a receiver can check each, and
// shared, so that sending costs no copy. The period is a prime, so that a shift by whole segments
// shows.
#ifndef MOAT_NETSTACK_SIM_PATTERN_H_
#define MOAT_NETSTACK_SIM_PATTERN_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "netstack/packet/slice.h"
#include "netstack/sim/random.h"

namespace moat::netstack::sim {

class Pattern {
 public:
  static constexpr size_t kPeriod = 65'521;
  static constexpr size_t kMaxPiece = 65'536;

  Pattern() : bytes_(Slice::Allocate(kPeriod + kMaxPiece)) {
    Stream stream(0, "pattern");
    stream.Fill({bytes_.mutable_data(), kPeriod});
    for (size_t i = kPeriod; i < bytes_.size(); ++i) {
      bytes_.mutable_data()[i] = bytes_.data()[i - kPeriod];
    }
  }

  // `size` is at most kMaxPiece.
  Slice At(uint64_t position, size_t size) const { return bytes_.Sub(position % kPeriod, size); }

  bool Matches(uint64_t position, std::span<const uint8_t> bytes) const {
    while (!bytes.empty()) {
      const size_t size = bytes.size() < kMaxPiece ? bytes.size() : kMaxPiece;
      if (std::memcmp(bytes_.data() + position % kPeriod, bytes.data(), size) != 0) return false;
      bytes = bytes.subspan(size);
      position += size;
    }
    return true;
  }

 private:
  Slice bytes_;
};

}  // namespace moat::netstack::sim

#endif  // MOAT_NETSTACK_SIM_PATTERN_H_
