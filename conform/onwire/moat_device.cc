#include "conform/onwire/moat_device.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

namespace moat::conform {
namespace {

using nlohmann::json;

constexpr int kStopMs = 5000;
constexpr int kSettleUs = 60000;  // the follower's reaction, with much room

json Config(const std::string& agent, const std::string& network_path) {
  json namespaces = json::array();
  for (const char* kind : {"pid", "ipc", "uts", "mount"}) namespaces.push_back({{"type", kind}});
  namespaces.push_back({{"type", "network"}, {"path", network_path}});
  const json capabilities = {"CAP_NET_RAW", "CAP_NET_BIND_SERVICE"};
  json config;
  config["ociVersion"] = "1.0.2";
  config["process"] = {{"terminal", false},
                       {"user", {{"uid", 0}, {"gid", 0}}},
                       {"args", {"/agent", "agent"}},
                       {"env", {"PATH=/"}},
                       {"cwd", "/"},
                       {"capabilities",
                        {{"bounding", capabilities},
                         {"effective", capabilities},
                         {"permitted", capabilities}}}};
  config["root"] = {{"path", "rootfs"}, {"readonly", false}};
  config["mounts"] = {{{"destination", "/proc"}, {"type", "proc"}, {"source", "proc"}},
                      {{"destination", "/agent"},
                       {"type", "bind"},
                       {"source", agent},
                       {"options", {"bind", "ro"}}}};
  config["linux"] = {{"namespaces", namespaces},
                     {"sysctl", {{"net.ipv4.ping_group_range", "0 2147483647"}}}};
  return config;
}

}  // namespace

MoatDevice::~MoatDevice() {
  StopAgent(kStopMs);
  if (directory_.empty()) return;
  std::string output;
  (void)RunProgram({programs_.moat, "--root", directory_ + "/state", "delete", "--force", id_}, "",
                   &output);
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

absl::Status MoatDevice::WriteBundle(const Programs& programs) {
  char directory[] = "/tmp/moat-conform-XXXXXX";
  if (mkdtemp(directory) == nullptr) return absl::ErrnoToStatus(errno, "mkdtemp");
  directory_ = directory;
  id_ = std::string("conform-") + (directory + sizeof(directory) - 7);
  mkdir((directory_ + "/rootfs").c_str(), 0755);
  mkdir((directory_ + "/state").c_str(), 0700);
  const std::string path =
      "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(network().fd());
  std::ofstream file(directory_ + "/config.json");
  file << Config(programs.self, path).dump(2);
  return absl::OkStatus();
}

absl::Status MoatDevice::Start(const Programs& programs) {
  programs_ = programs;
  if (absl::Status status = WriteBundle(programs); !status.ok()) return status;
  absl::Status status = StartAgent({programs.moat, "--root", directory_ + "/state", "--log",
                                    directory_ + "/log", "run", "--bundle", directory_, id_},
                                   /*in_namespace=*/false);
  if (!status.ok()) {
    std::ifstream log(directory_ + "/log");
    std::string text((std::istreambuf_iterator<char>(log)), std::istreambuf_iterator<char>());
    return absl::UnavailableError(std::string(status.message()) + ": " + text);
  }
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
  std::vector<std::string> line = {programs_.moatctl, "--root", directory_ + "/state", id_};
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
