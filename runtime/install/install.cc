#include "runtime/install/install.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "runtime/install/config_file.h"
#include "runtime/install/containerd_config.h"
#include "runtime/install/docker_config.h"
#include "runtime/install/reload.h"

namespace moat::runtime {
namespace {

void Say(const std::string& line) { std::printf("%s\n", line.c_str()); }

absl::Status CheckName(const std::string& name) {
  constexpr char kAllowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
  if (!name.empty() && name.size() <= 64 && name.find_first_not_of(kAllowed) == std::string::npos) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("--runtime-name \"", name, "\": letters, digits, \"_\", \"-\" and \".\" only"));
}

absl::Status CheckBinary(const std::string& path) {
  struct stat st;
  if (path.empty() || path[0] != '/') {
    return absl::InvalidArgumentError(absl::StrCat("--binary \"", path, "\": must be absolute"));
  }
  if (::stat(path.c_str(), &st) != 0)
    return absl::ErrnoToStatus(errno, absl::StrCat("--binary ", path));
  if (S_ISREG(st.st_mode) && (st.st_mode & 0111) != 0) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("--binary ", path, ": is no executable file"));
}

// The two files of a registration. One place for what install and uninstall must agree on.
struct Files {
  explicit Files(const InstallOptions& o)
      : docker(o.docker_config, ".before-" + o.runtime_name),
        containerd(o.containerd_config, ".before-" + o.runtime_name) {}
  ConfigFile docker;
  ConfigFile containerd;
};

bool SameToml(absl::string_view a, absl::string_view b) {
  // Installing may have ended the last line.
  absl::ConsumeSuffix(&a, "\n");
  absl::ConsumeSuffix(&b, "\n");
  return a == b || (b.empty() && a == "version = 2");
}

absl::StatusOr<bool> UndoDocker(Files& files, const std::string& name) {
  return files.docker.Undo([&](absl::string_view text) { return RemoveDockerRuntime(text, name); },
                           SameJson);
}
absl::StatusOr<bool> UndoContainerd(Files& files, const std::string& name) {
  return files.containerd.Undo(
      [&](absl::string_view text) { return RemoveContainerdRuntime(text, name); }, SameToml);
}

void Reload(const InstallOptions& options) {
  if (!options.reload) {
    Say("A running dockerd reads its file again on SIGHUP (--reload sends it); containerd when "
        "restarted.");
    return;
  }
  const absl::Status status = ReloadDocker(options.docker_pid_file);
  Say(status.ok() ? std::string("Told dockerd to reload.") : std::string(status.message()));
}

}  // namespace

absl::Status Install(const InstallOptions& options) {
  absl::Status status = CheckName(options.runtime_name);
  if (status.ok()) status = CheckBinary(options.binary);
  if (!status.ok()) return status;
  const std::string& name = options.runtime_name;
  Files files(options);
  const bool docker = options.docker_named || files.docker.DirectoryExists();
  const bool containerd = options.containerd_named || files.containerd.DirectoryExists();
  if (!docker && !containerd) {
    return absl::NotFoundError(
        absl::StrCat("neither Docker nor containerd is here: no directory of ", files.docker.path(),
                     " and none of ", files.containerd.path()));
  }
  absl::StatusOr<bool> docker_changed = false;
  if (docker) {
    docker_changed = files.docker.Change(
        [&](absl::string_view text) { return AddDockerRuntime(text, name, options.binary); });
    if (!docker_changed.ok()) return docker_changed.status();
  }
  if (containerd) {
    const absl::StatusOr<bool> changed = files.containerd.Change(
        [&](absl::string_view text) { return AddContainerdRuntime(text, name, options.binary); });
    if (!changed.ok()) {
      if (*docker_changed) UndoDocker(files, name).status().IgnoreError();
      return changed.status();
    }
    Say(absl::StrCat(files.containerd.path(), ": runtime \"", name,
                     *changed ? "\" registered" : "\" was registered already"));
  }
  if (docker) {
    Say(absl::StrCat(files.docker.path(), ": runtime \"", name,
                     *docker_changed ? "\" registered" : "\" was registered already"));
  }
  Reload(options);
  return absl::OkStatus();
}

absl::Status Uninstall(const InstallOptions& options) {
  absl::Status status = CheckName(options.runtime_name);
  if (!status.ok()) return status;
  Files files(options);
  for (const auto& [undo, file] :
       {std::pair{&UndoDocker, &files.docker}, std::pair{&UndoContainerd, &files.containerd}}) {
    const absl::StatusOr<bool> changed = undo(files, options.runtime_name);
    status.Update(changed.status());
    if (!changed.ok()) continue;
    Say(absl::StrCat(file->path(), ": runtime \"", options.runtime_name,
                     *changed ? "\" taken out" : "\" was not registered"));
  }
  if (status.ok() && options.reload) Reload(options);
  return status;
}

}  // namespace moat::runtime
