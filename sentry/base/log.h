// Lines to the sentry's log (boot.log, its standard error): time, level, text.
#ifndef MOAT_SENTRY_BASE_LOG_H_
#define MOAT_SENTRY_BASE_LOG_H_

#include <cstdint>
#include <string_view>

namespace moat::sentry {

enum class LogLevel : uint8_t { kDebug, kInfo, kWarn, kError };

// Least level that is written; "info" until set. Unknown names mean "info". Before threads start.
void SetLogLevel(std::string_view name);
bool LogEnabled(LogLevel level);
// One line, written with one system call; callable from any thread.
void Log(LogLevel level, std::string_view text);

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_BASE_LOG_H_
