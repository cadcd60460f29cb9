// What the runtime may ask of a sentry: start one for a sandbox, and hand it the system calls of a
// process that is about to become a container's program. This is the whole boundary between
// runtime/ and sentry/; nothing here includes netstack.
//
// Life of a sandbox:
//   1. `moat create` calls StartSentry(). The sentry (`moat boot`) joins the configured network
//      namespace and keeps an internal socket, <state_dir>/sentry.sock.
//   2. For each process that will run a container's program (init at create, others at exec), the
//      runtime calls OpenHandover() with a pidfd and gives the process the returned descriptor.
//   3. The process itself, in its last steps before execve and already in the empty network
//      namespace, calls InstallFilterAndHandOver(). From then on its network calls are the
//      sentry's.
//   4. The sentry ends by itself when the sandbox's first process and every filtered process are
//      gone and the last bytes are sent (bounded), or on SIGTERM/SIGKILL from `moat delete`.
#ifndef MOAT_SENTRY_CLIENT_H_
#define MOAT_SENTRY_CLIENT_H_

#include <sys/types.h>

#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace moat::sentry {

struct SentryOptions {
  std::string id;         // the container's (sandbox's) id; shown in logs and by moatctl
  std::string state_dir;  // exists, 0700; holds sentry.sock, control.sock and boot.log
  // The network namespace that Docker or CNI configures, and that frames go through. Borrowed.
  int network_namespace_fd = -1;
  // Every "net.*" entry of linux.sysctl, e.g. {"net.ipv4.ip_unprivileged_port_start", "0"}.
  std::map<std::string, std::string> sysctls;
  std::string log_level = "info";  // debug, info, warn, error
  // connect() to a listener of the same sandbox joins the two programs by one kernel socket,
  // without the stack. Off: such connections are packets like all others.
  bool direct_loopback = true;
  // How long the event loop looks for the next event after one before it sleeps, in microseconds;
  // -1: the default. Trades processor time for latency.
  int spin_us = -1;
};

// Starts the sentry as a child in a session of its own and waits (at most ten seconds) until it
// serves sentry.sock. The returned process is the caller's child; the caller does not wait for it.
absl::StatusOr<pid_t> StartSentry(const SentryOptions& options);

// Announces the process behind `pidfd` to the sentry of `state_dir`. `first` marks the sandbox's
// init: when it is gone the sandbox ends. Returns the descriptor (owned by the caller, not CLOEXEC)
// that the process passes to InstallFilterAndHandOver().
absl::StatusOr<int> OpenHandover(const std::string& state_dir, int pidfd, bool first);

// Called in the container's process. Loads the interception filter, announces its listener through
// `handover_fd`, waits until the sentry serves it, and closes both descriptors. Uses only
// async-signal-safe calls. The caller needs CAP_SYS_ADMIN in its user namespace or no_new_privs.
// Returns 0, or an errno with *step naming what failed.
int InstallFilterAndHandOver(int handover_fd, const char** step);

// Entry of `moat boot`, the sentry process itself. Its arguments are private to StartSentry().
int BootMain(int argc, char** argv);

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_CLIENT_H_
