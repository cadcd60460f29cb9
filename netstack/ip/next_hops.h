// Next hops: both neighbour tables with ARP and NDP, joined to the interfaces. Sends packets to a
// next hop whose link address may not be known yet.
#ifndef MOAT_NETSTACK_IP_NEXT_HOPS_H_
#define MOAT_NETSTACK_IP_NEXT_HOPS_H_


#include "netstack/ip/ip_state.h"
#include "netstack/neighbor/arp.h"
#include "netstack/neighbor/ndp.h"
#include "netstack/neighbor/neighbor_cache.h"

namespace moat::netstack {

// A packet from the IP header on, with room for a link header in front of it.
struct LinkPacket {
  uint8_t* ip = nullptr;     // kEthernetHeaderSize writable bytes precede it
  size_t header_size = 0;    // IP and transport headers
  std::span<const std::span<const uint8_t>> payload;
  TxOffload offload;         // checksum_start counts from `ip` here
};

class NextHops final : public NeighborHost, public ArpHost, public NdpHost {
 public:
  // Who wants to know; borrowed.
  class Listener {
   public:
    virtual ~Listener() = default;
    virtual void NeighborChanged(const NeighborInfo& neighbor, bool removed) = 0;
    virtual void DuplicateAddress(InterfaceIndex interface, const IpAddress& address,
                                  const std::optional<std::array<uint8_t, 6>>& nonce) = 0;
    virtual void AddressClaimed(InterfaceIndex interface, const IpAddress& address,
                                bool is_probe) = 0;
    virtual void RouterAdvertised(InterfaceIndex interface, const IpAddress& router,
                                  const RouterAdvertisement& message) = 0;
    virtual void RouterSolicited(InterfaceIndex interface) = 0;
    virtual bool Redirected(InterfaceIndex interface, const IpAddress& router,
                            const RedirectMessage& message) = 0;
    virtual void RouterLost(InterfaceIndex interface, const IpAddress& router) = 0;
    // The next hop of a packet (from the IP header on) did not answer.
    virtual void Undeliverable(InterfaceIndex interface, std::span<const uint8_t> packet) = 0;
  };

  NextHops(IpState& state, const IpEnvironment& env, Listener& listener);

  // Sends to `next_hop` on `out`, or queues until it is resolved. `entry` caches the neighbour
  // between calls. `source` is that of the packet.
  Error Send(Interface& out, const IpAddress& next_hop, const IpAddress& source, NeighborRef& entry,
             const LinkPacket& packet);
  // Sends to a link address that needs no resolution.
  Error SendTo(Interface& out, const MacAddress& to, Family family, const LinkPacket& packet);

  void ReceiveArp(Interface& in, std::span<const uint8_t> bytes, bool to_us) {
    arp_.Receive(in.index, bytes, to_us);
  }
  NeighborCache& cache(Family family) { return family == Family::kIpv4 ? v4_ : v6_; }
  const NeighborCache& cache(Family family) const { return family == Family::kIpv4 ? v4_ : v6_; }
  Arp& arp() { return arp_; }
  Ndp& ndp() { return ndp_; }

  // --- NeighborHost ----------------------------------------------------------------------------
  void Solicit(const NeighborEntry& entry, bool unicast) override;
  void TransmitPending(const NeighborEntry& entry, PendingPacket packet) override;
  void ResolutionFailed(const NeighborInfo& neighbor, std::vector<PendingPacket> packets) override;
  void NeighborChanged(const NeighborInfo& neighbor, bool removed) override;
  void RouterLost(const NeighborInfo& neighbor) override;
  // --- ArpHost ---------------------------------------------------------------------------------
  bool AnswersArp(InterfaceIndex interface, const IpAddress& address) const override;
  MacAddress InterfaceMac(InterfaceIndex interface) const override;
  bool IsOwnMac(const MacAddress& mac) const override;
  void AddressClaimed(InterfaceIndex interface, const IpAddress& address,
                      bool is_probe) override {
    listener_.AddressClaimed(interface, address, is_probe);
  }
  void SendArp(InterfaceIndex interface, const MacAddress& to, const ArpMessage& message) override;
  // --- NdpHost ---------------------------------------------------------------------------------
  AddressStanding Standing(InterfaceIndex interface, const IpAddress& address) const override;
  bool IsRouter(InterfaceIndex interface) const override;
  std::optional<MacAddress> KnownMac(InterfaceIndex interface,
                                     const IpAddress& neighbor) const override;
  IpAddress LinkLocalAddress(InterfaceIndex interface) const override;
  IpAddress SourceTowards(InterfaceIndex interface, const IpAddress& destination) const override;
  void DuplicateSeen(InterfaceIndex interface, const IpAddress& address,
                     const std::optional<std::array<uint8_t, 6>>& nonce) override;
  void RouterAdvertised(InterfaceIndex interface, const IpAddress& router,
                        const RouterAdvertisement& message) override;
  void RouterSolicited(InterfaceIndex interface) override { listener_.RouterSolicited(interface); }
  bool Redirected(InterfaceIndex interface, const IpAddress& router,
                  const RedirectMessage& message) override {
    return listener_.Redirected(interface, router, message);
  }
  void SendNdp(InterfaceIndex interface, const IpAddress& source, const IpAddress& destination,
               const std::optional<MacAddress>& to_mac, std::span<uint8_t> message) override;

 private:
  static PendingPacket MakePending(const LinkPacket& packet);
  IpAddress SolicitSource(const NeighborEntry& entry) const;

  IpState& state_;
  Listener& listener_;
  NeighborCache v4_;
  NeighborCache v6_;
  Arp arp_;
  Ndp ndp_;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_IP_NEXT_HOPS_H_
