// Protocol counters: 64 bits, one increment each, with Linux's SNMP names ("Udp.RcvbufErrors",
// "TcpExt.ListenDrops") so that they can be listed together.
//
//   struct UdpCounters {
//     explicit UdpCounters(CounterTable& table) : in_datagrams(table, "Udp.InDatagrams") {}
//     Counter in_datagrams;
//   };
//   ++counters.in_datagrams;
#ifndef MOAT_NETSTACK_BASE_COUNTERS_H_
#define MOAT_NETSTACK_BASE_COUNTERS_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace moat::netstack {

class Counter;

// All counters of one stack. Outlived by none of them being read: whoever owns the counters lives
// as long as the table is listed (both belong to the stack).
class CounterTable {
 public:
  CounterTable() = default;
  CounterTable(const CounterTable&) = delete;
  CounterTable& operator=(const CounterTable&) = delete;

  std::map<std::string, uint64_t> Snapshot() const;
  uint64_t Value(std::string_view name) const;  // 0 when unknown; for tests

 private:
  friend class Counter;
  std::vector<std::pair<std::string_view, const Counter*>> counters_;
};

class Counter {
 public:
  // `name` must be a literal (or live as long as the table). "": it is not listed.
  Counter(CounterTable& table, std::string_view name) {
    if (!name.empty()) table.counters_.emplace_back(name, this);
  }
  Counter(const Counter&) = delete;
  Counter& operator=(const Counter&) = delete;

  void operator++() { ++value_; }
  void operator--() { --value_; }  // gauges: Tcp.CurrEstab
  void operator+=(uint64_t n) { value_ += n; }
  uint64_t value() const { return value_; }

 private:
  uint64_t value_ = 0;
};

inline std::map<std::string, uint64_t> CounterTable::Snapshot() const {
  std::map<std::string, uint64_t> snapshot;
  for (const auto& [name, counter] : counters_) snapshot[std::string(name)] += counter->value();
  return snapshot;
}

inline uint64_t CounterTable::Value(std::string_view name) const {
  uint64_t value = 0;
  for (const auto& [own, counter] : counters_) {
    if (own == name) value += counter->value();
  }
  return value;
}

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_BASE_COUNTERS_H_
