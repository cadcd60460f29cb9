#include "conform/onwire/linux_device.h"

namespace moat::conform {

uint32_t LinuxDevice::abilities() const {
  const uint32_t all = kUdp | kTcp | kPing | kFlushNeighbors | kStaticNeighbors | kAddresses |
                       kRoutes | kMtu | kLinkState | kSysctls | kForwarding4 | kForwarding6 |
                       kMulticast | kSourceFilters | kIpv6 | kAutoconf |
                       kFiltering;
  return two_ports_ ? all | kTwoPorts : all;
}

// nftables; the rule about states is what switches connection tracking on.
absl::Status LinuxDevice::Filter(const std::vector<Prefix>& sources) {
  std::string script = "add table inet conform\n";
  for (const std::string hook : {"input", "forward"}) {
    script += "add chain inet conform " + hook + " { type filter hook " + hook +
              " priority filter; policy accept; }\n";
    const std::string rule = "add rule inet conform " + hook + " ";
    for (const Prefix& source : sources) {
      script += rule + (source.address.v6() ? "ip6" : "ip") + " saddr " + source.ToString() +
                " drop\n";
    }
    script += rule + "ct state established,related accept\n";
  }
  std::string output;
  const int code = RunProgram({"nft", "-f", "-"}, script, &output, &network());
  if (code == 0) return absl::OkStatus();
  if (code == kNoProgram) return absl::UnimplementedError("nft(8) is not installed");
  return absl::InternalError("nft: " + output);
}

}  // namespace moat::conform
