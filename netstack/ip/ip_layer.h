// The IP layer of one stack, both families: composition of its parts, and its configuration.
//
//   wires in  -> Receive() -> v4/ipv4_input, v6/ipv6_input -> a TransportProtocol
//   Send()    -> output    -> next_hops -> a Link, or the loopback queue
//
// Configuration methods return absl::Status and invalidate route handles as needed.
#ifndef MOAT_NETSTACK_IP_IP_LAYER_H_
#define MOAT_NETSTACK_IP_IP_LAYER_H_

#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "netstack/ip/configuration.h"
#include "netstack/ip/destination_order.h"
#include "netstack/ip/error_delivery.h"
#include "netstack/ip/icmp_limiter.h"
#include "netstack/ip/interface_sysctls.h"
#include "netstack/ip/ip_sender.h"
#include "netstack/ip/ip_state.h"
#include "netstack/ip/next_hops.h"
#include "netstack/ip/output.h"
#include "netstack/ip/reassembly.h"
#include "netstack/ip/redirect_input.h"
#include "netstack/ip/route_finder.h"
#include "netstack/ip/v4/conflict_detection.h"
#include "netstack/ip/v4/icmpv4.h"
#include "netstack/ip/v4/igmp.h"
#include "netstack/ip/v4/ipv4_forward.h"
#include "netstack/ip/v4/ipv4_input.h"
#include "netstack/ip/v6/duplicate_detection.h"
#include "netstack/ip/v6/icmpv6.h"
#include "netstack/ip/v6/ipv6_forward.h"
#include "netstack/ip/v6/ipv6_input.h"
#include "netstack/ip/v6/mld.h"
#include "netstack/ip/v6/router_advertiser.h"
#include "netstack/ip/v6/router_discovery.h"

namespace moat::netstack {

class IpLayer final : public IpSender,
                      public FrameSender,
                      private NextHops::Listener,
                      private Reassembler::Host,
                      private DuplicateDetection::Host,
                      private InterfaceSysctls::Listener,
                      private RouterDiscovery::Host,
                      private ConflictDetection::Host,
                      private RouterAdvertiser::Host,
                      private DeadGateways::Host {
 public:
  explicit IpLayer(const IpEnvironment& env);
  ~IpLayer() override;

  // `transport` is borrowed; packets of `protocol` go to it.
  void SetRaw(RawReceiver* raw) { state_.raw = raw; }
  void SetTap(FrameTap* tap) { state_.tap = tap; }
  void SetTransport(uint8_t protocol, TransportProtocol* transport) {
    state_.transports[protocol] = transport;
  }
  void AddObserver(StackObserver* observer) { observers_.push_back(observer); }
  void RemoveObserver(StackObserver* observer) { std::erase(observers_, observer); }

  // --- Packets ---------------------------------------------------------------------------------
  void Receive(InterfaceIndex index, RxFrame frame);
  // Delivers up to `budget` packets of the loopback queue; true when some are left.
  bool DeliverLooped(int budget);
  void FlushLinks();
  bool HasLooped() const { return !state_.loopback.empty(); }

  // --- IpSender --------------------------------------------------------------------------------
  Result<RouteRef> FindRoute(const RouteQuery& query) override;
  Error Send(const Route& route, const IpPacketOut& packet) override;
  Error SendPacket(const Route& route, Slice packet, size_t header_size) override;
  void ConfirmNeighbor(const Route& route) override;
  bool IsLocalAddress(const IpAddress& address, InterfaceIndex interface) const override;

  // --- FrameSender -----------------------------------------------------------------------------
  std::optional<FrameInterface> FindFrameInterface(InterfaceIndex index) const override;
  Error SendFrame(InterfaceIndex index, std::span<const uint8_t> frame,
                  const void* origin) override;

  // --- Groups ----------------------------------------------------------------------------------
  // Counted per interface; the first and the last are reported to routers (IGMP, MLD). kNoDevice,
  // kInvalid (not a group), kNoBuffers.
  // As GroupMembership's.
  Result<InterfaceIndex> GroupInterface(const IpAddress& group, InterfaceIndex interface);
  Error ChangeMembership(const IpAddress& group, InterfaceIndex interface,
                         const SourceFilter* from, const SourceFilter* to);

  // --- Configuration ---------------------------------------------------------------------------
  absl::Status AddInterface(const InterfaceOptions& options);
  absl::Status RemoveInterface(InterfaceIndex index);
  absl::Status SetInterfaceUp(InterfaceIndex index, bool up);
  absl::Status SetInterfaceRunning(InterfaceIndex index, bool running);
  absl::Status SetInterfaceMtu(InterfaceIndex index, uint32_t mtu);
  absl::Status SetInterfaceMac(InterfaceIndex index, const MacAddress& mac);
  absl::Status SetInterfaceName(InterfaceIndex index, std::string_view name);
  const InterfaceTable& interfaces() const { return state_.interfaces; }

  absl::Status AddAddress(InterfaceIndex index, const Prefix& prefix,
                          const AddressOptions& options);
  absl::Status RemoveAddress(InterfaceIndex index, const Prefix& prefix);
  absl::Status ChangePrefixLength(InterfaceIndex index, const IpAddress& address, int length);
  std::vector<AddressInfo> Addresses() const;

  absl::Status AddRoute(const RouteInfo& route);
  absl::Status RemoveRoute(const RouteInfo& route);
  absl::Status SetRouterAdvertisement(InterfaceIndex index,
                                      const RouterAdvertisementOptions& options);
  absl::Status StopRouterAdvertisement(InterfaceIndex index);
  std::vector<RouterAdvertisementInfo> RouterAdvertisements() const { return advertiser_.List(); }
  absl::Status AddRule(const RuleInfo& rule);
  absl::Status RemoveRule(const RuleInfo& rule);
  std::vector<RuleInfo> Rules() const { return state_.routes.Rules(); }
  std::vector<NameServerInfo> NameServers() const { return discovery_.NameServers(); }
  std::vector<RouteInfo> Routes() const { return state_.routes.List(); }

  // RFC 6724: the policy table, and the order to try the addresses of a name in.
  absl::Status SetAddressPolicies(std::span<const AddressPolicy> policies);
  const std::vector<AddressPolicy>& AddressPolicies() const { return state_.policies.rows(); }
  std::vector<Endpoint> OrderDestinations(std::span<const Endpoint> destinations);

  absl::Status AddNeighbor(const NeighborInfo& neighbor);
  absl::Status RemoveNeighbor(InterfaceIndex index, const IpAddress& address);
  void FlushNeighbors(InterfaceIndex index);
  std::vector<NeighborInfo> Neighbors() const;

 private:
  // --- Packets ---------------------------------------------------------------------------------
  void ReceiveEthernet(Interface& in, RxFrame& frame);
  void ReceiveLoopedFrame(Interface& in, Slice bytes);
  void ReceiveIp(Interface& in, Slice packet, const LinkMetadata& link);

  // --- Configuration, in ip_layer_interfaces.cc, _addresses.cc, _routes.cc, _groups.cc -----------
  void AddLoopback();
  // Finds the interface of a next hop that names only its gateway, and checks it.
  absl::Status CompleteHop(const Prefix& destination, const std::optional<IpAddress>& gateway,
                           InterfaceIndex* interface) const;
  DestinationWay WayTo(const Endpoint& destination);
  void Invalidate() { ++state_.generation; }
  Result<Interface*> Require(InterfaceIndex index);
  void NotifyInterface(const Interface& interface, bool removed);
  void NotifyAddress(const Interface& interface, const AssignedAddress& address, bool removed);
  void NotifyRoute(const RouteInfo& route, bool removed);
  void NotifyRule(const RuleInfo& rule, bool removed);
  void ReportChange(const Interface& interface, const IpAddress& group,
                    const SourceFilter& before);
  // The stack's own memberships.
  // As ChangeMembership(), for the stack itself: however scarce memory is.
  Error SetMembership(const IpAddress& group, InterfaceIndex interface, const SourceFilter* from,
                      const SourceFilter* to);
  void JoinAll(const IpAddress& group, InterfaceIndex interface);
  void LeaveAll(const IpAddress& group, InterfaceIndex interface);
  void AddConnectedRoute(const Interface& interface, const AssignedAddress& address);
  void RemoveConnectedRoute(const Interface& interface, const AssignedAddress& address);
  void BeginUse(Interface& interface, AssignedAddress& address);
  void StartDetection(Interface& interface, AssignedAddress& address);
  void DetectAnew(Interface& interface);
  void DropAddress(Interface& interface, size_t position);

  // --- NextHops::Listener ----------------------------------------------------------------------
  void NeighborChanged(const NeighborInfo& neighbor, bool removed) override;
  void DuplicateAddress(InterfaceIndex interface, const IpAddress& address,
                        const std::optional<std::array<uint8_t, 6>>& nonce) override;
  void RouterAdvertised(InterfaceIndex interface, const IpAddress& router,
                        const RouterAdvertisement& message) override;
  void AddressClaimed(InterfaceIndex interface, const IpAddress& address, bool is_probe) override {
    conflicts_.Conflict(interface, address, is_probe);
  }
  bool Redirected(InterfaceIndex interface, const IpAddress& router,
                  const RedirectMessage& message) override;
  void RouterLost(InterfaceIndex interface, const IpAddress& router) override;
  void Undeliverable(InterfaceIndex interface, std::span<const uint8_t> packet) override;
  // --- InterfaceSysctls::Listener --------------------------------------------------------------
  void ConfChanged(Conf key, Interface* interface) override;
  void RouterRoleChanged(Interface& interface);
  // Brings the anycast addresses of subnets' routers, and the table of addresses, up to date.
  void RefreshAnycasts(Interface& interface);
  void RouterSolicited(InterfaceIndex interface) override { advertiser_.Solicited(interface); }
  // --- RouterAdvertiser::Host ------------------------------------------------------------------
  bool CanAdvertise(InterfaceIndex interface) const override;
  bool IsAdvertisingRouter(InterfaceIndex interface) const override {
    const Interface* on = state_.interfaces.Find(interface);
    return on != nullptr && on->Forwards(Family::kIpv6);
  }
  MacAddress AdvertisedMac(InterfaceIndex interface) const override {
    return next_hops_.InterfaceMac(interface);
  }
  void SendAdvertisement(InterfaceIndex interface, std::vector<uint8_t> message) override;
  void AdvertisementChanged(const RouterAdvertisementInfo& info, bool removed) override;
  // --- ConflictDetection::Host -----------------------------------------------------------------
  void SendArpProbe(InterfaceIndex interface, const IpAddress& address) override {
    next_hops_.arp().Probe(interface, address);
  }
  void SendArpAnnouncement(InterfaceIndex interface, const IpAddress& address) override {
    next_hops_.arp().Announce(interface, address);
  }
  void ConflictFree(InterfaceIndex interface, const IpAddress& address) override {
    AddressUnique(interface, address);
  }
  void ConflictFound(InterfaceIndex interface, const IpAddress& address) override {
    AddressDuplicate(interface, address);
  }
  // --- RouterDiscovery::Host -------------------------------------------------------------------
  bool AddAutoAddress(InterfaceIndex interface, const Prefix& prefix,
                      const AddressOptions& options) override;
  void RemoveAutoAddress(InterfaceIndex interface, const Prefix& prefix) override;
  void SetDeprecated(InterfaceIndex interface, const IpAddress& address, bool deprecated) override;
  void SetAdvertiser(InterfaceIndex interface, const IpAddress& address, const IpAddress& router,
                     bool does) override;
  bool AddAutoRoute(const RouteInfo& route) override;
  void RemoveAutoRoute(const RouteInfo& route) override;
  void SolicitRouters(InterfaceIndex interface) override;
  void SetLinkMtu(InterfaceIndex interface, uint32_t mtu) override;
  void SetHopLimit(InterfaceIndex interface, uint8_t hop_limit) override;
  void SetNeighborTimes(InterfaceIndex interface, Duration reachable,
                        Duration retransmit) override;
  // --- DeadGateways::Host ----------------------------------------------------------------------
  void GatewayDue() override { Invalidate(); }
  void AskForGateway(InterfaceIndex interface, const IpAddress& gateway) override {
    next_hops_.cache(gateway.family()).AskAgain(interface, gateway);
  }
  // --- Reassembler::Host -----------------------------------------------------------------------
  void ReassemblyTimedOut(const FragmentKey& key, const Slice& first) override;
  void ReassemblyEvicted(const FragmentKey& key) override;
  // --- DuplicateDetection::Host ----------------------------------------------------------------
  void SendProbe(InterfaceIndex interface, const IpAddress& address,
                 const DuplicateDetection::Nonce& nonce) override;
  void AddressUnique(InterfaceIndex interface, const IpAddress& address) override;
  void AddressDuplicate(InterfaceIndex interface, const IpAddress& address) override;

  IpState state_;
  InterfaceSysctls interface_sysctls_;
  ErrorDelivery errors_;
  NextHops next_hops_;
  RouteFinder finder_;
  IpOutput output_;
  IcmpLimiter limiter_;
  Reassembler reassembler_;
  Igmp igmp_;
  Mld mld_;
  RedirectInput redirects_;
  Icmpv4 icmpv4_;
  Icmpv6 icmpv6_;
  Ipv4Forward forward_v4_;
  Ipv6Forward forward_v6_;
  Ipv4Input input_v4_;
  Ipv6Input input_v6_;
  DuplicateDetection detection_;
  RouterDiscovery discovery_;
  ConflictDetection conflicts_;
  RouterAdvertiser advertiser_;
  std::vector<StackObserver*> observers_;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_IP_IP_LAYER_H_
