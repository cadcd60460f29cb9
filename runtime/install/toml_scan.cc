#include "runtime/install/toml_scan.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace moat::runtime {
namespace {

class Scanner {
 public:
  explicit Scanner(absl::string_view text) : text_(text) {}

  absl::StatusOr<TomlOutline> Scan() {
    while (SkipBlank(), at_ < text_.size()) {
      outline_.empty = false;
      const bool ok = text_[at_] == '[' ? Header() : KeyValue();
      if (!ok) return Fail();
    }
    return outline_;
  }

 private:
  absl::Status Fail() const {
    size_t line = 1;
    for (size_t i = 0; i < mark_ && i < text_.size(); ++i) line += text_[i] == '\n';
    return absl::InvalidArgumentError(
        absl::StrCat("line ", line, ": ", problem_, "; nothing was changed"));
  }
  bool Problem(const char* what, size_t where) {
    problem_ = what;
    mark_ = where;
    return false;
  }

  char Peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void SkipSpaces() {
    while (Peek() == ' ' || Peek() == '\t') ++at_;
  }
  void SkipLine() {
    while (at_ < text_.size() && text_[at_] != '\n') ++at_;
  }
  // Blanks, newlines and comments.
  void SkipBlank() {
    while (at_ < text_.size()) {
      if (text_[at_] == '#') {
        SkipLine();
      } else if (absl::ascii_isspace(static_cast<unsigned char>(text_[at_]))) {
        ++at_;
      } else {
        return;
      }
    }
  }

  // A string of any of the four kinds; its content to *out if wanted (escapes as they stand).
  bool String(std::string* out) {
    const size_t start = at_;
    const char quote = Peek();
    const std::string three(3, quote);
    const bool multi = absl::StartsWith(text_.substr(at_), three);
    at_ += multi ? 3 : 1;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '\n' && !multi) break;
      if (multi ? absl::StartsWith(text_.substr(at_), three) : c == quote) {
        at_ += multi ? 3 : 1;
        // Up to two more quotes belong to a multi-line string's content.
        for (int extra = 0; multi && extra < 2 && Peek() == quote; ++extra) ++at_;
        return true;
      }
      if (c == '\\' && quote == '"') ++at_;
      if (out != nullptr) *out += c;
      ++at_;
    }
    return Problem("a string that does not end", start);
  }

  bool Key(std::string* out) {
    if (Peek() == '"' || Peek() == '\'') return String(out);
    const size_t start = at_;
    const auto bare = [](char c) {
      return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-';
    };
    while (bare(Peek())) *out += text_[at_++];
    return at_ > start || Problem("neither a table nor a key", start);
  }

  bool DottedKey(std::vector<std::string>* out) {
    do {
      if (!out->empty()) ++at_;  // the dot
      SkipSpaces();
      std::string key;
      if (!Key(&key)) return false;
      out->push_back(std::move(key));
      SkipSpaces();
    } while (Peek() == '.');
    return true;
  }

  bool Header() {
    const size_t start = at_;
    const bool array = absl::StartsWith(text_.substr(at_), "[[");
    at_ += array ? 2 : 1;
    std::vector<std::string> keys;
    if (!DottedKey(&keys)) return false;
    if (!absl::StartsWith(text_.substr(at_), array ? "]]" : "]")) {
      return Problem("a table's header that does not end", start);
    }
    at_ += array ? 2 : 1;
    outline_.tables.push_back(std::move(keys));
    return EndOfLine();
  }

  bool EndOfLine() {
    SkipSpaces();
    if (Peek() == '#') SkipLine();
    if (Peek() == '\r') ++at_;
    return at_ >= text_.size() || Peek() == '\n' || Problem("something after a value", at_);
  }

  bool KeyValue() {
    const size_t start = at_;
    std::vector<std::string> keys;
    if (!DottedKey(&keys)) return false;
    if (Peek() != '=') return Problem("a key without a value", start);
    ++at_;
    SkipSpaces();
    const size_t value = at_;
    if (!Value()) return false;
    int64_t number = 0;
    if (outline_.tables.empty() && keys.size() == 1 && keys[0] == "version" &&
        absl::SimpleAtoi(absl::StripAsciiWhitespace(text_.substr(value, at_ - value)), &number)) {
      outline_.version = number;
    }
    return EndOfLine();
  }

  // A value up to the end of its line, over newlines only inside brackets and multi-line strings.
  bool Value() {
    const size_t start = at_;
    int depth = 0;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"' || c == '\'') {
        if (!String(nullptr)) return false;
        continue;
      }
      if (depth == 0 && (c == '\n' || c == '#')) break;
      if (c == '#') {
        SkipLine();
        continue;
      }
      if (c == '[' || c == '{') ++depth;
      if (c == ']' || c == '}') {
        if (--depth < 0) return Problem("a bracket that was not opened", at_);
      }
      ++at_;
    }
    if (depth > 0) return Problem("an array or table that does not end", start);
    const bool given = !absl::StripAsciiWhitespace(text_.substr(start, at_ - start)).empty();
    return given || Problem("a key without a value", start);
  }

  absl::string_view text_;
  size_t at_ = 0;
  size_t mark_ = 0;
  const char* problem_ = "";
  TomlOutline outline_;
};

}  // namespace

absl::StatusOr<TomlOutline> ScanToml(absl::string_view text) { return Scanner(text).Scan(); }

}  // namespace moat::runtime
