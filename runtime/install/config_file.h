// A configuration file of somebody else's that is edited: read whole, written atomically, with a
// backup beside it from which an undo is exact.
#ifndef MOAT_RUNTIME_INSTALL_CONFIG_FILE_H_
#define MOAT_RUNTIME_INSTALL_CONFIG_FILE_H_

#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace moat::runtime {

class ConfigFile {
 public:
  // Symbolic links are followed, so that the file is edited and not the link. `suffix` names the
  // backup.
  ConfigFile(const std::string& path, const std::string& suffix);

  const std::string& path() const { return path_; }
  const std::string& backup_path() const { return backup_; }
  bool Exists() const;
  bool DirectoryExists() const;

  using Edit = absl::FunctionRef<absl::StatusOr<std::string>(absl::string_view)>;
  using Same = absl::FunctionRef<bool(absl::string_view, absl::string_view)>;

  // Writes edit(content), having kept the old content in the backup unless there is one already. A
  // missing file is an empty text, and gets an empty backup. Returns whether anything changed. The
  // error names the file; after one the file is as it was.
  absl::StatusOr<bool> Change(Edit edit);

  // Writes edit(content); but where that says the same as the backup (by `same`), the backup's very
  // bytes. Empty: the file is removed if it was not there at first. The backup goes.
  absl::StatusOr<bool> Undo(Edit edit, Same same);

 private:
  absl::StatusOr<std::string> Read(const std::string& path) const;
  absl::Status Replace(const std::string& path, absl::string_view text) const;

  std::string path_;
  std::string backup_;
};

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_INSTALL_CONFIG_FILE_H_
