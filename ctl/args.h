// The words of a command line that are still to be understood.
#ifndef MOAT_CTL_ARGS_H_
#define MOAT_CTL_ARGS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace moat::ctl {

// A mistake in the command line, as opposed to what the sandbox refuses. Exit code 1, as ip(8) has
// it.
absl::Status SyntaxError(std::string_view message);
bool IsSyntaxError(const absl::Status& status);

// True when `word` abbreviates `full`, as iproute2 allows: "a" for "address".
bool Abbreviates(std::string_view word, std::string_view full);

class Args {
 public:
  explicit Args(std::vector<std::string> words) : words_(std::move(words)) {}

  bool empty() const { return next_ == words_.size(); }
  const std::string& Peek() const { return words_[next_]; }  // not when empty()
  std::string Take() { return words_[next_++]; }             // not when empty()

  // Takes the next word if it is `word`.
  bool TakeIf(std::string_view word);

  // The value that has to follow `keyword`, which has just been taken.
  absl::StatusOr<std::string> Value(std::string_view keyword);
  absl::StatusOr<uint32_t> Number(std::string_view keyword);

  // An error that says that nothing should be left.
  absl::Status ExpectEnd() const;

 private:
  std::vector<std::string> words_;
  size_t next_ = 0;
};

}  // namespace moat::ctl

#endif  // MOAT_CTL_ARGS_H_
