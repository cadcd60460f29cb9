#include "netstack/testing/fake_ip.h"

#include <algorithm>
#include <memory>

#include "netstack/wire/bytes.h"
#include "netstack/wire/checksum.h"

namespace moat::netstack {
namespace {

struct FakeRoute : Route {
  bool valid() const override { return generation == *current; }
  uint64_t generation = 0;
  const uint64_t* current = nullptr;
};

size_t IpHeaderSize(const IpAddress& address) { return address.is_v4() ? 20 : 40; }

}  // namespace

Result<RouteRef> FakeIp::FindRoute(const RouteQuery& query) {
  ++lookups_;
  last_query_ = query;
  if (route_error_ != Error::kOk) return route_error_;
  auto route = std::make_shared<FakeRoute>();
  route->generation = generation_;
  route->current = &generation_;
  route->destination = query.destination;
  route->source = query.source;
  route->mtu = query.most_mtu != 0 ? std::min<uint32_t>(mtu_, query.most_mtu) : mtu_;
  route->max_gso_bytes = max_gso_bytes_;
  route->interface = query.interface != 0 ? query.interface : kInterface;
  route->is_local = IsLocalAddress(query.destination, 0);
  route->is_multicast = query.destination.IsMulticast();
  route->is_broadcast =
      query.destination.IsLimitedBroadcast() || broadcast_.contains(query.destination);
  if (query.source.IsUnspecified()) {
    const auto own = std::find_if(local_.begin(), local_.end(), [&](const IpAddress& a) {
      return a.family() == query.destination.family();
    });
    if (own == local_.end()) return Error::kNetworkUnreachable;
    route->source = *own;
  }
  return RouteRef(std::move(route));
}

Error FakeIp::SendPacket(const Route& route, Slice packet, size_t header_size) {
  if (send_error_ != Error::kOk) return send_error_;
  sent_.push_back({.source = route.source,
                   .destination = route.destination,
                   .interface = route.interface,
                   .bytes = {packet.span().begin(), packet.span().end()},
                   .header_size = header_size});
  return Error::kOk;
}

Error FakeIp::Send(const Route& route, const IpPacketOut& packet) {
  if (send_error_ != Error::kOk) return send_error_;
  Sent sent{.source = route.source,
            .destination = route.destination,
            .interface = route.interface,
            .protocol = packet.protocol,
            .traffic_class = packet.traffic_class,
            .hop_limit = packet.hop_limit,
            .dont_fragment = packet.dont_fragment,
            .gso = packet.gso,
            .gso_size = packet.gso_size,
            .bytes = {packet.transport_header.begin(), packet.transport_header.end()},
            .header_size = packet.transport_header.size(),
            .options = {packet.options.begin(), packet.options.end()},
            .flow_label = packet.flow_label};
  for (const auto& piece : packet.payload) {
    sent.bytes.insert(sent.bytes.end(), piece.begin(), piece.end());
  }
  const size_t size = sent.bytes.size() + IpHeaderSize(route.destination) + sent.options.size();
  if (packet.gso == GsoType::kNone && packet.dont_fragment && size > mtu_) {
    return Error::kMessageSize;
  }
  if (packet.checksum_offset >= 0 && packet.gso == GsoType::kNone) {
    Checksum sum;
    if (packet.protocol != ip_protocol::kIcmp) {
      sum.AddPseudoHeader(route.source, route.destination, packet.protocol,
                          static_cast<uint32_t>(sent.bytes.size()));
    }
    sum.Add(sent.bytes);
    uint16_t checksum = sum.Finish();
    if (checksum == 0 && packet.zero_checksum_means_none) checksum = 0xffff;
    StoreBe16(sent.bytes.data() + packet.checksum_offset, checksum);
  }
  sent_.push_back(std::move(sent));
  return Error::kOk;
}

FakeIp::Sent FakeIp::Take() {
  if (sent_.empty()) return {};
  Sent sent = std::move(sent_.front());
  sent_.pop_front();
  return sent;
}

bool FakeIp::IsLocalAddress(const IpAddress& address, InterfaceIndex interface) const {
  if (interface != 0 && interface != kInterface) return false;
  return address.IsLoopback() || std::find(local_.begin(), local_.end(), address) != local_.end();
}

Result<InterfaceIndex> FakeIp::GroupInterface(const IpAddress& group, InterfaceIndex interface) {
  if (!group.IsMulticast()) return Error::kInvalid;
  if (interface > 3) return Error::kNoDevice;
  return interface != 0 ? interface : kInterface;
}

Error FakeIp::ChangeMembership(const IpAddress& group, InterfaceIndex interface,
                               const SourceFilter* from, const SourceFilter* to) {
  groups_[{group, interface}] += (to != nullptr ? 1 : 0) - (from != nullptr ? 1 : 0);
  return Error::kOk;
}

int FakeIp::Members(const IpAddress& group, InterfaceIndex interface) const {
  const auto found = groups_.find({group, interface});
  return found == groups_.end() ? 0 : found->second;
}

}  // namespace moat::netstack
