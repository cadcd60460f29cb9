// A scenario file as lines of words, and errors that say where.
#ifndef MOAT_NETSTACK_SIM_LINES_H_
#define MOAT_NETSTACK_SIM_LINES_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace moat::netstack::sim {

// One line's words, taken from left to right. Borrows the text.
class Line {
 public:
  // Words end at white space, the line at '#'.
  Line(std::string_view file, int number, std::string_view text) : file_(file), number_(number) {
    text = text.substr(0, text.find('#'));
    constexpr std::string_view kBlank = " \t\r\v\f";
    for (size_t at = text.find_first_not_of(kBlank); at != std::string_view::npos;) {
      const size_t end = text.find_first_of(kBlank, at);
      words_.push_back(text.substr(at, end == std::string_view::npos ? end : end - at));
      at = end == std::string_view::npos ? end : text.find_first_not_of(kBlank, end);
    }
  }

  int number() const { return number_; }
  bool done() const { return next_ == words_.size(); }
  // The next word; empty when there is none.
  std::string_view Take() { return done() ? std::string_view() : words_[next_++]; }
  std::string_view Peek() const { return done() ? std::string_view() : words_[next_]; }

  absl::Status Error(std::string_view word, const std::string& what) const {
    return absl::InvalidArgumentError(
        absl::StrCat(std::string(file_), ":", number_, ": \"", Printable(word), "\": ", what));
  }
  // When a word is missing: names the last one there is.
  absl::Status Missing(const std::string& what) const {
    return Error(words_.back(), absl::StrCat(what, " is missing after it"));
  }

 private:
  // A word may be anything; a message must be one line.
  static std::string Printable(std::string_view word) {
    constexpr size_t kLongest = 60;
    std::string text(word.substr(0, kLongest));
    for (char& c : text) {
      if (c < ' ' || c > '~') c = '?';
    }
    return word.size() > kLongest ? text + "..." : text;
  }

  std::string_view file_;
  int number_;
  std::vector<std::string_view> words_;
  size_t next_ = 0;
};

}  // namespace moat::netstack::sim

#endif  // MOAT_NETSTACK_SIM_LINES_H_
