// `moat do`: a command in a sandbox on the host's own file system. Start reading here; the parts
// are network.h, overlay.h, publish.h, config.h and janitor.h.
#ifndef MOAT_RUNTIME_DO_RUN_DO_H_
#define MOAT_RUNTIME_DO_RUN_DO_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "runtime/do/ip_range.h"
#include "runtime/do/publish.h"
#include "runtime/verb.h"

namespace moat::runtime {

struct DoOptions {
  std::string id;  // empty: one is made up
  std::string root = "/";
  std::string cwd;                       // empty: the caller's, or "/" in another root
  std::string hostname;                  // empty: the id
  std::vector<std::string> environment;  // beyond the caller's
  std::optional<IpPrefix> ipv4;
  std::optional<IpPrefix> ipv6;
  bool forward = false;
  std::vector<PublishedPort> ports;
  std::string ip_file;  // gets the container's addresses, one a line
  bool no_tty = false;
  bool verbose = false;
  std::vector<std::string> command;
};

// Runs it to its end. The exit status of the command, as a shell gives it.
absl::StatusOr<int> RunDo(const Globals& globals, const DoOptions& options);

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_DO_RUN_DO_H_
