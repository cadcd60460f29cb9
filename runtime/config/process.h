// The program of a container as config.json's "process" (and exec's --process file) describes it.
// Source: OCI runtime-spec, config.md, "Process". Plain values; produced by parse.h.
#ifndef MOAT_RUNTIME_CONFIG_PROCESS_H_
#define MOAT_RUNTIME_CONFIG_PROCESS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace moat::runtime {

struct ConsoleSize {
  uint16_t height = 0;  // rows
  uint16_t width = 0;   // columns
};

struct User {
  uint32_t uid = 0;
  uint32_t gid = 0;
  std::optional<uint32_t> umask;  // absent: 022, as runc sets
  std::vector<uint32_t> additional_gids;
};

// Names as the spec has them, "CAP_NET_RAW". Unknown names are kept here and ignored with a
// warning.
struct Capabilities {
  std::vector<std::string> bounding;
  std::vector<std::string> effective;
  std::vector<std::string> inheritable;
  std::vector<std::string> permitted;
  std::vector<std::string> ambient;
};

struct Rlimit {
  std::string type;  // "RLIMIT_NOFILE"
  uint64_t soft = 0;
  uint64_t hard = 0;
};

struct Process {
  bool terminal = false;
  std::optional<ConsoleSize> console_size;
  User user;
  std::vector<std::string> args;
  std::vector<std::string> env;  // "NAME=value"
  std::string cwd;
  std::optional<Capabilities> capabilities;
  std::vector<Rlimit> rlimits;
  bool no_new_privileges = false;
  std::string apparmor_profile;
  std::optional<int> oom_score_adj;
  std::string selinux_label;
};

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_CONFIG_PROCESS_H_
