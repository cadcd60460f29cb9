// Nanoseconds per packet through a whole stack, link to socket and back.
//
//   bazel run -c opt //netstack/stack:stack_bench

#include <benchmark/benchmark.h>

#include "netstack/stack/stack_test_world.h"

namespace moat::netstack {
namespace {

// A link that takes everything and keeps nothing.
class NullLink final : public Link {
 public:
  LinkCapabilities capabilities() const override { return {true, true, 65536}; }
  bool Transmit(const TxFrame& frame) override {
    bytes += frame.size();
    return true;
  }
  size_t bytes = 0;
};

class Bench {
 public:
  explicit Bench(Family family) : cast(CastOf(family)), stack({&clock, &random}) {
    (void)stack.AddInterface({.index = kEth0, .name = "eth0", .mac = kOwnMac, .mtu = 1500,
                              .up = true, .running = true, .link = &link});
    AddressOptions at_once;
    at_once.no_dad = true;
    (void)stack.AddAddress(kEth0, {cast.own, family == Family::kIpv4 ? 24 : 64}, at_once);
    NeighborInfo neighbor{kEth0, cast.peer, kPeerMac, NeighborState::kPermanent, false};
    (void)stack.AddNeighbor(neighbor);
  }
  RxFrame Frame(const Bytes& packet) const {
    const uint16_t type = cast.own.is_v4() ? ethertype::kIpv4 : ethertype::kIpv6;
    RxFrame frame = ReceivedFrame(EthernetFrame(kOwnMac, kPeerMac, type, packet));
    frame.checksum = RxChecksum::kVerified;
    return frame;
  }
  Cast cast;
  FakeClock clock;
  SeededRandom random{1};
  NullLink link;
  Stack stack;
};

Family FamilyOf(const benchmark::State& state) {
  return state.range(0) == 4 ? Family::kIpv4 : Family::kIpv6;
}

void UdpReceive(benchmark::State& state) {
  Bench bench(FamilyOf(state));
  auto socket = bench.stack.NewUdpSocket(FamilyOf(state));
  (void)socket->Bind({bench.cast.own, 53});
  const RxFrame frame = bench.Frame(
      IpPacket(bench.cast.peer, bench.cast.own, ip_protocol::kUdp,
               UdpDatagram(bench.cast.peer, bench.cast.own, 4000, 53, Pattern(64))));
  for (auto _ : state) {
    bench.stack.Receive(kEth0, frame);
    benchmark::DoNotOptimize(socket->Receive());
  }
}
BENCHMARK(UdpReceive)->Arg(4)->Arg(6);

void UdpSend(benchmark::State& state) {
  Bench bench(FamilyOf(state));
  auto socket = bench.stack.NewUdpSocket(FamilyOf(state));
  (void)socket->Connect({bench.cast.peer, 53});
  const Bytes payload = Pattern(64);
  const std::span<const uint8_t> piece = payload;
  for (auto _ : state) benchmark::DoNotOptimize(socket->Send({&piece, 1}, {}));
}
BENCHMARK(UdpSend)->Arg(4)->Arg(6);

void EchoReply(benchmark::State& state) {
  Bench bench(FamilyOf(state));
  const bool v4 = bench.cast.own.is_v4();
  const RxFrame frame = bench.Frame(
      IpPacket(bench.cast.peer, bench.cast.own, v4 ? ip_protocol::kIcmp : ip_protocol::kIcmpV6,
               IcmpMessage(bench.cast.peer, bench.cast.own,
                           v4 ? icmpv4_type::kEchoRequest : icmpv6_type::kEchoRequest, 0, 1,
                           Pattern(56))));
  for (auto _ : state) bench.stack.Receive(kEth0, frame);
}
BENCHMARK(EchoReply)->Arg(4)->Arg(6);

void RouteLookup(benchmark::State& state) {
  Bench bench(Family::kIpv4);
  uint32_t seed = 1;
  auto next = [&seed] { return seed = seed * 1664525 + 1013904223; };
  for (int64_t i = 0; i < state.range(0); ++i) {
    uint8_t bytes[4];
    StoreBe32(bytes, (next() & 0x5fffffff) | 0x01000000);
    RouteInfo route;
    route.destination = {IpAddress::V4(bytes), static_cast<int>(16 + next() % 9)};
    route.gateway = bench.cast.peer;
    route.interface = kEth0;
    (void)bench.stack.AddRoute(route);
  }
  for (auto _ : state) {
    uint8_t bytes[4];
    StoreBe32(bytes, (next() & 0x5fffffff) | 0x01000000);
    benchmark::DoNotOptimize(bench.stack.SelectSource(IpAddress::V4(bytes), 0));
  }
}
BENCHMARK(RouteLookup)->Arg(1)->Arg(1000)->Arg(100000)->Arg(900000);

}  // namespace
}  // namespace moat::netstack
