// What the world of the fuzzer sees of the stack.

#include <algorithm>

#include "netstack/ip/routing_table.h"
#include "netstack/stack/fuzz_world.h"
#include "netstack/wire/tcp.h"

namespace moat::netstack {
namespace {

// Between two judgements: one record's answers, or those of the hour that a record may pass.
constexpr size_t kMostFrames = 10000;
// gc_thresh3 of each family, and what is permanent besides.
constexpr size_t kMostNeighbors = 2 * 32 + 24;

}  // namespace

// --- The judge -----------------------------------------------------------------------------------

void FuzzWorld::JudgeFrame(const ParsedFrame& frame, const MacAddress& own) {
  if (frame.from != own) std::abort();
  // What is forwarded is as whole as it came.
  const bool ours = frame.source.IsUnspecified() || world_.stack.IsLocalAddress(frame.source);
  if (!frame.ok && ours) std::abort();
  for (const auto& peer : peers_) peer->Saw(frame);
  TcpView tcp;
  if (frame.protocol == ip_protocol::kTcp && TcpView::Parse(frame.payload, &tcp) &&
      tcp.flags() == (tcp_flag::kSyn | tcp_flag::kAck)) {
    ++syn_acks_[frame.source.is_v6()];
  }
  if (frame.protocol == ip_protocol::kIcmpV6 &&
      frame.icmp_type() == icmpv6_type::kRouterAdvertisement) {
    ++advertised_;
  }
  if (frame.to == kBetterMac && frame.destination == v4_.remote) ++redirected_[0];
  if (frame.to == kBetterMac && frame.destination == v6_.remote) ++redirected_[1];
}

void FuzzWorld::JudgeLink(ChannelLink& link, const MacAddress& own) {
  if (link.sent().size() > kMostFrames) std::abort();
  while (!link.sent().empty()) {
    for (const Bytes& wire : link.TakeWireFrames()) JudgeFrame(ParseFrame(wire), own);
  }
}

void FuzzWorld::Check() {
  JudgeLink(world_.link, kOwnMac);
  JudgeLink(world_.far_link, kOwnMac1);
  ReadSockets();
  world_.stack.Flush();
  if (world_.stack.Neighbors().size() > kMostNeighbors) std::abort();
}

void FuzzWorld::ReadSockets() {
  while (true) {
    const auto frame = watch_->Receive();
    if (!frame.ok()) break;
    if (frame->bytes.size() != frame->original_size ||
        frame->bytes.size() < kEthernetHeaderSize ||
        frame->network_offset != kEthernetHeaderSize) {
      std::abort();
    }
  }
  for (auto* socket : {udp_.get(), client4_.get(), client6_.get()}) {
    while (socket->Receive().ok()) {
    }
    while (socket->TakeQueuedError().has_value()) ++errors_;
    (void)socket->TakePathMtu();
    (void)socket->TakeError();
  }
  while (ping4_->Receive().ok()) ++pings_[0];
  while (ping6_->Receive().ok()) ++pings_[1];
  while (raw4_->Receive().ok()) ++raws_[0];
  while (raw6_->Receive().ok()) ++raws_[1];
  for (const auto& peer : peers_) peer->Read();
  while (listener_->Accept().ok()) {
  }
}

void FuzzWorld::Finish() { counters_ = world_.stack.Counters(); }

// --- What happened -------------------------------------------------------------------------------

uint64_t FuzzWorld::Count(const std::string& counter) const {
  // All worlds begin alike.
  static const std::map<std::string, uint64_t> before = FuzzWorld().world_.stack.Counters();
  const auto it = before.find(counter);
  if (it == before.end()) std::abort();  // no such counter
  return counters_.at(counter) - it->second;
}

uint64_t FuzzWorld::LearnedRoutes() const {
  const std::vector<RouteInfo> routes = world_.stack.Routes();
  return static_cast<uint64_t>(std::count_if(routes.begin(), routes.end(), [](const auto& route) {
           return route.protocol == kRouteByRouterAdvertisement;
         })) - routes_before_;
}

uint64_t FuzzWorld::LearnedAddresses() const {
  const std::vector<AddressInfo> addresses = world_.stack.Addresses();
  return static_cast<uint64_t>(
             std::count_if(addresses.begin(), addresses.end(),
                           [](const auto& address) { return address.options.autoconfigured; })) -
         addresses_before_;
}

uint64_t FuzzWorld::Duplicates() const {
  const std::vector<AddressInfo> addresses = world_.stack.Addresses();
  return static_cast<uint64_t>(
      std::count_if(addresses.begin(), addresses.end(),
                    [](const AddressInfo& address) { return address.duplicate; }));
}

uint64_t FuzzWorld::ReachableNeighbors() const {
  const std::vector<NeighborInfo> neighbors = world_.stack.Neighbors();
  return static_cast<uint64_t>(
      std::count_if(neighbors.begin(), neighbors.end(), [](const NeighborInfo& neighbor) {
        return neighbor.state == NeighborState::kReachable;
      }));
}

uint64_t FuzzWorld::NarrowedPaths(Family family) const {
  const auto first = peers_.begin() + (family == Family::kIpv4 ? 0 : 2);
  return static_cast<uint64_t>(std::count_if(first, first + 2, [](const auto& peer) {
    return peer->path_mtu() != 0 && peer->path_mtu() < 1500;
  }));
}

}  // namespace moat::netstack
