// moatctl ID sysctl: the stack's tunables, as sysctl(8), without "net." in front.
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "ctl/command.h"
#include "ctl/format.h"

namespace moat::ctl {
namespace {

absl::Status Set(Context& context, const std::string& name, const std::string& value) {
  v1::SetSysctlRequest request;
  request.mutable_sysctl()->set_name(name);
  request.mutable_sysctl()->set_value(value);
  v1::SetSysctlResponse response;
  return context.client.Call(&v1::Sandbox::Stub::SetSysctl, request, &response);
}

// Adds those whose name begins so to `json`, or prints them.
absl::Status List(Context& context, const std::string& prefix, Json* json) {
  v1::ListSysctlsRequest request;
  request.set_prefix(prefix);
  v1::ListSysctlsResponse response;
  absl::Status status = context.client.Call(&v1::Sandbox::Stub::ListSysctls, request, &response);
  if (!status.ok()) return status;
  if (response.sysctls().empty()) {
    return absl::NotFoundError(absl::StrCat("there is no sysctl \"", prefix, "\""));
  }
  for (const v1::Sysctl& sysctl : response.sysctls()) {
    if (context.options.json) {
      (*json)[sysctl.name()] = sysctl.value();
    } else {
      context.out << sysctl.name() << " = " << sysctl.value() << "\n";
    }
  }
  return absl::OkStatus();
}

// "net." in front is what sysctl(8) needs and may be left.
std::string Name(const std::string& word) {
  return absl::StartsWith(word, "net.") ? word.substr(4) : word;
}

absl::Status Run(Context& context, Args& args) {
  std::vector<std::string> words;
  while (!args.empty()) words.push_back(args.Take());
  if (words.empty()) words.emplace_back();
  Json json = Json::object();
  for (const std::string& word : words) {
    const size_t equal = word.find('=');
    absl::Status status = equal == word.npos
                              ? List(context, Name(word), &json)
                              : Set(context, Name(word.substr(0, equal)), word.substr(equal + 1));
    if (!status.ok()) return status;
  }
  if (context.options.json && !json.empty()) context.out << json.dump() << "\n";
  return absl::OkStatus();
}

constexpr Verb kVerbs[] = {{"", "[NAME[=VALUE]...]", Run}};

}  // namespace

const Object kSysctlObject = {"sysctl", "tunables, by their Linux names", kVerbs};

}  // namespace moat::ctl
