// Throwaway network namespaces for tests that need the kernel's own networking.
#ifndef MOAT_SENTRY_TESTING_NETWORK_NAMESPACE_H_
#define MOAT_SENTRY_TESTING_NETWORK_NAMESPACE_H_

#include <memory>
#include <string>

#include "base/owned_fd.h"

namespace moat::sentry {

// A network namespace that lives as long as this object (and sockets in it).
class NetworkNamespace {
 public:
  // Makes one and enters it with the calling thread. Null when that is not permitted; then a test
  // skips and says so.
  static std::unique_ptr<NetworkNamespace> MakeAndEnter();

  // The calling thread's network is this one from now on.
  void Enter() const;
  int fd() const { return fd_.get(); }

 private:
  explicit NetworkNamespace(OwnedFd fd) : fd_(std::move(fd)) {}
  OwnedFd fd_;
};

// Runs a shell command in the current namespace; false when it fails.
bool RunCommand(const std::string& command);
// Runs `ip ARGUMENTS` in the current namespace; false when it fails.
bool Ip(const std::string& arguments);

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_TESTING_NETWORK_NAMESPACE_H_
