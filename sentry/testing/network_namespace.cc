#include "sentry/testing/network_namespace.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <cstdlib>

namespace moat::sentry {
namespace {

// Once per process: without privileges a user namespace of our own provides them.
bool Unshare() {
  if (unshare(CLONE_NEWNET) == 0) return true;
  if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) return false;
  return true;
}

}  // namespace

std::unique_ptr<NetworkNamespace> NetworkNamespace::MakeAndEnter() {
  if (!Unshare()) return nullptr;
  OwnedFd fd(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  if (!fd.ok()) return nullptr;
  return std::unique_ptr<NetworkNamespace>(new NetworkNamespace(std::move(fd)));
}

void NetworkNamespace::Enter() const {
  if (setns(fd_.get(), CLONE_NEWNET) != 0) abort();
}

bool RunCommand(const std::string& command) {
  // Tests run with a short PATH; the arguments are the tests' own constants.
  return system(("export PATH=/usr/sbin:/usr/bin:/sbin:/bin; " + command).c_str()) == 0;  // NOLINT
}

bool Ip(const std::string& arguments) { return RunCommand("ip " + arguments); }

}  // namespace moat::sentry
