// moatctl ID addrlabel: the policy table of RFC 6724, as ip-addrlabel(8) and gai.conf(5) show it.
#include <optional>

#include "absl/strings/str_cat.h"
#include "ctl/command.h"
#include "ctl/format.h"

namespace moat::ctl {
namespace {

struct PolicyWords {
  std::string prefix;
  std::optional<uint32_t> label, precedence;
};

absl::StatusOr<PolicyWords> Parse(Args& args) {
  PolicyWords words;
  while (!args.empty()) {
    const std::string word = args.Take();
    if (word == "prefix") {
      absl::StatusOr<std::string> value = args.Value(word);
      if (!value.ok()) return value.status();
      if (FamilyOf(*value) == v1::FAMILY_ANY) {
        return SyntaxError(absl::StrCat("\"", *value, "\" is not a prefix"));
      }
      words.prefix = *value;
    } else if (word == "label" || word == "precedence") {
      absl::StatusOr<uint32_t> number = args.Number(word);
      if (!number.ok()) return number.status();
      (word == "label" ? words.label : words.precedence) = *number;
    } else {
      return SyntaxError(absl::StrCat("addrlabel: \"", word, "\" is not supported"));
    }
  }
  if (words.prefix.empty()) return SyntaxError("addrlabel needs \"prefix PREFIX\"");
  return words;
}

absl::Status Show(Context& context, Args& args) {
  if (absl::Status status = args.ExpectEnd(); !status.ok()) return status;
  v1::ListAddressPoliciesResponse response;
  absl::Status status =
      context.client.Call(&v1::Sandbox::Stub::ListAddressPolicies, {}, &response);
  if (!status.ok()) return status;
  Json list = Json::array();
  for (const v1::AddressPolicy& policy : response.policies()) {
    if (context.options.json) {
      list.push_back(PolicyJson(policy));
    } else {
      context.out << PolicyText(policy) << "\n";
    }
  }
  if (context.options.json) context.out << list.dump() << "\n";
  return absl::OkStatus();
}

absl::Status Store(Context& context, Args& args, bool replace) {
  absl::StatusOr<PolicyWords> words = Parse(args);
  if (!words.ok()) return words.status();
  if (!words->label.has_value()) return SyntaxError("addrlabel needs \"label N\"");
  v1::AddAddressPolicyRequest request;
  request.mutable_policy()->set_prefix(words->prefix);
  request.mutable_policy()->set_label(*words->label);
  if (words->precedence.has_value()) request.mutable_policy()->set_precedence(*words->precedence);
  request.set_replace(replace);
  v1::AddAddressPolicyResponse response;
  return context.client.Call(&v1::Sandbox::Stub::AddAddressPolicy, request, &response);
}

absl::Status Add(Context& context, Args& args) { return Store(context, args, /*replace=*/false); }
absl::Status Replace(Context& context, Args& args) {
  return Store(context, args, /*replace=*/true);
}

absl::Status Delete(Context& context, Args& args) {
  absl::StatusOr<PolicyWords> words = Parse(args);
  if (!words.ok()) return words.status();
  v1::RemoveAddressPolicyRequest request;
  request.set_prefix(words->prefix);
  v1::RemoveAddressPolicyResponse response;
  return context.client.Call(&v1::Sandbox::Stub::RemoveAddressPolicy, request, &response);
}

absl::Status Reset(Context& context, Args& args) {
  if (absl::Status status = args.ExpectEnd(); !status.ok()) return status;
  v1::ResetAddressPoliciesResponse response;
  return context.client.Call(&v1::Sandbox::Stub::ResetAddressPolicies, {}, &response);
}

constexpr char kUsage[] = "prefix PREFIX label N [precedence N]";
constexpr Verb kVerbs[] = {{"show list", "", Show},
                           {"add", kUsage, Add},
                           {"replace change", kUsage, Replace},
                           {"del delete", "prefix PREFIX", Delete},
                           {"reset", "", Reset}};

}  // namespace

std::string PolicyText(const v1::AddressPolicy& policy) {
  return absl::StrCat("prefix ", policy.prefix(), " label ", policy.label(), " precedence ",
                      policy.precedence());
}

Json PolicyJson(const v1::AddressPolicy& policy) {
  const std::string& prefix = policy.prefix();
  const size_t slash = prefix.find('/');
  Json json = {{"address", prefix.substr(0, slash)}};
  if (slash != prefix.npos) json["prefixlen"] = std::stoi(prefix.substr(slash + 1));
  json["label"] = policy.label();
  json["precedence"] = policy.precedence();
  return json;
}

const Object kAddrLabelObject = {"addrlabel", "how addresses are chosen (RFC 6724)", kVerbs};

}  // namespace moat::ctl
