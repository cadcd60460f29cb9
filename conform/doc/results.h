// The recorded results of all stacks, docs/conformance-results.tsv: one line per case and stack,
// "arp-001<TAB>linux<TAB>pass<TAB>reason". Later lines replace earlier ones when it is read, so
// that two versions may simply be joined.
#ifndef MOAT_CONFORM_DOC_RESULTS_H_
#define MOAT_CONFORM_DOC_RESULTS_H_

#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace moat::conform {

struct Recorded {
  std::string outcome;  // of OutcomeName()
  std::string reason;
};

class Results {
 public:
  static Results Parse(std::string_view text);  // bad lines are skipped
  std::string Format() const;                   // sorted

  void Set(const std::string& id, const std::string& stack, Recorded recorded) {
    entries_[{id, stack}] = std::move(recorded);
  }
  const Recorded* Find(const std::string& id, const std::string& stack) const;  // null: not run
  // Cases that are gone.
  template <typename Predicate>
  void Keep(Predicate keep) {
    std::erase_if(entries_, [&](const auto& entry) { return !keep(entry.first.first); });
  }

 private:
  std::map<std::pair<std::string, std::string>, Recorded> entries_;
};

}  // namespace moat::conform

#endif  // MOAT_CONFORM_DOC_RESULTS_H_
