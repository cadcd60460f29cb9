// A process that cleans up after a `moat do` that was killed: it waits for its parent's death and
// then removes what the parent had told it about. In the normal course it is dismissed and touches
// nothing.
#ifndef MOAT_RUNTIME_DO_JANITOR_H_
#define MOAT_RUNTIME_DO_JANITOR_H_

#include <sys/types.h>

#include <string>

#include "absl/status/statusor.h"
#include "base/owned_fd.h"

namespace moat::runtime {

class Janitor {
 public:
  // Forks. The janitor has a session of its own, none of the caller's files but /dev/null, and the
  // caller's namespaces as they are now: start it before changing any.
  static absl::StatusOr<Janitor> Start();
  Janitor(Janitor&& other) noexcept;
  Janitor& operator=(Janitor&&) = delete;
  ~Janitor();  // dismisses it

  // What to remove should the caller die from now on.
  void NoteContainer(const std::string& root, const std::string& id);
  void NoteDirectory(
      const std::string& path);  // an empty one, or a mount point in other namespaces
  void NoteInterface(const std::string& name);
  void NoteFile(const std::string& path);

 private:
  Janitor(pid_t pid, OwnedFd process, OwnedFd notes)
      : pid_(pid), process_(std::move(process)), notes_(std::move(notes)) {}
  void Note(char kind, const std::string& text);

  pid_t pid_;
  OwnedFd process_;  // a pidfd: whoever reaps children may have reaped it already
  OwnedFd notes_;
};

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_DO_JANITOR_H_
