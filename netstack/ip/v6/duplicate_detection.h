// Duplicate address detection (RFC 4862 5.4, with RFC 7527's nonces): one probe cycle per tentative
// address.
#ifndef MOAT_NETSTACK_IP_V6_DUPLICATE_DETECTION_H_
#define MOAT_NETSTACK_IP_V6_DUPLICATE_DETECTION_H_

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "netstack/base/random.h"
#include "netstack/base/sysctl.h"
#include "netstack/base/time.h"
#include "netstack/base/timer.h"
#include "netstack/wire/address.h"

namespace moat::netstack {

class DuplicateDetection {
 public:
  using Nonce = std::array<uint8_t, 6>;

  class Host {
   public:
    virtual ~Host() = default;
    virtual void SendProbe(InterfaceIndex interface, const IpAddress& address,
                           const Nonce& nonce) = 0;
    // Nobody objected: the address is ours.
    virtual void AddressUnique(InterfaceIndex interface, const IpAddress& address) = 0;
    virtual void AddressDuplicate(InterfaceIndex interface, const IpAddress& address) = 0;
  };

  DuplicateDetection(const Clock& clock, Random& random, TimerQueue& timers, Host& host)
      : clock_(clock), random_(random), timers_(timers), host_(host) {}

  // Sends `transmits` probes a second apart (RetransTimer), the first after `delay`; the address is
  // ours when a second has passed after the last. With 0 transmits nothing is to be started.
  void Start(InterfaceIndex interface, const IpAddress& address, int transmits,
             Duration delay = {});
  void Cancel(InterfaceIndex interface, const IpAddress& address);
  void CancelAll(InterfaceIndex interface);
  // Somebody else probes for or uses the address. `nonce` tells our own probe, looped back by the
  // link, from another's.
  void Conflict(InterfaceIndex interface, const IpAddress& address,
                const std::optional<Nonce>& nonce);
  bool Running(InterfaceIndex interface, const IpAddress& address) const {
    return probes_.contains({interface, address});
  }

 private:
  using Key = std::pair<InterfaceIndex, IpAddress>;
  struct Probe {
    Probe(DuplicateDetection& owner, const Key& key, int transmits)
        : owner(owner), key(key), left(transmits), timer(owner.timers_, &Probe::OnTimer, this) {}
    static void OnTimer(void* context);
    DuplicateDetection& owner;
    Key key;
    int left;
    Nonce nonce{};
    Timer timer;
  };
  void Step(Probe& probe);

  const Clock& clock_;
  Random& random_;
  TimerQueue& timers_;
  Host& host_;
  std::map<Key, std::unique_ptr<Probe>> probes_;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_IP_V6_DUPLICATE_DETECTION_H_
