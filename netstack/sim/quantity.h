// Numbers with units, as scenario files write them and reports print them. Exact: no floating point
// on the way in, so a file means the same everywhere.
#ifndef MOAT_NETSTACK_SIM_QUANTITY_H_
#define MOAT_NETSTACK_SIM_QUANTITY_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "netstack/base/time.h"

namespace moat::netstack::sim {

// What a number may be of. The value is always a non-negative integer of the base unit.
enum class Unit : uint8_t {
  kCount,     // 12, 1k, 2M
  kBytes,     // 1500, 1500B, 10kB, 10MB (powers of 1000), 64KiB, 1MiB, 2GiB
  kRate,      // bits per second: 9600bit, 64kbit, 10Mbit, 2.5Gbit
  kDuration,  // nanoseconds: 10ns, 50us, 20ms, 1.5s, 2min, 1h; a plain 0
  kShare,     // parts per million: 0%, 1.5%, 100%
};

// Empty when `text` is not a number of this unit, has more digits behind the point than the unit
// can express, or is larger than 10^18.
std::optional<uint64_t> ParseQuantity(std::string_view text, Unit unit);
// What ParseQuantity() takes, for an error message: "a duration like 20ms".
std::string_view UnitHint(Unit unit);

// Three significant digits or so, for people: "94.1Mbit/s", "20.0ms", "1.50MB".
std::string FormatRate(double bits_per_second);
std::string FormatDuration(Duration duration);
std::string FormatBytes(uint64_t bytes);

}  // namespace moat::netstack::sim

#endif  // MOAT_NETSTACK_SIM_QUANTITY_H_
