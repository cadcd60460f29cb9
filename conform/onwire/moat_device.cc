#include "conform/onwire/moat_device.h"

#include <unistd.h>

namespace moat::conform {
namespace {

using std::string_literals::operator""s;

constexpr int kSettleUs = 60000;  // the follower's reaction, with much room

}  // namespace

// All that there are: what moat cannot do is a failure.
uint32_t MoatDevice::abilities() const {
  const uint32_t all = kUdp | kTcp | kPing | kFlushNeighbors | kStaticNeighbors | kAddresses |
                       kRoutes | kMtu | kLinkState | kSysctls | kForwarding4 | kForwarding6 |
                       kMulticast | kSourceFilters | kIpv6 | kAutoconf;
  return two_ports_ ? all | kTwoPorts : all;
}

absl::Status MoatDevice::Start(const Programs& programs) {
  programs_ = programs;
  absl::Status status = StartContainer({programs.moat}, programs);
  if (!status.ok()) return status;
  // As the namespace was told (wire_world.cc): addresses are given, not made.
  for (const char* interface : {"eth0", "eth1"}) {
    if (interface == "eth1"s && !two_ports_) continue;
    status = SetSysctl("ipv6.conf."s + interface + ".addr_gen_mode", "1");
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status MoatDevice::Control(const std::vector<std::string>& words) {
  std::vector<std::string> line = {programs_.moatctl, "--root", directory() + "/state", id()};
  line.insert(line.end(), words.begin(), words.end());
  std::string output;
  const int code = RunProgram(line, "", &output);
  return code == 0 ? absl::OkStatus() : absl::InternalError(output);
}

absl::Status MoatDevice::FlushNeighbors() { return Control({"neigh", "flush"}); }

absl::Status MoatDevice::SetSysctl(std::string_view name, std::string_view value) {
  return Control({"sysctl", std::string(name) + "=" + std::string(value)});
}

int MoatDevice::Close(int socket) {
  const int result = WireDevice::Close(socket);
  Settle();
  return result;
}

void MoatDevice::Settle() { usleep(kSettleUs); }

}  // namespace moat::conform
