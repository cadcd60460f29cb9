// What netstack itself costs, both ends together, without system calls: divide by two for one side.
#include <benchmark/benchmark.h>

#include <array>
#include <vector>

#include "netstack/wire/bytes.h"
#include "test/bench/micro/stack_pair.h"

namespace moat::bench {
namespace {

// Reads and drops all that waits.
size_t Drain(TcpSocket& socket) {
  const size_t size = socket.ReadableBytes();
  if (size != 0) socket.Consume(size);
  return size;
}

// Bulk: 64 KiB written, carried and read, acknowledgements included.
void TcpStream(benchmark::State& state) {
  StackPair pair;
  auto listener = pair.Listen(80);
  auto [sender, receiver] = pair.Connect(*listener);
  Slice block = Slice::Allocate(static_cast<size_t>(state.range(0)));
  std::memset(block.mutable_data(), 'x', block.size());
  size_t received = 0, sent = 0, rounds = 0;
  for (auto _ : state) {
    if (sender->WriteSpace() >= block.size() || sender->UnackedBytes() == 0) {
      Require(sender->Write(block, false) == Error::kOk);
      sent += block.size();
    }
    pair.Settle();
    received += Drain(*receiver);
    pair.clock.Advance(std::chrono::microseconds(10));
    if (++rounds % 128 == 0) {
      pair.client.RunTimers();
      pair.server.RunTimers();
    }
  }
  state.SetBytesProcessed(static_cast<int64_t>(received));
  state.counters["written"] = static_cast<double>(sent) / static_cast<double>(state.iterations());
}
BENCHMARK(TcpStream)->Arg(1448)->Arg(16384)->Arg(65536);

// One byte there and one back: four packets at most.
void TcpPingPong(benchmark::State& state) {
  StackPair pair;
  auto listener = pair.Listen(80);
  std::vector<std::pair<std::unique_ptr<TcpSocket>, std::unique_ptr<TcpSocket>>> idle;
  for (int64_t i = 0; i < state.range(0); ++i) idle.push_back(pair.Connect(*listener));
  auto [client, server] = pair.Connect(*listener);
  const std::array<uint8_t, 1> byte = {'x'};
  for (auto _ : state) {
    Require(client->Write(Slice::Copy(byte), false) == Error::kOk);
    pair.Settle();
    Require(Drain(*server) == 1);
    Require(server->Write(Slice::Copy(byte), false) == Error::kOk);
    pair.Settle();
    Require(Drain(*client) == 1);
    pair.clock.Advance(std::chrono::microseconds(20));
  }
}
BENCHMARK(TcpPingPong)->Arg(0)->Arg(1000)->Arg(10000);

// Connect, accept, one byte each way, close from the server.
void TcpConnection(benchmark::State& state) {
  StackPair pair;
  auto listener = pair.Listen(80);
  const std::array<uint8_t, 1> byte = {'x'};
  for (auto _ : state) {
    auto [client, server] = pair.Connect(*listener);
    Require(client->Write(Slice::Copy(byte), false) == Error::kOk);
    pair.Settle();
    Drain(*server);
    server.reset();
    pair.Settle();
    client.reset();
    pair.Settle();
    pair.clock.Advance(std::chrono::milliseconds(10));
    pair.client.RunTimers();
    pair.server.RunTimers();
  }
}
BENCHMARK(TcpConnection);

void UdpRequest(benchmark::State& state) {
  StackPair pair;
  auto server = pair.server.NewUdpSocket(Family::kIpv4);
  Require(server->Bind({.address = IpAddress::Any(Family::kIpv4), .port = 53}) == Error::kOk);
  auto client = pair.client.NewUdpSocket(Family::kIpv4);
  Require(client->Connect(StackPair::ServerAddress(53)) == Error::kOk);
  const std::array<uint8_t, 64> request{};
  const std::span<const uint8_t> piece = request;
  for (auto _ : state) {
    Require(client->Send({&piece, 1}, {}) == Error::kOk);
    pair.Settle();
    const Result<Datagram> asked = server->Receive();
    Require(asked.ok());
    SendControl back;
    back.destination = asked->source;
    Require(server->Send({&piece, 1}, back) == Error::kOk);
    pair.Settle();
    Require(client->Receive().ok());
  }
}
BENCHMARK(UdpRequest);

// The way of one destination, of that many prefixes of 16 to 24 bits.
void RouteLookup(benchmark::State& state) {
  StackPair pair;
  uint32_t seed = 1;
  const auto next = [&seed] { return seed = seed * 1664525 + 1013904223; };
  const auto address = [&next] {
    uint8_t bytes[4];
    StoreBe32(bytes, (next() & 0x5fffffff) | 0x01000000);
    return IpAddress::V4(bytes);
  };
  size_t routes = 0;
  while (routes < static_cast<size_t>(state.range(0))) {
    RouteInfo route;
    route.destination = {address(), static_cast<int>(16 + next() % 9)};
    route.gateway = IpAddress::V4(192, 0, 2, 2);
    route.interface = 2;
    const absl::Status status = pair.client.AddRoute(route);
    if (status.ok()) ++routes;
    Require(status.ok() || absl::IsAlreadyExists(status));
  }
  for (auto _ : state) benchmark::DoNotOptimize(pair.client.SelectSource(address(), 0));
}
BENCHMARK(RouteLookup)->Arg(1)->Arg(1000)->Arg(100'000)->Arg(1'000'000);

}  // namespace
}  // namespace moat::bench
