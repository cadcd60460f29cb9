// moatctl ID monitor: changes as they happen, as ip-monitor(8).
#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "ctl/command.h"
#include "ctl/format.h"

namespace moat::ctl {
namespace {

constexpr std::pair<const char*, v1::WatchRequest::Object> kObjects[] = {
    {"link", v1::WatchRequest::OBJECT_INTERFACE}, {"address", v1::WatchRequest::OBJECT_ADDRESS},
    {"route", v1::WatchRequest::OBJECT_ROUTE},    {"neigh", v1::WatchRequest::OBJECT_NEIGHBOR},
    {"socket", v1::WatchRequest::OBJECT_SOCKET},  {"counter", v1::WatchRequest::OBJECT_COUNTER},
    {"rule", v1::WatchRequest::OBJECT_RULE},
    {"ra", v1::WatchRequest::OBJECT_ROUTER_ADVERTISEMENT},
    {"addrlabel", v1::WatchRequest::OBJECT_ADDRESS_POLICY},
};

std::string Text(const v1::Event& event) {
  switch (event.object_case()) {
    case v1::Event::kInterface:
      return LinkText(event.interface(), false);
    case v1::Event::kAddress:
      return AddressText(event.address());
    case v1::Event::kRoute:
      return RouteText(event.route());
    case v1::Event::kNeighbor:
      return NeighborText(event.neighbor());
    case v1::Event::kSocket: {
      const SocketColumns columns = ColumnsOf(event.socket());
      return absl::StrCat(columns.netid, " ", columns.state, " ", columns.local, " ", columns.peer);
    }
    case v1::Event::kCounter:
      return absl::StrCat(CounterName(event.counter()), " ", event.counter().value());
    case v1::Event::kRule:
      return RuleText(event.rule());
    case v1::Event::kRouterAdvertisement:
      return absl::StrCat("ra ", AdvertisementText(event.router_advertisement()),
                          event.router_advertisement().advertising() ? "" : " (silent)");
    case v1::Event::kAddressPolicy:
      return PolicyText(event.address_policy());
    case v1::Event::OBJECT_NOT_SET:
      break;
  }
  return "";
}

Json AsJson(const v1::Event& event) {
  Json json = {{"time_ms", event.unix_time_ms()},
               {"deleted", event.kind() == v1::Event::KIND_REMOVED}};
  switch (event.object_case()) {
    case v1::Event::kInterface:
      json["link"] = LinkJson(event.interface(), false);
      break;
    case v1::Event::kAddress:
      json["address"] = AddressJson(event.address());
      break;
    case v1::Event::kRoute:
      json["route"] = RouteJson(event.route());
      break;
    case v1::Event::kNeighbor:
      json["neigh"] = NeighborJson(event.neighbor());
      break;
    case v1::Event::kSocket:
      json["socket"] = SocketJson(event.socket());
      break;
    case v1::Event::kCounter:
      json["counter"] = {{CounterName(event.counter()), event.counter().value()}};
      break;
    case v1::Event::kRule:
      json["rule"] = RuleJson(event.rule());
      break;
    case v1::Event::kRouterAdvertisement:
      json["ra"] = AdvertisementJson(event.router_advertisement());
      break;
    case v1::Event::kAddressPolicy:
      json["addrlabel"] = PolicyJson(event.address_policy());
      break;
    case v1::Event::OBJECT_NOT_SET:
      break;
  }
  return json;
}

absl::Status AddObject(const std::string& word, v1::WatchRequest* request) {
  for (const auto& [name, object] : kObjects) {
    if (word != "all" && !Abbreviates(word, name)) continue;
    request->add_objects(object);
    if (word != "all") return absl::OkStatus();
  }
  if (word == "all") return absl::OkStatus();
  return SyntaxError(absl::StrCat("monitor: \"", word, "\" is not link, address, route, neigh, ",
                                  "socket, counter, rule, ra, addrlabel or all"));
}

absl::Status Show(Context& context, Args& args) {
  v1::WatchRequest request;
  bool timestamps = false;
  while (!args.empty()) {
    const std::string word = args.Take();
    if (word == "-t" || word == "-ts" || word == "-timestamp") {
      timestamps = true;
    } else if (word == "-a" || word == "initial") {
      request.set_initial(true);
    } else if (absl::Status status = AddObject(word, &request); !status.ok()) {
      return status;
    }
  }
  return context.client.Watch(request, [&](const v1::Event& event) {
    if (event.kind() == v1::Event::KIND_SNAPSHOT_END) return true;
    if (context.options.json) {
      context.out << AsJson(event).dump() << "\n";  // one object per line
    } else {
      if (timestamps) {
        const absl::Time time = absl::FromUnixMillis(static_cast<int64_t>(event.unix_time_ms()));
        context.out << absl::FormatTime("[%Y-%m-%dT%H:%M:%E3S] ", time, absl::LocalTimeZone());
      }
      if (event.kind() == v1::Event::KIND_REMOVED) context.out << "Deleted ";
      context.out << Text(event) << "\n";
    }
    context.out.flush();
    return context.out.good();
  });
}

constexpr Verb kVerbs[] = {
    {"", "[link|address|route|neigh|socket|counter|rule|ra|addrlabel|all]... [initial] [-t]",
     Show}};

}  // namespace

const Object kMonitorObject = {"monitor", "changes as they happen", kVerbs};

}  // namespace moat::ctl
