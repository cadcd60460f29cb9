// Everything that a sandbox has besides sockets and calls: the links of the configured namespace,
// netlink, interface ioctls, the control service, and the loss of privileges after all that is
// open.
#ifndef MOAT_SENTRY_BOOT_SURROUNDINGS_H_
#define MOAT_SENTRY_BOOT_SURROUNDINGS_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "sentry/boot/links.h"
#include "sentry/control/control_port.h"
#include "sentry/counters.h"
#include "sentry/resolver/docker_resolver.h"
#include "sentry/sandbox.h"
#include "sentry/socket/netlink_container_socket.h"

namespace moat::sentry {

class Surroundings {
 public:
  explicit Surroundings(Sandbox& sandbox);
  // Without the sandbox's lock.
  ~Surroundings();

  // In the configured network namespace, with full privileges and the lock held; drops the
  // privileges.
  absl::Status Attach(const std::string& id, const std::string& state_dir);
  // The sandbox ends: the interfaces go back to the kernel. With the lock held.
  void Detach();

 private:
  Sandbox& sandbox_;
  NetlinkService netlink_;
  std::unique_ptr<DockerResolver> resolver_;
  std::unique_ptr<Links> links_;
  std::unique_ptr<ControlPort> control_;
};

// For the log.
std::string DescribeCounters(const SentryCounters& counters);

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_BOOT_SURROUNDINGS_H_
