// Inputs that are a sequence of records {kind, length, bytes}: mutations that insert, cut and join
// leave most of the records as they are.
#ifndef MOAT_TEST_FUZZ_RECORDS_H_
#define MOAT_TEST_FUZZ_RECORDS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

// One record; `bytes` beyond 255 are left out.
inline std::vector<uint8_t> FuzzRecord(uint8_t kind, std::span<const uint8_t> bytes) {
  const size_t size = std::min<size_t>(bytes.size(), 255);
  std::vector<uint8_t> record(2 + size);
  record[0] = kind;
  record[1] = static_cast<uint8_t>(size);
  std::copy_n(bytes.begin(), size, record.begin() + 2);
  return record;
}

// Calls feed(kind, bytes) for each record, at most `most` of them; the last may be cut off.
template <typename Feed>
void ForEachFuzzRecord(std::span<const uint8_t> input, size_t most, Feed feed) {
  for (size_t i = 0; i < most && input.size() >= 2; ++i) {
    const size_t length = std::min<size_t>(input[1], input.size() - 2);
    feed(input[0], input.subspan(2, length));
    input = input.subspan(2 + length);
  }
}

#endif  // MOAT_TEST_FUZZ_RECORDS_H_
