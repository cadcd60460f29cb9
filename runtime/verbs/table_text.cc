#include "runtime/verbs/table_text.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace moat::runtime {
namespace {

constexpr size_t kPadding = 3;
constexpr size_t kLeastWidth = 12;  // of text/tabwriter as runc sets it

}  // namespace

std::string TableText(const std::vector<std::vector<std::string>>& rows) {
  if (rows.empty()) return "";
  std::vector<size_t> width(rows[0].size(), kLeastWidth - kPadding);
  for (const std::vector<std::string>& row : rows) {
    for (size_t i = 0; i < row.size() && i < width.size(); ++i) {
      width[i] = std::max(width[i], row[i].size());
    }
  }
  std::string out;
  for (const std::vector<std::string>& row : rows) {
    for (size_t i = 0; i < row.size() && i < width.size(); ++i) {
      std::string cell = row[i];
      for (char& c : cell) {
        if (absl::ascii_iscntrl(static_cast<unsigned char>(c))) c = '?';
      }
      const bool last = i + 1 == row.size();
      const size_t padding = last ? 0 : width[i] + kPadding - cell.size();
      absl::StrAppend(&out, cell, std::string(padding, ' '));
    }
    out += '\n';
  }
  return out;
}

}  // namespace moat::runtime
