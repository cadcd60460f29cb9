#include "conform/onwire/lwip_device.h"

#include <nlohmann/json.hpp>

#include "conform/agent/agent.h"
#include "conform/bench/bench.h"

namespace moat::conform {
namespace {

using nlohmann::json;

constexpr int kRouterLifetime = 9000;  // seconds

std::string Eth(int port) { return "eth" + std::to_string(port); }

absl::Status Cannot(const char* what) {
  return absl::UnimplementedError(std::string("lwIP has no ") + what);
}

// What `ip -j` says in the namespace: an array, empty when it says nothing.
json IpJson(const NetNamespace& network, std::vector<std::string> words) {
  words.insert(words.begin(), "ip");
  std::string output;
  (void)RunProgram(words, "", &output, &network);
  json answer = json::parse(output, nullptr, /*allow_exceptions=*/false);
  return answer.is_array() ? answer : json::array();
}

std::string DefaultGateway(const NetNamespace& network, const char* version) {
  const json routes = IpJson(network, {version, "-j", "route", "show", "default"});
  return routes.empty() ? "" : routes[0].value("gateway", "");
}

std::string AddressLine(const char* verb, int port, const Prefix& prefix) {
  return std::string("address ") + verb + " " + std::to_string(port) + " " +
         prefix.address.ToString() + " " + std::to_string(prefix.length);
}

}  // namespace

uint32_t LwipDevice::abilities() const {
  const uint32_t all = kUdp | kTcp | kPing | kFlushNeighbors | kAddresses | kMtu | kLinkState |
                       kMulticast | kIpv6;
  return two_ports_ ? all | kTwoPorts : all;
}

absl::Status LwipDevice::Start(const Programs& programs) {
  const std::vector<std::string> lines = LinesOfNamespace();
  router6_ = !DefaultGateway(network(), "-6").empty();
  if (absl::Status status = SilenceKernel(); !status.ok()) return status;
  absl::Status status = StartAgent({programs.lwip}, /*in_namespace=*/true);
  if (!status.ok()) return status;
  for (const std::string& line : lines) {
    if (status = Tell(line); !status.ok()) return status;
  }
  return AnnounceRouter();
}

std::vector<std::string> LwipDevice::LinesOfNamespace() const {
  std::vector<std::string> lines;
  for (int port = 0; port <= (two_ports_ ? 1 : 0); ++port) {
    const std::string number = std::to_string(port);
    lines.push_back("interface " + number);
    const json links = IpJson(network(), {"-j", "addr", "show", "dev", Eth(port)});
    if (links.empty()) continue;
    for (const json& address : links[0].value("addr_info", json::array())) {
      lines.push_back("address add " + number + " " + address.value("local", "") + " " +
                      std::to_string(address.value("prefixlen", 0)));
    }
  }
  const std::string gateway = DefaultGateway(network(), "-4");
  if (!gateway.empty()) lines.push_back("gateway " + gateway);
  return lines;
}

absl::Status LwipDevice::SilenceKernel() {
  for (int port = 0; port <= (two_ports_ ? 1 : 0); ++port) {
    absl::Status status = network().SetSysctl("ipv6.conf." + Eth(port) + ".disable_ipv6", "1");
    if (status.ok()) status = network().Ip({"addr", "flush", "dev", Eth(port)});
    if (status.ok()) status = network().Ip({"link", "set", Eth(port), "arp", "off"});
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status LwipDevice::Tell(const std::string& line) {
  const int result = AskNumber(line);
  if (result == 0) return absl::OkStatus();
  if (result == -ENOSYS) return Cannot(line.c_str());
  return absl::InternalError(line + ": " + std::to_string(result));
}

absl::Status LwipDevice::AnnounceRouter() {
  if (!router6_) return absl::OkStatus();
  const Bytes frame = RouterAdvertisement(RouterNode(0), kRouterLifetime).Build();
  return Tell("frame 0 " + ToHex(frame.data(), frame.size()));
}

absl::Status LwipDevice::AddAddress(int port, const Prefix& prefix, bool detect_duplicates) {
  if (detect_duplicates) return Cannot("way to say so");
  return Tell(AddressLine("add", port, prefix));
}
absl::Status LwipDevice::RemoveAddress(int port, const Prefix& prefix) {
  return Tell(AddressLine("del", port, prefix));
}
absl::Status LwipDevice::AddRoute(const Prefix&, const std::optional<class Ip>&, int, int) {
  return Cannot("routing table");
}
absl::Status LwipDevice::RemoveRoute(const Prefix&, const std::optional<class Ip>&, int, int) {
  return Cannot("routing table");
}
absl::Status LwipDevice::FlushNeighbors() {
  absl::Status status = Tell("flush");
  return status.ok() ? AnnounceRouter() : status;  // which was flushed with the rest
}
absl::Status LwipDevice::AddNeighbor(int, const class Ip&, const Mac&) {
  return Cannot("permanent neighbours");
}
absl::Status LwipDevice::RemoveNeighbor(int, const class Ip&) {
  return Cannot("permanent neighbours");
}
absl::Status LwipDevice::SetMtu(int port, int mtu) {
  absl::Status status = network().Ip({"link", "set", Eth(port), "mtu", std::to_string(mtu)});
  return status.ok() ? Tell("mtu " + std::to_string(port) + " " + std::to_string(mtu)) : status;
}
absl::Status LwipDevice::SetLinkUp(int port, bool up) {
  absl::Status status = network().Ip({"link", "set", Eth(port), up ? "up" : "down"});
  return status.ok() ? Tell("link " + std::to_string(port) + (up ? " 1" : " 0")) : status;
}
absl::Status LwipDevice::SetSysctl(std::string_view, std::string_view) { return Cannot("sysctls"); }

}  // namespace moat::conform
