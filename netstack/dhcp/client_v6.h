// Stateless DHCPv6 (RFC 8415 6.1, 18.2.6): asks for what router advertisements do not say, name
// servers and domains, and asks again when that has become old. Addresses come from
// autoconfiguration. A router says with its O flag that it is worth while.
//
//   Dhcpv6Client client(stack, {.clock = &clock, .random = &random, .interface = 2});
//   client.Start();
//   ... then Poll() and NextDeadline() as with DhcpClient.
#ifndef MOAT_NETSTACK_DHCP_CLIENT_V6_H_
#define MOAT_NETSTACK_DHCP_CLIENT_V6_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "netstack/base/random.h"
#include "netstack/base/time.h"
#include "netstack/dhcp/message_v6.h"
#include "netstack/stack/stack.h"

namespace moat::netstack {

struct Dhcpv6Information {
  std::vector<IpAddress> name_servers;
  std::vector<std::string> domains;
  Time refresh = kNever;  // when it is asked for again
};

struct Dhcpv6Options {
  const Clock* clock = nullptr;  // borrowed
  Random* random = nullptr;      // borrowed
  InterfaceIndex interface = 0;
};

class Dhcpv6Client {
 public:
  enum class State : uint8_t { kStopped, kWaiting, kAsking, kInformed };

  Dhcpv6Client(Stack& stack, const Dhcpv6Options& options) : stack_(stack), options_(options) {}
  Dhcpv6Client(const Dhcpv6Client&) = delete;
  Dhcpv6Client& operator=(const Dhcpv6Client&) = delete;

  // kNotFound: no such interface.
  absl::Status Start();
  void Stop();
  // Reads what has arrived and does what is due.
  void Poll();
  Time NextDeadline() const { return state_ == State::kStopped ? kNever : deadline_; }

  State state() const { return state_; }
  // What was learned last; it stays while it is asked for again.
  const std::optional<Dhcpv6Information>& information() const { return information_; }

 private:
  void Begin();
  void Ask();
  void Receive(std::span<const uint8_t> bytes);
  // `base` with a tenth of itself more or less (RFC 8415 15).
  Duration Jittered(Duration base);

  Stack& stack_;
  const Dhcpv6Options options_;
  State state_ = State::kStopped;
  Time deadline_ = kNever;
  std::vector<uint8_t> duid_;
  std::unique_ptr<DatagramSocket> socket_;
  uint32_t transaction_ = 0;
  Time began_{};  // of this exchange
  Duration timeout_{};
  Duration most_{};  // INF_MAX_RT
  std::optional<Dhcpv6Information> information_;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_DHCP_CLIENT_V6_H_
