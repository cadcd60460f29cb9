// moatctl ID ra: what the sandbox advertises as a router (RFC 4861 6.2), per interface.
#include <cstdint>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "ctl/command.h"
#include "ctl/format.h"

namespace moat::ctl {
namespace {

constexpr uint32_t kForever = 0xffffffff;

constexpr std::pair<const char*, v1::RouterAdvertisement::Preference> kPreferences[] = {
    {"medium", v1::RouterAdvertisement::PREFERENCE_MEDIUM},
    {"high", v1::RouterAdvertisement::PREFERENCE_HIGH},
    {"low", v1::RouterAdvertisement::PREFERENCE_LOW},
};

const char* PreferenceName(v1::RouterAdvertisement::Preference preference) {
  for (const auto& [name, value] : kPreferences) {
    if (value == preference) return name;
  }
  return "?";
}

std::string Lifetime(uint32_t seconds) {
  return seconds == kForever ? "forever" : absl::StrCat(seconds);
}

std::string PrefixText(const v1::AdvertisedPrefix& prefix) {
  std::string text = absl::StrCat("prefix ", prefix.prefix(), " valid ", Lifetime(prefix.valid_s()),
                                  " preferred ", Lifetime(prefix.preferred_s()));
  if (prefix.off_link()) absl::StrAppend(&text, " off-link");
  if (prefix.not_autonomous()) absl::StrAppend(&text, " no-autoconf");
  return text;
}

// What a number of the command line sets.
using SetNumber = void (*)(v1::RouterAdvertisement& ra, uint32_t value);
struct NumberWord {
  const char* word;
  SetNumber set;
};
constexpr NumberWord kNumbers[] = {
    {"max", [](v1::RouterAdvertisement& ra, uint32_t v) { ra.set_max_interval_s(v); }},
    {"min", [](v1::RouterAdvertisement& ra, uint32_t v) { ra.set_min_interval_s(v); }},
    {"lifetime", [](v1::RouterAdvertisement& ra, uint32_t v) { ra.set_lifetime_s(v); }},
    {"hoplimit", [](v1::RouterAdvertisement& ra, uint32_t v) { ra.set_hop_limit(v); }},
    {"reachable", [](v1::RouterAdvertisement& ra, uint32_t v) { ra.set_reachable_ms(v); }},
    {"retrans", [](v1::RouterAdvertisement& ra, uint32_t v) { ra.set_retransmit_ms(v); }},
    {"mtu", [](v1::RouterAdvertisement& ra, uint32_t v) { ra.set_mtu_bytes(v); }},
    {"dns-lifetime",
     [](v1::RouterAdvertisement& ra, uint32_t v) { ra.set_name_server_lifetime_s(v); }},
};

absl::StatusOr<uint32_t> Seconds(const std::string& word, Args& args) {
  if (args.TakeIf("forever")) return kForever;
  return args.Number(word);
}

absl::StatusOr<std::string> AddressValue(const std::string& word, Args& args) {
  absl::StatusOr<std::string> value = args.Value(word);
  if (value.ok() && FamilyOf(*value) != v1::FAMILY_IPV6) {
    return SyntaxError(absl::StrCat("\"", *value, "\" is not IPv6"));
  }
  return value;
}

// The words that belong to the prefix before them; false when `word` is none.
absl::StatusOr<bool> ParseOfPrefix(const std::string& word, Args& args,
                                   v1::RouterAdvertisement* ra) {
  const bool known =
      word == "valid" || word == "preferred" || word == "off-link" || word == "no-autoconf";
  if (!known) return false;
  if (ra->prefixes().empty()) {
    return SyntaxError(absl::StrCat("\"", word, "\" belongs behind \"prefix PREFIX\""));
  }
  v1::AdvertisedPrefix& prefix = *ra->mutable_prefixes(ra->prefixes_size() - 1);
  if (word == "off-link") prefix.set_off_link(true);
  if (word == "no-autoconf") prefix.set_not_autonomous(true);
  if (word == "off-link" || word == "no-autoconf") return true;
  absl::StatusOr<uint32_t> seconds = Seconds(word, args);
  if (!seconds.ok()) return seconds.status();
  word == "valid" ? prefix.set_valid_s(*seconds) : prefix.set_preferred_s(*seconds);
  return true;
}

absl::Status ParsePreference(Args& args, v1::RouterAdvertisement* ra) {
  absl::StatusOr<std::string> value = args.Value("preference");
  if (!value.ok()) return value.status();
  for (const auto& [name, preference] : kPreferences) {
    if (*value != name) continue;
    ra->set_preference(preference);
    return absl::OkStatus();
  }
  return SyntaxError(absl::StrCat("\"", *value, "\" is not low, medium or high"));
}

absl::Status ParseKeyword(const std::string& word, Args& args, v1::RouterAdvertisement* ra) {
  for (const NumberWord& number : kNumbers) {
    if (word != number.word) continue;
    absl::StatusOr<uint32_t> value = Seconds(word, args);
    if (value.ok()) number.set(*ra, *value);
    return value.status();
  }
  if (word == "managed" || word == "other") {
    word == "managed" ? ra->set_managed(true) : ra->set_other(true);
    return absl::OkStatus();
  }
  if (word == "preference") return ParsePreference(args, ra);
  if (word == "prefix" || word == "dns") {
    absl::StatusOr<std::string> value = AddressValue(word, args);
    if (!value.ok()) return value.status();
    word == "dns" ? ra->add_name_servers(*value) : ra->add_prefixes()->set_prefix(*value);
    return absl::OkStatus();
  }
  absl::StatusOr<bool> taken = ParseOfPrefix(word, args, ra);
  if (taken.ok() && *taken) return absl::OkStatus();
  if (!taken.ok()) return taken.status();
  return SyntaxError(absl::StrCat("ra: \"", word, "\" is not supported"));
}

absl::StatusOr<std::string> TakeInterface(Args& args) {
  args.TakeIf("dev");
  if (args.empty()) return SyntaxError("ra needs an interface");
  return args.Take();
}

absl::Status Show(Context& context, Args& args) {
  v1::ListRouterAdvertisementsRequest request;
  args.TakeIf("dev");
  if (!args.empty()) request.set_interface(args.Take());
  if (absl::Status status = args.ExpectEnd(); !status.ok()) return status;
  v1::ListRouterAdvertisementsResponse response;
  absl::Status status =
      context.client.Call(&v1::Sandbox::Stub::ListRouterAdvertisements, request, &response);
  if (!status.ok()) return status;
  Json list = Json::array();
  for (const v1::RouterAdvertisement& ra : response.advertisements()) {
    if (context.options.json) {
      list.push_back(AdvertisementJson(ra));
    } else {
      context.out << AdvertisementText(ra)
                  << (ra.advertising() ? "" : "\n    (not advertising now)") << "\n";
    }
  }
  if (context.options.json) context.out << list.dump() << "\n";
  return absl::OkStatus();
}

absl::Status Set(Context& context, Args& args) {
  absl::StatusOr<std::string> interface = TakeInterface(args);
  if (!interface.ok()) return interface.status();
  v1::SetRouterAdvertisementRequest request;
  request.mutable_advertisement()->set_interface(*interface);
  while (!args.empty()) {
    absl::Status status = ParseKeyword(args.Take(), args, request.mutable_advertisement());
    if (!status.ok()) return status;
  }
  v1::SetRouterAdvertisementResponse response;
  return context.client.Call(&v1::Sandbox::Stub::SetRouterAdvertisement, request, &response);
}

absl::Status Unset(Context& context, Args& args) {
  absl::StatusOr<std::string> interface = TakeInterface(args);
  if (!interface.ok()) return interface.status();
  if (absl::Status status = args.ExpectEnd(); !status.ok()) return status;
  v1::UnsetRouterAdvertisementRequest request;
  request.set_interface(*interface);
  v1::UnsetRouterAdvertisementResponse response;
  return context.client.Call(&v1::Sandbox::Stub::UnsetRouterAdvertisement, request, &response);
}

constexpr char kSetUsage[] =
    "IF [max S] [min S] [lifetime S] [preference low|medium|high] [hoplimit N]\n"
    "        [managed] [other] [reachable MS] [retrans MS] [mtu N] [dns ADDR]... [dns-lifetime S]\n"
    "        [prefix PREFIX [valid S] [preferred S] [off-link] [no-autoconf]]...";
constexpr Verb kVerbs[] = {
    {"show list", "[IF]", Show}, {"set", kSetUsage, Set}, {"unset", "IF", Unset}};

}  // namespace

std::string AdvertisementText(const v1::RouterAdvertisement& ra) {
  std::string text =
      absl::StrCat(ra.interface(), " max ", ra.max_interval_s(), " min ", ra.min_interval_s(),
                   " lifetime ", ra.lifetime_s(), " preference ", PreferenceName(ra.preference()),
                   " hoplimit ", ra.hop_limit());
  if (ra.managed()) absl::StrAppend(&text, " managed");
  if (ra.other()) absl::StrAppend(&text, " other");
  if (ra.reachable_ms() != 0) absl::StrAppend(&text, " reachable ", ra.reachable_ms());
  if (ra.retransmit_ms() != 0) absl::StrAppend(&text, " retrans ", ra.retransmit_ms());
  if (ra.mtu_bytes() != 0) absl::StrAppend(&text, " mtu ", ra.mtu_bytes());
  for (const v1::AdvertisedPrefix& prefix : ra.prefixes()) {
    absl::StrAppend(&text, "\n    ", PrefixText(prefix));
  }
  if (ra.name_servers().empty()) return text;
  absl::StrAppend(&text, "\n   ");
  for (const std::string& server : ra.name_servers()) absl::StrAppend(&text, " dns ", server);
  return absl::StrCat(text, " dns-lifetime ", Lifetime(ra.name_server_lifetime_s()));
}

Json AdvertisementJson(const v1::RouterAdvertisement& ra) {
  Json json = {{"ifname", ra.interface()},     {"advertising", ra.advertising()},
               {"max", ra.max_interval_s()},   {"min", ra.min_interval_s()},
               {"lifetime", ra.lifetime_s()},  {"preference", PreferenceName(ra.preference())},
               {"hoplimit", ra.hop_limit()},   {"managed", ra.managed()},
               {"other", ra.other()},          {"reachable", ra.reachable_ms()},
               {"retrans", ra.retransmit_ms()}};
  if (ra.mtu_bytes() != 0) json["mtu"] = ra.mtu_bytes();
  json["prefixes"] = Json::array();
  for (const v1::AdvertisedPrefix& prefix : ra.prefixes()) {
    json["prefixes"].push_back({{"prefix", prefix.prefix()},
                                {"valid", prefix.valid_s()},
                                {"preferred", prefix.preferred_s()},
                                {"onlink", !prefix.off_link()},
                                {"autoconf", !prefix.not_autonomous()}});
  }
  json["dns"] = Json::array();
  for (const std::string& server : ra.name_servers()) json["dns"].push_back(server);
  json["dns_lifetime"] = ra.name_server_lifetime_s();
  return json;
}

const Object kRaObject = {"ra", "router advertisements (sent where ipv6.conf.IF.forwarding is 1)",
                          kVerbs};

}  // namespace moat::ctl
