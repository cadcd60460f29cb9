// A verb of the command line ("create", "list") as data: its flags, its words of help, its
// function.
//
// To add one: write verbs/<name>.cc that defines `constinit const Verb k<Name>Verb`, declare it in
// verbs/verbs.h, and add its row to verbs/table.cc. Nothing else knows the verbs. There are no
// static initialisers in this: starting the program costs nothing per verb.
//
//   constexpr Flag kFlags[] = {{"format", 'f', FlagKind::kString, "table or json"}};
//   absl::StatusOr<int> Run(const Globals& globals, const Arguments& arguments) { ... }
//   constinit const Verb kListVerb = {
//       .name = "list", .usage = "", .summary = "lists containers", .flags = kFlags, .run = Run};
#ifndef MOAT_RUNTIME_VERB_H_
#define MOAT_RUNTIME_VERB_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace moat::runtime {

enum class FlagKind {
  kBool,    // --all, --all=false
  kString,  // --format json, --format=json; the last one counts
  kList,    // may be repeated: --env A=1 --env B=2
};

struct Flag {
  const char* name;  // without dashes
  char letter;       // -f, or 0
  FlagKind kind;
  const char* help;
};

// The flags before the verb.
struct Globals {
  std::string root = "/run/moat";  // one directory per container below it
  std::string log;                 // empty: standard error
  std::string log_format = "text";
  bool debug = false;
  bool systemd_cgroup = false;
};

// What followed the verb, checked against its flags.
class Arguments {
 public:
  bool Has(absl::string_view flag) const;
  bool Bool(absl::string_view flag) const;  // absent: false
  std::string String(absl::string_view flag, absl::string_view otherwise = "") const;
  std::vector<std::string> List(absl::string_view flag) const;
  // A non-negative number of at most `most`; absent: `otherwise`. The error names the flag.
  absl::StatusOr<int> Number(absl::string_view flag, int otherwise, int most) const;

  // The words after the flags. Verb::min_words and max_words have been applied.
  const std::vector<std::string>& words() const { return words_; }
  const std::string& word(size_t i) const { return words_[i]; }

  void AddFlag(std::string name, std::string value) {
    flags_.emplace_back(std::move(name), std::move(value));
  }
  void AddWord(std::string word) { words_.push_back(std::move(word)); }

 private:
  std::vector<std::pair<std::string, std::string>> flags_;  // by long name, in order
  std::vector<std::string> words_;
};

struct Verb {
  const char* name;
  const char* usage;    // the words after the flags: "<container-id> [signal]"
  const char* summary;  // one line for the list of verbs
  absl::Span<const Flag> flags = {};
  int min_words = 0;
  int max_words = 0;             // -1: any number
  const char* error_prefix = "";  // "exec failed: ", before every error's text
  int error_exit_code = 1;       // for an error without an exit code of its own
  bool hidden = false;           // not in the list of verbs
  // Does the work. The value is the exit status of the program.
  absl::StatusOr<int> (*run)(const Globals&, const Arguments&) = nullptr;
};

// An error that ends the program with `code` instead of the verb's error_exit_code.
absl::Status WithExitCode(absl::Status status, int code);
int ExitCodeOf(const absl::Status& status, int otherwise);

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_VERB_H_
