#include "runtime/mountinfo/mountinfo.h"

#include <cstddef>
#include <optional>
#include <utility>

#include "absl/strings/str_split.h"

namespace moat::runtime {
namespace {

// Blank, tab, newline and backslash are written as \ooo.
std::string Unescape(absl::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto octal = [&](size_t at) { return text[at] >= '0' && text[at] <= '7'; };
    if (text[i] == '\\' && i + 3 < text.size() && octal(i + 1) && octal(i + 2) && octal(i + 3)) {
      out += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 +
                               (text[i + 3] - '0'));
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

// id parent device root mount-point options [tags] - type source super-options
std::optional<MountEntry> ParseLine(absl::string_view line) {
  const std::pair<absl::string_view, absl::string_view> halves =
      absl::StrSplit(line, absl::MaxSplits(" - ", 1));
  const std::vector<absl::string_view> left = absl::StrSplit(halves.first, ' ');
  const std::vector<absl::string_view> right = absl::StrSplit(halves.second, ' ');
  if (left.size() < 6 || right.size() < 3) return std::nullopt;
  return MountEntry{.root = Unescape(left[3]),
                    .mount_point = Unescape(left[4]),
                    .type = std::string(right[0]),
                    .super_options = std::string(right[2])};
}

}  // namespace

std::vector<MountEntry> ParseMountinfo(absl::string_view text) {
  std::vector<MountEntry> entries;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    std::optional<MountEntry> entry = ParseLine(line);
    if (entry.has_value()) entries.push_back(*std::move(entry));
  }
  return entries;
}

}  // namespace moat::runtime
