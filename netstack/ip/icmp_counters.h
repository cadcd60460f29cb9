// ICMP's counters of either family, one per type of message and direction, as /proc/net/snmp and
// /proc/net/snmp6 name them. Types that Linux does not name are in the sums only.
#ifndef MOAT_NETSTACK_IP_ICMP_COUNTERS_H_
#define MOAT_NETSTACK_IP_ICMP_COUNTERS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "netstack/base/counters.h"
#include "netstack/wire/address.h"

namespace moat::netstack {

class IcmpCounters {
 public:
  IcmpCounters(CounterTable& table, Family family);

  // A message of `type` that is whole and arrived for us.
  void CountIn(uint8_t type) {
    if (Counter* counter = in_[type]) ++*counter;
  }
  // A message of `type` goes out.
  void CountOut(uint8_t type) {
    ++out_messages;
    if (Counter* counter = out_[type]) ++*counter;
  }

  Counter in_messages, in_errors, in_checksum_errors;
  Counter out_messages, out_errors;

 private:
  std::vector<std::unique_ptr<Counter>> counters_;
  // By type; null where there is none.
  std::array<Counter*, 256> in_{};
  std::array<Counter*, 256> out_{};
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_IP_ICMP_COUNTERS_H_
