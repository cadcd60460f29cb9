#include "runtime/verbs/signal_number.h"

#include <signal.h>
#include <string.h>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace moat::runtime {
namespace {

constexpr int kLastSignal = 64;

// "RTMIN+3", "RTMAX-1"; 0 for anything else.
int RealtimeSignal(absl::string_view name) {
  int offset = 0;
  if (name == "RTMIN") return SIGRTMIN;
  if (name == "RTMAX") return SIGRTMAX;
  if (absl::ConsumePrefix(&name, "RTMIN+") && absl::SimpleAtoi(name, &offset)) {
    return SIGRTMIN + offset;
  }
  if (absl::ConsumePrefix(&name, "RTMAX-") && absl::SimpleAtoi(name, &offset)) {
    return SIGRTMAX - offset;
  }
  return 0;
}

}  // namespace

absl::StatusOr<int> SignalNumber(const std::string& word) {
  int number = 0;
  if (absl::SimpleAtoi(word, &number)) {
    if (number > 0 && number <= kLastSignal) return number;
  } else {
    const std::string upper = absl::AsciiStrToUpper(word);
    const absl::string_view name = absl::StripPrefix(upper, "SIG");
    for (int i = 1; i < SIGRTMIN; ++i) {
      const char* abbreviation = sigabbrev_np(i);
      if (abbreviation != nullptr && name == abbreviation) return i;
    }
    number = RealtimeSignal(name);
    if (number >= SIGRTMIN && number <= SIGRTMAX) return number;
  }
  return absl::InvalidArgumentError(absl::StrCat("unknown signal \"", word, "\""));
}

}  // namespace moat::runtime
