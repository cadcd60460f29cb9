// The gateways of default routes that did not answer (RFC 1122 3.3.1.4 and 3.3.1.5, RFC
// 4861 6.3.6): where there is another one they are passed over. Neighbour discovery says who is
// dead; nothing is looked at per packet, as every change here makes the route handles invalid.
//
// Who is passed over gets no packets, so nothing would tell when it is back. It is asked for again
// (ARP, NDP) when kAskAgain has passed and a packet is to go where it would lead; until it answers,
// the other one is used. A gateway that speaks by itself is used again at once.
//
// A gateway is in here as long as the neighbour cache knows that it failed, so that gc_thresh3
// bounds this too. Where that is set higher, who failed longest ago is forgotten. The bound has to
// be more than anybody has gateways: with more dead ones the forgotten ones would be tried in turn
// again and again, and those behind them never.
#ifndef MOAT_NETSTACK_IP_DEAD_GATEWAYS_H_
#define MOAT_NETSTACK_IP_DEAD_GATEWAYS_H_

#include <chrono>
#include <list>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "netstack/base/time.h"
#include "netstack/base/timer.h"
#include "netstack/wire/address.h"

namespace moat::netstack {

class DeadGateways {
 public:
  static constexpr size_t kMax = 4096;
  static constexpr Duration kAskAgain = std::chrono::seconds(30);

  class Host {
   public:
    virtual ~Host() = default;
    // Some gateway has become one to be asked for: routes are to be looked up anew.
    virtual void GatewayDue() = 0;
    // Solicits the gateway; the outcome comes as for any neighbour.
    virtual void AskForGateway(InterfaceIndex interface, const IpAddress& gateway) = 0;
  };

  DeadGateways(const Clock& clock, TimerQueue& timers)
      : clock_(clock), timer_(timers, MemberTimer<&DeadGateways::OnTimer>, this) {}
  void SetHost(Host* host) { host_ = host; }  // borrowed; before the first call

  bool empty() const { return rows_.empty(); }
  // When it failed; kNever for one that is not known to be dead.
  Time Since(InterfaceIndex interface, const IpAddress& gateway) const;

  // It did not answer, now. True when another one went for it.
  bool Add(InterfaceIndex interface, const IpAddress& gateway);
  // It answers, or is forgotten. True when it was in here.
  bool Remove(InterfaceIndex interface, const IpAddress& gateway);
  // A packet was to go there: asks if it is time to.
  void Wanted(InterfaceIndex interface, const IpAddress& gateway);

 private:
  using Key = std::pair<InterfaceIndex, IpAddress>;
  struct Row {
    Key key;
    Time failed;
    bool due = false;    // to be asked for
    bool asked = false;  // and has been
  };
  using Rows = std::list<Row>;
  void OnTimer();

  const Clock& clock_;
  Timer timer_;
  Host* host_ = nullptr;
  Rows rows_;  // who failed first is first
  absl::flat_hash_map<Key, Rows::iterator> by_key_;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_IP_DEAD_GATEWAYS_H_
