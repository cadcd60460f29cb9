// Big-endian loads and stores. Every wire view reads and writes through these; nothing casts bytes
// to structs.
#ifndef MOAT_NETSTACK_WIRE_BYTES_H_
#define MOAT_NETSTACK_WIRE_BYTES_H_

#include <cstdint>
#include <cstring>

namespace moat::netstack {

inline uint16_t LoadBe16(const uint8_t* p) {
  uint16_t value;
  std::memcpy(&value, p, sizeof(value));
  return __builtin_bswap16(value);
}
inline uint32_t LoadBe32(const uint8_t* p) {
  uint32_t value;
  std::memcpy(&value, p, sizeof(value));
  return __builtin_bswap32(value);
}
inline uint64_t LoadBe64(const uint8_t* p) {
  uint64_t value;
  std::memcpy(&value, p, sizeof(value));
  return __builtin_bswap64(value);
}
inline void StoreBe16(uint8_t* p, uint16_t value) {
  value = __builtin_bswap16(value);
  std::memcpy(p, &value, sizeof(value));
}
inline void StoreBe32(uint8_t* p, uint32_t value) {
  value = __builtin_bswap32(value);
  std::memcpy(p, &value, sizeof(value));
}
inline void StoreBe64(uint8_t* p, uint64_t value) {
  value = __builtin_bswap64(value);
  std::memcpy(p, &value, sizeof(value));
}

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
              "netstack is built for little-endian hosts");

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_WIRE_BYTES_H_
