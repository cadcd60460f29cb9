// The OCI configuration of `moat do`, made from what the command line says.
#ifndef MOAT_RUNTIME_DO_CONFIG_H_
#define MOAT_RUNTIME_DO_CONFIG_H_

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace moat::runtime {

struct DoConfig {
  std::string root;  // of the file system, absolute
  bool read_only_root = false;
  std::vector<std::string> args;         // the command; not empty
  std::string cwd;                       // absolute
  std::vector<std::string> environment;  // "NAME=value"; of two with one name the later counts
  std::string hostname;
  std::string cgroups_path;       // absolute
  std::string network_namespace;  // path
  bool terminal = false;
  std::string init;  // program for do_init.h, on the host; empty: the command is the first process
  std::map<std::string, std::string> annotations;
};

nlohmann::json MakeDoConfig(const DoConfig& config);

// The environment with one entry per name, the last one, in the order of first appearance.
std::vector<std::string> MergeEnvironment(const std::vector<std::string>& environment);

// What `moat spec` and `moat do` have in common: the mounts, namespaces and hidden paths of a
// container as the OCI spec's own examples have them.
nlohmann::json StandardMounts();
nlohmann::json StandardMaskedPaths();
nlohmann::json StandardReadonlyPaths();
// The capabilities that Docker gives by default.
nlohmann::json DefaultCapabilities();

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_DO_CONFIG_H_
