// moatctl ID rule: which routing table is asked for whom, as ip-rule(8).
#include <optional>

#include "absl/strings/str_cat.h"
#include "ctl/command.h"
#include "ctl/format.h"
#include "ctl/tables.h"

namespace moat::ctl {
namespace {

// "192.0.2.0/24" in its two parts; a host has no length.
struct Side {
  std::string address;
  std::string length;
};

Side SideOf(const std::string& prefix) {
  const size_t slash = prefix.find('/');
  if (slash == prefix.npos) return {prefix, ""};
  const std::string length = prefix.substr(slash + 1);
  const bool host = length == (FamilyOf(prefix) == v1::FAMILY_IPV4 ? "32" : "128");
  return {prefix.substr(0, slash), host ? "" : length};
}

std::string SideText(const std::string& prefix) {
  const Side side = SideOf(prefix);
  return side.length.empty() ? side.address : absl::StrCat(side.address, "/", side.length);
}

void AddSide(const char* name, const char* length_name, const std::string& prefix, Json* json) {
  const Side side = SideOf(prefix);
  (*json)[name] = side.address;
  if (!side.length.empty()) (*json)[length_name] = std::stoi(side.length);
}

absl::Status ParsePrefixOf(const std::string& word, Args& args, v1::Rule* rule) {
  absl::StatusOr<std::string> value = args.Value(word);
  if (!value.ok()) return value.status();
  if (*value == "all" || *value == "any" || *value == "default") return absl::OkStatus();
  if (FamilyOf(*value) == v1::FAMILY_ANY) {
    return SyntaxError(absl::StrCat("\"", *value, "\" is not a prefix"));
  }
  word == "to" ? rule->set_to(*value) : rule->set_from(*value);
  rule->set_family(FamilyOf(*value));
  return absl::OkStatus();
}

// One keyword and its value.
absl::Status ParseKeyword(const std::string& word, Args& args, v1::Rule* rule) {
  if (word == "from" || word == "to") return ParsePrefixOf(word, args, rule);
  if (word == "iif" || word == "dev") {
    absl::StatusOr<std::string> value = args.Value(word);
    if (value.ok()) rule->set_incoming_interface(*value);
    return value.status();
  }
  if (word == "table" || word == "lookup") {
    absl::StatusOr<uint32_t> table = TableValue(args, word);
    if (table.ok()) rule->set_table(*table);
    return table.status();
  }
  if (word == "priority" || word == "pref" || word == "preference" || word == "order") {
    absl::StatusOr<uint32_t> number = args.Number(word);
    if (number.ok()) rule->set_priority(*number);
    return number.status();
  }
  if (word == "type" && !args.empty()) return ParseKeyword(args.Take(), args, rule);
  if (const std::optional<v1::Route::Type> type = RouteTypeOf(word)) {
    rule->set_type(*type);
    return absl::OkStatus();
  }
  return SyntaxError(absl::StrCat("rule: \"", word, "\" is not supported"));
}

absl::StatusOr<v1::Rule> ParseRule(const Context& context, Args& args) {
  if (args.empty()) return SyntaxError("rule needs a selector, e.g. from 192.0.2.0/24");
  v1::Rule rule;
  while (!args.empty()) {
    if (absl::Status status = ParseKeyword(args.Take(), args, &rule); !status.ok()) return status;
  }
  if (rule.family() == v1::FAMILY_ANY) {  // as ip rule: IPv4 unless -6 is given
    const bool v6 = context.options.family == v1::FAMILY_IPV6;
    rule.set_family(v6 ? v1::FAMILY_IPV6 : v1::FAMILY_IPV4);
  }
  return rule;
}

absl::Status Show(Context& context, Args& args) {
  if (absl::Status status = args.ExpectEnd(); !status.ok()) return status;
  v1::ListRulesRequest request;
  const bool v6 = context.options.family == v1::FAMILY_IPV6;
  request.set_family(v6 ? v1::FAMILY_IPV6 : v1::FAMILY_IPV4);
  v1::ListRulesResponse response;
  absl::Status status = context.client.Call(&v1::Sandbox::Stub::ListRules, request, &response);
  if (!status.ok()) return status;
  Json list = Json::array();
  for (const v1::Rule& rule : response.rules()) {
    if (context.options.json) {
      list.push_back(RuleJson(rule));
    } else {
      context.out << RuleText(rule) << "\n";
    }
  }
  if (context.options.json) context.out << list.dump() << "\n";
  return absl::OkStatus();
}

absl::Status Add(Context& context, Args& args) {
  absl::StatusOr<v1::Rule> rule = ParseRule(context, args);
  if (!rule.ok()) return rule.status();
  v1::AddRuleRequest request;
  *request.mutable_rule() = *rule;
  v1::AddRuleResponse response;
  return context.client.Call(&v1::Sandbox::Stub::AddRule, request, &response);
}

absl::Status Delete(Context& context, Args& args) {
  absl::StatusOr<v1::Rule> rule = ParseRule(context, args);
  if (!rule.ok()) return rule.status();
  v1::RemoveRuleRequest request;
  *request.mutable_rule() = *rule;
  v1::RemoveRuleResponse response;
  return context.client.Call(&v1::Sandbox::Stub::RemoveRule, request, &response);
}

constexpr char kRuleUsage[] = "[from PREFIX] [to PREFIX] [iif IF] [priority N] [table N | TYPE]";
constexpr Verb kVerbs[] = {
    {"show list", "", Show}, {"add", kRuleUsage, Add}, {"del delete", kRuleUsage, Delete}};

}  // namespace

std::string RuleText(const v1::Rule& rule) {
  std::string text = absl::StrCat(rule.priority(), ":\tfrom ",
                                  rule.from().empty() ? "all" : SideText(rule.from()));
  if (!rule.to().empty()) absl::StrAppend(&text, " to ", SideText(rule.to()));
  if (!rule.incoming_interface().empty())
    absl::StrAppend(&text, " iif ", rule.incoming_interface());
  if (rule.type() != v1::Route::TYPE_UNICAST) {
    return absl::StrCat(text, " ", RouteTypeName(rule.type()));
  }
  return absl::StrCat(text, " lookup ", TableName(rule.table()));
}

Json RuleJson(const v1::Rule& rule) {
  Json json = {{"priority", rule.priority()}, {"src", "all"}};
  if (!rule.from().empty()) AddSide("src", "srclen", rule.from(), &json);
  if (!rule.to().empty()) AddSide("dst", "dstlen", rule.to(), &json);
  if (!rule.incoming_interface().empty()) json["iif"] = rule.incoming_interface();
  if (rule.type() != v1::Route::TYPE_UNICAST) {
    json["action"] = RouteTypeName(rule.type());
  } else {
    json["table"] = TableName(rule.table());
  }
  return json;
}

const Object kRuleObject = {"rule", "policy rules (IPv4; with -6 IPv6)", kVerbs};

}  // namespace moat::ctl
