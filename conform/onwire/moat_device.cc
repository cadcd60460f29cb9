#include "conform/onwire/moat_device.h"

#include <unistd.h>

namespace moat::conform {
namespace {

using std::string_literals::operator""s;

constexpr int kSettleUs = 60000;  // the follower's reaction, with much room

// What `moatctl ID ra set` is told.
std::vector<std::string> AdvertiseWords(int port, const Advertising& what) {
  static constexpr const char* kPreferences[] = {"medium", "high", "medium", "low"};
  std::vector<std::string> words = {"ra", "set", "eth" + std::to_string(port)};
  const auto add = [&words](const char* word, int64_t value) {
    words.insert(words.end(), {word, std::to_string(value)});
  };
  add("max", what.max_interval);
  add("min", what.min_interval);
  add("lifetime", what.lifetime);
  words.insert(words.end(), {"preference", kPreferences[what.preference & 3]});
  add("hoplimit", what.hop_limit);
  if (what.managed) words.emplace_back("managed");
  if (what.other) words.emplace_back("other");
  add("reachable", what.reachable_ms);
  add("retrans", what.retransmit_ms);
  if (what.mtu.has_value()) add("mtu", *what.mtu);
  for (const Ip& server : what.name_servers) {
    words.insert(words.end(), {"dns", server.ToString()});
  }
  add("dns-lifetime", what.name_server_lifetime);
  for (const Advertised& row : what.prefixes) {
    words.insert(words.end(), {"prefix", row.prefix.ToString()});
    add("valid", row.valid);
    add("preferred", row.preferred);
    if (!row.on_link) words.emplace_back("off-link");
    if (!row.autonomous) words.emplace_back("no-autoconf");
  }
  return words;
}

}  // namespace

// All that there are: what moat cannot do is a failure.
uint32_t MoatDevice::abilities() const {
  const uint32_t all = kUdp | kTcp | kPing | kFlushNeighbors | kStaticNeighbors | kAddresses |
                       kRoutes | kMtu | kLinkState | kSysctls | kForwarding4 | kForwarding6 |
                       kMulticast | kSourceFilters | kIpv6 | kAutoconf | kAdvertise |
                       kFiltering;
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

absl::Status MoatDevice::Advertise(int port, const Advertising& advertising) {
  return Control(AdvertiseWords(port, advertising));
}

absl::Status MoatDevice::StopAdvertising(int port) {
  return Control({"ra", "unset", "eth" + std::to_string(port)});
}

// There is no packet filter: sources are refused by where they are routed.
absl::Status MoatDevice::Filter(const std::vector<Prefix>& sources) {
  absl::Status status = SetSysctl("ipv4.conf.all.rp_filter", "1");
  for (const Prefix& source : sources) {
    status.Update(Control({"route", "add", "blackhole", source.ToString()}));
  }
  return status;
}

int MoatDevice::Close(int socket) {
  const int result = WireDevice::Close(socket);
  Settle();
  return result;
}

void MoatDevice::Settle() { usleep(kSettleUs); }

}  // namespace moat::conform
