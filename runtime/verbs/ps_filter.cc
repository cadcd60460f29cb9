#include "runtime/verbs/ps_filter.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace moat::runtime {

absl::StatusOr<std::string> FilterPs(absl::string_view output, const std::vector<pid_t>& pids) {
  const std::vector<absl::string_view> lines = absl::StrSplit(output, '\n', absl::SkipEmpty());
  const auto words = [](absl::string_view line) {
    return std::vector<absl::string_view>(absl::StrSplit(line, ' ', absl::SkipEmpty()));
  };
  if (lines.empty()) return absl::InvalidArgumentError("ps printed nothing");
  const std::vector<absl::string_view> header = words(lines[0]);
  const auto column = std::find(header.begin(), header.end(), "PID");
  if (column == header.end()) {
    return absl::InvalidArgumentError("the ps options give no column PID to go by");
  }
  const size_t index = static_cast<size_t>(column - header.begin());
  std::string out = absl::StrCat(lines[0], "\n");
  for (size_t i = 1; i < lines.size(); ++i) {
    const std::vector<absl::string_view> cells = words(lines[i]);
    pid_t pid = 0;
    if (index < cells.size() && absl::SimpleAtoi(cells[index], &pid) &&
        std::binary_search(pids.begin(), pids.end(), pid)) {
      absl::StrAppend(&out, lines[i], "\n");
    }
  }
  return out;
}

}  // namespace moat::runtime
