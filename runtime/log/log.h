// The runtime's log, in the two formats that containerd and Docker parse out of the file they name
// with --log: lines of logrus' text ('time="..." level=error msg="..."') or of JSON
// ({"level":"error","msg":"...","time":"..."}). One log per program, chosen once by the command
// line.
#ifndef MOAT_RUNTIME_LOG_LOG_H_
#define MOAT_RUNTIME_LOG_LOG_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace moat::runtime {

enum class LogLevel { kDebug, kInfo, kWarning, kError };
enum class LogFormat { kText, kJson };

// Appends to `path` from now on (created with mode 0644); an empty path is standard error.
absl::Status OpenLog(const std::string& path, LogFormat format, bool debug);

// Writes one line with one write(2). Debug lines are dropped unless asked for.
void Log(LogLevel level, absl::string_view message);

bool LogIsStderr();
bool LogsDebug();

// "2026-01-31T12:00:00Z" of a time in seconds since 1970; with nanoseconds when they are >= 0.
std::string Rfc3339(int64_t seconds, int64_t nanoseconds = -1);

// One line in `format`, newline included. For tests.
std::string FormatLogLine(LogFormat format, LogLevel level, absl::string_view message,
                          int64_t seconds);

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_LOG_LOG_H_
