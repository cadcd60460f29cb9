#include "runtime/cgroup/fake_host.h"

#include <stdlib.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

#include "absl/strings/str_join.h"

namespace moat::runtime::cgroup {
namespace fs = std::filesystem;

FakeHost::FakeHost() {
  const char* base = std::getenv("TEST_TMPDIR");
  std::string name = std::string(base != nullptr ? base : "/tmp") + "/cgroup-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) std::abort();
  root_ = name;
}

FakeHost::~FakeHost() {
  std::error_code ignored;
  fs::remove_all(root_, ignored);
}

Hierarchy& FakeHost::AddV1(const std::string& controller, const std::string& own_path) {
  Hierarchy added{.version = Version::kV1,
                  .controllers = {controller},
                  .mount_point = root_ + "/" + controller,
                  .mount_root = "/",
                  .own_path = own_path};
  fs::create_directories(added.mount_point);
  host_.hierarchies.push_back(added);
  return host_.hierarchies.back();
}

Hierarchy& FakeHost::AddV2(const std::vector<std::string>& controllers,
                           const std::string& own_path) {
  Hierarchy added{.version = Version::kV2,
                  .controllers = controllers,
                  .mount_point = root_ + "/unified",
                  .mount_root = "/",
                  .own_path = own_path};
  Populate(added.mount_point, {"cgroup.subtree_control", "cgroup.procs"});
  Write(added.mount_point + "/cgroup.controllers", absl::StrJoin(controllers, " ") + "\n");
  host_.hierarchies.push_back(added);
  return host_.hierarchies.back();
}

void FakeHost::Write(const std::string& path, absl::string_view text) {
  std::ofstream(path, std::ios::trunc) << text;
}

void FakeHost::Populate(const std::string& directory, const std::vector<std::string>& files) {
  fs::create_directories(directory);
  for (const std::string& file : files) Write(directory + "/" + file, "");
}

std::string FakeHost::Read(const std::string& path) const {
  std::ifstream in(path);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

}  // namespace moat::runtime::cgroup
