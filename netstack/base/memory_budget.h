// How much memory one stack may hold for others: everything whose size peers or programs decide is
// charged here, in bytes of the heap as near as they are known. The caller of the stack gives the
// limit.
//
// Under pressure the stack gives way in a stated order. Each use has a share of the limit; above
// it, counted over all uses together, more of that use is refused, so that what is worth least
// stops first:
//
//   share  use            refused means
//   10/16  kFragments     the oldest packet in reassembly goes, then the new fragment
//   11/16  kOutOfOrder    TCP data behind a hole is not kept (nor acknowledged: nothing is reneged
//                         upon)
//   12/16  kHalfOpen      SYNs are answered with cookies, or dropped
//   12/16  kOrphans       connections that nobody holds and that still have something to send are
//                         reset
//   13/16  kPending       no packet waits for its next hop, no error for its reader; loopback is
//                         short
//   14/16  kTables        no new neighbour entries, no TIME-WAIT; the oldest path MTU goes for a
//                         new one; programs join no groups (ENOBUFS) and attach no socket filters
//                         (ENOMEM); no routes are added but those that come with an address
//   14/16  kDatagrams     UDP and ping receive queues take nothing
//   14/16  kConnections   connect() fails with ENOBUFS, cookies' ACKs are ignored
//   14/16  kSendData      TCP writers wait
//   15/16  kReceiveData   in-order TCP data is dropped, after the connection's own out-of-order
//                         data
//   all    kReserve       four segments for each TCP reader, 16 KiB for each writer: all go on,
//                         slowly
//
// Before that, from `pressure` on until `low` is reached again, under_pressure() says that nothing
// should grow that can do without: TCP's buffers keep their size and windows are opened by a few
// segments at a time. What a peer was told that it may send stays so (RFC 9293 3.8.6).
//
// What the stack needs to work at all is charged and never refused: connected routes, its own
// groups.
//
// Not counted: what the caller configures otherwise (interfaces, 4096 with 4096 addresses each;
// 1024 policy rules), what has a small fixed limit of its own (4096 redirects, the lists of router
// discovery, the tables of rate limiters, 64 cached routes), frames on their way, and sockets
// without a connection.
#ifndef MOAT_NETSTACK_BASE_MEMORY_BUDGET_H_
#define MOAT_NETSTACK_BASE_MEMORY_BUDGET_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>

#include "netstack/base/counters.h"

namespace moat::netstack {

enum class MemoryUse : uint8_t {
  kFragments,
  kOutOfOrder,
  kHalfOpen,
  kOrphans,
  kPending,
  kTables,
  kDatagrams,
  kConnections,
  kSendData,
  kReceiveData,
  kReserve,
};
inline constexpr size_t kMemoryUses = static_cast<size_t>(MemoryUse::kReserve) + 1;

// For tests: judges each request for memory that the budget would grant.
class MemoryFaults {
 public:
  virtual ~MemoryFaults() = default;
  virtual bool Refuse(MemoryUse use, size_t bytes) = 0;
};

// TcpExt.TCPMemoryPressures: how often pressure began; Memory.Refused<use>.
struct MemoryCounters {
  explicit MemoryCounters(CounterTable& table);
  Counter pressures;
  std::deque<Counter> refused;  // a deque, because counters do not move
};

class MemoryBudget {
 public:
  static constexpr size_t kDefaultLimit = size_t{512} << 20;

  // Pressure begins and ends at the proportions of Linux's tcp_mem: half and three eighths.
  explicit MemoryBudget(size_t limit = kDefaultLimit);
  MemoryBudget(const MemoryBudget&) = delete;
  MemoryBudget& operator=(const MemoryBudget&) = delete;

  // Whether `bytes` more may be had for `use` now. Asking charges nothing.
  bool Allows(MemoryUse use, size_t bytes) {
    if (used_ + bytes <= granted_[Index(use)]) [[likely]] return true;
    return AllowsSlowly(use, bytes);
  }
  bool TryCharge(MemoryUse use, size_t bytes) {
    if (!Allows(use, bytes)) return false;
    Charge(bytes);
    return true;
  }
  // What is there already, or was asked for.
  void Charge(size_t bytes) {
    used_ += bytes;
    if (used_ > pressure_) [[unlikely]] EnterPressure();
  }
  void Release(size_t bytes) {
    used_ -= bytes;
    if (under_pressure_ && used_ <= low_) [[unlikely]] under_pressure_ = false;
  }
  // Something that had `before` bytes has `after`.
  void Adjust(size_t before, size_t after) {
    if (after >= before) {
      Charge(after - before);
    } else {
      Release(before - after);
    }
  }

  // Bytes that `use` could have now.
  size_t Room(MemoryUse use) const {
    const size_t ceiling = ceilings_[Index(use)];
    return used_ < ceiling ? ceiling - used_ : 0;
  }
  size_t used() const { return used_; }
  size_t limit() const { return limit_; }
  bool under_pressure() const { return under_pressure_; }

  // low <= pressure <= high, and high at most the limit that the constructor was given.
  void SetThresholds(size_t low, size_t pressure, size_t high);
  void SetFaults(MemoryFaults* faults);               // borrowed; null: none
  void SetCounters(MemoryCounters* counters) { counters_ = counters; }  // borrowed; null: none

 private:
  static constexpr size_t Index(MemoryUse use) { return static_cast<size_t>(use); }
  bool AllowsSlowly(MemoryUse use, size_t bytes);
  void EnterPressure();

  size_t used_ = 0;
  size_t low_ = 0;
  size_t pressure_ = 0;
  size_t limit_;
  bool under_pressure_ = false;
  // Where each use ends; and up to where Allows() need not look closer, which is nowhere with
  // faults.
  std::array<size_t, kMemoryUses> ceilings_{};
  std::array<size_t, kMemoryUses> granted_{};
  MemoryFaults* faults_ = nullptr;
  MemoryCounters* counters_ = nullptr;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_BASE_MEMORY_BUDGET_H_
