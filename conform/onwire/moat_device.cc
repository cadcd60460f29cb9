#include "conform/onwire/moat_device.h"

#include <unistd.h>

namespace moat::conform {
namespace {

constexpr int kSettleUs = 60000;  // the follower's reaction, with much room

}  // namespace

absl::Status MoatDevice::Start(const Programs& programs) {
  programs_ = programs;
  if (absl::Status status = StartContainer({programs.moat}, programs); !status.ok()) return status;
  // As the namespace was told (wire_world.cc): addresses are given, not made.
  for (const char* interface : {"eth0", "eth1"}) {
    (void)SetSysctl(std::string("ipv6.conf.") + interface + ".addr_gen_mode", "1");
  }
  FindAbilities();
  return absl::OkStatus();
}

void MoatDevice::FindAbilities() {
  abilities_ = kUdp | kTcp | kPing | kFlushNeighbors | kStaticNeighbors | kAddresses | kRoutes |
               kMtu | kLinkState | kSysctls | kMulticast | kSourceFilters | kIpv6;
  if (two_ports_) abilities_ |= kTwoPorts;
  static constexpr struct {
    const char* sysctl;
    const char* value;
    uint32_t need;
  } kSwitches[] = {{"ipv4.ip_forward", "1", kForwarding4},
                   {"ipv6.conf.all.forwarding", "1", kForwarding6},
                   {"ipv6.conf.eth0.accept_ra", "1", kAutoconf}};  // off until a case asks
  for (const auto& [sysctl, value, need] : kSwitches) {
    if (!SetSysctl(sysctl, value).ok()) continue;
    abilities_ |= need;
    (void)SetSysctl(sysctl, "0");
  }
}

absl::Status MoatDevice::Control(const std::vector<std::string>& words) {
  std::vector<std::string> line = {programs_.moatctl, "--root", directory() + "/state", id()};
  line.insert(line.end(), words.begin(), words.end());
  std::string output;
  const int code = RunProgram(line, "", &output);
  if (code == 0) return absl::OkStatus();
  // 1: the command line is not understood, so this moatctl cannot do it.
  if (code == 1 || output.find("no sysctl") != output.npos) return absl::NotFoundError(output);
  return absl::InternalError(output);
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
