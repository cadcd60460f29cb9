#include "sentry/base/log.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include <string>

namespace moat::sentry {
namespace {

constexpr std::string_view kNames[] = {"debug", "info", "warn", "error"};
LogLevel least = LogLevel::kInfo;

}  // namespace

void SetLogLevel(std::string_view name) {
  least = LogLevel::kInfo;
  for (size_t i = 0; i < std::size(kNames); ++i) {
    if (kNames[i] == name) least = static_cast<LogLevel>(i);
  }
}

bool LogEnabled(LogLevel level) { return level >= least; }

void Log(LogLevel level, std::string_view text) {
  if (!LogEnabled(level)) return;
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  tm utc{};
  gmtime_r(&now.tv_sec, &utc);
  char stamp[64];
  const int size = snprintf(stamp, sizeof(stamp), "%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ ",
                            utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour,
                            utc.tm_min, utc.tm_sec, now.tv_nsec / 1'000'000);
  std::string line(stamp, static_cast<size_t>(size));
  line.append(kNames[static_cast<size_t>(level)]).append(" ").append(text).append("\n");
  (void)!write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace moat::sentry
