// Gathered payloads: their size, and cutting them without a copy.
#ifndef MOAT_NETSTACK_TRANSPORT_DATAGRAM_PIECES_H_
#define MOAT_NETSTACK_TRANSPORT_DATAGRAM_PIECES_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace moat::netstack {

inline size_t TotalSize(std::span<const std::span<const uint8_t>> pieces) {
  size_t size = 0;
  for (const auto& piece : pieces) size += piece.size();
  return size;
}

// Cuts a gathered payload from the front. What Next() returns is good until it is called again.
class PieceCutter {
 public:
  explicit PieceCutter(std::span<const std::span<const uint8_t>> pieces) : pieces_(pieces) {}

  std::span<const std::span<const uint8_t>> Next(size_t size) {
    cut_.clear();
    while (size > 0 && index_ < pieces_.size()) {
      const std::span<const uint8_t> rest = pieces_[index_].subspan(offset_);
      const size_t take = std::min(size, rest.size());
      if (take > 0) cut_.push_back(rest.first(take));
      size -= take;
      offset_ += take;
      if (offset_ < pieces_[index_].size()) break;
      ++index_;
      offset_ = 0;
    }
    return cut_;
  }

 private:
  std::span<const std::span<const uint8_t>> pieces_;
  size_t index_ = 0;
  size_t offset_ = 0;
  std::vector<std::span<const uint8_t>> cut_;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_TRANSPORT_DATAGRAM_PIECES_H_
