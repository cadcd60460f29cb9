// What the command line says about a process to make, in any verb.
#ifndef MOAT_RUNTIME_CONTAINER_OPTIONS_H_
#define MOAT_RUNTIME_CONTAINER_OPTIONS_H_

#include <string>

#include "absl/status/statusor.h"
#include "runtime/verb.h"

namespace moat::runtime {

struct ProcessOptions {
  std::string pid_file;
  std::string console_socket;
  int preserved_fds = 0;  // LISTEN_FDS included
  int listen_fds = 0;
  bool detach = false;    // the command ends when the program runs
};

// Of the flags --pid-file, --console-socket, --preserve-fds, --detach, and of $LISTEN_FDS.
absl::StatusOr<ProcessOptions> ReadProcessOptions(const Arguments& arguments, bool detach);

// A terminal needs somebody to hold its other end, and a console socket needs a terminal.
absl::Status CheckTerminal(bool terminal, const ProcessOptions& options);

// Fails with one line unless the caller may make containers.
absl::Status CheckPrivileges();

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_CONTAINER_OPTIONS_H_
