#include "runtime/verb.h"

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace moat::runtime {
namespace {

constexpr char kExitCodePayload[] = "moat/exit-code";

}  // namespace

bool Arguments::Has(absl::string_view flag) const {
  for (const auto& [name, value] : flags_) {
    if (name == flag) return true;
  }
  return false;
}

bool Arguments::Bool(absl::string_view flag) const { return String(flag) == "true"; }

std::string Arguments::String(absl::string_view flag, absl::string_view otherwise) const {
  std::string result(otherwise);
  for (const auto& [name, value] : flags_) {
    if (name == flag) result = value;
  }
  return result;
}

std::vector<std::string> Arguments::List(absl::string_view flag) const {
  std::vector<std::string> result;
  for (const auto& [name, value] : flags_) {
    if (name == flag) result.push_back(value);
  }
  return result;
}

absl::StatusOr<int> Arguments::Number(absl::string_view flag, int otherwise, int most) const {
  if (!Has(flag)) return otherwise;
  int value = 0;
  const std::string text = String(flag);
  if (!absl::SimpleAtoi(text, &value) || value < 0 || value > most) {
    return absl::InvalidArgumentError(
        absl::StrCat("--", flag, ": \"", text, "\" is not a number between 0 and ", most));
  }
  return value;
}

absl::Status WithExitCode(absl::Status status, int code) {
  if (!status.ok()) status.SetPayload(kExitCodePayload, absl::Cord(absl::StrCat(code)));
  return status;
}

int ExitCodeOf(const absl::Status& status, int otherwise) {
  auto payload = status.GetPayload(kExitCodePayload);
  int code = 0;
  if (!payload || !absl::SimpleAtoi(std::string(*payload), &code)) return otherwise;
  return code;
}

}  // namespace moat::runtime
