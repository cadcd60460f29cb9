// moatctl ID nstat: the protocol counters, as nstat(8) -a prints them.
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "ctl/command.h"
#include "ctl/format.h"

namespace moat::ctl {
namespace {

absl::Status Show(Context& context, Args& args) {
  bool zeros = false;
  std::vector<std::string> beginnings;
  while (!args.empty()) {
    const std::string word = args.Take();
    if (word == "-z" || word == "-az") {
      zeros = true;
    } else if (word == "-a") {
      // Totals: the only ones there are.
    } else if (absl::StartsWith(word, "-")) {
      return SyntaxError(absl::StrCat("nstat: option ", word, " is not supported"));
    } else {
      beginnings.push_back(word);
    }
  }
  v1::GetCountersResponse response;
  absl::Status status = context.client.Call(&v1::Sandbox::Stub::GetCounters, {}, &response);
  if (!status.ok()) return status;
  Json json = Json::object();
  for (const v1::Counter& counter : response.counters()) {
    const std::string name = CounterName(counter);
    bool wanted = beginnings.empty();
    for (const std::string& beginning : beginnings) wanted |= absl::StartsWith(name, beginning);
    if (!wanted || (counter.value() == 0 && !zeros)) continue;
    if (context.options.json) {
      json[name] = counter.value();
    } else {
      context.out << absl::StrFormat("%-32s%u\n", name, counter.value());
    }
  }
  if (context.options.json) context.out << Json{{"stack", json}}.dump() << "\n";
  return absl::OkStatus();
}

constexpr Verb kVerbs[] = {{"", "[-z] [NAME...]", Show}};

}  // namespace

const Object kCountersObject = {"nstat stats counters", "protocol counters (-z: zeros too)",
                                kVerbs};

std::string CounterName(const v1::Counter& counter) {
  return absl::StrReplaceAll(counter.name(), {{".", ""}});
}

}  // namespace moat::ctl
