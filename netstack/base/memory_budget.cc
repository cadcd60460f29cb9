#include "netstack/base/memory_budget.h"

#include <algorithm>
#include <string_view>

namespace moat::netstack {
namespace {

struct UseRow {
  size_t share;  // sixteenths of the limit
  std::string_view counter;
};
// In the order of MemoryUse.
constexpr std::array<UseRow, kMemoryUses> kUses = {{
    {10, "Memory.RefusedFragments"},
    {11, "Memory.RefusedOutOfOrder"},
    {12, "Memory.RefusedHalfOpen"},
    {12, "Memory.RefusedOrphans"},
    {13, "Memory.RefusedPending"},
    {14, "Memory.RefusedTables"},
    {14, "Memory.RefusedDatagrams"},
    {14, "Memory.RefusedConnections"},
    {14, "Memory.RefusedSendData"},
    {15, "Memory.RefusedReceiveData"},
    {16, "Memory.RefusedReserve"},
}};

}  // namespace

MemoryCounters::MemoryCounters(CounterTable& table)
    : pressures(table, "TcpExt.TCPMemoryPressures") {
  for (const UseRow& row : kUses) refused.emplace_back(table, row.counter);
}

MemoryBudget::MemoryBudget(size_t limit) : limit_(limit) {
  SetThresholds(limit / 8 * 3, limit / 2, limit);
}

void MemoryBudget::SetThresholds(size_t low, size_t pressure, size_t high) {
  high = std::min(high, limit_);
  pressure_ = std::min(pressure, high);
  low_ = std::min(low, pressure_);
  for (size_t i = 0; i < kMemoryUses; ++i) {
    const size_t rest = 16 - kUses[i].share;
    ceilings_[i] = high - high / 16 * rest;
  }
  SetFaults(faults_);
  if (used_ > pressure_) EnterPressure();
  if (used_ <= low_) under_pressure_ = false;
}

void MemoryBudget::SetFaults(MemoryFaults* faults) {
  faults_ = faults;
  granted_ = ceilings_;
  if (faults_ != nullptr) granted_.fill(0);
}

bool MemoryBudget::AllowsSlowly(MemoryUse use, size_t bytes) {
  const bool fits = used_ + bytes <= ceilings_[Index(use)];
  if (fits && (faults_ == nullptr || !faults_->Refuse(use, bytes))) return true;
  if (counters_ != nullptr) ++counters_->refused[Index(use)];
  return false;
}

void MemoryBudget::EnterPressure() {
  if (under_pressure_) return;
  under_pressure_ = true;
  if (counters_ != nullptr) ++counters_->pressures;
}

}  // namespace moat::netstack
