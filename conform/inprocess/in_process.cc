#include "conform/inprocess/in_process.h"

#include <algorithm>
#include <utility>

#include "conform/inprocess/convert.h"

namespace moat::conform {
namespace {

using netstack::InterfaceIndex;
using netstack::RouteInfo;
using netstack::Time;

constexpr Time kStart = netstack::FakeClock::kStart;

InterfaceIndex IndexOf(int port) { return port + 2; }  // 1 is the loopback interface

netstack::MacAddress ToStack(const Mac& mac) { return {mac.bytes}; }

RouteInfo Route(const Prefix& to, const std::optional<Ip>& gateway, int port, int metric) {
  RouteInfo route;
  route.destination = ToStack(to);
  if (gateway.has_value()) route.gateway = ToStack(*gateway);
  route.interface = IndexOf(port);
  route.metric = static_cast<uint32_t>(metric);
  return route;
}

}  // namespace

InProcess::InProcess(Setup setup, bool two_ports)
    : stack_({.clock = &clock_, .random = &random_}), two_ports_(two_ports) {
  // As on the wire: addresses are given, not made.
  if (setup != Setup::kAutoconf) (void)stack_.SetSysctl("ipv6.conf.default.addr_gen_mode", "1");
  AddPort(0, setup);
  if (two_ports) AddPort(1, setup);
  if (setup == Setup::kConfigured) {
    (void)AddRoute({"0.0.0.0", 0}, RouterNode(0).ip4, 0, 0);
    (void)AddRoute({"::", 0}, RouterNode(0).ip6, 0, 0);
  }
  // Group reports and the like of the configuration are not the case's business.
  RunUntil(clock_.Now() + std::chrono::seconds(3));
  clock_.Set(kStart + std::chrono::seconds(3));
  stack_.RunTimers();
  sent_.clear();
}

void InProcess::AddPort(int port, Setup setup) {
  links_[port].set_sink([this, port](std::span<const uint8_t> frame) {
    sent_.push_back({port, Now(), Bytes(frame.begin(), frame.end())});
  });
  netstack::InterfaceOptions options;
  options.index = IndexOf(port);
  options.name = "eth" + std::to_string(port);
  options.mac = ToStack(DeviceNode(port).mac);
  options.up = setup != Setup::kAutoconf;
  options.link = &links_[port];
  (void)stack_.AddInterface(options);
  if (setup == Setup::kConfigured || setup == Setup::kNoRouter) Configure(port);
}

void InProcess::Configure(int port) {
  const Node node = DeviceNode(port);
  (void)AddAddress(port, {node.ip4, kPrefixLength4}, false);
  (void)AddAddress(port, {node.ip6, kPrefixLength6}, false);
  (void)AddAddress(port, {node.link_local, kPrefixLength6}, false);
}

uint32_t InProcess::abilities() const {
  constexpr uint32_t kAll = kUdp | kTcp | kPing | kFlushNeighbors | kStaticNeighbors | kAddresses |
                            kRoutes | kMtu | kLinkState | kSysctls | kMulticast | kSourceFilters |
                            kIpv6 | kForwarding4 | kForwarding6 | kAutoconf | kAdvertise |
                            kFiltering;
  return two_ports_ ? kAll | kTwoPorts : kAll;
}

// --- Cable -------------------------------------------------------------------------------------

void InProcess::Send(int port, const Bytes& frame) {
  stack_.Receive(IndexOf(port), netstack::ReceivedFrame(frame));
  stack_.Flush();
}

void InProcess::RunUntil(Time until) {
  while (sent_.empty() && clock_.Now() < until) {
    clock_.Set(std::max(clock_.Now(), std::min(until, stack_.NextDeadline())));
    stack_.RunTimers();
  }
}

std::optional<SeenFrame> InProcess::Receive(Duration deadline) {
  stack_.Flush();
  RunUntil(kStart + deadline);
  if (sent_.empty()) return std::nullopt;
  SeenFrame frame = std::move(sent_.front());
  sent_.pop_front();
  return frame;
}

// --- Configuration -----------------------------------------------------------------------------

absl::Status InProcess::AddAddress(int port, const Prefix& prefix, bool detect_duplicates) {
  netstack::AddressOptions options;
  options.no_dad = !detect_duplicates;
  return stack_.AddAddress(IndexOf(port), ToStack(prefix), options);
}
absl::Status InProcess::RemoveAddress(int port, const Prefix& prefix) {
  return stack_.RemoveAddress(IndexOf(port), ToStack(prefix));
}
absl::Status InProcess::AddRoute(const Prefix& to, const std::optional<Ip>& gateway, int port,
                                 int metric) {
  return stack_.AddRoute(Route(to, gateway, port, metric));
}
absl::Status InProcess::RemoveRoute(const Prefix& to, const std::optional<Ip>& gateway, int port,
                                    int metric) {
  return stack_.RemoveRoute(Route(to, gateway, port, metric));
}
absl::Status InProcess::FlushNeighbors() {
  stack_.FlushNeighbors(0);
  return absl::OkStatus();
}
absl::Status InProcess::AddNeighbor(int port, const Ip& ip, const Mac& mac) {
  netstack::NeighborInfo neighbor;
  neighbor.interface = IndexOf(port);
  neighbor.address = ToStack(ip);
  neighbor.mac = ToStack(mac);
  neighbor.state = netstack::NeighborState::kPermanent;
  return stack_.AddNeighbor(neighbor);
}
absl::Status InProcess::RemoveNeighbor(int port, const Ip& ip) {
  return stack_.RemoveNeighbor(IndexOf(port), ToStack(ip));
}
absl::Status InProcess::SetMtu(int port, int mtu) {
  return stack_.SetInterfaceMtu(IndexOf(port), static_cast<uint32_t>(mtu));
}
absl::Status InProcess::SetLinkUp(int port, bool up) {
  return stack_.SetInterfaceUp(IndexOf(port), up);
}
absl::Status InProcess::SetSysctl(std::string_view name, std::string_view value) {
  return stack_.SetSysctl(name, value);
}

// netstack has no packet filter: sources are refused by where they are routed.
absl::Status InProcess::Filter(const std::vector<Prefix>& sources) {
  absl::Status status = SetSysctl("ipv4.conf.all.rp_filter", "1");
  for (const Prefix& source : sources) {
    RouteInfo route;
    route.destination = ToStack(source);
    route.type = netstack::RouteType::kBlackhole;
    status.Update(stack_.AddRoute(route));
  }
  return status;
}
absl::Status InProcess::Advertise(int port, const Advertising& advertising) {
  netstack::RouterAdvertisementOptions options;
  options.max_interval = static_cast<uint16_t>(advertising.max_interval);
  options.min_interval = static_cast<uint16_t>(advertising.min_interval);
  options.lifetime = static_cast<uint16_t>(advertising.lifetime);
  options.preference = static_cast<uint8_t>(advertising.preference);
  options.hop_limit = static_cast<uint8_t>(advertising.hop_limit);
  options.managed = advertising.managed;
  options.other = advertising.other;
  options.reachable_ms = advertising.reachable_ms;
  options.retransmit_ms = advertising.retransmit_ms;
  if (advertising.mtu.has_value()) options.mtu = static_cast<uint32_t>(*advertising.mtu);
  for (const Advertised& row : advertising.prefixes) {
    options.prefixes.push_back({.prefix = ToStack(row.prefix),
                                .on_link = row.on_link,
                                .autonomous = row.autonomous,
                                .valid = row.valid,
                                .preferred = row.preferred});
  }
  for (const Ip& server : advertising.name_servers) {
    options.name_servers.push_back(ToStack(server));
  }
  options.name_server_lifetime = static_cast<uint32_t>(advertising.name_server_lifetime);
  return stack_.SetRouterAdvertisement(IndexOf(port), options);
}
absl::Status InProcess::StopAdvertising(int port) {
  return stack_.StopRouterAdvertisement(IndexOf(port));
}

// --- Sockets -----------------------------------------------------------------------------------

template <typename Call>
int InProcess::OnSocket(int socket, Call call) {
  const auto found = sockets_.find(socket);
  if (found == sockets_.end()) return -EBADF;
  const int result = call(*found->second);
  stack_.Flush();
  return result;
}

int InProcess::Open(SocketType type, bool v6) {
  sockets_[next_socket_] = OpenStackSocket(stack_, type, v6);
  return next_socket_++;
}
int InProcess::Bind(int socket, const Endpoint& local) {
  return OnSocket(socket, [&](StackSocket& s) { return s.Bind(local); });
}
int InProcess::Connect(int socket, const Endpoint& remote) {
  return OnSocket(socket, [&](StackSocket& s) { return s.Connect(remote); });
}
int InProcess::Listen(int socket, int backlog) {
  return OnSocket(socket, [&](StackSocket& s) { return s.Listen(backlog); });
}
int InProcess::Accept(int socket) {
  std::unique_ptr<StackSocket> accepted;
  const int result = OnSocket(socket, [&](StackSocket& s) { return s.Accept(&accepted); });
  if (result < 0) return result;
  sockets_[next_socket_] = std::move(accepted);
  return next_socket_++;
}
int InProcess::Send(int socket, const Bytes& data, const std::optional<Endpoint>& to,
                    bool urgent) {
  return OnSocket(socket, [&](StackSocket& s) { return s.Send(data, to, urgent); });
}
int InProcess::Receive(int socket, size_t size, Received* received) {
  return OnSocket(socket, [&](StackSocket& s) { return s.Receive(size, received); });
}
int InProcess::Shutdown(int socket, ShutdownHow how) {
  return OnSocket(socket, [&](StackSocket& s) { return s.Shutdown(how); });
}
int InProcess::Close(int socket) {
  const int result = sockets_.erase(socket) == 1 ? 0 : -EBADF;
  stack_.Flush();
  return result;
}
int InProcess::SetOption(int socket, Option option, int value) {
  return OnSocket(socket, [&](StackSocket& s) { return s.SetOption(option, value); });
}
int InProcess::TakeError(int socket) {
  return OnSocket(socket, [&](StackSocket& s) { return s.TakeError(); });
}
int InProcess::LocalPort(int socket) {
  return OnSocket(socket, [&](StackSocket& s) { return s.LocalPort(); });
}
int InProcess::SetFilter(int socket, const Ip& group, int port, const SourceFilter& filter) {
  return OnSocket(socket, [&](StackSocket& s) {
    return s.SetFilter(ToStack(group), IndexOf(port), filter);
  });
}

}  // namespace moat::conform
