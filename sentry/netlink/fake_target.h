// A ConfigTarget that keeps what it was told, as text, for tests. Also attaches links that do
// nothing.
#ifndef MOAT_SENTRY_NETLINK_FAKE_TARGET_H_
#define MOAT_SENTRY_NETLINK_FAKE_TARGET_H_

#include <map>
#include <memory>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "sentry/netlink/config_target.h"

namespace moat::sentry {

class FakeLink final : public netstack::Link {
 public:
  netstack::LinkCapabilities capabilities() const override { return {}; }
  bool Transmit(const netstack::TxFrame&) override { return true; }
};

class FakeTarget final : public ConfigTarget, public LinkAttacher {
 public:
  using Index = netstack::InterfaceIndex;

  absl::Status AddInterface(const netstack::InterfaceOptions& options) override {
    if (interfaces.contains(options.index)) return absl::AlreadyExistsError("interface");
    interfaces[options.index] = options;
    return absl::OkStatus();
  }
  absl::Status RemoveInterface(Index index) override {
    if (interfaces.erase(index) == 0) return absl::NotFoundError("interface");
    const std::string suffix = absl::StrCat(" dev ", index);
    for (auto* set : {&addresses, &routes, &neighbors}) {
      std::erase_if(*set, [&](const std::string& text) {
        return text.find(absl::StrCat(suffix, ";")) != std::string::npos;
      });
    }
    return absl::OkStatus();
  }
  absl::Status SetInterfaceUp(Index index, bool up) override {
    interfaces[index].up = up;
    return absl::OkStatus();
  }
  absl::Status SetInterfaceRunning(Index index, bool running) override {
    interfaces[index].running = running;
    return absl::OkStatus();
  }
  absl::Status SetInterfaceMtu(Index index, uint32_t mtu) override {
    interfaces[index].mtu = mtu;
    return absl::OkStatus();
  }
  absl::Status SetInterfaceMac(Index index, const netstack::MacAddress& mac) override {
    interfaces[index].mac = mac;
    return absl::OkStatus();
  }
  absl::Status SetInterfaceName(Index index, std::string_view name) override {
    interfaces[index].name = name;
    return absl::OkStatus();
  }
  absl::Status AddAddress(Index index, const netstack::Prefix& prefix,
                          const netstack::AddressOptions& options) override {
    return Insert(addresses,
                  absl::StrCat(prefix.ToString(), options.deprecated ? " deprecated" : "", " dev ",
                               index, ";"));
  }
  absl::Status RemoveAddress(Index index, const netstack::Prefix& prefix) override {
    return Erase(addresses, prefix.ToString(), absl::StrCat(" dev ", index, ";"));
  }
  absl::Status AddRoute(const netstack::RouteInfo& route) override {
    if (fail_routes) return absl::InvalidArgumentError("gateway unreachable");
    return Insert(routes, Text(route));
  }
  absl::Status RemoveRoute(const netstack::RouteInfo& route) override {
    return routes.erase(Text(route)) != 0 ? absl::OkStatus() : absl::NotFoundError("route");
  }
  absl::Status AddNeighbor(const netstack::NeighborInfo& neighbor) override {
    return Insert(neighbors, absl::StrCat(neighbor.address.ToString(), " ", neighbor.mac.ToString(),
                                          " dev ", neighbor.interface, ";"));
  }
  absl::Status RemoveNeighbor(Index index, const netstack::IpAddress& address) override {
    return Erase(neighbors, address.ToString(), absl::StrCat(" dev ", index, ";"));
  }

  absl::StatusOr<netstack::Link*> Attach(Index index, const std::string& name) override {
    if (fail_attach) return absl::UnavailableError("no link");
    attached[index] = name;
    return &link_;
  }
  void Detach(Index index) override { attached.erase(index); }

  std::string InterfaceNames() const {
    std::string names;
    for (const auto& [index, options] : interfaces) absl::StrAppend(&names, options.name, " ");
    return names;
  }

  std::map<Index, netstack::InterfaceOptions> interfaces;
  std::map<Index, std::string> attached;
  std::set<std::string> addresses, routes, neighbors;
  bool fail_routes = false, fail_attach = false;

 private:
  static std::string Text(const netstack::RouteInfo& route) {
    std::string text = route.destination.ToString();
    if (route.type == netstack::RouteType::kBlackhole) text = absl::StrCat("blackhole ", text);
    if (route.type == netstack::RouteType::kUnreachable) text = absl::StrCat("unreachable ", text);
    if (route.type == netstack::RouteType::kProhibit) text = absl::StrCat("prohibit ", text);
    if (route.gateway.has_value()) absl::StrAppend(&text, " via ", route.gateway->ToString());
    if (route.source.has_value()) absl::StrAppend(&text, " src ", route.source->ToString());
    if (route.metric != 0) absl::StrAppend(&text, " metric ", route.metric);
    if (route.mtu != 0) absl::StrAppend(&text, " mtu ", route.mtu);
    return absl::StrCat(text, " dev ", route.interface, ";");
  }
  static absl::Status Insert(std::set<std::string>& set, std::string text) {
    return set.insert(std::move(text)).second ? absl::OkStatus()
                                              : absl::AlreadyExistsError("entry");
  }
  static absl::Status Erase(std::set<std::string>& set, const std::string& prefix,
                            const std::string& suffix) {
    const size_t erased = std::erase_if(set, [&](const std::string& text) {
      return text.starts_with(prefix) && text.ends_with(suffix);
    });
    return erased != 0 ? absl::OkStatus() : absl::NotFoundError("entry");
  }

  FakeLink link_;
};

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_NETLINK_FAKE_TARGET_H_
