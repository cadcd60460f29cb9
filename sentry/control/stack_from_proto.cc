#include "sentry/control/stack_from_proto.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace moat::sentry {
namespace {

using netstack::IpAddress;
using netstack::MacAddress;
using netstack::Prefix;
using netstack::RouteInfo;
using netstack::RouteScope;
using netstack::RouteType;

constexpr size_t kMaxEcho = 64;         // of a request's text in an error message
constexpr uint8_t kProtocolBoot = 3;    // RTPROT_BOOT: what `ip route add` uses
constexpr uint32_t kIpv6Metric = 1024;  // IP6_RT_PRIO_USER, the kernel's choice when none is given
constexpr uint32_t kDefaultTable = 253;  // RT_TABLE_*
constexpr uint32_t kLocalTable = 255;

absl::Status Invalid(std::string_view field, std::string_view text, std::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(
      std::string(field), ": \"", std::string(text.substr(0, kMaxEcho)), "\" ", std::string(what)));
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool IsMapped(const IpAddress& address) { return address.is_v6() && address.IsMappedV4(); }

// The interface through which `gateway` is on link: that of the main table's longest such route.
std::optional<netstack::InterfaceIndex> InterfaceToward(const netstack::Stack& stack,
                                                        const IpAddress& gateway) {
  std::optional<netstack::InterfaceIndex> best;
  int best_length = -1;
  for (const RouteInfo& route : stack.Routes()) {
    const bool on_link = route.type == RouteType::kUnicast && !route.gateway &&
                         route.table == netstack::kMainTable;
    if (!on_link || route.destination.address.family() != gateway.family()) continue;
    if (route.destination.length <= best_length) continue;
    if (!gateway.InPrefix(route.destination.address, route.destination.length)) continue;
    best = route.interface;
    best_length = route.destination.length;
  }
  return best;
}

absl::StatusOr<IpAddress> ParseSameFamily(std::string_view field, std::string_view text,
                                          netstack::Family family) {
  absl::StatusOr<IpAddress> address = ParseAddress(field, text);
  if (address.ok() && address->family() != family) {
    return Invalid(field, text, "is not of the destination's family");
  }
  return address;
}

// The next hop of a unicast route: gateway, interface, source and scope.
absl::Status FillNextHop(const netstack::Stack& stack, const v1::Route& request, RouteInfo* route) {
  const netstack::Family family = route->destination.address.family();
  if (!request.gateway().empty()) {
    absl::StatusOr<IpAddress> gateway = ParseSameFamily("gateway", request.gateway(), family);
    if (!gateway.ok()) return gateway.status();
    route->gateway = *gateway;
  }
  if (!request.interface().empty()) {
    absl::StatusOr<netstack::InterfaceInfo> interface = FindInterface(stack, request.interface());
    if (!interface.ok()) return interface.status();
    route->interface = interface->index;
  } else if (route->gateway) {
    const auto index = InterfaceToward(stack, *route->gateway);
    if (!index) return Invalid("gateway", request.gateway(), "is on no connected network");
    route->interface = *index;
  } else {
    return absl::InvalidArgumentError("a route needs a gateway or an interface");
  }
  const bool on_link_v4 = !route->gateway && family == netstack::Family::kIpv4;
  route->scope = on_link_v4 ? RouteScope::kLink : RouteScope::kGlobal;
  return absl::OkStatus();
}

bool AgreesWith(const RouteInfo& route, const v1::Route& request, const Prefix& destination,
                const RouteInfo& wanted) {
  if (route.destination != destination || route.table != wanted.table) return false;
  if (wanted.gateway && route.gateway != wanted.gateway) return false;
  if (wanted.source && route.source != wanted.source) return false;
  if (wanted.interface != 0 && route.interface != wanted.interface) return false;
  if (request.metric() != 0 && route.metric != request.metric()) return false;
  if (request.protocol() != 0 && route.protocol != request.protocol()) return false;
  // Unicast is also "not said", as in `ip route del 192.0.2.0/24`.
  return request.type() == v1::Route::TYPE_UNICAST || route.type == wanted.type;
}

}  // namespace

absl::StatusOr<IpAddress> ParseAddress(std::string_view field, std::string_view text) {
  const std::optional<IpAddress> address = IpAddress::Parse(text);
  if (!address || IsMapped(*address)) return Invalid(field, text, "is not an IP address");
  return *address;
}

absl::StatusOr<Prefix> ParsePrefix(std::string_view field, std::string_view text) {
  const std::optional<Prefix> prefix = Prefix::Parse(text);
  if (!prefix || IsMapped(prefix->address)) {
    return Invalid(field, text, "is not an IP address with a prefix length");
  }
  return *prefix;
}

absl::StatusOr<Prefix> ParseDestination(std::string_view field, std::string_view text) {
  absl::StatusOr<Prefix> prefix = ParsePrefix(field, text);
  if (!prefix.ok()) return prefix;
  if (prefix->address.Prefix(prefix->length) != prefix->address) {
    return Invalid(field, text, "has bits set after its prefix length");
  }
  return prefix;
}

absl::StatusOr<RouteType> AddableType(v1::Route::Type type) {
  switch (type) {
    case v1::Route::TYPE_UNICAST:
      return RouteType::kUnicast;
    case v1::Route::TYPE_BLACKHOLE:
      return RouteType::kBlackhole;
    case v1::Route::TYPE_UNREACHABLE:
      return RouteType::kUnreachable;
    case v1::Route::TYPE_PROHIBIT:
      return RouteType::kProhibit;
    case v1::Route::TYPE_THROW:
      return RouteType::kThrow;
    default:
      return absl::InvalidArgumentError("type: a route of this type cannot be added");
  }
}

absl::StatusOr<uint32_t> ParseTable(uint32_t table) {
  if (table == kDefaultTable || table == kLocalTable) {
    return absl::InvalidArgumentError(absl::StrCat("table: ", table, " cannot be written"));
  }
  return table == 0 ? netstack::kMainTable : table;
}

absl::StatusOr<MacAddress> ParseMac(std::string_view field, std::string_view text) {
  MacAddress mac;
  const size_t size = mac.bytes.size() * 3 - 1;  // "02:42:ac:11:00:02"
  bool good = text.size() == size;
  for (size_t i = 0; good && i < mac.bytes.size(); ++i) {
    const int high = HexDigit(text[3 * i]);
    const int low = HexDigit(text[3 * i + 1]);
    good = high >= 0 && low >= 0 && (3 * i + 2 == size || text[3 * i + 2] == ':');
    if (good) mac.bytes[i] = static_cast<uint8_t>(high << 4 | low);
  }
  if (!good) return Invalid(field, text, "is not a hardware address like 02:42:ac:11:00:02");
  return mac;
}

absl::StatusOr<netstack::InterfaceInfo> FindInterface(const netstack::Stack& stack,
                                                      std::string_view name) {
  if (name.empty()) return absl::InvalidArgumentError("interface: must be given");
  std::optional<netstack::InterfaceInfo> interface = stack.FindInterface(name);
  if (!interface) {
    return absl::NotFoundError(
        absl::StrCat("Cannot find device \"", std::string(name.substr(0, kMaxEcho)), "\""));
  }
  return *std::move(interface);
}

absl::StatusOr<RouteInfo> RouteToAdd(const netstack::Stack& stack, const v1::Route& request) {
  absl::StatusOr<Prefix> destination = ParseDestination("destination", request.destination());
  if (!destination.ok()) return destination.status();
  absl::StatusOr<RouteType> type = AddableType(request.type());
  if (!type.ok()) return type.status();
  if (request.protocol() > UINT8_MAX) {
    return absl::InvalidArgumentError(
        absl::StrCat("protocol: ", request.protocol(), " is greater than 255"));
  }
  absl::StatusOr<uint32_t> table = ParseTable(request.table());
  if (!table.ok()) return table.status();
  RouteInfo route;
  route.table = *table;
  route.destination = *destination;
  route.type = *type;
  route.metric = request.metric();
  route.mtu = request.mtu_bytes();
  const netstack::Family family = destination->address.family();
  if (family == netstack::Family::kIpv6 && route.metric == 0) route.metric = kIpv6Metric;
  route.protocol = request.protocol() == 0 ? kProtocolBoot : request.protocol();
  if (!request.source().empty()) {
    absl::StatusOr<IpAddress> source = ParseSameFamily("source", request.source(), family);
    if (!source.ok()) return source.status();
    if (!stack.IsLocalAddress(*source)) {
      return Invalid("source", request.source(), "is not an address of the sandbox");
    }
    route.source = *source;
  }
  if (*type == RouteType::kUnicast) {
    if (absl::Status status = FillNextHop(stack, request, &route); !status.ok()) return status;
  } else if (!request.gateway().empty() || !request.interface().empty()) {
    return absl::InvalidArgumentError("type: only a unicast route has a gateway or an interface");
  }
  return route;
}

absl::StatusOr<RouteInfo> FindRoute(const netstack::Stack& stack, const v1::Route& request) {
  absl::StatusOr<Prefix> destination = ParseDestination("destination", request.destination());
  if (!destination.ok()) return destination.status();
  absl::StatusOr<uint32_t> table = ParseTable(request.table());
  if (!table.ok()) return table.status();
  RouteInfo wanted;
  wanted.table = *table;
  if (request.type() != v1::Route::TYPE_UNICAST) {
    absl::StatusOr<RouteType> type = AddableType(request.type());
    if (!type.ok()) return type.status();
    wanted.type = *type;
  }
  if (!request.gateway().empty()) {
    absl::StatusOr<IpAddress> gateway = ParseAddress("gateway", request.gateway());
    if (!gateway.ok()) return gateway.status();
    wanted.gateway = *gateway;
  }
  if (!request.source().empty()) {
    absl::StatusOr<IpAddress> source = ParseAddress("source", request.source());
    if (!source.ok()) return source.status();
    wanted.source = *source;
  }
  if (!request.interface().empty()) {
    absl::StatusOr<netstack::InterfaceInfo> interface = FindInterface(stack, request.interface());
    if (!interface.ok()) return interface.status();
    wanted.interface = interface->index;
  }
  for (const RouteInfo& route : stack.Routes()) {
    if (AgreesWith(route, request, *destination, wanted)) return route;
  }
  return absl::NotFoundError(absl::StrCat("no such route: ", destination->ToString()));
}

}  // namespace moat::sentry
