// An IPv4 address by DHCP, and a link-local one (RFC 3927) while there is no lease.
//
//   DhcpWithFallback addresses(stack, {.clock = &clock, .random = &random, .interface = 2});
//   addresses.Start();
//   ... after every Stack::Receive(), Flush() or RunTimers(): addresses.Poll();
//   ... no later than addresses.NextDeadline():               addresses.Poll();
//
// The DHCP client does what it would do alone (RFC 3927 2.11); when it has a lease, the link-local
// address goes (1.9).
#ifndef MOAT_NETSTACK_LINK_LOCAL_DHCP_WITH_FALLBACK_H_
#define MOAT_NETSTACK_LINK_LOCAL_DHCP_WITH_FALLBACK_H_

#include "absl/status/status.h"
#include "netstack/base/time.h"
#include "netstack/dhcp/client.h"
#include "netstack/link_local/link_local_client.h"
#include "netstack/stack/stack.h"

namespace moat::netstack {

struct FallbackOptions {
  Duration patience = std::chrono::seconds(10);  // without a lease; two or three DISCOVERs
  LinkLocalOptions link_local{};                 // of the DHCP client's interface
};

class DhcpWithFallback {
 public:
  DhcpWithFallback(Stack& stack, const DhcpOptions& dhcp, const FallbackOptions& fallback = {});

  // As DhcpClient::Start().
  absl::Status Start();
  // Gives the lease back, and what was in its place.
  void Stop();
  void Poll();
  Time NextDeadline() const;

  const DhcpClient& dhcp() const { return dhcp_; }
  const LinkLocalClient& link_local() const { return link_local_; }

 private:
  const Clock& clock_;
  const Duration patience_;
  DhcpClient dhcp_;
  LinkLocalClient link_local_;
  Time fall_back_ = kNever;  // when patience ends; kNever while nothing is waited for
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_LINK_LOCAL_DHCP_WITH_FALLBACK_H_
