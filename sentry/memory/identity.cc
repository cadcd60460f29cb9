#include "sentry/memory/identity.h"

#include <algorithm>
#include <charconv>

namespace moat::sentry {
namespace {

// Takes the next number of `text`, over blanks; absent at the end of the line.
std::optional<uint32_t> TakeNumber(std::string_view& text) {
  const size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return std::nullopt;
  text.remove_prefix(begin);
  uint32_t number = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  if (result.ec != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(result.ptr - text.data()));
  return number;
}

std::string_view TakeLine(std::string_view& text) {
  const size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

// The numbers behind "Name:", up to the end of the line or, when it is cut off, of the text.
std::optional<std::vector<uint32_t>> NumbersOf(std::string_view status, std::string_view name) {
  while (!status.empty()) {
    std::string_view line = TakeLine(status);
    if (!line.starts_with(name)) continue;
    line.remove_prefix(name.size());
    std::vector<uint32_t> numbers;
    while (const auto number = TakeNumber(line)) numbers.push_back(*number);
    return numbers;
  }
  return std::nullopt;
}

}  // namespace

std::optional<Identity> ParseIdentity(std::string_view status) {
  constexpr size_t kEffective = 1, kFilesystem = 3;  // real, effective, saved, file system
  const auto uids = NumbersOf(status, "Uid:");
  const auto gids = NumbersOf(status, "Gid:");
  auto groups = NumbersOf(status, "Groups:");
  if (!uids || uids->size() <= kFilesystem || !gids || gids->size() <= kFilesystem || !groups) {
    return std::nullopt;
  }
  return Identity{(*uids)[kFilesystem], (*gids)[kFilesystem], (*gids)[kEffective],
                  std::move(*groups)};
}

std::optional<uint32_t> FindInside(std::string_view map, uint32_t id) {
  while (!map.empty()) {
    std::string_view line = TakeLine(map);
    const auto inside = TakeNumber(line);
    const auto outside = TakeNumber(line);
    const auto count = TakeNumber(line);
    if (!inside || !outside || !count) continue;
    if (id >= *outside && id - *outside < *count) return *inside + (id - *outside);
  }
  return std::nullopt;
}

uint32_t MapInside(std::string_view map, uint32_t id) {
  return FindInside(map, id).value_or(kOverflowId);
}

bool HasGroupWithin(const Identity& identity, std::string_view map, int64_t low, int64_t high) {
  const auto within = [&](uint32_t group) {
    const auto inside = FindInside(map, group);
    return inside.has_value() && *inside >= low && *inside <= high;
  };
  return within(identity.effective_gid) ||
         std::any_of(identity.groups.begin(), identity.groups.end(), within);
}

}  // namespace moat::sentry
