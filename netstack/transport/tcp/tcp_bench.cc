// Nanoseconds per 64 KiB from one protocol to another through an IP that copies once (as a link does), per
// request and reply, per connection; octets of memory per idle connection.
#include <malloc.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>

#include "netstack/testing/fake_clock.h"
#include "netstack/testing/seeded_random.h"
#include "netstack/transport/tcp/tcp_protocol.h"

namespace moat::netstack {
namespace {

// Hands what is sent to the other side, when asked to.
class Wire : public IpSender {
 public:
  explicit Wire(const IpAddress& own) : own_(own) {}

  struct Direct : Route {
    bool valid() const override { return true; }
  };
  Result<RouteRef> FindRoute(const RouteQuery& query) override {
    auto route = std::make_shared<Direct>();
    route->source = own_;
    route->destination = query.destination;
    route->interface = 2;
    route->mtu = 1500;
    route->max_gso_bytes = 65535;
    return RouteRef(std::move(route));
  }
  Error Send(const Route& route, const IpPacketOut& packet) override {
    size_t size = packet.transport_header.size();
    for (const auto& piece : packet.payload) size += piece.size();
    Slice bytes = Slice::Allocate(size);
    uint8_t* out = bytes.mutable_data();
    std::memcpy(out, packet.transport_header.data(), packet.transport_header.size());
    out += packet.transport_header.size();
    for (const auto& piece : packet.payload) {
      std::memcpy(out, piece.data(), piece.size());
      out += piece.size();
    }
    IpPacketIn in;
    in.source = route.source;
    in.destination = route.destination;
    in.interface = 2;
    in.protocol = packet.protocol;
    in.payload = std::move(bytes);
    in.checksum = RxChecksum::kVerified;
    in.gso_size = packet.gso_size;
    queue.push_back(std::move(in));
    return Error::kOk;
  }
  void ConfirmNeighbor(const Route&) override {}
  bool IsLocalAddress(const IpAddress& address, InterfaceIndex) const override { return address == own_; }

  std::vector<IpPacketIn> queue;

 private:
  const IpAddress own_;
};

struct Side {
  Side(FakeClock& clock, const IpAddress& address, uint64_t seed)
      : random(seed), timers(clock.Now()), ports(random, sysctls), wire(address), address(address) {
    TransportEnvironment environment;
    environment.clock = &clock;
    environment.random = &random;
    environment.timers = &timers;
    environment.ip = &wire;
    environment.ports = &ports;
    environment.sysctls = &sysctls;
    environment.counters = &counters;
    (void)sysctls.Set("core.somaxconn", "65535");
    tcp = std::make_unique<TcpProtocol>(environment);
  }
  SeededRandom random;
  TimerQueue timers;
  SysctlTable sysctls;
  CounterTable counters;
  PortAllocator ports;
  Wire wire;
  IpAddress address;
  std::unique_ptr<TcpProtocol> tcp;
};

struct Pair {
  Pair() : a(clock, IpAddress::V4(192, 0, 2, 1), 1), b(clock, IpAddress::V4(192, 0, 2, 2), 2) {
    (void)a.sysctls.Set("ipv4.ip_local_port_range", "1024 65535");
    listener = b.tcp->NewSocket(Family::kIpv4);
    Endpoint at;
    at.port = 80;
    (void)listener->Bind(at);
    (void)listener->Listen(65535);
  }
  static bool Carry(Side& from, Side& to) {
    from.tcp->Flush();
    std::vector<IpPacketIn> batch;
    batch.swap(from.wire.queue);
    for (const IpPacketIn& packet : batch) (void)to.tcp->Receive(packet);
    return !batch.empty();
  }
  void Settle() {
    while (Carry(a, b) | Carry(b, a)) clock.Advance(std::chrono::microseconds(20));
  }
  std::pair<std::unique_ptr<TcpSocket>, std::unique_ptr<TcpSocket>> Connect() {
    auto client = a.tcp->NewSocket(Family::kIpv4);
    Endpoint to;
    to.address = b.address;
    to.port = 80;
    (void)client->Connect(to);
    Settle();
    auto server = listener->Accept();
    return {std::move(client), server.ok() ? std::move(*server) : nullptr};
  }
  FakeClock clock;
  Side a;
  Side b;
  std::unique_ptr<TcpSocket> listener;
};

void BM_Stream64K(benchmark::State& state) {
  Pair pair;
  auto [client, server] = pair.Connect();
  const Slice data = Slice::Allocate(65536);
  uint64_t octets = 0;
  for (auto _ : state) {
    while (client->WriteSpace() >= 4096) {
      (void)client->Write(data.Sub(0, std::min(data.size(), client->WriteSpace())), false);
    }
    (void)Pair::Carry(pair.a, pair.b);
    octets += server->ReadableBytes();
    server->Consume(server->ReadableBytes());
    (void)Pair::Carry(pair.b, pair.a);
    pair.clock.Advance(std::chrono::microseconds(50));
    pair.a.timers.RunExpired(pair.clock.Now());
    pair.b.timers.RunExpired(pair.clock.Now());
  }
  state.SetBytesProcessed(static_cast<int64_t>(octets));
  state.counters["cwnd"] = client->Info().congestion_window;
  state.counters["window"] = client->Info().send_window;
}
BENCHMARK(BM_Stream64K);

void BM_RequestReply(benchmark::State& state) {
  Pair pair;
  auto [client, server] = pair.Connect();
  const Slice data = Slice::Allocate(64);
  for (auto _ : state) {
    (void)client->Write(data, false);
    (void)Pair::Carry(pair.a, pair.b);
    server->Consume(64);
    (void)server->Write(data, false);
    (void)Pair::Carry(pair.b, pair.a);
    client->Consume(64);
    pair.clock.Advance(std::chrono::microseconds(20));
  }
}
BENCHMARK(BM_RequestReply);

void BM_ConnectAndClose(benchmark::State& state) {
  Pair pair;
  for (auto _ : state) {
    auto [client, server] = pair.Connect();
    client.reset();
    pair.Settle();
    server.reset();
    pair.Settle();
    state.PauseTiming();
    pair.clock.Advance(std::chrono::seconds(2));
    pair.a.timers.RunExpired(pair.clock.Now());
    pair.b.timers.RunExpired(pair.clock.Now());
    state.ResumeTiming();
  }
}
BENCHMARK(BM_ConnectAndClose);

void BM_IdleConnections(benchmark::State& state) {
  for (auto _ : state) {
    Pair pair;
    std::vector<std::pair<std::unique_ptr<TcpSocket>, std::unique_ptr<TcpSocket>>> all;
    const Slice data = Slice::Allocate(64);
    all.reserve(20000);
    const size_t before = mallinfo2().uordblks;
    for (int i = 0; i < 20000; ++i) {
      all.push_back(pair.Connect());
      (void)all.back().first->Write(data, false);
      pair.Settle();
      all.back().second->Consume(64);
      (void)all.back().second->Write(data, false);
      pair.Settle();
      all.back().first->Consume(64);
    }
    // Both ends are counted.
    state.counters["octets_each"] = static_cast<double>(mallinfo2().uordblks - before) / 40000;
  }
}
BENCHMARK(BM_IdleConnections)->Iterations(1)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace moat::netstack
