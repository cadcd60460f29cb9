// A container's directory, <root>/<id>, mode 0700: state.json, config.json, exec.fifo, lock, and
// the sentry's files. Its existence is what reserves the id.
#ifndef MOAT_RUNTIME_STATE_CONTAINER_DIR_H_
#define MOAT_RUNTIME_STATE_CONTAINER_DIR_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "runtime/state/container_state.h"

namespace moat::runtime {

// Letters, digits and "_+-.", not "." or "..", at most 1024 bytes, as runc has it.
absl::Status CheckContainerId(absl::string_view id);

class ContainerDir {
 public:
  // Makes the root when needed, and the container's directory. AlreadyExists: the id is taken.
  static absl::StatusOr<ContainerDir> Create(const std::string& root, const std::string& id);
  // NotFound ("container does not exist") when there is none.
  static absl::StatusOr<ContainerDir> Open(const std::string& root, const std::string& id);

  ContainerDir(ContainerDir&& other);
  ContainerDir& operator=(ContainerDir&&) = delete;
  ~ContainerDir();  // releases the lock

  const std::string& path() const { return path_; }
  const std::string& id() const { return id_; }
  std::string File(absl::string_view name) const;
  std::string fifo_path() const { return File("exec.fifo"); }
  std::string config_path() const { return File("config.json"); }

  // Takes the lock that create, start and delete hold while they work. Waits at most
  // `milliseconds`, then fails with DeadlineExceeded. Not inherited by children.
  absl::Status Lock(int milliseconds);
  void Unlock();

  absl::StatusOr<ContainerState> Load() const;
  // Atomic: a reader sees the old state or the new one.
  absl::Status Save(const ContainerState& state) const;
  absl::Status WriteFile(absl::string_view name, absl::string_view text) const;

  // Removes the directory and everything in it. It holds no directories of directories.
  absl::Status Remove();

 private:
  ContainerDir(std::string id, std::string path);

  std::string id_;
  std::string path_;
  int lock_fd_ = -1;
};

// The ids below `root`, sorted; none when there is no such directory. Never fails: what is not a
// container's directory is left out.
std::vector<std::string> ListContainerIds(const std::string& root);

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_STATE_CONTAINER_DIR_H_
