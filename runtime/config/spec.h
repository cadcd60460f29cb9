// A container's configuration, config.json, as typed values. Where a value is optional in the spec
// and its absence means something, it is std::optional here. Made by parse.h only, which has
// checked every field; code behind it does not check again. Start reading here.
#ifndef MOAT_RUNTIME_CONFIG_SPEC_H_
#define MOAT_RUNTIME_CONFIG_SPEC_H_

#include <map>
#include <string>
#include <vector>

#include "runtime/config/hooks.h"
#include "runtime/config/linux.h"
#include "runtime/config/mount.h"
#include "runtime/config/process.h"

namespace moat::runtime {

struct Spec {
  std::string oci_version;
  Root root;
  std::string hostname;
  std::string domainname;
  Process process;
  std::vector<Mount> mounts;
  Hooks hooks;
  std::map<std::string, std::string> annotations;
  Linux linux_;  // "linux" is a macro of some compilers
};

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_CONFIG_SPEC_H_
