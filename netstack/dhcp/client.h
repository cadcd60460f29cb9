// A DHCP client (RFC 2131) for one interface of a Stack: gets an address, keeps it, and configures
// the stack with it (address, default route, MTU). Name servers and domain are data of the lease.
//
//   DhcpClient client(stack, {.clock = &clock, .random = &random, .interface = 2});
//   client.Start();
//   ... after every Stack::Receive(), Flush() or RunTimers(): client.Poll();
//   ... no later than client.NextDeadline():                   client.Poll();
//
// Thread rule and time: as the Stack's; Poll() reads the clock that it was given. The stack must
// outlive the client, whose destruction takes the lease's configuration away without a RELEASE.
//
// An offered address is probed for (RFC 5227) before it is used, unless told otherwise, and
// defended afterwards. It is declined when it is taken, also when that shows later. A renewal that
// brings another mask changes the prefix in place: the address is ours already, so that nothing is
// probed for (RFC 2131 4.4.1 and RFC 5227 2.1 speak of new addresses), and its connections go on.
// An address or default route that the stack has already is used, but neither changed nor removed.
#ifndef MOAT_NETSTACK_DHCP_CLIENT_H_
#define MOAT_NETSTACK_DHCP_CLIENT_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "netstack/base/random.h"
#include "netstack/base/time.h"
#include "netstack/dhcp/message.h"
#include "netstack/stack/stack.h"

namespace moat::netstack {

struct DhcpLease {
  Prefix address;
  IpAddress server;
  std::vector<IpAddress> routers;
  std::vector<IpAddress> name_servers;
  std::string domain;
  std::optional<uint16_t> mtu;
  // When RENEWING, REBINDING and the end begin; kNever: an infinite lease.
  Time renew = kNever, rebind = kNever, expires = kNever;
};

struct DhcpOptions {
  const Clock* clock = nullptr;  // borrowed
  Random* random = nullptr;      // borrowed
  InterfaceIndex interface = 0;
  std::string host_name{};       // option 12; empty: none
  std::optional<IpAddress> previous{};  // asked for again first (INIT-REBOOT, RFC 2131 3.2)
  bool probe = true;
  bool install = true;           // false: the lease is only reported
  uint32_t route_metric = 0;
};

class DhcpClient final : private StackObserver {
 public:
  // RFC 2131 figure 5. kProbing: the ACK's address is being probed for.
  enum class State : uint8_t {
    kStopped, kInit, kSelecting, kRequesting, kRebooting, kProbing, kBound, kRenewing, kRebinding,
  };

  DhcpClient(Stack& stack, const DhcpOptions& options);
  ~DhcpClient() override;
  DhcpClient(const DhcpClient&) = delete;
  DhcpClient& operator=(const DhcpClient&) = delete;

  // kNotFound: no such interface.
  absl::Status Start();
  // Gives the lease back (RELEASE) and stops.
  void Release();
  // Reads what has arrived and does what is due.
  void Poll();
  Time NextDeadline() const { return state_ == State::kStopped ? kNever : deadline_; }

  State state() const { return state_; }
  const std::optional<DhcpLease>& lease() const { return lease_; }

 private:
  // --- StackObserver ---------------------------------------------------------------------------
  void OnInterfaceChanged(const InterfaceInfo& interface, bool removed) override {}
  void OnAddressChanged(const AddressInfo& address, bool removed) override;
  void OnRouteChanged(const RouteInfo& route, bool removed) override {}
  void OnNeighborChanged(const NeighborInfo& neighbor, bool removed) override {}

  // Messages of one exchange: 4, 8, 16, 32, 64 seconds apart, a second more or less (4.1).
  void Retransmit();
  void Begin();  // INIT: forget, and discover a little later
  void Enter(State state, Time deadline);
  void SendDiscover();
  void SendRequest();
  void SendDecline(const DhcpReply& ack);
  void Send(const DhcpRequest& request, const std::optional<IpAddress>& unicast);
  DhcpRequest Message(DhcpType type) const;
  uint16_t Elapsed() const;

  void Receive(std::span<const uint8_t> bytes);
  void TakeOffer(const DhcpReply& reply);
  void TakeAck(const DhcpReply& reply);
  void OnDeadline();
  void CheckAddress();
  void Bind();
  void SetTimes(const DhcpReply& ack, DhcpLease* lease);
  void Refuse();
  void LoseLease();
  bool InstallAddress(const Prefix& address);
  void ChangePrefix(const Prefix& address);
  void InstallParameters();
  void Uninstall();
  void UninstallParameters();
  std::optional<RouteInfo> DefaultRoute() const;
  bool OpenSocket();

  Stack& stack_;
  const DhcpOptions options_;
  State state_ = State::kStopped;
  Time deadline_ = kNever;
  MacAddress mac_;
  std::unique_ptr<DatagramSocket> socket_;

  uint32_t transaction_ = 0;
  Time began_{};         // of this exchange: what "secs" counts from
  uint16_t seconds_ = 0; // the "secs" of the message sent last
  Time sent_{};          // the request that an ACK answers: leases count from it (4.4.1)
  int transmissions_ = 0;
  std::optional<DhcpReply> offer_;   // chosen, or the ACK while it is probed for
  std::optional<DhcpLease> lease_;
  // What this client has put into the stack, and takes away again.
  std::optional<Prefix> installed_;
  std::optional<RouteInfo> route_;
  std::optional<uint32_t> mtu_before_;
  bool address_changed_ = false;     // since Poll() last looked
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_DHCP_CLIENT_H_
