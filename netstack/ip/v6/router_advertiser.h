// The router's side of router discovery (RFC 4861 6.2): when advertisements are sent, and their
// bytes. Nothing is sent before an interface is configured, forwards, is up and has a link-local
// address; who stops being a router says so.
#ifndef MOAT_NETSTACK_IP_V6_ROUTER_ADVERTISER_H_
#define MOAT_NETSTACK_IP_V6_ROUTER_ADVERTISER_H_

#include <map>
#include <memory>
#include <vector>

#include "netstack/base/random.h"
#include "netstack/base/time.h"
#include "netstack/base/timer.h"
#include "netstack/ip/router_advertisement_options.h"

namespace moat::netstack {

class RouterAdvertiser {
 public:
  class Host {
   public:
    virtual ~Host() = default;
    // Whether a message would leave, and whether the interface forwards.
    virtual bool CanAdvertise(InterfaceIndex interface) const = 0;
    virtual bool IsAdvertisingRouter(InterfaceIndex interface) const = 0;
    virtual MacAddress AdvertisedMac(InterfaceIndex interface) const = 0;
    // To all nodes, from our link-local address; the checksum is zero.
    virtual void SendAdvertisement(InterfaceIndex interface, std::vector<uint8_t> message) = 0;
    // What List() says of one interface is different, or gone; may only take notes.
    virtual void AdvertisementChanged(const RouterAdvertisementInfo& info, bool removed) = 0;
  };

  RouterAdvertiser(const Clock& clock, Random& random, TimerQueue& timers, Host& host)
      : clock_(clock), random_(random), timers_(timers), host_(host) {}

  // Begins, or goes on with other contents. The options are valid (IpLayer judges them).
  void Set(InterfaceIndex interface, const RouterAdvertisementOptions& options);
  // Ends: hosts are told that this is no default router any more (6.2.5).
  void Stop(InterfaceIndex interface);
  void InterfaceGone(InterfaceIndex interface);
  // What is configured, by interface; those that are only saying goodbye are not.
  std::vector<RouterAdvertisementInfo> List() const;
  // Something that the host answers for (see Host) may have changed.
  void Reconsider(InterfaceIndex interface);
  // A valid solicitation came (6.2.6).
  void Solicited(InterfaceIndex interface);

 private:
  enum class Phase : uint8_t { kIdle, kInitial, kPeriodic, kFinal };
  struct Row {
    Row(RouterAdvertiser& owner, InterfaceIndex interface)
        : owner(owner),
          interface(interface),
          timer(owner.timers_, MemberTimer<&Row::OnTimer>, this) {}
    void OnTimer() { owner.Step(*this); }
    bool advertising() const { return phase == Phase::kInitial || phase == Phase::kPeriodic; }
    RouterAdvertisementInfo Info() const { return {interface, options, advertising()}; }
    RouterAdvertiser& owner;
    InterfaceIndex interface;
    RouterAdvertisementOptions options;
    bool stopped = false;  // goes when the last word is said
    Phase phase = Phase::kIdle;
    int left = 0;          // of the initial or the final ones
    Time sent{};
    bool sent_once = false;
    Timer timer;
  };
  void Begin(Row& row);
  void End(Row& row);
  void Step(Row& row);
  void Send(Row& row, uint16_t lifetime);
  // The first moment from `wanted` on that is not too soon after the last one.
  Time Soonest(const Row& row, Time wanted) const;
  Duration Interval(const Row& row);
  std::vector<uint8_t> Message(const Row& row, uint16_t lifetime) const;

  const Clock& clock_;
  Random& random_;
  TimerQueue& timers_;
  Host& host_;
  std::map<InterfaceIndex, std::unique_ptr<Row>> rows_;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_IP_V6_ROUTER_ADVERTISER_H_
