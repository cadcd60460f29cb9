#include "conform/doc/results.h"

#include <vector>

#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"

namespace moat::conform {

Results Results::Parse(std::string_view text) {
  Results results;
  for (absl::string_view line : absl::StrSplit(absl::string_view(text.data(), text.size()), '\n')) {
    const std::vector<std::string> columns = absl::StrSplit(line, absl::MaxSplits('\t', 3));
    if (columns.size() < 3 || columns[0].empty()) continue;
    results.Set(columns[0], columns[1], {columns[2], columns.size() > 3 ? columns[3] : ""});
  }
  return results;
}

std::string Results::Format() const {
  std::string text;
  for (const auto& [key, recorded] : entries_) {
    text += key.first + "\t" + key.second + "\t" + recorded.outcome;
    if (!recorded.reason.empty()) {
      text += "\t" + absl::StrReplaceAll(recorded.reason, {{"\n", " "}, {"\t", " "}});
    }
    text += "\n";
  }
  return text;
}

const Recorded* Results::Find(const std::string& id, const std::string& stack) const {
  const auto found = entries_.find({id, stack});
  return found == entries_.end() ? nullptr : &found->second;
}

}  // namespace moat::conform
