#include "ctl/args.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace moat::ctl {
namespace {

constexpr char kSyntaxPayload[] = "moat.ctl/syntax";

}  // namespace

absl::Status SyntaxError(std::string_view message) {
  absl::Status status = absl::InvalidArgumentError(std::string(message));
  status.SetPayload(kSyntaxPayload, absl::Cord());
  return status;
}

bool IsSyntaxError(const absl::Status& status) {
  return status.GetPayload(kSyntaxPayload).has_value();
}

bool Abbreviates(std::string_view word, std::string_view full) {
  return !word.empty() && full.substr(0, word.size()) == word;
}

bool Args::TakeIf(std::string_view word) {
  if (empty() || words_[next_] != word) return false;
  ++next_;
  return true;
}

absl::StatusOr<std::string> Args::Value(std::string_view keyword) {
  if (empty()) return SyntaxError(absl::StrCat("\"", std::string(keyword), "\" needs a value"));
  return Take();
}

absl::StatusOr<uint32_t> Args::Number(std::string_view keyword) {
  absl::StatusOr<std::string> text = Value(keyword);
  if (!text.ok()) return text.status();
  uint32_t number;
  if (!absl::SimpleAtoi(*text, &number)) {
    return SyntaxError(
        absl::StrCat("\"", *text, "\" is not a number for \"", std::string(keyword), "\""));
  }
  return number;
}

absl::Status Args::ExpectEnd() const {
  if (empty()) return absl::OkStatus();
  return SyntaxError(absl::StrCat("\"", Peek(), "\" is one word too many"));
}

}  // namespace moat::ctl
