// DiagView over a sandbox: what the stack lists, joined with the container's sockets (whose
// descriptors give inode and user), and the connections that the sandbox joined directly.
//
// Nothing is kept per connection for it: inodes are asked of the kernel for all sockets at once,
// the first time somebody looks, and then remembered where there was room. A user is that of the
// process in which the socket was seen last.
//
// Not shown: a directly joined connection's second half before accept(2) has taken it; timers,
// which the stack does not tell.
#ifndef MOAT_SENTRY_SOCKET_SANDBOX_DIAG_VIEW_H_
#define MOAT_SENTRY_SOCKET_SANDBOX_DIAG_VIEW_H_

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "sentry/netlink/diag_view.h"
#include "sentry/sandbox.h"

namespace moat::sentry {

class SandboxDiagView final : public DiagView {
 public:
  explicit SandboxDiagView(Sandbox& sandbox) : sandbox_(sandbox) {}

  std::vector<DiagSocket> Sockets(uint8_t protocol) override;
  std::optional<DiagDetails> Details(const DiagSocket& socket) override;
  int Destroy(const DiagSocket& socket) override;

 private:
  // The container's sockets of one protocol, by the stack's number of them.
  using Owners = absl::flat_hash_map<uint64_t, ContainerSocket*>;
  Owners FindOwners(uint8_t protocol);
  void LearnInodes(const Owners& owners);
  void Complete(ContainerSocket& owner, DiagSocket& socket) const;
  uint32_t UserOf(const ContainerSocket& owner);
  void AddQueues(const ContainerSocket& owner, DiagDetails& details) const;
  void AddOptions(ContainerSocket& owner, DiagDetails& details) const;

  Sandbox& sandbox_;
  absl::flat_hash_map<pid_t, uint32_t> users_;  // for one look
};

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_SOCKET_SANDBOX_DIAG_VIEW_H_
