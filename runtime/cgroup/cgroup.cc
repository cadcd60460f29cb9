#include "runtime/cgroup/cgroup.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "runtime/cgroup/controllers.h"
#include "runtime/cgroup/create.h"
#include "runtime/cgroup/path.h"
#include "runtime/cgroup/return_if_error.h"
#include "runtime/cgroup/tree.h"

namespace moat::runtime::cgroup {
namespace {

constexpr absl::Duration kRemovePatience = absl::Seconds(10);
constexpr absl::Duration kFreezePatience = absl::Seconds(10);
constexpr absl::Duration kPoll = absl::Milliseconds(1);
constexpr int kKillRounds = 200;

bool SystemdRuns() { return ::access("/run/systemd/system", F_OK) == 0; }  // sd_booted(3)

bool NotPermitted(const absl::Status& status) {
  return absl::IsPermissionDenied(status) || absl::StrContains(status.message(), "Read-only");
}

}  // namespace

bool CgroupDir::Serves(absl::string_view controller) const {
  return std::find(controllers.begin(), controllers.end(), controller) != controllers.end();
}

absl::StatusOr<Cgroup> Cgroup::Open(const CgroupOptions& options) {
  absl::StatusOr<Host> host = DiscoverHost();
  if (!host.ok()) return host.status();
  if (options.systemd && !SystemdRuns()) {
    return absl::FailedPreconditionError(
        "--systemd-cgroup: systemd does not run on this machine (no /run/systemd/system)");
  }
  return OpenOn(*host, options);
}

absl::StatusOr<Cgroup> Cgroup::OpenOn(const Host& host, const CgroupOptions& options) {
  const absl::StatusOr<CgroupName> name =
      options.systemd ? NameFromSystemdPath(options.cgroups_path, options.id)
                      : NameFromCgroupsPath(options.cgroups_path, options.id);
  if (!name.ok()) return name.status();
  Cgroup cgroup;
  cgroup.mode_ = host.mode();
  cgroup.rootless_ = options.rootless;
  for (const Hierarchy& hierarchy : host.hierarchies) {
    // Beside v1 hierarchies a v2 one without controllers does nothing for a container.
    const bool useless = cgroup.mode_ == Mode::kHybrid && hierarchy.version == Version::kV2 &&
                         hierarchy.controllers.empty();
    if (useless) continue;
    cgroup.dirs_.push_back({.version = hierarchy.version,
                            .controllers = hierarchy.controllers,
                            .mount_point = hierarchy.mount_point,
                            .name = hierarchy.Name(),
                            .dir = ControlDir(DirectoryIn(hierarchy, *name))});
  }
  if (cgroup.dirs_.empty() && !options.rootless) {
    return absl::FailedPreconditionError("cgroup: no cgroup file system is mounted");
  }
  return cgroup;
}

nlohmann::json Cgroup::ToJson() const {
  nlohmann::json dirs = nlohmann::json::array();
  for (const CgroupDir& entry : dirs_) {
    dirs.push_back({{"version", static_cast<int>(entry.version)},
                    {"controllers", entry.controllers},
                    {"mountPoint", entry.mount_point},
                    {"name", entry.name},
                    {"path", entry.dir.path()}});
  }
  return {{"mode", std::string(ModeName(mode_))}, {"rootless", rootless_}, {"dirs", dirs}};
}

absl::StatusOr<Cgroup> Cgroup::FromJson(const nlohmann::json& json) {
  Cgroup cgroup;
  try {
    for (Mode mode : {Mode::kLegacy, Mode::kHybrid, Mode::kUnified}) {
      if (json.at("mode") == std::string(ModeName(mode))) cgroup.mode_ = mode;
    }
    cgroup.rootless_ = json.at("rootless").get<bool>();
    for (const nlohmann::json& entry : json.at("dirs")) {
      CgroupDir dir;
      dir.version = entry.at("version") == 2 ? Version::kV2 : Version::kV1;
      dir.controllers = entry.at("controllers").get<std::vector<std::string>>();
      dir.mount_point = entry.at("mountPoint").get<std::string>();
      dir.name = entry.at("name").get<std::string>();
      dir.dir = ControlDir(entry.at("path").get<std::string>());
      // A directory that is to be emptied and removed: never the root of a hierarchy, nor
      // elsewhere.
      const std::string& path = dir.dir.path();
      const std::string below =
          absl::StartsWith(path, dir.mount_point + "/")
              ? CleanPath(path.substr(std::min(path.size(), dir.mount_point.size())))
              : std::string();
      if (below.empty() || absl::StrCat(dir.mount_point, "/", below) != path) {
        return absl::DataLossError(absl::StrCat("state: cgroup path \"", path, "\" is not below \"",
                                                dir.mount_point, "\""));
      }
      cgroup.dirs_.push_back(std::move(dir));
    }
  } catch (const nlohmann::json::exception& error) {
    return absl::DataLossError(absl::StrCat("state: cgroup: ", error.what()));
  }
  return cgroup;
}

const CgroupDir* Cgroup::Find(Version version, absl::string_view controller) const {
  for (const CgroupDir& entry : dirs_) {
    if (entry.version == version && entry.Serves(controller)) return &entry;
  }
  return nullptr;
}

const CgroupDir* Cgroup::Unified() const {
  for (const CgroupDir& entry : dirs_) {
    if (entry.version == Version::kV2) return &entry;
  }
  return nullptr;
}

absl::Status Cgroup::Create() {
  std::vector<CgroupDir> kept;
  std::vector<std::string> made;
  absl::Status status;
  for (CgroupDir& entry : dirs_) {
    bool existed = false;
    status = CreateDirectory(entry, &existed);
    if (status.ok() && existed) {
      std::vector<pid_t> pids;
      CollectPids(entry.dir.path(), &pids);
      if (!pids.empty()) {
        status = absl::AlreadyExistsError(absl::StrCat("cgroup: ", entry.dir.path(),
                                                       " exists and has ", pids.size(),
                                                       " processes; another container uses it"));
      }
    }
    if (status.ok() && !existed) made.push_back(entry.dir.path());
    if (rootless_ && NotPermitted(status)) {
      status = absl::OkStatus();
      continue;
    }
    if (!status.ok()) break;
    kept.push_back(entry);
  }
  if (!status.ok()) {
    for (const std::string& path : made) RemoveTree(path, absl::ZeroDuration()).IgnoreError();
    return status;
  }
  dirs_ = std::move(kept);
  return absl::OkStatus();
}

const CgroupDir* Cgroup::DirFor(const ControllerRow& row) const {
  if (const CgroupDir* v1 = Find(Version::kV1, row.v1_controller)) return v1;
  if (row.v2 == nullptr) return nullptr;
  return *row.v2_controller == '\0' ? Unified() : Find(Version::kV2, row.v2_controller);
}

absl::Status Cgroup::Apply(const Resources& resources) {
  for (const ControllerRow& row : Controllers()) {
    if (!row.wanted(resources)) continue;
    const CgroupDir* target = DirFor(row);
    if (target == nullptr) {
      if (rootless_ && absl::string_view(row.field) == "devices") continue;
      return absl::FailedPreconditionError(absl::StrCat(
          "linux.resources.", row.field, ": the machine offers no cgroup controller for it"));
    }
    RETURN_IF_ERROR((target->version == Version::kV1 ? row.v1 : row.v2)(target->dir, resources));
  }
  return ApplyUnified(resources);
}

absl::Status Cgroup::ApplyUnified(const Resources& resources) const {
  const CgroupDir* unified = Unified();
  for (const auto& [file, value] : resources.unified) {
    const std::string controller = file.substr(0, file.find('.'));
    const bool served =
        unified != nullptr && (controller == "cgroup" || unified->Serves(controller));
    if (!served) {
      return absl::FailedPreconditionError(
          absl::StrCat("linux.resources.unified.", file,
                       ": the machine has no cgroup v2 controller ", controller));
    }
    RETURN_IF_ERROR(unified->dir.Write(file, value));
  }
  return absl::OkStatus();
}

absl::Status Cgroup::Join(pid_t pid) const {
  for (const CgroupDir& entry : dirs_) {
    RETURN_IF_ERROR(entry.dir.Write("cgroup.procs", pid));
  }
  return absl::OkStatus();
}

const CgroupDir* Cgroup::FreezerDir() const {
  const CgroupDir* freezer = Find(Version::kV1, "freezer");
  return freezer != nullptr ? freezer : Unified();
}

absl::StatusOr<bool> Cgroup::Frozen() const {
  const CgroupDir* freezer = FreezerDir();
  if (freezer == nullptr) return false;
  if (freezer->version == Version::kV1) {
    absl::StatusOr<std::string> state = freezer->dir.Read("freezer.state");
    if (!state.ok()) return state.status();
    return *state == "FROZEN";
  }
  const auto events = freezer->dir.ReadTable("cgroup.events");
  if (!events.ok()) return events.status();
  return Lookup(*events, "frozen") == 1;
}

absl::Status Cgroup::SetFrozen(bool frozen) const {
  const CgroupDir* freezer = FreezerDir();
  if (freezer == nullptr) {
    return absl::FailedPreconditionError("cgroup: the machine offers no freezer");
  }
  const bool v1 = freezer->version == Version::kV1;
  const char* file = v1 ? "freezer.state" : "cgroup.freeze";
  const char* value = v1 ? (frozen ? "FROZEN" : "THAWED") : (frozen ? "1" : "0");
  const absl::Time deadline = absl::Now() + kFreezePatience;
  while (true) {
    // v1: a process that forks during the freeze is only caught by asking again.
    RETURN_IF_ERROR(freezer->dir.Write(file, value));
    const absl::StatusOr<bool> now = Frozen();
    if (!now.ok()) return now.status();
    if (*now == frozen) return absl::OkStatus();
    if (absl::Now() > deadline) break;
    absl::SleepFor(kPoll);
  }
  if (frozen) freezer->dir.Write(file, v1 ? "THAWED" : "0").IgnoreError();
  return absl::DeadlineExceededError(
      absl::StrCat("cgroup: ", freezer->dir.path(), frozen ? " did not freeze" : " did not thaw"));
}

absl::Status Cgroup::Freeze() const { return SetFrozen(true); }
absl::Status Cgroup::Thaw() const { return SetFrozen(false); }

std::vector<pid_t> Cgroup::Pids() const {
  std::vector<pid_t> pids;
  // Any one hierarchy lists them all; the freezer (v1) cannot be delegated, so nobody left it.
  const CgroupDir* source = FreezerDir();
  if (source == nullptr && !dirs_.empty()) source = &dirs_.front();
  if (source != nullptr) CollectPids(source->dir.path(), &pids);
  std::sort(pids.begin(), pids.end());
  pids.erase(std::unique(pids.begin(), pids.end()), pids.end());
  return pids;
}

absl::Status Cgroup::Kill(int signal) const {
  const CgroupDir* unified = Unified();
  if (signal == SIGKILL && unified != nullptr && FreezerDir() == unified &&
      unified->dir.Write("cgroup.kill", "1").ok()) {  // 5.14
    return absl::OkStatus();
  }
  const pid_t self = ::getpid();
  for (int round = 0; round < kKillRounds; ++round) {
    const std::vector<pid_t> pids = Pids();
    bool any = false;
    for (pid_t pid : pids) {
      if (pid != self && ::kill(pid, signal) == 0) any = true;
    }
    if (signal != SIGKILL || !any) return absl::OkStatus();
    // Frozen processes (v1) die when they run again.
    if (const absl::StatusOr<bool> frozen = Frozen(); round == 0 && frozen.ok() && *frozen) {
      Thaw().IgnoreError();
    }
    // A zombie leaves cgroup.procs at once, so the list empties without anybody reaping.
    absl::SleepFor(kPoll * std::min(round + 1, 10));
  }
  return absl::DeadlineExceededError("cgroup: processes are left after SIGKILL");
}

absl::Status Cgroup::Remove() const {
  absl::Status first;
  for (const CgroupDir& entry : dirs_) {
    first.Update(RemoveTree(entry.dir.path(), kRemovePatience));
  }
  return first;
}

bool Cgroup::Exists() const {
  return std::any_of(dirs_.begin(), dirs_.end(),
                     [](const CgroupDir& entry) { return entry.dir.Exists(); });
}

}  // namespace moat::runtime::cgroup
