// The program `moat`: the OCI command line, and `moat boot`, the sentry.
#include <fcntl.h>
#include <unistd.h>

#include <climits>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "runtime/cli/help.h"
#include "runtime/cli/parse.h"
#include "runtime/cli/version.h"
#include "runtime/log/log.h"
#include "runtime/verbs/table.h"
#include "sentry/client.h"

namespace moat::runtime {
namespace {

void Print(int fd, absl::string_view text) {
  while (!text.empty()) {
    const ssize_t n = write(fd, text.data(), text.size());
    if (n <= 0) return;
    text.remove_prefix(n);
  }
}

// The log gets the error, and so does standard error when the log is a file (as runc does: the shim
// reads the one, a person the other).
int Fail(const Verb* verb, const absl::Status& status) {
  const std::string message =
      absl::StrCat(verb == nullptr ? "" : verb->error_prefix, status.message());
  Log(LogLevel::kError, message);
  if (!LogIsStderr()) Print(STDERR_FILENO, absl::StrCat(message, "\n"));
  return ExitCodeOf(status, verb == nullptr ? 1 : verb->error_exit_code);
}

// Descriptors 0, 1 and 2 must be something: the next file opened would take their place otherwise.
void OpenMissingStandardFiles() {
  int fd;
  do {
    fd = open("/dev/null", O_RDWR);
  } while (fd >= 0 && fd <= STDERR_FILENO);
  if (fd >= 0) close(fd);
}

// Everything below may change its working directory.
std::string AbsolutePath(const std::string& path) {
  char directory[PATH_MAX];
  if (path[0] == '/' || getcwd(directory, sizeof directory) == nullptr) return path;
  return absl::StrCat(directory, "/", path);
}

int Main(int argc, char** argv) {
  OpenMissingStandardFiles();
  CommandLine line;
  absl::Status status = ParseCommandLine(
      absl::MakeConstSpan(const_cast<const char* const*>(argv) + 1, argc > 0 ? argc - 1 : 0),
      VerbTable(), &line);
  const LogFormat format =
      line.globals.log_format == "json" ? LogFormat::kJson : LogFormat::kText;
  status.Update(OpenLog(line.globals.log, format, line.globals.debug));
  if (!status.ok()) return Fail(nullptr, status);
  if (line.version) {
    Print(STDOUT_FILENO, VersionText());
    return 0;
  }
  if (line.verb == nullptr) {
    Print(STDOUT_FILENO, ProgramHelp(VerbTable(), kGlobalFlags));
    return 0;
  }
  if (line.help) {
    Print(STDOUT_FILENO, VerbHelp(*line.verb));
    return 0;
  }
  line.globals.root = AbsolutePath(line.globals.root);
  absl::StatusOr<int> result = line.verb->run(line.globals, line.arguments);
  return result.ok() ? *result : Fail(line.verb, result.status());
}

}  // namespace
}  // namespace moat::runtime

int main(int argc, char** argv) {
  if (argc > 1 && strcmp(argv[1], "boot") == 0) {
    return moat::sentry::BootMain(argc - 2, argv + 2);
  }
  return moat::runtime::Main(argc, argv);
}
