#include "netstack/transport/ip_options.h"

#include <algorithm>

namespace moat::netstack {
namespace {

void Record(const TransportEnvironment& environment, const IpAddress& own, Ipv4Options& options) {
  RecordInIpv4Options(
      options.span(), own, InternetTime(environment.clock->Now()),
      [](const void* ip, const IpAddress& address) {
        return static_cast<const IpSender*>(ip)->IsLocalAddress(address, 0);
      },
      environment.ip);
}

}  // namespace

std::span<const uint8_t> LeavingIpOptions(const TransportEnvironment& environment,
                                          const Route& route, const Ipv4Options& given,
                                          Ipv4Options& room) {
  room = given;
  Record(environment, route.source, room);
  return room.span();
}

Ipv4OptionsRef RecordArrivedIpOptions(const TransportEnvironment& environment,
                                      const IpPacketIn& packet) {
  const std::span<const uint8_t> arrived = packet.ip_options();
  auto options = std::make_shared<Ipv4Options>();
  options->size = packet.ip_options_size;
  std::copy(arrived.begin(), arrived.end(), options->bytes.begin());
  IpAddress own = packet.destination;
  if (packet.to_several()) {  // a group is nobody's address: that which an answer would come from
    const Result<RouteRef> back = environment.ip->FindRoute(
        {.destination = packet.source, .source = IpAddress::Any(packet.source.family())});
    own = back.ok() ? (*back)->source : IpAddress::Any(packet.source.family());
  }
  Record(environment, own, *options);
  return options;
}

}  // namespace moat::netstack
