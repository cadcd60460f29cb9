#include "sentry/ioctl/serve_interface_ioctl.h"

#include <sys/socket.h>

#include "sentry/ioctl/interface_ioctl.h"
#include "sentry/netlink/stack_view.h"

namespace moat::sentry {
namespace {

class CallMemory final : public IoctlMemory {
 public:
  explicit CallMemory(const Call& call) : call_(call) {}
  bool Read(uint64_t address, std::span<uint8_t> out) const override {
    return call_.memory().Read(address, out);
  }
  // Nothing is written to a thread that no longer is the caller.
  bool Write(uint64_t address, std::span<const uint8_t> data) const override {
    return call_.Valid() && call_.memory().Write(address, data);
  }

 private:
  const Call& call_;
};

}  // namespace

Reply ServeInterfaceIoctl(Sandbox& sandbox, Call& call, uint32_t request, uint64_t argument) {
  // Netlink sockets have no protocol that answers for addresses either, like IPv6.
  const ContainerSocket* socket = call.socket();
  const bool ipv4 = socket != nullptr && socket->domain() == AF_INET;
  const IoctlOutcome outcome =
      InterfaceIoctl(request, argument, ipv4 ? netstack::Family::kIpv4 : netstack::Family::kIpv6,
                     StackView(sandbox.stack()), CallMemory(call));
  if (outcome.native) return Reply::Continue();
  return Reply::Value(-outcome.error);
}

}  // namespace moat::sentry
