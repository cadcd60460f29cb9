#include "conform/onwire/container_device.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

namespace moat::conform {
namespace {

using nlohmann::json;

constexpr int kStopMs = 5000;
constexpr char kRuntimeFile[] = "/runtime";  // in a device's directory: the program and its options

// Of the container that a directory is for.
std::string IdOf(const std::string& directory) {
  return "conform-" + std::filesystem::path(directory).filename().string();
}

// As runc's: the runtime with --root and these words.
std::vector<std::string> Command(std::vector<std::string> runtime, const std::string& directory,
                                 const std::vector<std::string>& words) {
  runtime.insert(runtime.end(), {"--root", directory + "/state"});
  runtime.insert(runtime.end(), words.begin(), words.end());
  return runtime;
}

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

ContainerDevice::~ContainerDevice() {
  StopAgent(kStopMs);
  if (!directory_.empty()) Remove(directory_);
}

void ContainerDevice::Remove(const std::string& directory) {
  std::vector<std::string> runtime;
  std::ifstream words(directory + kRuntimeFile);
  for (std::string word; std::getline(words, word);) runtime.push_back(word);
  if (!runtime.empty()) {
    std::string output;
    (void)RunProgram(Command(runtime, directory, {"delete", "--force", IdOf(directory)}), "",
                     &output);
  }
  std::error_code ignored;
  std::filesystem::remove_all(directory, ignored);
}

absl::Status ContainerDevice::WriteBundle(const Programs& programs) {
  std::string directory = programs.scratch + "/XXXXXX";
  if (mkdtemp(directory.data()) == nullptr) return absl::ErrnoToStatus(errno, "mkdtemp");
  directory_ = directory;
  id_ = IdOf(directory_);
  mkdir((directory_ + "/rootfs").c_str(), 0755);
  mkdir((directory_ + "/state").c_str(), 0700);
  const std::string path =
      "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(network().fd());
  std::ofstream file(directory_ + "/config.json");
  file << Config(programs.self, path).dump(2);
  return absl::OkStatus();
}

absl::Status ContainerDevice::StartContainer(const std::vector<std::string>& runtime,
                                             const Programs& programs) {
  if (absl::Status status = WriteBundle(programs); !status.ok()) return status;
  std::ofstream words(directory_ + kRuntimeFile);
  for (const std::string& word : runtime) words << word << "\n";
  words.close();
  absl::Status status = StartAgent(
      Command(runtime, directory_,
              {"--log", directory_ + "/log", "run", "--bundle", directory_, id_}),
      /*in_namespace=*/false);
  if (status.ok()) return status;
  std::ifstream log(directory_ + "/log");
  const std::string text((std::istreambuf_iterator<char>(log)), std::istreambuf_iterator<char>());
  return absl::UnavailableError(std::string(status.message()) + ": " + text);
}

}  // namespace moat::conform
