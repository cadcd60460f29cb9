// The container's first process, from clone to the container's program.
//
// The order, and why:
//   1. wait for kGo              until then the user namespace has no ids
//   2. root of the namespace     needed for everything below
//   3. control group namespace   the process is in its cgroup now, the namespace's root then
//   4. session, keyring          so that terminal and keys are not the caller's
//   5. loopback up, sysctls      through the host's /proc, which shows the caller's namespaces; the
//                                container's will be read-only
//   6. mounts                    the host's files are the sources
//   7. hooks                     prestart and createRuntime in the parent, createContainer here
//   8. pivot_root                from here on no path leads to the host
//   9. host and domain name
//  10. terminal                  of the container's devpts; /dev must still be writable
//  11. working directory, program, standard files: errors that create can still report; the
//                                directory may have to be made, so before (12)
//  12. seal: read-only root, masked and read-only paths
//  13. label of the next execve
//  14. kReady; wait for start; program.h
#ifndef MOAT_RUNTIME_INIT_CONTAINER_INIT_H_
#define MOAT_RUNTIME_INIT_CONTAINER_INIT_H_

#include <string>

#include "runtime/cgroup/cgroup.h"
#include "runtime/config/spec.h"
#include "runtime/init/channel.h"
#include "runtime/init/program.h"
#include "runtime/state/container_state.h"

namespace moat::runtime {

struct InitPlan {
  const Spec* spec = nullptr;
  ProgramPlan program;
  std::string id;
  std::string bundle;  // absolute
  std::string rootfs;  // absolute
  const cgroup::Cgroup* cgroup = nullptr;  // null: none
  bool no_pivot = false;
  bool no_new_keyring = false;
  int fifo_fd = -1;          // O_PATH, what `start` opens; -1: started through the channel
  ContainerState state;      // for the hooks that this process runs
};

// Runs in the new process. Returns its exit status when something failed, which the parent (or
// `start`) has been told by then.
int RunContainerInit(InitPlan& plan, Channel channel);

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_INIT_CONTAINER_INIT_H_
