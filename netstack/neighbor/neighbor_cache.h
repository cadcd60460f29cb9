// The neighbour table of one family and the reachability state machine of RFC 4861 7.3, which
// serves ARP as well (as in Linux). What goes on the wire is the host's business: this class
// decides when.
//
// Bounds: gc_thresh3 entries (least recently used go first, those that routes hold last),
// unres_qlen_bytes per unresolved entry, and the stack's memory budget for both.
#ifndef MOAT_NETSTACK_NEIGHBOR_NEIGHBOR_CACHE_H_
#define MOAT_NETSTACK_NEIGHBOR_NEIGHBOR_CACHE_H_

#include <list>
#include <optional>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "netstack/base/counters.h"
#include "netstack/base/memory_budget.h"
#include "netstack/base/random.h"
#include "netstack/base/time.h"
#include "netstack/base/timer.h"
#include "netstack/neighbor/neighbor_entry.h"
#include "netstack/neighbor/neighbor_tunables.h"

namespace moat::netstack {

// What the cache needs from the layer that owns it. Calls may send, but must not change the cache.
class NeighborHost {
 public:
  virtual ~NeighborHost() = default;
  // Sends a solicitation: to the neighbour's known link address (a probe) or to everybody.
  virtual void Solicit(const NeighborEntry& entry, bool unicast) = 0;
  virtual void TransmitPending(const NeighborEntry& entry, PendingPacket packet) = 0;
  // Nobody answered. The packets were not sent; their senders are to be told (RFC 1122 2.3.2.2,
  // RFC 4861 7.2.2).
  virtual void ResolutionFailed(const NeighborInfo& neighbor,
                                std::vector<PendingPacket> packets) = 0;
  virtual void NeighborChanged(const NeighborInfo& neighbor, bool removed) = 0;
  // A neighbour that was a router no longer says so (RFC 4861 7.2.5).
  virtual void RouterLost(const NeighborInfo& neighbor) = 0;
};

// What a neighbour advertisement or ARP reply says.
struct NeighborAdvertised {
  std::optional<MacAddress> mac;
  bool solicited = false;
  bool override_ = false;
  std::optional<bool> router;  // absent: the protocol has no such flag
};

class NeighborCache {
 public:
  struct Counters {
    Counters(CounterTable& table, Family family);
    Counter pending_dropped, resolution_failed, table_full;
  };

  NeighborCache(Family family, const Clock& clock, Random& random, TimerQueue& timers,
                SysctlTable& sysctls, CounterTable& counters, MemoryBudget& memory,
                NeighborHost& host);
  ~NeighborCache();

  // --- Sending ---------------------------------------------------------------------------------
  // Finds or makes the entry; null when the table is full of entries that may not go.
  NeighborRef Get(InterfaceIndex interface, const IpAddress& address);
  // For a usable() entry, with every packet sent: starts the delay before a probe when it is stale.
  void Touch(NeighborEntry& entry) {
    entry.referenced_ = true;
    if (entry.info_.state == NeighborState::kStale) EnterDelay(entry);
  }
  // For an entry that is not usable: queues the packet and starts the resolution if none runs.
  void Queue(NeighborEntry& entry, PendingPacket packet, const IpAddress& source);
  // Solicits a neighbour that is FAILED without a packet that waits for it.
  void AskAgain(InterfaceIndex interface, const IpAddress& address);
  // Forward progress seen by an upper layer (RFC 4861 7.3.1).
  void Confirm(NeighborEntry& entry);

  // --- Hearing ---------------------------------------------------------------------------------
  // A message from `address` that carries its link address without proving two-way reachability:
  // a solicitation, ARP request, router advertisement. `create`: makes an entry when there is none.
  void HeardFrom(InterfaceIndex interface, const IpAddress& address, const MacAddress& mac,
                 bool create, std::optional<bool> router = std::nullopt);
  // The same of a message without link address: all it tells is whether who sent it, if known, is a
  // router.
  void HeardRole(InterfaceIndex interface, const IpAddress& address, bool router);
  // RFC 4861 7.2.5. Never makes an entry.
  void Advertised(InterfaceIndex interface, const IpAddress& address,
                  const NeighborAdvertised& message);

  // What a router said of the link (RFC 4861 6.3.4); zero leaves as it is. An interface that was
  // told nothing uses the sysctls.
  void SetTimes(InterfaceIndex interface, Duration reachable, Duration retransmit);
  void ForgetTimes(InterfaceIndex interface) { times_.erase(interface); }

  // --- Configuration ---------------------------------------------------------------------------
  bool AddStatic(const NeighborInfo& neighbor);  // false: full
  bool Remove(InterfaceIndex interface, const IpAddress& address);
  // All of `interface` (0: every one); permanent ones only when `permanent`.
  void Flush(InterfaceIndex interface, bool permanent);
  std::vector<NeighborInfo> List() const;
  std::optional<NeighborInfo> Find(InterfaceIndex interface, const IpAddress& address) const;
  // When a neighbour that is FAILED came to be so; nothing of others.
  std::optional<Time> FailedAt(InterfaceIndex interface, const IpAddress& address) const;
  size_t size() const { return entries_.size(); }

 private:
  friend class NeighborEntry;
  using Key = std::pair<InterfaceIndex, IpAddress>;

  NeighborRef FindEntry(InterfaceIndex interface, const IpAddress& address) const;
  NeighborRef Insert(InterfaceIndex interface, const IpAddress& address);
  bool MakeRoom();
  void Drop(const NeighborRef& entry);

  void SetState(NeighborEntry& entry, NeighborState state);
  void SetMac(NeighborEntry& entry, const MacAddress& mac) { entry.info_.mac = mac; }
  void EnterIncomplete(NeighborEntry& entry);
  void EnterReachable(NeighborEntry& entry);
  void EnterStale(NeighborEntry& entry);
  void EnterDelay(NeighborEntry& entry);
  void EnterProbe(NeighborEntry& entry);
  void EnterFailed(NeighborEntry& entry);
  void SetRouter(NeighborEntry& entry, std::optional<bool> router);
  void AdvertisedKnown(NeighborEntry& entry, const NeighborAdvertised& message);
  void OnTimer(NeighborEntry& entry);
  void OnReachableTimer(NeighborEntry& entry);
  void OnSolicitTimer(NeighborEntry& entry);
  void SendPending(NeighborEntry& entry);
  void DropOldestPending(NeighborEntry& entry);
  std::deque<PendingPacket> TakePending(NeighborEntry& entry);
  Duration ReachableTime(InterfaceIndex interface);
  Duration RetransmitTime(InterfaceIndex interface) const;
  void Notify(NeighborEntry& entry);

  const Clock& clock_;
  Random& random_;
  TimerQueue& timers_;
  MemoryBudget& memory_;
  NeighborHost& host_;
  NeighborTunables tunables_;
  Counters counters_;
  absl::flat_hash_map<Key, NeighborRef> entries_;
  std::list<NeighborRef> order_;  // of insertion; the collector gives used entries another round
  size_t permanent_ = 0;
  struct Times {
    Duration reachable{}, retransmit{};
  };
  absl::flat_hash_map<InterfaceIndex, Times> times_;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_NEIGHBOR_NEIGHBOR_CACHE_H_
