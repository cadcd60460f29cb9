// IPv4 address conflict detection (RFC 5227): probes before an address is used, announcements when
// it is, and its defence afterwards.
#ifndef MOAT_NETSTACK_IP_V4_CONFLICT_DETECTION_H_
#define MOAT_NETSTACK_IP_V4_CONFLICT_DETECTION_H_

#include <map>
#include <memory>
#include <utility>

#include "netstack/base/random.h"
#include "netstack/base/time.h"
#include "netstack/base/timer.h"
#include "netstack/wire/address.h"

namespace moat::netstack {

class ConflictDetection {
 public:
  class Host {
   public:
    virtual ~Host() = default;
    virtual void SendArpProbe(InterfaceIndex interface, const IpAddress& address) = 0;
    virtual void SendArpAnnouncement(InterfaceIndex interface, const IpAddress& address) = 0;
    // Nobody objected to the probes: the address is ours.
    virtual void ConflictFree(InterfaceIndex interface, const IpAddress& address) = 0;
    // It is another's: found by probing, or defended in vain (RFC 5227 2.4 b).
    virtual void ConflictFound(InterfaceIndex interface, const IpAddress& address) = 0;
  };

  ConflictDetection(const Clock& clock, Random& random, TimerQueue& timers, Host& host)
      : clock_(clock), random_(random), timers_(timers), host_(host) {}

  // Probes for the address; announces and defends it when it is ours.
  void Start(InterfaceIndex interface, const IpAddress& address);
  void Cancel(InterfaceIndex interface, const IpAddress& address);
  void CancelAll(InterfaceIndex interface);

  // An ARP packet of another station says that it has the address, or probes for it.
  void Conflict(InterfaceIndex interface, const IpAddress& address, bool is_probe);

 private:
  enum class Phase : uint8_t { kProbing, kAnnouncing, kDefending };
  using Key = std::pair<InterfaceIndex, IpAddress>;
  struct Watch {
    Watch(ConflictDetection& owner, const Key& key)
        : owner(owner), key(key), timer(owner.timers_, MemberTimer<&Watch::OnTimer>, this) {}
    void OnTimer() { owner.Step(*this); }
    ConflictDetection& owner;
    Key key;
    Phase phase = Phase::kProbing;
    int left = 0;
    bool challenged = false;
    Time challenged_at{};
    Timer timer;
  };
  void Step(Watch& watch);
  Duration Between(int least_ms, int most_ms);

  const Clock& clock_;
  Random& random_;
  TimerQueue& timers_;
  Host& host_;
  std::map<Key, std::unique_ptr<Watch>> watches_;
  // Since the interface last got an address: many of them slow down (RFC 5227 2.1.1).
  std::map<InterfaceIndex, int> conflicts_;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_IP_V4_CONFLICT_DETECTION_H_
