#include "sentry/netlink/route_lookup.h"

#include <linux/rtnetlink.h>

#include <array>

namespace moat::sentry {
namespace {

using netstack::AddressInfo;
using netstack::InterfaceIndex;
using netstack::IpAddress;
using netstack::RouteInfo;
using netstack::RouteScope;
using netstack::RouteType;

// The last address of an IPv4 prefix.
IpAddress BroadcastOf(const netstack::Prefix& prefix) {
  std::array<uint8_t, 4> bytes{};
  for (int i = 0; i < 32; ++i) {
    const auto mask = static_cast<uint8_t>(0x80 >> (i % 8));
    const uint8_t bit = i < prefix.length ? prefix.address.data()[i / 8] & mask : mask;
    bytes[static_cast<size_t>(i / 8)] |= bit;
  }
  return IpAddress::V4(bytes.data());
}

RouteEntry LocalEntry(const AddressInfo& address) {
  const IpAddress& ip = address.prefix.address;
  RouteInfo route;
  route.destination = {.address = ip, .length = ip.bits()};
  route.interface = address.interface;
  route.type = RouteType::kLocal;
  route.scope = RouteScope::kHost;
  route.protocol = RTPROT_KERNEL;
  if (ip.is_v4()) route.source = ip;
  return {.route = route, .table = kLocalTable, .cloned = false};
}

// Linux writes 127.0.0.0/8 as one local route.
RouteEntry LoopbackNetwork(const AddressInfo& address) {
  RouteEntry entry = LocalEntry(address);
  entry.route.destination = {.address = address.prefix.address.Prefix(8), .length = 8};
  return entry;
}

RouteEntry BroadcastEntry(const AddressInfo& address) {
  RouteEntry entry = LocalEntry(address);
  entry.route.destination = {.address = BroadcastOf(address.prefix), .length = 32};
  entry.route.type = RouteType::kBroadcast;
  entry.route.scope = RouteScope::kLink;
  return entry;
}

bool Refuses(RouteType type) {
  return type == RouteType::kBlackhole || type == RouteType::kUnreachable ||
         type == RouteType::kProhibit;
}

bool Better(const RouteInfo& candidate, const RouteInfo& best) {
  if (candidate.destination.length != best.destination.length) {
    return candidate.destination.length > best.destination.length;
  }
  return candidate.metric < best.metric;
}

// The best of one table; absent too when that says that there is none (throw).
std::optional<RouteEntry> BestOf(const std::vector<RouteEntry>& entries, uint32_t table,
                                 const RouteQuestion& question) {
  const RouteEntry* best = nullptr;
  for (const RouteEntry& entry : entries) {
    const RouteInfo& route = entry.route;
    if (entry.table != table) continue;
    if (route.destination.address.family() != question.destination.family()) continue;
    const auto& [prefix, length] = route.destination;
    if (!question.destination.InPrefix(prefix, length)) continue;
    const bool elsewhere = question.interface != 0 && route.interface != question.interface;
    if (elsewhere && table != kLocalTable) continue;
    if (best == nullptr || Better(route, best->route)) best = &entry;
  }
  if (best == nullptr || best->route.type == RouteType::kThrow) return std::nullopt;
  return *best;
}

bool Matches(const netstack::RuleInfo& rule, const RouteQuestion& question) {
  const auto inside = [](const std::optional<netstack::Prefix>& prefix,
                         const std::optional<IpAddress>& address) {
    if (!prefix.has_value()) return true;
    return address.has_value() && address->InPrefix(prefix->address, prefix->length);
  };
  if (rule.family.has_value() && *rule.family != question.destination.family()) return false;
  if (!rule.in_interface.empty() && rule.in_interface != "lo") return false;  // it is our own
  return inside(rule.from, question.source) && inside(rule.to, question.destination);
}

std::optional<RouteEntry> ByRules(const NetworkView& view, const RouteQuestion& question) {
  const std::vector<RouteEntry> entries = AllRoutes(view);
  if (auto local = BestOf(entries, kLocalTable, question); local.has_value()) return local;
  for (const netstack::RuleInfo& rule : view.Rules()) {
    if (!Matches(rule, question)) continue;
    if (Refuses(rule.action)) {
      RouteInfo refusal;
      refusal.type = rule.action;
      return RouteEntry{.route = refusal, .table = rule.table, .cloned = false};
    }
    if (auto best = BestOf(entries, rule.table, question); best.has_value()) return best;
  }
  return std::nullopt;
}

}  // namespace

std::vector<RouteEntry> AllRoutes(const NetworkView& view) {
  std::vector<RouteEntry> entries;
  for (const AddressInfo& address : view.Addresses()) {
    const IpAddress& ip = address.prefix.address;
    entries.push_back(LocalEntry(address));
    if (!ip.is_v4()) continue;
    if (ip.IsLoopback() && address.prefix.length == 8) entries.push_back(LoopbackNetwork(address));
    if (address.prefix.length < 31) entries.push_back(BroadcastEntry(address));
  }
  for (const RouteInfo& route : view.Routes()) {
    entries.push_back({.route = route, .table = route.table, .cloned = false});
  }
  return entries;
}

std::optional<RouteEntry> LookUpRoute(const NetworkView& view, const RouteQuestion& question) {
  std::optional<RouteEntry> best = ByRules(view, question);
  if (!best.has_value()) return std::nullopt;
  RouteInfo& route = best->route;
  if (Refuses(route.type)) return best;
  const IpAddress& destination = question.destination;
  best->cloned = true;
  route.destination = {.address = destination, .length = destination.bits()};
  if (route.type == RouteType::kLocal) route.interface = netstack::kLoopbackIndex;
  if (!route.source.has_value()) route.source = question.source;
  if (!route.source.has_value()) route.source = view.SourceFor(destination);
  route.scope = RouteScope::kGlobal;
  route.protocol = RTPROT_UNSPEC;
  return best;
}

}  // namespace moat::sentry
