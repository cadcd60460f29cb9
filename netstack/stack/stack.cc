#include "netstack/stack/stack.h"

#include <utility>
#include <vector>

#include "netstack/base/counters.h"
#include "netstack/base/memory_budget.h"
#include "netstack/base/sysctl.h"
#include "netstack/base/timer.h"
#include "netstack/ip/ip_layer.h"
#include "netstack/transport/environment.h"
#include "netstack/transport/icmp/ping_protocol.h"
#include "netstack/transport/packet/packet_protocol.h"
#include "netstack/transport/ports.h"
#include "netstack/transport/raw/raw_protocol.h"
#include "netstack/transport/tcp/tcp_protocol.h"
#include "netstack/transport/udp/udp_protocol.h"

namespace moat::netstack {
namespace {

// Looped-back packets that one Flush() delivers. Two sockets of one stack could feed each other for
// ever; what is left over is due at once (NextDeadline()).
constexpr int kLoopedPerFlush = 4096;
constexpr int kLoopedPerRound = 64;

// The transports' view of group membership.
class Groups final : public GroupMembership {
 public:
  explicit Groups(IpLayer& ip) : ip_(ip) {}
  Result<InterfaceIndex> GroupInterface(const IpAddress& group, InterfaceIndex interface) override {
    return ip_.GroupInterface(group, interface);
  }
  Error ChangeMembership(const IpAddress& group, InterfaceIndex interface,
                         const SourceFilter* from, const SourceFilter* to) override {
    return ip_.ChangeMembership(group, interface, from, to);
  }

 private:
  IpLayer& ip_;
};

}  // namespace

// Members are destroyed in reverse order: transports before IP, everything before the timers.
class Stack::Impl {
 public:
  explicit Impl(const StackOptions& options)
      : clock(*options.clock),
        own_memory(options.memory == nullptr ? std::make_unique<MemoryBudget>() : nullptr),
        memory(options.memory == nullptr ? *own_memory : *options.memory),
        memory_counters(counters),
        timers(options.clock->Now()),
        ip({*options.clock, *options.random, timers, sysctls, counters, memory}),
        groups(ip),
        ports(*options.random, sysctls),
        environment{options.clock, options.random, &timers,  &ip,
                    &groups,       &ports,         &sysctls, &counters, &memory},
        tcp(environment),
        udp(environment),
        ping(environment),
        raw(environment),
        packet(environment, ip) {
    memory.SetCounters(&memory_counters);
    RegisterMemorySysctl();
    ip.SetTransport(ip_protocol::kTcp, &tcp);
    ip.SetTransport(ip_protocol::kUdp, &udp);
    ip.SetTransport(ip_protocol::kIcmp, &ping);
    ip.SetTransport(ip_protocol::kIcmpV6, &ping);
    ip.SetRaw(&raw);
    ip.SetTap(&packet);
    ip.AddObserver(&packet);
  }

  ~Impl() {
    ip.SetTap(nullptr);
    ip.RemoveObserver(&packet);
    memory.SetCounters(nullptr);
  }

  // In pages, as on Linux. DEVIATION: there it bounds TCP alone; here the whole stack, and no
  // higher than the owner of the stack allows.
  void RegisterMemorySysctl() {
    constexpr int64_t kPage = 4096;
    const auto pages = static_cast<int64_t>(memory.limit()) / kPage;
    SysctlSpec spec;
    spec.name = "ipv4.tcp_mem";
    spec.values = {pages / 8 * 3, pages / 2, pages};
    spec.max = pages;
    spec.consistent = [](const std::vector<int64_t>& v) { return v[0] <= v[1] && v[1] <= v[2]; };
    spec.changed = [this](const Sysctl& s) {
      memory.SetThresholds(static_cast<size_t>(s.value(0) * kPage),
                           static_cast<size_t>(s.value(1) * kPage),
                           static_cast<size_t>(s.value(2) * kPage));
    };
    (void)sysctls.Register(std::move(spec));
  }

  void Flush() {
    tcp.Flush();
    for (int left = kLoopedPerFlush; left > 0 && ip.HasLooped(); left -= kLoopedPerRound) {
      (void)ip.DeliverLooped(kLoopedPerRound);
      tcp.Flush();
    }
    ip.FlushLinks();
  }

  const Clock& clock;
  SysctlTable sysctls;
  CounterTable counters;
  std::unique_ptr<MemoryBudget> own_memory;
  MemoryBudget& memory;
  MemoryCounters memory_counters;
  TimerQueue timers;
  IpLayer ip;
  Groups groups;
  PortAllocator ports;
  TransportEnvironment environment;
  TcpProtocol tcp;
  UdpProtocol udp;
  PingProtocol ping;
  RawProtocol raw;
  PacketProtocol packet;
};

Stack::Stack(const StackOptions& options) : impl_(std::make_unique<Impl>(options)) {}
Stack::~Stack() = default;

// --- Driving -----------------------------------------------------------------------------------

void Stack::Receive(InterfaceIndex interface, RxFrame frame) {
  impl_->ip.Receive(interface, std::move(frame));
}

void Stack::NoteArrivals(size_t waited) { impl_->tcp.NoteArrivals(waited); }

void Stack::Flush() { impl_->Flush(); }

void Stack::RunTimers() {
  impl_->timers.RunExpired(impl_->clock.Now());
  impl_->Flush();
}

Time Stack::NextDeadline() const {
  if (impl_->ip.HasLooped()) return impl_->clock.Now();
  return impl_->timers.NextDeadline();
}

// --- Sockets -----------------------------------------------------------------------------------

std::unique_ptr<TcpSocket> Stack::NewTcpSocket(Family family) {
  return impl_->tcp.NewSocket(family);
}

std::unique_ptr<DatagramSocket> Stack::NewUdpSocket(Family family) {
  return impl_->udp.NewSocket(family);
}

std::unique_ptr<DatagramSocket> Stack::NewPingSocket(Family family) {
  return impl_->ping.NewSocket(family);
}

std::unique_ptr<DatagramSocket> Stack::NewRawSocket(Family family, uint8_t protocol) {
  return impl_->raw.NewSocket(family, protocol);
}

std::unique_ptr<PacketSocket> Stack::NewPacketSocket(bool raw, uint16_t protocol) {
  return impl_->packet.NewSocket(raw, protocol);
}

bool Stack::IsWatched(InterfaceIndex interface) const {
  return impl_->packet.WatchesIp(interface);
}

std::vector<SocketInfo> Stack::ListSockets() const {
  std::vector<SocketInfo> out;
  impl_->tcp.ListSockets(&out);
  impl_->udp.AppendSockets(out);
  impl_->ping.AppendSockets(out);
  impl_->raw.AppendSockets(out);
  return out;
}

Result<IpAddress> Stack::SelectSource(const IpAddress& destination, InterfaceIndex interface) {
  const Result<RouteRef> route = impl_->ip.FindRoute(
      {.destination = destination, .source = IpAddress::Any(destination.family()),
       .interface = interface});
  if (!route.ok()) return route.error();
  return (*route)->source;
}

std::vector<Endpoint> Stack::OrderDestinations(std::span<const Endpoint> destinations) const {
  return impl_->ip.OrderDestinations(destinations);
}

bool Stack::IsLocalAddress(const IpAddress& address) const {
  return impl_->ip.IsLocalAddress(address, 0);
}

// --- Configuration -----------------------------------------------------------------------------

absl::Status Stack::AddInterface(const InterfaceOptions& options) {
  return impl_->ip.AddInterface(options);
}

absl::Status Stack::RemoveInterface(InterfaceIndex index) {
  return impl_->ip.RemoveInterface(index);
}

absl::Status Stack::SetInterfaceUp(InterfaceIndex index, bool up) {
  return impl_->ip.SetInterfaceUp(index, up);
}

absl::Status Stack::SetInterfaceRunning(InterfaceIndex index, bool running) {
  return impl_->ip.SetInterfaceRunning(index, running);
}

absl::Status Stack::SetInterfaceMtu(InterfaceIndex index, uint32_t mtu) {
  return impl_->ip.SetInterfaceMtu(index, mtu);
}

absl::Status Stack::SetInterfaceMac(InterfaceIndex index, const MacAddress& mac) {
  return impl_->ip.SetInterfaceMac(index, mac);
}

absl::Status Stack::SetInterfaceName(InterfaceIndex index, std::string_view name) {
  return impl_->ip.SetInterfaceName(index, name);
}

std::vector<InterfaceInfo> Stack::Interfaces() const {
  std::vector<InterfaceInfo> out;
  for (const auto& interface : impl_->ip.interfaces().all()) out.push_back(interface->Info());
  return out;
}

std::optional<InterfaceInfo> Stack::FindInterface(std::string_view name) const {
  const Interface* found = impl_->ip.interfaces().FindByName(name);
  if (found == nullptr) return std::nullopt;
  return found->Info();
}

std::optional<InterfaceInfo> Stack::FindInterface(InterfaceIndex index) const {
  const Interface* found = impl_->ip.interfaces().Find(index);
  if (found == nullptr) return std::nullopt;
  return found->Info();
}

absl::Status Stack::AddAddress(InterfaceIndex index, const Prefix& prefix,
                               const AddressOptions& options) {
  return impl_->ip.AddAddress(index, prefix, options);
}

absl::Status Stack::RemoveAddress(InterfaceIndex index, const Prefix& prefix) {
  return impl_->ip.RemoveAddress(index, prefix);
}

absl::Status Stack::ChangePrefixLength(InterfaceIndex index, const IpAddress& address,
                                       int length) {
  return impl_->ip.ChangePrefixLength(index, address, length);
}

std::vector<AddressInfo> Stack::Addresses() const { return impl_->ip.Addresses(); }

absl::Status Stack::AddRoute(const RouteInfo& route) { return impl_->ip.AddRoute(route); }
absl::Status Stack::RemoveRoute(const RouteInfo& route) { return impl_->ip.RemoveRoute(route); }
absl::Status Stack::SetRouterAdvertisement(InterfaceIndex index,
                                           const RouterAdvertisementOptions& options) {
  return impl_->ip.SetRouterAdvertisement(index, options);
}
absl::Status Stack::StopRouterAdvertisement(InterfaceIndex index) {
  return impl_->ip.StopRouterAdvertisement(index);
}
std::vector<RouterAdvertisementInfo> Stack::RouterAdvertisements() const {
  return impl_->ip.RouterAdvertisements();
}
absl::Status Stack::AddRule(const RuleInfo& rule) { return impl_->ip.AddRule(rule); }
absl::Status Stack::RemoveRule(const RuleInfo& rule) { return impl_->ip.RemoveRule(rule); }
std::vector<RuleInfo> Stack::Rules() const { return impl_->ip.Rules(); }
std::vector<RouteInfo> Stack::Routes() const { return impl_->ip.Routes(); }

absl::Status Stack::SetAddressPolicies(std::span<const AddressPolicy> policies) {
  return impl_->ip.SetAddressPolicies(policies);
}

std::vector<AddressPolicy> Stack::AddressPolicies() const { return impl_->ip.AddressPolicies(); }

std::vector<NameServerInfo> Stack::NameServers() const { return impl_->ip.NameServers(); }

absl::Status Stack::AddNeighbor(const NeighborInfo& neighbor) {
  return impl_->ip.AddNeighbor(neighbor);
}

absl::Status Stack::RemoveNeighbor(InterfaceIndex index, const IpAddress& address) {
  return impl_->ip.RemoveNeighbor(index, address);
}

void Stack::FlushNeighbors(InterfaceIndex index) { impl_->ip.FlushNeighbors(index); }
std::vector<NeighborInfo> Stack::Neighbors() const { return impl_->ip.Neighbors(); }

absl::Status Stack::SetSysctl(std::string_view name, std::string_view value) {
  return impl_->sysctls.Set(name, value);
}

absl::Status Stack::GetSysctl(std::string_view name, std::string* value) const {
  return impl_->sysctls.Get(name, value);
}

std::vector<std::string> Stack::Sysctls() const { return impl_->sysctls.Names(); }

std::map<std::string, uint64_t> Stack::Counters() const { return impl_->counters.Snapshot(); }

const MemoryBudget& Stack::memory() const { return impl_->memory; }

void Stack::AddObserver(StackObserver* observer) { impl_->ip.AddObserver(observer); }
void Stack::RemoveObserver(StackObserver* observer) { impl_->ip.RemoveObserver(observer); }

}  // namespace moat::netstack
