#include "runtime/log/log.h"

#include <gtest/gtest.h>

namespace moat::runtime {
namespace {

TEST(Log, JsonLineIsWhatContainerdParses) {
  EXPECT_EQ(FormatLogLine(LogFormat::kJson, LogLevel::kError, "a \"b\"\n\x01", 0),
            "{\"level\":\"error\",\"msg\":\"a \\\"b\\\"\\n\\u0001\",\"time\":"
            "\"1970-01-01T00:00:00Z\"}\n");
}

TEST(Log, TextLineIsThatOfLogrus) {
  EXPECT_EQ(FormatLogLine(LogFormat::kText, LogLevel::kWarning, "x", 86400),
            "time=\"1970-01-02T00:00:00Z\" level=warning msg=\"x\"\n");
}

TEST(Log, TimesCarryNanosecondsWhenGiven) {
  EXPECT_EQ(Rfc3339(1, 5), "1970-01-01T00:00:01.000000005Z");
}

TEST(Log, AnUnwritableLogFileIsAnErrorThatNamesIt) {
  absl::Status status = OpenLog("/nonexistent/dir/log", LogFormat::kText, false);
  EXPECT_EQ(status.message().substr(0, 33), "--log: open /nonexistent/dir/log:");
}

}  // namespace
}  // namespace moat::runtime
