#include "netstack/base/sysctl.h"

#include <charconv>
#include <cstdlib>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace moat::netstack {
namespace {

// Debian's Abseil has a string_view of its own.
absl::string_view View(std::string_view text) { return {text.data(), text.size()}; }

// As proc_dointvec reads: decimal, 0x hexadecimal, or octal with a leading zero.
std::optional<int64_t> ParseNumber(std::string_view text) {
  bool negative = false;
  if (!text.empty() && text.front() == '-') {
    negative = true;
    text.remove_prefix(1);
  }
  int base = 10;
  if (text.size() > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
    base = 16;
    text.remove_prefix(2);
  } else if (text.size() > 1 && text[0] == '0') {
    base = 8;
    text.remove_prefix(1);
  }
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return negative ? -value : value;
}

}  // namespace

Sysctl::Sysctl(SysctlSpec spec) : spec_(std::move(spec)), values_(spec_.values) {
  if (values_.empty()) values_.push_back(0);
}

absl::Status Sysctl::Bad(std::string_view text, std::string_view why) const {
  return absl::InvalidArgumentError(
      absl::StrCat(spec_.name, ": \"", View(text), "\": ", View(why)));
}

std::string Sysctl::Format() const {
  if (!spec_.values.empty()) return absl::StrJoin(values_, "\t");
  if (!spec_.choices.empty()) return spec_.choices[static_cast<size_t>(values_[0])];
  return spec_.text;
}

absl::Status Sysctl::Parse(std::string_view text) {
  if (spec_.read_only) {
    return absl::PermissionDeniedError(absl::StrCat(spec_.name, ": read-only"));
  }
  const absl::string_view stripped = absl::StripAsciiWhitespace(View(text));
  text = {stripped.data(), stripped.size()};
  absl::Status status = !spec_.values.empty()    ? ParseNumbers(text)
                        : !spec_.choices.empty() ? ParseChoice(text)
                                                 : ParseText(text);
  if (status.ok() && spec_.changed) spec_.changed(*this);
  return status;
}

absl::Status Sysctl::ParseNumbers(std::string_view text) {
  const std::vector<std::string> words =
      absl::StrSplit(View(text), absl::ByAnyChar(" \t"), absl::SkipEmpty());
  if (words.empty()) return Bad(text, "a number is needed");
  if (words.size() > values_.size()) {
    return Bad(text, absl::StrCat("at most ", values_.size(), " numbers"));
  }
  std::vector<int64_t> values = values_;
  for (size_t i = 0; i < words.size(); ++i) {
    const std::optional<int64_t> value = ParseNumber(words[i]);
    if (!value) return Bad(text, "not a number");
    if (*value < spec_.min || *value > spec_.max) {
      return Bad(text, absl::StrCat("must be from ", spec_.min, " to ", spec_.max));
    }
    values[i] = *value;
  }
  if (spec_.consistent && !spec_.consistent(values))
    return Bad(text, "values contradict each other");
  values_ = std::move(values);
  return absl::OkStatus();
}

absl::Status Sysctl::ParseChoice(std::string_view text) {
  for (size_t i = 0; i < spec_.choices.size(); ++i) {
    if (spec_.choices[i] != text) continue;
    values_[0] = static_cast<int64_t>(i);
    return absl::OkStatus();
  }
  return Bad(text, absl::StrCat("must be one of: ", absl::StrJoin(spec_.choices, " ")));
}

absl::Status Sysctl::ParseText(std::string_view text) {
  if (spec_.valid && !spec_.valid(text)) return Bad(text, "not understood");
  spec_.text = std::string(text);
  return absl::OkStatus();
}

const Sysctl* SysctlTable::Register(SysctlSpec spec) {
  std::string name = spec.name;
  const auto [entry, added] =
      entries_.emplace(std::move(name), std::make_unique<Sysctl>(std::move(spec)));
  if (!added) std::abort();
  return entry->second.get();
}

void SysctlTable::Unregister(std::string_view name) {
  const auto entry = entries_.find(name);
  if (entry != entries_.end()) entries_.erase(entry);
}

void SysctlTable::UnregisterPrefix(std::string_view prefix) {
  auto entry = entries_.lower_bound(prefix);
  while (entry != entries_.end() && entry->first.starts_with(prefix)) entry = entries_.erase(entry);
}

const Sysctl* SysctlTable::Find(std::string_view name) const {
  const auto entry = entries_.find(name);
  return entry == entries_.end() ? nullptr : entry->second.get();
}

absl::Status SysctlTable::Set(std::string_view name, std::string_view value) {
  const auto entry = entries_.find(name);
  if (entry == entries_.end())
    return absl::NotFoundError(absl::StrCat("no sysctl net.", View(name)));
  return entry->second->Parse(value);
}

absl::Status SysctlTable::Get(std::string_view name, std::string* value) const {
  const Sysctl* entry = Find(name);
  if (entry == nullptr) return absl::NotFoundError(absl::StrCat("no sysctl net.", View(name)));
  *value = entry->Format();
  return absl::OkStatus();
}

std::vector<std::string> SysctlTable::Names() const {
  std::vector<std::string> names;
  names.reserve(entries_.size());
  for (const auto& [name, entry] : entries_) names.push_back(name);
  return names;
}

}  // namespace moat::netstack
