#include <algorithm>
#include <iomanip>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "ctl/command.h"

namespace moat::ctl {
namespace {

constexpr const Object* kObjects[] = {
    &kAddrObject,      &kRouteObject, &kRuleObject,    &kRaObject,
    &kAddrLabelObject, &kLinkObject,  &kNeighObject,   &kSocketsObject,
    &kCountersObject,  &kMonitorObject, &kSysctlObject,
};

bool Names(std::string_view names, const std::string& word) {
  const std::string list(names);
  for (const absl::string_view name : absl::StrSplit(list, ' ')) {
    if (Abbreviates(word, {name.data(), name.size()})) return true;
  }
  return false;
}

std::string FirstName(std::string_view names) {
  return std::string(names.substr(0, names.find(' ')));
}

absl::Status PrintInfo(Context& context) {
  v1::GetInfoResponse info;
  absl::Status status = context.client.Call(&v1::Sandbox::Stub::GetInfo, {}, &info);
  if (!status.ok()) return status;
  if (context.options.json) {
    const nlohmann::ordered_json json = {
        {"id", info.id()}, {"sentry_pid", info.sentry_pid()}, {"uptime_ms", info.uptime_ms()}};
    context.out << json.dump() << "\n";
    return absl::OkStatus();
  }
  context.out << "sandbox " << info.id() << " up " << std::fixed << std::setprecision(1)
              << static_cast<double>(info.uptime_ms()) / 1000 << "s\n";
  return absl::OkStatus();
}

}  // namespace

std::span<const Object* const> Objects() { return kObjects; }

absl::Status RunCommand(Context& context, Args& args) {
  if (args.empty()) return PrintInfo(context);
  const std::string word = args.Take();
  const auto object = std::find_if(std::begin(kObjects), std::end(kObjects),
                                   [&](const Object* o) { return Names(o->names, word); });
  if (object == std::end(kObjects)) {
    std::vector<std::string> names;
    for (const Object* known : kObjects) names.push_back(FirstName(known->names));
    return SyntaxError(
        absl::StrCat("object \"", word, "\" is unknown; there are: ", absl::StrJoin(names, ", ")));
  }
  const std::span<const Verb> verbs = (*object)->verbs;
  if (args.empty() || verbs.front().names.empty()) return verbs.front().run(context, args);
  const auto verb = std::find_if(verbs.begin(), verbs.end(),
                                 [&](const Verb& v) { return Names(v.names, args.Peek()); });
  if (verb == verbs.end()) {
    std::vector<std::string> names;
    for (const Verb& known : verbs) names.push_back(FirstName(known.names));
    return SyntaxError(absl::StrCat("\"", args.Peek(), "\" is unknown to \"",
                                    FirstName((*object)->names),
                                    "\"; it knows: ", absl::StrJoin(names, ", ")));
  }
  args.Take();
  return verb->run(context, args);
}

void PrintUsage(std::ostream& out) {
  out << "Usage: moatctl [OPTIONS] ID [OBJECT [COMMAND]]\n"
         "Looks into the network stack of a running sandbox, and changes it.\n\n"
         "  ID is the container's id, or the beginning of one.\n\n"
         "Options:\n"
         "  --root DIR      where the runtime keeps its state (default: the usual places)\n"
         "  -j, --json      as JSON, with the names that ip -j uses\n"
         "  -4, -6          one IP version only\n"
         "  -s, --stats     with statistics (link)\n"
         "  -h, --help      this text\n\n"
         "Objects, each of which may be abbreviated:\n";
  for (const Object* object : kObjects) {
    const std::string name = FirstName(object->names);
    out << "  " << name << ": " << object->summary << "\n";
    for (const Verb& verb : object->verbs) {
      out << "    moatctl ID " << name;
      if (!verb.names.empty()) out << " " << FirstName(verb.names);
      if (!verb.usage.empty()) out << " " << verb.usage;
      out << "\n";
    }
  }
}

}  // namespace moat::ctl
