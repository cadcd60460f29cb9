#include "runtime/process/find_executable.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "runtime/verb.h"

namespace moat::runtime {
namespace {

// Go's spelling of errno, which callers compare: lower case first letter.
std::string ErrorText(int error) {
  std::string text = strerror(error);
  if (!text.empty()) text[0] = absl::ascii_tolower(text[0]);
  return text;
}

int ExitCodeFor(int error) {
  return error == ENOENT || error == ENOTDIR ? kExitNotFound : kExitNotExecutable;
}

// 0, or the errno why the file cannot be a program.
int CheckExecutable(const std::string& file) {
  struct stat info;
  if (stat(file.c_str(), &info) != 0) return errno;
  if (S_ISDIR(info.st_mode)) return EISDIR;
  return (info.st_mode & 0111) != 0 ? 0 : EACCES;
}

absl::Status Failure(const std::string& command, const std::string& why, int exit_code) {
  return WithExitCode(absl::NotFoundError(absl::StrCat("exec: \"", command, "\": ", why)),
                      exit_code);
}

}  // namespace

absl::StatusOr<std::string> FindExecutable(const std::string& command, absl::string_view path) {
  if (absl::StrContains(command, "/")) {
    const int error = CheckExecutable(command);
    if (error == 0) return command;
    const bool missing = ExitCodeFor(error) == kExitNotFound;
    return Failure(command, absl::StrCat(missing ? absl::StrCat("stat ", command, ": ") : "",
                                         ErrorText(error)),
                   ExitCodeFor(error));
  }
  bool forbidden = false;
  for (absl::string_view directory : absl::StrSplit(path, ':')) {
    const std::string file = absl::StrCat(directory.empty() ? "." : directory, "/", command);
    const int error = CheckExecutable(file);
    if (error == 0) return file;
    forbidden = forbidden || error == EACCES;
  }
  if (forbidden) return Failure(command, "permission denied", kExitNotExecutable);
  return Failure(command, "executable file not found in $PATH", kExitNotFound);
}

absl::Status ExecError(const std::string& file, int error) {
  return WithExitCode(absl::NotFoundError(absl::StrCat("exec ", file, ": ", ErrorText(error))),
                      ExitCodeFor(error));
}

absl::string_view FindEnv(const std::vector<std::string>& env, absl::string_view name) {
  absl::string_view value;
  for (absl::string_view entry : env) {
    if (absl::StartsWith(entry, name) && entry.size() > name.size() &&
        entry[name.size()] == '=') {
      value = entry.substr(name.size() + 1);
    }
  }
  return value;
}

}  // namespace moat::runtime
