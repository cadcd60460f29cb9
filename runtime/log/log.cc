#include "runtime/log/log.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "absl/strings/str_cat.h"

namespace moat::runtime {
namespace {

struct State {
  int fd = STDERR_FILENO;
  LogFormat format = LogFormat::kText;
  bool debug = false;
};
constinit State state;

const char* LevelName(LogLevel level) {
  static constexpr const char* kNames[] = {"debug", "info", "warning", "error"};
  return kNames[static_cast<int>(level)];
}

// A JSON string, which logrus' text format quotes nearly the same way. Bytes above 0x7f are passed
// on as they are.
std::string Quote(absl::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          char escape[8];
          snprintf(escape, sizeof escape, "\\u%04x", c);
          out += escape;
        } else {
          out += c;
        }
    }
  }
  return out += '"';
}

}  // namespace

absl::Status OpenLog(const std::string& path, LogFormat format, bool debug) {
  state.format = format;
  state.debug = debug;
  if (path.empty() || path == "/dev/stderr") return absl::OkStatus();
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0644);
  if (fd < 0) return absl::ErrnoToStatus(errno, absl::StrCat("--log: open ", path));
  state.fd = fd;
  return absl::OkStatus();
}

bool LogIsStderr() { return state.fd == STDERR_FILENO; }
bool LogsDebug() { return state.debug; }

std::string Rfc3339(int64_t seconds, int64_t nanoseconds) {
  const time_t time = seconds;
  tm parts;
  gmtime_r(&time, &parts);
  char text[64];
  size_t length = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  std::string out(text, length);
  if (nanoseconds >= 0) {
    snprintf(text, sizeof text, ".%09ld", static_cast<long>(nanoseconds));
    out += text;
  }
  return out + "Z";
}

std::string FormatLogLine(LogFormat format, LogLevel level, absl::string_view message,
                          int64_t seconds) {
  const std::string time = Rfc3339(seconds);
  if (format == LogFormat::kJson) {
    return absl::StrCat("{\"level\":\"", LevelName(level), "\",\"msg\":", Quote(message),
                        ",\"time\":\"", time, "\"}\n");
  }
  return absl::StrCat("time=\"", time, "\" level=", LevelName(level), " msg=", Quote(message),
                      "\n");
}

void Log(LogLevel level, absl::string_view message) {
  if (level == LogLevel::kDebug && !state.debug) return;
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  const std::string line = FormatLogLine(state.format, level, message, now.tv_sec);
  // Nothing sensible is left to do when the log itself cannot be written.
  [[maybe_unused]] ssize_t n = write(state.fd, line.data(), line.size());
}

}  // namespace moat::runtime
