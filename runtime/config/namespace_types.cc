#include "runtime/config/namespace_types.h"

#include <sched.h>

namespace moat::runtime {
namespace {

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

constexpr NamespaceType kTypes[] = {
    {"user", CLONE_NEWUSER, "user"},  {"mount", CLONE_NEWNS, "mnt"},
    {"pid", CLONE_NEWPID, "pid"},     {"network", CLONE_NEWNET, "net"},
    {"ipc", CLONE_NEWIPC, "ipc"},     {"uts", CLONE_NEWUTS, "uts"},
    {"cgroup", CLONE_NEWCGROUP, "cgroup"}, {"time", CLONE_NEWTIME, "time"},
};

}  // namespace

const NamespaceType* FindNamespaceType(absl::string_view name) {
  for (const NamespaceType& type : kTypes) {
    if (type.name == name) return &type;
  }
  return nullptr;
}

}  // namespace moat::runtime
