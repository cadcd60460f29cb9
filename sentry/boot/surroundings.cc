#include "sentry/boot/surroundings.h"

#include <sys/socket.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "sentry/control/control_socket.h"
#include "sentry/ioctl/interface_ioctl.h"
#include "sentry/privileges/drop_privileges.h"

namespace moat::sentry {
namespace {

// A container's memory as ioctl/ wants it.
class CallMemory final : public IoctlMemory {
 public:
  explicit CallMemory(const Call& call) : call_(call) {}
  bool Read(uint64_t address, std::span<uint8_t> out) const override {
    return call_.memory().Read(address, out);
  }
  bool Write(uint64_t address, std::span<const uint8_t> data) const override {
    return call_.Valid() && call_.memory().Write(address, data);
  }

 private:
  const Call& call_;
};

Reply ServeInterfaceIoctl(const NetworkView& view, Call& call, uint32_t request,
                          uint64_t argument) {
  const netstack::Family family = call.socket()->domain() == AF_INET6 ? netstack::Family::kIpv6
                                                                      : netstack::Family::kIpv4;
  const IoctlOutcome outcome =
      InterfaceIoctl(request, argument, family, view, CallMemory(call));
  return outcome.native ? Reply::Continue() : Reply::Value(-outcome.error);
}

}  // namespace

Surroundings::Surroundings(Sandbox& sandbox) : sandbox_(sandbox), netlink_(sandbox) {
  Sandbox::Extensions extensions;
  extensions.netlink_socket = [this](Sandbox&, Call&, int type, int protocol) {
    return netlink_.MakeSocket(type, protocol);
  };
  extensions.interface_ioctl = [this](Sandbox&, Call& call, uint32_t request, uint64_t argument) {
    return ServeInterfaceIoctl(netlink_.view(), call, request, argument);
  };
  extensions.resolver_port = [this] { return resolver_ ? resolver_->Port() : uint16_t{0}; };
  sandbox.set_extensions(std::move(extensions));
}

Surroundings::~Surroundings() = default;

absl::Status Surroundings::Attach(const std::string& id, const std::string& state_dir) {
  auto control = ListenControlSocket(state_dir + "/control.sock");
  if (!control.ok()) return control.status();
  OwnedFd control_fd(*control);
  auto links = Links::Follow(sandbox_);
  if (!links.ok()) return links.status();
  links_ = std::move(*links);
  resolver_ = std::make_unique<DockerResolver>(sandbox_);

  PrivilegeOptions privileges;
  privileges.mount_point = state_dir;
  if (auto status = DropPrivileges(privileges); !status.ok()) return status;
  control_ = std::make_unique<ControlPort>(
      ControlServer::Options{.id = id, .owner = getuid(), .idle = absl::Seconds(30)}, &sandbox_,
      sandbox_.loop(), sandbox_.mutex(), std::move(control_fd));
  return absl::OkStatus();
}

void Surroundings::Detach() {
  if (resolver_ != nullptr) resolver_->Stop();
  if (links_ != nullptr) links_->Stop();
}

std::string DescribeCounters(const SentryCounters& c) {
  return absl::StrCat("calls ", c.calls, ", continued ", c.calls_continued, ", parked ",
                      c.calls_parked, ", stale ", c.calls_stale, ", answers lost ", c.answers_lost,
                      ", replayed ", c.answers_replayed, ", sockets ", c.sockets_created,
                      ", refused ", c.sockets_refused, ", direct connections ",
                      c.connections_direct, ", plain resets ", c.resets_plain,
                      ", datagrams dropped ", c.datagrams_dropped, ", metadata lost ",
                      c.metadata_lost, ", sweeps ", c.sweeps, ", spins hit ", c.spins_hit,
                      ", missed ", c.spins_missed, ", pauses hit ", c.pauses_hit, ", missed ",
                      c.pauses_missed);
}

}  // namespace moat::sentry
