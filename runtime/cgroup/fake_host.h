// A directory tree that looks like cgroup mounts, for tests: plain files, so what is written can be
// read back. A new cgroup directory does not get its control files by itself as the kernel's does;
// Populate() makes them.
#ifndef MOAT_RUNTIME_CGROUP_FAKE_HOST_H_
#define MOAT_RUNTIME_CGROUP_FAKE_HOST_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "runtime/cgroup/hierarchy.h"

namespace moat::runtime::cgroup {

class FakeHost {
 public:
  FakeHost();
  ~FakeHost();  // removes the tree
  FakeHost(const FakeHost&) = delete;
  FakeHost& operator=(const FakeHost&) = delete;

  // Adds a mount named after its controllers.
  Hierarchy& AddV1(const std::string& controller, const std::string& own_path = "/");
  Hierarchy& AddV2(const std::vector<std::string>& controllers, const std::string& own_path = "/");

  const Host& host() const { return host_; }
  const std::string& root() const { return root_; }

  void Write(const std::string& path, absl::string_view text);
  // Makes `directory` and empty files in it.
  void Populate(const std::string& directory, const std::vector<std::string>& files);
  std::string Read(const std::string& path) const;

 private:
  std::string root_;
  Host host_;
};

}  // namespace moat::runtime::cgroup

#endif  // MOAT_RUNTIME_CGROUP_FAKE_HOST_H_
