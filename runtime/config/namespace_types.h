// The kinds of Linux namespaces: the spec's name, the CLONE_ flag, and the name in /proc/PID/ns.
// Source: OCI runtime-spec, config-linux.md, "Namespaces"; namespaces(7).
#ifndef MOAT_RUNTIME_CONFIG_NAMESPACE_TYPES_H_
#define MOAT_RUNTIME_CONFIG_NAMESPACE_TYPES_H_

#include "absl/strings/string_view.h"

namespace moat::runtime {

struct NamespaceType {
  absl::string_view name;  // "network"
  int flag;                // CLONE_NEWNET
  const char* proc_name;   // "net"
};

// Null for an unknown name.
const NamespaceType* FindNamespaceType(absl::string_view name);

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_CONFIG_NAMESPACE_TYPES_H_
