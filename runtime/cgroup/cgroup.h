// One container's cgroup: a directory in every hierarchy of the machine, whatever their versions.
// Start reading here.
//
//   absl::StatusOr<Cgroup> cgroup = Cgroup::Open({.cgroups_path = ..., .id = ...});
//   cgroup->Create();  cgroup->Apply(resources);  cgroup->Join(pid);     // moat create
//   json = cgroup->ToJson();  ...  Cgroup::FromJson(json)                // kept in the state file
//   cgroup->Kill(SIGKILL);  cgroup->Remove();                            // moat delete
//
// Errors are absl::Status with the file and the value; the code comes from errno.
#ifndef MOAT_RUNTIME_CGROUP_CGROUP_H_
#define MOAT_RUNTIME_CGROUP_CGROUP_H_

#include <sys/types.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "runtime/cgroup/control_dir.h"
#include "runtime/cgroup/hierarchy.h"
#include "runtime/config/resources.h"

namespace moat::runtime::cgroup {

struct ControllerRow;  // controllers.h

struct CgroupOptions {
  std::string cgroups_path;  // linux.cgroupsPath; may be empty. See path.h
  std::string id;            // the container's
  bool systemd = false;      // --systemd-cgroup: the path is "slice:prefix:name"
  // A hierarchy where the caller may not make directories is left out, and only a limit that needs
  // it is an error. For callers without root.
  bool rootless = false;
};

// The container's directory in one hierarchy.
struct CgroupDir {
  Version version = Version::kV1;
  std::vector<std::string> controllers;
  std::string mount_point;  // of the hierarchy
  std::string name;         // of the hierarchy: "memory", "systemd", "unified"
  ControlDir dir;

  bool Serves(absl::string_view controller) const;
};

class Cgroup {
 public:
  // Works out the names; touches nothing. InvalidArgument for a bad path; FailedPrecondition for
  // the systemd driver on a machine that systemd does not run, or when there is no cgroup file
  // system.
  static absl::StatusOr<Cgroup> Open(const CgroupOptions& options);
  static absl::StatusOr<Cgroup> OpenOn(const Host& host, const CgroupOptions& options);

  // For the container's state file. FromJson refuses paths that are not below a mount point.
  nlohmann::json ToJson() const;
  static absl::StatusOr<Cgroup> FromJson(const nlohmann::json& json);

  // Makes the directories, with cpuset values inherited (v1) and controllers enabled down the path
  // (v2). AlreadyExists when one is there that has processes. On failure takes back what it made.
  absl::Status Create();

  // Applies what is set in `resources`. An error names the field that has no controller.
  absl::Status Apply(const Resources& resources);

  // Moves a process. The first move after a quiet time costs the caller 10 to 20 ms, because the
  // kernel waits for an RCU grace period: let the process do other work meanwhile.
  absl::Status Join(pid_t pid) const;

  // Waits, at most two seconds, until every process stopped (or runs again).
  absl::Status Freeze() const;
  absl::Status Thaw() const;
  absl::StatusOr<bool> Frozen() const;

  // All processes, those of nested cgroups too; sorted. Empty when the cgroup is gone.
  std::vector<pid_t> Pids() const;

  // Sends `signal` to every process; SIGKILL until none is left, at most a second or so. Frozen
  // processes are thawed after SIGKILL.
  absl::Status Kill(int signal) const;

  // Removes the directories, nested ones too. Tries again while a dying process holds one, for at
  // most two seconds. No error when they are gone already.
  absl::Status Remove() const;

  bool Exists() const;

  const std::vector<CgroupDir>& dirs() const { return dirs_; }
  // The directory that serves a controller by that version's rules; null if none.
  const CgroupDir* Find(Version version, absl::string_view controller) const;
  // The v2 directory, if any.
  const CgroupDir* Unified() const;

 private:
  const CgroupDir* FreezerDir() const;
  const CgroupDir* DirFor(const ControllerRow& row) const;
  absl::Status SetFrozen(bool frozen) const;
  absl::Status ApplyUnified(const Resources& resources) const;

  Mode mode_ = Mode::kNone;
  bool rootless_ = false;
  std::vector<CgroupDir> dirs_;
};

}  // namespace moat::runtime::cgroup

#endif  // MOAT_RUNTIME_CGROUP_CGROUP_H_
