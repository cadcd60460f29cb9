// An IP layer for the tests of a transport: it routes what it is told to, records what is sent with
// its checksum completed, and counts group memberships.
#ifndef MOAT_NETSTACK_TESTING_FAKE_IP_H_
#define MOAT_NETSTACK_TESTING_FAKE_IP_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "netstack/ip/ip_sender.h"
#include "netstack/transport/environment.h"

namespace moat::netstack {

class FakeIp : public IpSender, public GroupMembership {
 public:
  struct Sent {
    IpAddress source;
    IpAddress destination;
    InterfaceIndex interface = 0;
    uint8_t protocol = 0;
    uint8_t traffic_class = 0;
    uint8_t hop_limit = 0;
    bool dont_fragment = false;
    GsoType gso = GsoType::kNone;
    uint16_t gso_size = 0;
    std::vector<uint8_t>
        bytes;  // transport header and payload, checksum as on the wire (not with gso)
    size_t header_size = 0;
    std::vector<uint8_t> options{};  // of IPv4
    uint32_t flow_label = 0;
  };

  // Our addresses; the first of a family is the source of its routes. All are on interface 2.
  void AddLocalAddress(const IpAddress& address) { local_.push_back(address); }
  void RemoveLocalAddress(const IpAddress& address) { std::erase(local_, address); }
  // What lookups and sends answer; Invalidate() makes the routes handed out so far invalid.
  void set_route_error(Error error) { route_error_ = error; }
  void set_send_error(Error error) { send_error_ = error; }
  void set_mtu(uint32_t mtu) { mtu_ = mtu; }
  void set_max_gso_bytes(uint32_t bytes) { max_gso_bytes_ = bytes; }
  void AddBroadcast(const IpAddress& address) { broadcast_.insert(address); }
  void Invalidate() { ++generation_; }

  std::deque<Sent>& sent() { return sent_; }
  Sent Take();  // the oldest; a default one when nothing was sent
  int lookups() const { return lookups_; }
  const RouteQuery& last_query() const { return last_query_; }
  int confirmations() const { return confirmations_; }
  int Members(const IpAddress& group, InterfaceIndex interface) const;

  Result<RouteRef> FindRoute(const RouteQuery& query) override;
  Error Send(const Route& route, const IpPacketOut& packet) override;
  Error SendPacket(const Route& route, Slice packet, size_t header_size) override;
  void ConfirmNeighbor(const Route&) override { ++confirmations_; }
  bool IsLocalAddress(const IpAddress& address, InterfaceIndex interface) const override;
  Result<InterfaceIndex> GroupInterface(const IpAddress& group, InterfaceIndex interface) override;
  Error ChangeMembership(const IpAddress& group, InterfaceIndex interface,
                         const SourceFilter* from, const SourceFilter* to) override;

 private:
  static constexpr InterfaceIndex kInterface = 2;

  std::vector<IpAddress> local_;
  std::set<IpAddress> broadcast_;
  Error route_error_ = Error::kOk;
  Error send_error_ = Error::kOk;
  uint32_t mtu_ = 1500;
  uint32_t max_gso_bytes_ = 0;
  uint64_t generation_ = 0;
  int lookups_ = 0;
  RouteQuery last_query_;
  int confirmations_ = 0;
  std::deque<Sent> sent_;
  std::map<std::pair<IpAddress, InterfaceIndex>, int> groups_;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_TESTING_FAKE_IP_H_
