// Finds sockets whose last descriptor the container has closed where the sentry's own end cannot
// show it: after a reset or a failed connect (our end is closed), after a shutdown in both
// directions (our end reports a hang-up already), and for directly joined loopback connections (we
// hold no end).
//
// Asks the kernel which sockets still exist (sock_diag(7), AF_UNIX). Amortised: when the watched
// ones have doubled since the last sweep, and while there are any at an interval that grows as long
// as nothing is found.
#ifndef MOAT_SENTRY_SOCKET_REAPER_H_
#define MOAT_SENTRY_SOCKET_REAPER_H_

#include <cstddef>
#include <cstdint>

#include "absl/container/flat_hash_set.h"
#include "absl/functional/function_ref.h"
#include "base/owned_fd.h"
#include "netstack/base/timer.h"

namespace moat::sentry {

class Sandbox;

class Reaper {
 public:
  explicit Reaper(Sandbox& sandbox);

  // From now on the end of the socket is found here. Unwatch() before its cookie changes; a socket
  // that is removed is forgotten by itself.
  void Watch(uint64_t cookie);
  void Unwatch(uint64_t cookie) { watched_.erase(cookie); }
  // Something happened that may have been a close: sweep soon.
  void Suspect();
  // Removes every watched socket that is gone. Used directly when a resource has run out.
  void Sweep();

  size_t watched() const { return watched_.size(); }

  // Every AF_UNIX socket of our network namespace. False when the kernel cannot tell.
  bool ForEachUnixSocket(absl::FunctionRef<void(uint64_t cookie, uint32_t inode)> visit);

 private:
  void OnTimer() { Sweep(); }
  void Schedule(netstack::Duration delay);
  bool ListLiving(absl::flat_hash_set<uint64_t>* living);

  Sandbox& sandbox_;
  OwnedFd diag_;
  absl::flat_hash_set<uint64_t> watched_;
  size_t sweep_at_;  // this many watched sockets trigger a sweep
  netstack::Duration interval_;
  netstack::Timer timer_;
};

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_SOCKET_REAPER_H_
