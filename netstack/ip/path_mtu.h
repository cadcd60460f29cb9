// Path MTUs learned from ICMP (RFC 1191, RFC 8201), by destination. Bounded and charged; the oldest
// goes for a new one. Each entry is forgotten after ipv4.route.mtu_expires, so that a larger MTU is
// tried again.
#ifndef MOAT_NETSTACK_IP_PATH_MTU_H_
#define MOAT_NETSTACK_IP_PATH_MTU_H_

#include <deque>

#include "absl/container/flat_hash_map.h"
#include "netstack/base/counters.h"
#include "netstack/base/memory_budget.h"
#include "netstack/base/sysctl.h"
#include "netstack/base/time.h"
#include "netstack/base/timer.h"
#include "netstack/wire/address.h"

namespace moat::netstack {

class PathMtuCache {
 public:
  static constexpr size_t kMaxEntries = 4096;

  // `full` counts entries that went for new ones; `generation` is incremented when an entry
  // expires, so that routes are looked up anew.
  PathMtuCache(const Clock& clock, TimerQueue& timers, SysctlTable& sysctls, MemoryBudget& memory,
               Counter& full, uint64_t& generation);
  ~PathMtuCache() { Clear(); }

  struct PathMtu {
    uint32_t mtu;
    // IPv4: the path has less than the floor, which `mtu` says instead. Then who sends there by his
    // own free will leaves it to routers to cut (RFC 1191 3), as Linux's locked MTUs do.
    bool below_floor = false;
  };
  // What is known of the path to `destination`; at most `link_mtu`.
  PathMtu Get(const IpAddress& destination, uint32_t link_mtu) const;
  // A router reported `mtu` for a packet of `packet_size` bytes (0: unknown). An IPv4 `mtu` of 0 is
  // an old router's (RFC 1191 5): a plateau is guessed. IPv6's is at least kIpv6MinMtu (RFC 8201 4:
  // what says less is not believed, ErrorDelivery). True when the path MTU became smaller, or is
  // now known to be below the floor; not when memory is short and no older one can go.
  bool Reported(const IpAddress& destination, uint32_t mtu, uint32_t packet_size);
  void Clear();
  size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    PathMtu path;
    Time expires;
  };
  void OnExpiry();
  void ArmForOldest();
  // Makes room for one entry and charges it.
  bool Charge();
  // False when there is none.
  bool DropOldest();

  const Clock& clock_;
  MemoryBudget& memory_;
  Counter& full_;
  uint64_t& generation_;
  const Sysctl* expires_;
  const Sysctl* minimum_;
  absl::flat_hash_map<IpAddress, Entry> entries_;
  std::deque<std::pair<Time, IpAddress>> order_;  // by expiry; outdated ones are skipped
  Timer timer_;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_IP_PATH_MTU_H_
