// moatctl ID route: the routing table, as ip-route(8).
#include <iterator>
#include <optional>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "ctl/command.h"
#include "ctl/format.h"
#include "ctl/tables.h"

namespace moat::ctl {
namespace {

// /etc/iproute2/rt_protos and rt_scopes, as far as anybody meets them.
constexpr uint32_t kProtocolBoot = 3;
constexpr std::pair<const char*, uint32_t> kProtocols[] = {
    {"redirect", 1}, {"kernel", 2}, {"boot", kProtocolBoot}, {"static", 4}, {"ra", 9},
    {"dhcp", 16},    {"bird", 12},  {"zebra", 11},
};
constexpr std::pair<const char*, uint32_t> kScopes[] = {{"link", 253}, {"host", 254}};

template <typename Value, size_t size>
std::string NameOf(const std::pair<const char*, Value> (&table)[size], Value value) {
  for (const auto& [name, entry] : table) {
    if (entry == value) return name;
  }
  return absl::StrCat(static_cast<uint32_t>(value));
}

template <typename Value, size_t size>
std::optional<Value> ValueOf(const std::pair<const char*, Value> (&table)[size],
                             const std::string& name) {
  for (const auto& [entry, value] : table) {
    if (entry == name) return value;
  }
  return std::nullopt;
}

bool IsDefault(const v1::Route& route) {
  return route.destination() == "0.0.0.0/0" || route.destination() == "::/0";
}

bool OfAnotherTable(const v1::Route& route) {
  return route.table() != 0 && route.table() != kMainTable;
}

std::string DestinationText(const v1::Route& route) {
  if (IsDefault(route)) return "default";
  const std::string& text = route.destination();
  const std::string host = FamilyOf(text) == v1::FAMILY_IPV4 ? "/32" : "/128";
  const size_t slash = text.find('/');
  const bool is_host = slash != std::string::npos && text.substr(slash) == host;
  return is_host ? text.substr(0, slash) : text;
}

// One "keyword value" of a route. False when `word` is no keyword that has to do with text fields.
bool SetText(const std::string& word, const std::string& value, v1::Route* route) {
  if (word == "via") {
    route->set_gateway(value);
  } else if (word == "dev") {
    route->set_interface(value);
  } else if (word == "src") {
    route->set_source(value);
  } else {
    return false;
  }
  return true;
}

absl::Status ParseKeyword(const std::string& word, Args& args, v1::Route* route) {
  if (word == "via" || word == "dev" || word == "src") {
    // "via inet6 ADDR" names the gateway's family, which the address says anyway.
    if (word == "via" && !args.TakeIf("inet")) args.TakeIf("inet6");
    absl::StatusOr<std::string> value = args.Value(word);
    if (!value.ok()) return value.status();
    if (word != "dev" && FamilyOf(*value) == v1::FAMILY_ANY) {
      return SyntaxError(absl::StrCat("\"", *value, "\" is not an address"));
    }
    SetText(word, *value, route);
    return absl::OkStatus();
  }
  if (word == "metric" || word == "preference" || word == "mtu") {
    absl::StatusOr<uint32_t> number = args.Number(word);
    if (!number.ok()) return number.status();
    word == "mtu" ? route->set_mtu_bytes(*number) : route->set_metric(*number);
    return absl::OkStatus();
  }
  if (word == "table") {
    absl::StatusOr<uint32_t> table = TableValue(args, word);
    if (table.ok()) route->set_table(*table);
    return table.status();
  }
  if (word == "proto" || word == "protocol") {
    absl::StatusOr<std::string> value = args.Value(word);
    if (!value.ok()) return value.status();
    uint32_t number = 0;
    const std::optional<uint32_t> known = ValueOf(kProtocols, *value);
    if (!known && !absl::SimpleAtoi(*value, &number)) {
      return SyntaxError(absl::StrCat("\"", *value, "\" is not a routing protocol"));
    }
    route->set_protocol(known.value_or(number));
    return absl::OkStatus();
  }
  return SyntaxError(absl::StrCat("route: \"", word, "\" is not supported"));
}

// [TYPE] PREFIX [via GW] [dev IF] [table N] [metric N] [src A] [mtu N] [proto P]
absl::StatusOr<v1::Route> ParseRoute(const Context& context, Args& args) {
  v1::Route route;
  std::string destination;
  while (!args.empty()) {
    const std::string word = args.Take();
    if (destination.empty()) {
      if (const auto type = RouteTypeOf(word)) {
        route.set_type(*type);
      } else if (word == "default" || FamilyOf(word) != v1::FAMILY_ANY) {
        destination = word;
      } else if (word != "to") {
        return SyntaxError(absl::StrCat("\"", word, "\" is not a destination"));
      }
      continue;
    }
    if (absl::Status status = ParseKeyword(word, args, &route); !status.ok()) return status;
  }
  if (destination.empty()) return SyntaxError("route needs a destination, e.g. default");
  if (destination == "default") {
    const bool v6 = route.gateway().empty() ? context.options.family == v1::FAMILY_IPV6
                                            : FamilyOf(route.gateway()) == v1::FAMILY_IPV6;
    destination = v6 ? "::/0" : "0.0.0.0/0";
  }
  route.set_destination(destination);
  return route;
}

// [table N|all] [dev IF], in any order.
absl::Status ParseFilter(Args& args, v1::ListRoutesRequest* request) {
  while (!args.empty()) {
    if (args.TakeIf("table")) {
      if (args.TakeIf("all")) {
        request->set_all_tables(true);
        continue;
      }
      absl::StatusOr<uint32_t> table = TableValue(args, "table");
      if (!table.ok()) return table.status();
      request->set_table(*table);
    } else if (args.TakeIf("dev")) {
      absl::StatusOr<std::string> interface = args.Value("dev");
      if (!interface.ok()) return interface.status();
      request->set_interface(*interface);
    } else {
      return args.ExpectEnd();
    }
  }
  return absl::OkStatus();
}

absl::Status Show(Context& context, Args& args) {
  v1::ListRoutesRequest request;
  // As ip route: IPv4 unless -6 is given.
  const bool v6 = context.options.family == v1::FAMILY_IPV6;
  request.set_family(v6 ? v1::FAMILY_IPV6 : v1::FAMILY_IPV4);
  if (absl::Status status = ParseFilter(args, &request); !status.ok()) return status;
  v1::ListRoutesResponse response;
  absl::Status status = context.client.Call(&v1::Sandbox::Stub::ListRoutes, request, &response);
  if (!status.ok()) return status;
  Json list = Json::array();
  for (v1::Route& route : *response.mutable_routes()) {
    if (!request.all_tables()) route.clear_table();  // who named one knows it
    if (context.options.json) {
      list.push_back(RouteJson(route));
    } else {
      context.out << RouteText(route) << "\n";
    }
  }
  if (context.options.json) context.out << list.dump() << "\n";
  return absl::OkStatus();
}

absl::Status AddOrReplace(Context& context, Args& args, bool replace) {
  absl::StatusOr<v1::Route> route = ParseRoute(context, args);
  if (!route.ok()) return route.status();
  v1::AddRouteRequest request;
  *request.mutable_route() = *route;
  request.set_replace(replace);
  v1::AddRouteResponse response;
  return context.client.Call(&v1::Sandbox::Stub::AddRoute, request, &response);
}

absl::Status Add(Context& context, Args& args) { return AddOrReplace(context, args, false); }
absl::Status Replace(Context& context, Args& args) { return AddOrReplace(context, args, true); }

absl::Status Delete(Context& context, Args& args) {
  absl::StatusOr<v1::Route> route = ParseRoute(context, args);
  if (!route.ok()) return route.status();
  v1::RemoveRouteRequest request;
  *request.mutable_route() = *route;
  v1::RemoveRouteResponse response;
  return context.client.Call(&v1::Sandbox::Stub::RemoveRoute, request, &response);
}

constexpr char kRouteUsage[] =
    "[TYPE] PREFIX [via GW] [dev IF] [table N] [metric N] [src ADDR] [mtu N] [proto P]";
constexpr Verb kVerbs[] = {
    {"show list", "[table N|all] [dev IF]", Show},
    {"add", kRouteUsage, Add},
    {"replace", kRouteUsage, Replace},
    {"del delete", "PREFIX [via GW] [dev IF] [table N] [metric N] [src ADDR] [proto P]", Delete},
};

}  // namespace

const Object kRouteObject = {"route", "the routing tables (IPv4; with -6 IPv6)", kVerbs};

std::string RouteText(const v1::Route& route) {
  std::string text;
  if (route.type() != v1::Route::TYPE_UNICAST) {
    absl::StrAppend(&text, RouteTypeName(route.type()), " ");
  }
  absl::StrAppend(&text, DestinationText(route));
  if (!route.gateway().empty()) absl::StrAppend(&text, " via ", route.gateway());
  if (!route.interface().empty()) absl::StrAppend(&text, " dev ", route.interface());
  if (OfAnotherTable(route)) absl::StrAppend(&text, " table ", TableName(route.table()));
  if (route.protocol() != kProtocolBoot && route.protocol() != 0) {
    absl::StrAppend(&text, " proto ", NameOf(kProtocols, route.protocol()));
  }
  if (route.scope() != 0) absl::StrAppend(&text, " scope ", NameOf(kScopes, route.scope()));
  if (!route.source().empty()) absl::StrAppend(&text, " src ", route.source());
  if (route.metric() != 0) absl::StrAppend(&text, " metric ", route.metric());
  if (route.mtu_bytes() != 0) absl::StrAppend(&text, " mtu ", route.mtu_bytes());
  return text;
}

Json RouteJson(const v1::Route& route) {
  Json json = Json::object();
  if (route.type() != v1::Route::TYPE_UNICAST) json["type"] = RouteTypeName(route.type());
  json["dst"] = DestinationText(route);
  if (!route.gateway().empty()) json["gateway"] = route.gateway();
  if (!route.interface().empty()) json["dev"] = route.interface();
  if (OfAnotherTable(route)) json["table"] = TableName(route.table());
  if (route.protocol() != kProtocolBoot && route.protocol() != 0) {
    json["protocol"] = NameOf(kProtocols, route.protocol());
  }
  if (route.scope() != 0) json["scope"] = NameOf(kScopes, route.scope());
  if (!route.source().empty()) json["prefsrc"] = route.source();
  if (route.metric() != 0) json["metric"] = route.metric();
  json["flags"] = Json::array();
  if (route.mtu_bytes() != 0) json["metrics"] = Json::array({{{"mtu", route.mtu_bytes()}}});
  return json;
}

}  // namespace moat::ctl
