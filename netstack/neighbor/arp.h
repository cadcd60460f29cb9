// ARP (RFC 826, RFC 1122 2.3.2, RFC 5227 probes) on top of the neighbour cache: what is answered,
// what is believed, and the requests' bytes.
#ifndef MOAT_NETSTACK_NEIGHBOR_ARP_H_
#define MOAT_NETSTACK_NEIGHBOR_ARP_H_

#include <optional>
#include <span>

#include "netstack/base/counters.h"
#include "netstack/neighbor/neighbor_cache.h"
#include "netstack/wire/address.h"
#include "netstack/wire/arp.h"

namespace moat::netstack {

class ArpHost {
 public:
  virtual ~ArpHost() = default;
  // Does this host answer for `address` on `interface`?
  virtual bool AnswersArp(InterfaceIndex interface, const IpAddress& address) const = 0;
  virtual MacAddress InterfaceMac(InterfaceIndex interface) const = 0;
  // Is it the link address of any interface of this host?
  virtual bool IsOwnMac(const MacAddress& mac) const = 0;
  // Another station says that it has `address`, or probes for it (RFC 5227).
  virtual void AddressClaimed(InterfaceIndex interface, const IpAddress& address,
                              bool is_probe) = 0;
  virtual void SendArp(InterfaceIndex interface, const MacAddress& to,
                       const ArpMessage& message) = 0;
};

class Arp {
 public:
  Arp(ArpHost& host, NeighborCache& cache, CounterTable& counters);

  // The payload of an ARP frame. `to_us`: the frame was addressed to our own link address.
  void Receive(InterfaceIndex interface, std::span<const uint8_t> bytes, bool to_us);
  // Asks for `target`; `source` may be unspecified (a probe). Unicast when `to` is given.
  void Request(InterfaceIndex interface, const IpAddress& target, const IpAddress& source,
               const std::optional<MacAddress>& to);
  // Asks whether anybody has `address` without saying that we do (RFC 5227 2.1.1).
  void Probe(InterfaceIndex interface, const IpAddress& address) {
    Request(interface, address, IpAddress::Any(Family::kIpv4), std::nullopt);
  }
  // Gratuitous ARP (RFC 5227 2.3): tells the link our address.
  void Announce(InterfaceIndex interface, const IpAddress& address);

 private:
  struct Counters {
    explicit Counters(CounterTable& table);
    Counter in_requests, in_replies, out_requests, out_replies, conflicts;
    Counter truncated, hardware_type, protocol_type, lengths, operation, bad_sender;
  };
  void CountParseError(ArpParse error);
  void HandleRequest(InterfaceIndex interface, const ArpMessage& message);
  void HandleReply(InterfaceIndex interface, const ArpMessage& message, bool to_us);

  ArpHost& host_;
  NeighborCache& cache_;
  Counters counters_;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_NEIGHBOR_ARP_H_
