#include "conform/requirements/requirements.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <sstream>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace moat::conform {
namespace {

std::optional<Level> LevelOf(const std::string& name) {
  for (const Level level : {Level::MUST, Level::SHOULD, Level::MAY}) {
    if (name == LevelName(level)) return level;
  }
  return std::nullopt;
}

// "arp-001" or "arp-001..004".
bool AddCases(const std::string& word, std::vector<std::string>& cases) {
  const size_t range = word.find("..");
  const size_t dash = word.rfind('-', range);
  int first = 0, last = 0;
  if (dash == word.npos) return false;
  const std::string suite = word.substr(0, dash);
  if (!absl::SimpleAtoi(word.substr(dash + 1, range == word.npos ? range : range - dash - 1),
                        &first)) {
    return false;
  }
  last = first;
  if (range != word.npos && !absl::SimpleAtoi(word.substr(range + 2), &last)) return false;
  if (last < first) return false;
  for (int i = first; i <= last; ++i) cases.push_back(absl::StrFormat("%s-%03d", suite, i));
  return true;
}

// What is wrong with the proof, or "".
std::string ParseProof(const std::string& text, Requirement& requirement) {
  absl::string_view reason = text;
  if (absl::ConsumePrefix(&reason, "waived: ")) requirement.proof = Proof::kWaived;
  if (absl::ConsumePrefix(&reason, "not applicable: ")) requirement.proof = Proof::kNotApplicable;
  if (reason.size() != text.size()) {
    requirement.reason = std::string(reason);
    return reason.empty() ? "there is no reason" : "";
  }
  requirement.named = text;
  const std::vector<std::string> words = absl::StrSplit(text, ' ');
  for (const std::string& word : words) {
    if (absl::StrContains(word, '.') && !absl::StrContains(word, "..")) {
      requirement.unit_tests.push_back(word);
    } else if (!AddCases(word, requirement.cases)) {
      return "\"" + word + "\" is neither a case nor a unit test";
    }
  }
  requirement.proof = requirement.cases.empty() ? Proof::kUnitTest : Proof::kCase;
  for (const std::string& id : requirement.cases) {
    const Case* c = FindCase(id);
    if (c == nullptr || WaiverOf(*c).empty()) continue;
    requirement.proof = Proof::kWaived;
    requirement.reason = std::string(WaiverOf(*c));
  }
  return "";
}

std::string ParseLine(const std::vector<std::string>& columns, const Rfc& rfc,
                      Requirement& requirement) {
  if (columns.size() != 5)
    return absl::StrCat("there are ", columns.size(), " columns instead of 5");
  for (const std::string& column : columns) {
    if (column.empty()) return "a column is empty";
    if (column.front() == ' ' || column.back() == ' ')
      return "a column begins or ends with a space";
  }
  const std::optional<Level> level = LevelOf(columns[2]);
  if (!level) return "\"" + columns[2] + "\" is no level";
  requirement.id = absl::StrCat(rfc.number, "-", columns[0]);
  requirement.section = columns[1];
  requirement.level = *level;
  requirement.text = columns[3];
  return ParseProof(columns[4], requirement);
}

}  // namespace

void Requirements::Parse(const std::string& file, std::string_view text) {
  Rfc* rfc = nullptr;
  std::set<std::string> ids;
  int number = 0;
  const std::vector<std::string> lines =
      absl::StrSplit(absl::string_view(text.data(), text.size()), '\n');
  for (const std::string& line : lines) {
    ++number;
    if (line.empty() || line[0] == '#') continue;
    const std::string where = absl::StrCat(file, ":", number);
    const std::vector<std::string> columns = absl::StrSplit(line, '\t');
    if (columns[0] == "RFC") {
      Rfc next;
      rfc = nullptr;
      if (columns.size() != 3 || !absl::SimpleAtoi(columns[1], &next.number) ||
          columns[2].empty()) {
        errors.push_back(where + ": an RFC has a number and a title");
        continue;
      }
      next.title = columns[2];
      const auto at =
          std::lower_bound(rfcs.begin(), rfcs.end(), next,
                           [](const Rfc& a, const Rfc& b) { return a.number < b.number; });
      if (at != rfcs.end() && at->number == next.number) {
        errors.push_back(where + ": there is this RFC already");
        continue;
      }
      rfc = &*rfcs.insert(at, std::move(next));
      continue;
    }
    if (rfc == nullptr) {
      errors.push_back(where + ": of no RFC");
      continue;
    }
    Requirement requirement;
    requirement.source = where;
    const std::string error = ParseLine(columns, *rfc, requirement);
    if (!error.empty()) {
      errors.push_back(where + ": " + error);
    } else if (!ids.insert(requirement.id).second) {
      errors.push_back(where + ": there is " + requirement.id + " already");
    } else {
      rfc->requirements.push_back(std::move(requirement));
    }
  }
}

void Requirements::ReadDirectory(const std::string& directory) {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    if (entry.path().extension() == ".tsv") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  if (files.empty()) errors.push_back(directory + ": there are no requirements");
  for (const std::string& path : files) {
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    if (!file) errors.push_back(path + ": cannot be read");
    Parse(path, text.str());
  }
}

}  // namespace moat::conform
