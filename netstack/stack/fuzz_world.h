// What stack_fuzz.cc throws its frames at: a stack with live connections and sockets of all sorts
// between two links, and a judge of what it sends. Each Feed*() below is one kind of input. All but
// FeedFrame(), FeedWhole() and FeedOwnFrame(), which take their bytes as they are, give them the
// headers that they lack and right checksums, so that they get past the first checks.
#ifndef MOAT_NETSTACK_STACK_FUZZ_WORLD_H_
#define MOAT_NETSTACK_STACK_FUZZ_WORLD_H_

#include <array>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "netstack/ip/routing_table.h"
#include "netstack/stack/fuzz_tcp_peer.h"
#include "netstack/stack/router_test_world.h"

namespace moat::netstack {

namespace fuzz_mode {  // what FeedMode() switches on; the rest is off
inline constexpr uint8_t kAcceptRa = 1;
inline constexpr uint8_t kForward = 2;
inline constexpr uint8_t kAdvertise = 4;  // of a router
}  // namespace fuzz_mode

// Time in one record is bounded: 25.5 s, doubled so often at most.
inline constexpr int kFuzzMostDoublings = 7;

inline const MacAddress kBetterMac{{0x02, 0, 0, 0, 0, 0x04}};  // where redirects lead

// How often each table changed.
class FuzzChanges : public StackObserver {
 public:
  struct Changes {
    uint64_t made = 0, removed = 0;
    void Note(bool gone) { ++(gone ? removed : made); }
  };
  void OnInterfaceChanged(const InterfaceInfo&, bool removed) override {
    interfaces.Note(removed);
  }
  void OnAddressChanged(const AddressInfo& address, bool removed) override {
    (address.options.temporary ? temporary : addresses).Note(removed);
  }
  void OnRouteChanged(const RouteInfo& route, bool removed) override {
    (route.protocol == kRouteByRouterAdvertisement ? learned : routes).Note(removed);
  }
  void OnNeighborChanged(const NeighborInfo&, bool removed) override { neighbors.Note(removed); }
  void OnRuleChanged(const RuleInfo&, bool removed) override { rules.Note(removed); }
  void OnAddressPolicyChanged(const AddressPolicy&, bool removed) override {
    policies.Note(removed);
  }

  Changes interfaces, addresses, temporary, routes, learned, neighbors, rules, policies;
};

class FuzzWorld {
 public:
  FuzzWorld();

  void FeedFrame(const Bytes& frame) { world_.ReceiveFrame(frame); }
  void FeedArp(const Bytes& bytes);         // laid over a request
  void FeedIpv4(const Bytes& bytes);        // from the IP header on
  void FeedIpv6(const Bytes& bytes);
  void FeedOptions4(const Bytes& bytes);    // IP options, of a UDP packet
  void FeedExtension6(const Bytes& bytes);  // {next header, what follows the IPv6 header}
  void FeedIcmpv4(const Bytes& bytes);      // ICMP messages of the peer's
  void FeedIcmpv6(const Bytes& bytes);
  void FeedQuoted4(const Bytes& bytes);     // ICMP errors: {from and about what, type, code, rest}
  void FeedQuoted6(const Bytes& bytes);
  void FeedFragment4(const Bytes& bytes);   // {protocol, identification, offset, more, data}
  void FeedFragment6(const Bytes& bytes);
  void FeedTcp4(const Bytes& bytes);        // {connection, segment} (FuzzTcpPeer::Segment)
  void FeedTcp6(const Bytes& bytes);
  void FeedUdp4(const Bytes& bytes);        // {port, payload}
  void FeedUdp6(const Bytes& bytes);
  void FeedIgmp(const Bytes& bytes);        // {to whom, message}
  void FeedMld(const Bytes& bytes);
  void FeedNdp(const Bytes& bytes);         // {from and to whom, message}
  void FeedForward4(const Bytes& bytes);    // {where, hop limit, protocol, size, payload}
  void FeedForward6(const Bytes& bytes);
  void FeedTime(const Bytes& bytes);        // {tenths of a second, how often doubled}
  void FeedMode(const Bytes& bytes);        // {fuzz_mode bits}
  void FeedWhole(const Bytes& bytes);       // programs: a packet with its header
  void FeedOwnFrame(const Bytes& bytes);    // a frame
  void FeedCall(const Bytes& bytes);        // {what, how much}
  void FeedProgram(const Bytes& bytes);     // {what, of which family, how}: groups, options, ...
  void FeedOperator(const Bytes& bytes);    // {what, how}: addresses, routes, links, sysctls, ...

  // Called after every record. Aborts when a frame that the stack sent is malformed or has text
  // that no program wrote, when a program reads text that the peer did not send, when a link has
  // more than any rate limit allows to send, or when there are more neighbours than the tables may
  // hold.
  void Check();

  // --- What happened since the world was made ----------------------------------------------------
  void Finish();  // counters are taken here, which is slow
  uint64_t Count(const std::string& counter) const;
  const FuzzChanges& changes() const { return changes_; }
  uint64_t memberships() const { return memberships_; }  // joined or left by FeedProgram()
  uint64_t filters() const { return filters_; }          // of sources that it set
  uint64_t trains() const { return trains_; }  // of datagrams, that left as several
  uint64_t errors() const { return errors_; }            // that programs took from a queue
  uint64_t delivered(size_t connection) const { return peers_[connection]->delivered(); }
  uint64_t redirected(Family family) const { return redirected_[family == Family::kIpv6]; }
  uint64_t pings(Family family) const { return pings_[family == Family::kIpv6]; }
  uint64_t raws(Family family) const { return raws_[family == Family::kIpv6]; }
  uint64_t syn_acks(Family family) const { return syn_acks_[family == Family::kIpv6]; }
  uint64_t advertised() const { return advertised_; }
  uint64_t wholes() const { return wholes_; }  // packets of FeedWhole() that left
  uint64_t own_frames() const { return own_frames_; }  // of FeedOwnFrame(), by eth0
  uint64_t LearnedRoutes() const;       // by router advertisements
  uint64_t LearnedAddresses() const;
  uint64_t Duplicates() const;          // addresses that somebody else has
  uint64_t ReachableNeighbors() const;  // that were confirmed
  uint64_t NarrowedPaths(Family family) const;  // connections that know of a smaller MTU

 private:
  void Set(const std::string& name, const char* value);
  void Packet(const Cast& cast, uint8_t protocol, const Bytes& bytes);
  void Icmp(const IpAddress& from, const IpAddress& to, Bytes message, uint8_t hop_limit = 64);
  void Quoted(const Cast& cast, const Bytes& bytes);
  void Tcp(const Cast& cast, size_t first, const Bytes& bytes);
  void Udp(const Cast& cast, const Bytes& bytes);
  void Forward(Family family, const Bytes& bytes);
  void JudgeLink(ChannelLink& link, const MacAddress& own);
  void JudgeFrame(const ParsedFrame& frame, const MacAddress& own);
  void ReadSockets();
  void SendTo(DatagramSocket& socket, const Endpoint& to, size_t size);
  void Ping(DatagramSocket& socket, const Endpoint& to);
  // What FeedProgram() chooses from.
  void Member(DatagramSocket& socket, Family family, uint8_t how);
  void Source(DatagramSocket& socket, Family family, uint8_t how);
  void Sources(DatagramSocket& socket, Family family, uint8_t how);
  void SendFar(DatagramSocket& socket, Family family, uint8_t how);
  void SendNear(DatagramSocket& socket, Family family, uint8_t how);
  void Tune(DatagramSocket& socket, Family family, uint8_t how);
  void TuneTcp(DatagramSocket& socket, Family family, uint8_t how);
  void Again(DatagramSocket& socket, Family family, uint8_t how);
  void SendNext(DatagramSocket& socket, Family family, uint8_t how);
  void Watch(DatagramSocket& socket, Family family, uint8_t how);

  FuzzChanges changes_;  // outlives the stack
  RouterWorld world_;
  const Cast v4_ = CastOf(Family::kIpv4), v6_ = CastOf(Family::kIpv6);
  std::unique_ptr<TcpSocket> listener_;
  // Accepted and dialled with IPv4, accepted and dialled with IPv6.
  std::array<std::unique_ptr<FuzzTcpPeer>, 4> peers_;
  std::unique_ptr<DatagramSocket> udp_, client4_, client6_, ping4_, ping6_, raw4_, raw6_, whole_;
  std::unique_ptr<PacketSocket> watch_, sender_;
  std::map<std::string, uint64_t> counters_;
  uint64_t routes_before_ = 0, addresses_before_ = 0;
  uint64_t redirected_[2] = {}, pings_[2] = {}, raws_[2] = {}, syn_acks_[2] = {};  // IPv4, IPv6
  uint64_t advertised_ = 0, wholes_ = 0, own_frames_ = 0;
  uint64_t memberships_ = 0, filters_ = 0, trains_ = 0, errors_ = 0;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_STACK_FUZZ_WORLD_H_
