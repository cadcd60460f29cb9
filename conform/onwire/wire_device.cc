#include "conform/onwire/wire_device.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

namespace moat::conform {
namespace {

constexpr int kAgentTimeoutMs = 20000;

std::string Eth(int port) { return "eth" + std::to_string(port); }

std::vector<std::string> RouteWords(const char* verb, const Prefix& to,
                                    const std::optional<Ip>& gateway, int port, int metric) {
  std::vector<std::string> words = {"route", verb, to.ToString()};
  if (gateway.has_value()) words.insert(words.end(), {"via", gateway->ToString()});
  words.insert(words.end(), {"dev", Eth(port)});
  if (metric != 0) words.insert(words.end(), {"metric", std::to_string(metric)});
  return words;
}

}  // namespace

WireDevice::~WireDevice() { StopAgent(0); }

absl::Status WireDevice::StartAgent(const std::vector<std::string>& words, bool in_namespace) {
  int to[2], from[2];
  if (pipe2(to, O_CLOEXEC) < 0 || pipe2(from, O_CLOEXEC) < 0) {
    return absl::ErrnoToStatus(errno, "pipe");
  }
  agent_ = fork();
  if (agent_ == 0) {
    if (in_namespace && setns(network_.fd(), CLONE_NEWNET) < 0) _exit(126);
    dup2(to[0], 0);
    dup2(from[1], 1);
    std::vector<char*> argv;
    for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    execvp(argv[0], argv.data());
    _exit(127);
  }
  close(to[0]);
  close(from[1]);
  if (AttachAgent(to[1], from[0], kAgentTimeoutMs)) return absl::OkStatus();
  return absl::UnavailableError("the agent did not start: " + words[0]);
}

// The agent ends at the end of its input; what runs it may need a while to clean up.
void WireDevice::StopAgent(int wait_ms) {
  DetachAgent();
  if (agent_ <= 0) return;
  for (int waited = 0; waited <= wait_ms; waited += 10) {
    if (waitpid(agent_, nullptr, WNOHANG) == agent_) {
      agent_ = -1;
      return;
    }
    usleep(10000);
  }
  kill(agent_, SIGKILL);
  waitpid(agent_, nullptr, 0);
  agent_ = -1;
}

absl::Status WireDevice::Ip(const std::vector<std::string>& words) {
  absl::Status status = network_.Ip(words);
  if (status.ok()) Settle();
  return status;
}

absl::Status WireDevice::AddAddress(int port, const Prefix& prefix, bool detect_duplicates) {
  std::vector<std::string> words = {"addr", "add", prefix.ToString(), "dev", Eth(port)};
  if (!prefix.address.v6()) words.insert(words.end(), {"brd", "+"});
  if (prefix.address.v6() && !detect_duplicates) words.emplace_back("nodad");
  return Ip(words);
}
absl::Status WireDevice::RemoveAddress(int port, const Prefix& prefix) {
  return Ip({"addr", "del", prefix.ToString(), "dev", Eth(port)});
}
absl::Status WireDevice::AddRoute(const Prefix& to, const std::optional<class Ip>& gateway,
                                  int port, int metric) {
  return Ip(RouteWords("add", to, gateway, port, metric));
}
absl::Status WireDevice::RemoveRoute(const Prefix& to, const std::optional<class Ip>& gateway,
                                     int port, int metric) {
  return Ip(RouteWords("del", to, gateway, port, metric));
}
absl::Status WireDevice::FlushNeighbors() {
  for (const char* version : {"-4", "-6"}) {
    // ip(8) does not flush in a batch of another family; "all" spares the permanent ones.
    std::string output;
    const int code = network_.Run([&] {
      return RunProgram({"ip", version, "neigh", "flush", "all"}, "", &output);
    });
    if (code != 0) return absl::InternalError("ip neigh flush failed");
  }
  return absl::OkStatus();
}
absl::Status WireDevice::AddNeighbor(int port, const class Ip& ip, const Mac& mac) {
  return Ip({"neigh", "replace", ip.ToString(), "lladdr", mac.ToString(), "nud", "permanent",
             "dev", Eth(port)});
}
absl::Status WireDevice::RemoveNeighbor(int port, const class Ip& ip) {
  return Ip({"neigh", "del", ip.ToString(), "dev", Eth(port)});
}
absl::Status WireDevice::SetMtu(int port, int mtu) {
  return Ip({"link", "set", Eth(port), "mtu", std::to_string(mtu)});
}
absl::Status WireDevice::SetLinkUp(int port, bool up) {
  return Ip({"link", "set", Eth(port), up ? "up" : "down"});
}
absl::Status WireDevice::SetSysctl(std::string_view name, std::string_view value) {
  const absl::Status status = network_.SetSysctl(name, value);
  // The kernel is older than the value (tcp_ecn 3): the case is not for it.
  return absl::IsInvalidArgument(status) ? absl::UnimplementedError(status.message()) : status;
}

}  // namespace moat::conform
