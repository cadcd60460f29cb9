// IPv4 link-local addresses (RFC 3927) for one interface of a Stack: chooses an address of
// 169.254/16, lets the stack claim and defend it, and chooses another when it is somebody else's.
//
//   LinkLocalClient client(stack, {.interface = 2});
//   client.Start();
//   ... after every Stack::Receive(), Flush() or RunTimers(): client.Poll();
//
// Thread rule: as the Stack's. Probes, announcements and their defence are the stack's conflict
// detection (netstack/ip/v4/conflict_detection.h), so that the client waits for nothing itself. The
// stack must outlive the client, whose destruction takes the address away. RFC 3927 1.9: not for an
// interface that has a routable address already.
#ifndef MOAT_NETSTACK_LINK_LOCAL_LINK_LOCAL_CLIENT_H_
#define MOAT_NETSTACK_LINK_LOCAL_LINK_LOCAL_CLIENT_H_

#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "netstack/base/time.h"
#include "netstack/stack/stack.h"
#include "netstack/wire/address.h"

namespace moat::netstack {

// The address that a node with this link address tries at the `attempt`th time, from 0 (RFC 3927
// 2.1): evenly spread over 169.254.1.0 to 169.254.254.255, the same whenever the node starts.
IpAddress LinkLocalCandidate(const MacAddress& mac, uint32_t attempt);

struct LinkLocalOptions {
  InterfaceIndex interface = 0;
  std::optional<IpAddress> previous{};  // tried first: what worked when the node last ran (2.1)
  // While there is nothing better everybody is taken to be on the link ("ARP for everything",
  // 2.6.2): a default route without a gateway, of this metric.
  bool reach_everybody = true;
  uint32_t route_metric = 1002;
};

class LinkLocalClient final : private StackObserver {
 public:
  enum class State : uint8_t { kStopped, kClaiming, kBound };

  LinkLocalClient(Stack& stack, const LinkLocalOptions& options);
  ~LinkLocalClient() override;
  LinkLocalClient(const LinkLocalClient&) = delete;
  LinkLocalClient& operator=(const LinkLocalClient&) = delete;

  // kNotFound: no such interface. Else as Stack::AddAddress(). Nothing happens when it has started.
  absl::Status Start();
  // Gives the address up. The next Start() tries the same one first.
  void Stop();
  // Acts on what has become of the address.
  void Poll();
  Time NextDeadline() const { return kNever; }  // as the DHCP clients'

  State state() const { return state_; }
  // The address while it is ours to use, state kBound.
  std::optional<IpAddress> address() const;

 private:
  // --- StackObserver ---------------------------------------------------------------------------
  void OnInterfaceChanged(const InterfaceInfo& interface, bool removed) override;
  void OnAddressChanged(const AddressInfo& address, bool removed) override;
  void OnRouteChanged(const RouteInfo& route, bool removed) override {}
  void OnNeighborChanged(const NeighborInfo& neighbor, bool removed) override {}

  Prefix Wanted() const { return {candidate_, 16}; }
  absl::Status Claim();
  void NextCandidate();
  void AddRoute();
  void RemoveRoute();

  Stack& stack_;
  const LinkLocalOptions options_;
  State state_ = State::kStopped;
  MacAddress mac_;
  uint32_t attempts_ = 0;  // candidates of the sequence that were chosen so far
  IpAddress candidate_;    // unspecified: none yet
  bool changed_ = false;   // something happened to the address since Poll() last looked
  bool routed_ = false;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_LINK_LOCAL_LINK_LOCAL_CLIENT_H_
