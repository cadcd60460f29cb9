// Neighbour discovery (RFC 4861 7, RFC 4862 5.4) on top of the neighbour cache: solicitations and
// advertisements, what is answered, what is believed, and what shows a duplicate address.
#ifndef MOAT_NETSTACK_NEIGHBOR_NDP_H_
#define MOAT_NETSTACK_NEIGHBOR_NDP_H_

#include <array>
#include <optional>
#include <span>

#include "netstack/base/counters.h"
#include "netstack/base/random.h"
#include "netstack/base/time.h"
#include "netstack/base/timer.h"
#include "netstack/neighbor/anycast_answers.h"
#include "netstack/neighbor/neighbor_cache.h"
#include "netstack/wire/address.h"
#include "netstack/wire/ndp.h"

namespace moat::netstack {

// kAnycast: others may have it too (RFC 4291 2.6).
enum class AddressStanding : uint8_t { kNotOurs, kTentative, kOurs, kAnycast };

class NdpHost {
 public:
  virtual ~NdpHost() = default;
  virtual AddressStanding Standing(InterfaceIndex interface, const IpAddress& address) const = 0;
  virtual MacAddress InterfaceMac(InterfaceIndex interface) const = 0;
  virtual bool IsRouter(InterfaceIndex interface) const = 0;  // we forward
  // The link address of a neighbour, if it is known.
  virtual std::optional<MacAddress> KnownMac(InterfaceIndex interface,
                                             const IpAddress& neighbor) const = 0;
  // Our usable link-local address there; unspecified when there is none.
  virtual IpAddress LinkLocalAddress(InterfaceIndex interface) const = 0;
  // Our address to speak to `destination` from; unspecified when there is none.
  virtual IpAddress SourceTowards(InterfaceIndex interface,
                                  const IpAddress& destination) const = 0;
  // Another node uses or probes for a tentative address (RFC 4862 5.4.3, 5.4.4).
  virtual void DuplicateSeen(InterfaceIndex interface, const IpAddress& address,
                             const std::optional<std::array<uint8_t, 6>>& nonce) = 0;
  virtual void RouterAdvertised(InterfaceIndex interface, const IpAddress& router,
                                const RouterAdvertisement& message) = 0;
  // A valid solicitation for routers came on an interface where we are one.
  virtual void RouterSolicited(InterfaceIndex interface) = 0;
  // A well-formed redirect from `router`. True: it is believed.
  virtual bool Redirected(InterfaceIndex interface, const IpAddress& router,
                          const RedirectMessage& message) = 0;
  // Sends one ICMPv6 message with hop limit 255. `to_mac` overrides resolution of a unicast
  // destination. The checksum field is zero on entry.
  virtual void SendNdp(InterfaceIndex interface, const IpAddress& source,
                       const IpAddress& destination, const std::optional<MacAddress>& to_mac,
                       std::span<uint8_t> message) = 0;
};

// What surrounded a received NDP message; its checksum is verified.
struct NdpContext {
  InterfaceIndex interface = 0;
  IpAddress source;
  IpAddress destination;
  uint8_t hop_limit = 0;
};

class Ndp final : private AnycastAnswers::Host {
 public:
  Ndp(NdpHost& host, NeighborCache& cache, CounterTable& counters, const Clock& clock,
      Random& random, TimerQueue& timers);

  // An ICMPv6 message of type 133..137.
  void Receive(const NdpContext& context, std::span<const uint8_t> icmp);

  // Asks for `target` (RFC 4861 7.2.2); unicast when `to` is given.
  void Solicit(InterfaceIndex interface, const IpAddress& target, const IpAddress& source,
               const std::optional<MacAddress>& to);
  // Duplicate address detection (RFC 4862 5.4.2), with RFC 7527's nonce against looped-back frames.
  void SolicitForDad(InterfaceIndex interface, const IpAddress& target,
                     const std::array<uint8_t, 6>& nonce);
  // Unsolicited advertisement to all nodes (RFC 4861 7.2.6).
  void Announce(InterfaceIndex interface, const IpAddress& address);
  // RFC 4861 8.2: tells `to`, the source of `packet`, that `target` is the better first hop for
  // `destination`. Nothing is sent while there is no link-local address to send it from.
  void Redirect(InterfaceIndex interface, const IpAddress& to, const IpAddress& target,
                const IpAddress& destination, std::span<const uint8_t> packet);
  // RFC 4861 6.3.7. `source` may be unspecified.
  void SolicitRouters(InterfaceIndex interface, const IpAddress& source);

 private:
  struct Counters {
    explicit Counters(CounterTable& table);
    Counter invalid, not_for_us, unsupported, duplicates, anycast_full;
  };
  void HandleSolicitation(const NdpContext& context, std::span<const uint8_t> icmp);
  void HandleAdvertisement(const NdpContext& context, std::span<const uint8_t> icmp);
  void HandleRouterSolicitation(const NdpContext& context, std::span<const uint8_t> icmp);
  void HandleRouterAdvertisement(const NdpContext& context, std::span<const uint8_t> icmp);
  void HandleRedirect(const NdpContext& context, std::span<const uint8_t> icmp);
  // Notes the link address of who asks. False: it is nobody to answer to.
  bool HeardSolicitor(const NdpContext& context, const NeighborSolicitation& message);
  void Answer(const NdpContext& context, const NeighborSolicitation& message);
  void AnswerForAnycast(const NdpContext& context, const NeighborSolicitation& message);
  // --- AnycastAnswers::Host --------------------------------------------------------------------
  void AnswerDue(const AnycastAnswer& answer) override;

  NdpHost& host_;
  NeighborCache& cache_;
  Counters counters_;
  AnycastAnswers anycast_answers_;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_NEIGHBOR_NDP_H_
