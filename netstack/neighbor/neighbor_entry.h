// One neighbour: an address on a link, its link address, and how far it is believed.
//
// Entries are shared with the routes that go through them, so that a packet to a resolved neighbour
// costs two loads. An entry that its cache dropped stays readable but is never usable() again.
#ifndef MOAT_NETSTACK_NEIGHBOR_NEIGHBOR_ENTRY_H_
#define MOAT_NETSTACK_NEIGHBOR_NEIGHBOR_ENTRY_H_

#include <deque>
#include <list>
#include <memory>

#include "netstack/base/timer.h"
#include "netstack/neighbor/neighbor_info.h"
#include "netstack/neighbor/pending_packet.h"

namespace moat::netstack {

class NeighborCache;

class NeighborEntry {
 public:
  NeighborEntry(NeighborCache& cache, TimerQueue& timers, InterfaceIndex interface,
                const IpAddress& address)
      : cache_(cache), timer_(timers, &NeighborEntry::OnTimer, this) {
    info_.interface = interface;
    info_.address = address;
  }
  NeighborEntry(const NeighborEntry&) = delete;
  NeighborEntry& operator=(const NeighborEntry&) = delete;

  // True when packets may be sent to mac() now. The sender then also calls NeighborCache::Touch().
  bool usable() const { return usable_; }
  bool detached() const { return detached_; }
  const MacAddress& mac() const { return info_.mac; }
  const NeighborInfo& info() const { return info_; }
  // Source address of the packet that began the resolution: the solicitation's source when it is
  // ours (RFC 4861 7.2.2).
  const IpAddress& solicit_source() const { return solicit_source_; }

 private:
  friend class NeighborCache;
  static void OnTimer(void* context);

  NeighborCache& cache_;
  NeighborInfo info_;
  bool usable_ = false;
  bool detached_ = false;
  bool announced_ = false;   // observers know of it
  bool referenced_ = false;  // used since the collector passed by
  int probes_ = 0;
  Time confirmed_ = kTimeZero;  // or, of a FAILED one, when it failed
  Duration reachable_time_{};
  IpAddress solicit_source_;
  std::deque<PendingPacket> pending_;
  size_t pending_bytes_ = 0;
  Timer timer_;
  std::list<std::shared_ptr<NeighborEntry>>::iterator position_;
};
using NeighborRef = std::shared_ptr<NeighborEntry>;

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_NEIGHBOR_NEIGHBOR_ENTRY_H_
