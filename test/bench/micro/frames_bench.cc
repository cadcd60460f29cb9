// What a stack costs per frame: the same frames into netstack and into lwIP, in one process and
// without a system call, checksums in software. Each figure includes FramePeer's work, which the
// Peer rows tell.
//
//   bazel run --config=opt //test/bench/micro:frames_bench
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "test/bench/micro/frame_peer.h"
#include "test/bench/micro/lwip_subject.h"
#include "test/bench/micro/netstack_subject.h"

namespace moat::bench {
namespace {

constexpr uint16_t kEcho = 7;
constexpr uint16_t kDiscard = 9;
constexpr size_t kBlock = 65536;

// Lets time pass in every 64th round.
class Ticker {
 public:
  explicit Ticker(Subject& subject) : subject_(subject) {}
  void Round() {
    if (++rounds_ % 64 == 0) subject_.Tick();
  }

 private:
  Subject& subject_;
  uint64_t rounds_ = 0;
};

// A frame in, a frame out.
template <typename S>
void UdpEcho(benchmark::State& state) {
  S subject;
  FramePeer peer(subject);
  Ticker ticker(subject);
  subject.EchoUdp(kEcho);
  for (auto _ : state) {
    peer.SendUdp(kEcho, 64);
    peer.Settle();
    ticker.Round();
  }
  Require(peer.frames() == static_cast<uint64_t>(state.iterations()));
}

template <typename S>
void PingEcho(benchmark::State& state) {
  S subject;
  FramePeer peer(subject);
  Ticker ticker(subject);
  for (auto _ : state) {
    peer.SendPing(56);
    peer.Settle();
    ticker.Round();
  }
  Require(peer.frames() == static_cast<uint64_t>(state.iterations()));
}

// One octet in and back on one connection, with the given number of idle ones beside it.
template <typename S>
void TcpEcho(benchmark::State& state) {
  S subject;
  FramePeer peer(subject);
  Ticker ticker(subject);
  subject.EchoTcp(kEcho);
  for (int64_t i = 0; i < state.range(0); ++i) (void)peer.Open(kEcho);
  FramePeer::Flow flow = peer.Open(kEcho);
  const uint64_t before = peer.payload();
  for (auto _ : state) {
    peer.SendSegment(flow, 1);
    peer.Settle(flow);
    ticker.Round();
  }
  Require(peer.payload() - before == static_cast<uint64_t>(state.iterations()));
}

// The same on each of the given number of connections in turn, so that none is in the CPU's caches.
// Time stands still: an echo is acknowledged a round later.
template <typename S>
void TcpEchoEach(benchmark::State& state) {
  S subject;
  FramePeer peer(subject);
  subject.EchoTcp(kEcho);
  std::vector<FramePeer::Flow> flows;
  for (int64_t i = 0; i < state.range(0); ++i) flows.push_back(peer.Open(kEcho));
  const uint64_t before = peer.payload();
  size_t next = 0;
  for (auto _ : state) {
    peer.SendSegment(flows[next], 1);
    peer.Settle(flows[next]);
    next = (next + 7919) % flows.size();  // a prime: not the order they lie in
  }
  Require(peer.payload() - before == static_cast<uint64_t>(state.iterations()));
}

// 64 KiB in full segments into a program that drops them.
template <typename S>
void TcpReceive(benchmark::State& state) {
  S subject;
  FramePeer peer(subject);
  subject.DropTcp(kDiscard);
  FramePeer::Flow flow = peer.Open(kDiscard);
  for (auto _ : state) {
    for (size_t sent = 0; sent < kBlock; sent += kMss) {
      peer.SendSegment(flow, std::min(kMss, kBlock - sent));
      if (sent % (16 * kMss) == 0) peer.Settle(flow);  // a batch
    }
    peer.Settle(flow);
    subject.Tick();
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * kBlock));
}

// 64 KiB from a program, acknowledged as they come.
template <typename S>
void TcpSend(benchmark::State& state) {
  S subject;
  FramePeer peer(subject);
  subject.DropTcp(kDiscard);
  FramePeer::Flow flow = peer.Open(kDiscard);
  for (auto _ : state) {
    const uint64_t goal = peer.payload() + kBlock;
    size_t left = kBlock;
    while (peer.payload() < goal) {
      left -= subject.Write(left);
      peer.Settle(flow);
      peer.SendSegment(flow, 0);
      peer.Settle(flow);
    }
    subject.Tick();
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * kBlock));
}

// Handshake, one octet each way, FINs of both.
template <typename S>
void TcpConnection(benchmark::State& state) {
  S subject;
  FramePeer peer(subject);
  Ticker ticker(subject);
  subject.EchoTcp(kEcho);
  for (auto _ : state) {
    FramePeer::Flow flow = peer.Open(kEcho);
    peer.SendSegment(flow, 1);
    peer.Settle(flow);
    peer.Close(flow);
    ticker.Round();
  }
  Require(subject.connections() == 0);
}

size_t AllocatedBytes() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

// Bytes per connection that has carried an octet each way and waits, what its program keeps
// included.
template <typename S>
void IdleConnections(benchmark::State& state) {
  const auto count = static_cast<size_t>(state.range(0));
  for (auto _ : state) {
    S subject;
    FramePeer peer(subject);
    Ticker ticker(subject);
    subject.EchoTcp(kEcho);
    const size_t before = AllocatedBytes();
    for (size_t i = 0; i < count; ++i) {
      FramePeer::Flow flow = peer.Open(kEcho);
      peer.SendSegment(flow, 1);
      peer.Settle(flow);
      peer.SendSegment(flow, 0);
      peer.Settle(flow);
      ticker.Round();
    }
    Require(subject.connections() == count);
    state.counters["bytes_each"] =
        static_cast<double>(AllocatedBytes() - before) / static_cast<double>(count);
  }
}

// A subject that does nothing: what FramePeer itself costs.
class Nothing final : public Subject {
 public:
  static constexpr const char* kName = "peer";
  void SetSink(FrameSink*) override {}
  void Receive(std::span<const uint8_t> frame) override { benchmark::DoNotOptimize(frame.data()); }
  void Settle() override {}
  void Tick() override {}
  void EchoUdp(uint16_t) override {}
  void EchoTcp(uint16_t) override {}
  void DropTcp(uint16_t) override {}
  size_t Write(size_t) override { return 0; }
  size_t connections() const override { return 0; }
};

void PeerSegment(benchmark::State& state) {
  Nothing nothing;
  FramePeer peer(nothing);
  FramePeer::Flow flow{kPeerAddress, 1, 1, {}, {}};
  for (auto _ : state) peer.SendSegment(flow, static_cast<size_t>(state.range(0)));
}

template <typename S>
benchmark::internal::Benchmark* Add(const char* name, void (*function)(benchmark::State&)) {
  return benchmark::RegisterBenchmark((std::string(name) + "/" + S::kName).c_str(), function);
}

// lwIP looks for a segment's connection in a list, so that the rows with many end early for it.
template <typename S>
void AddAll(const std::vector<int64_t>& counts) {
  Add<S>("PingEcho", PingEcho<S>);
  Add<S>("UdpEcho", UdpEcho<S>);
  auto* echo = Add<S>("TcpEcho", TcpEcho<S>)->Arg(0);
  auto* each = Add<S>("TcpEchoEach", TcpEchoEach<S>);
  auto* idle =
      Add<S>("IdleConnections", IdleConnections<S>)->Iterations(1)->Unit(benchmark::kMillisecond);
  for (const int64_t count : counts) {
    echo->Arg(count);
    each->Arg(count);
    idle->Arg(count);
  }
  Add<S>("TcpReceive64K", TcpReceive<S>);
  Add<S>("TcpSend64K", TcpSend<S>);
  Add<S>("TcpConnection", TcpConnection<S>);
}

}  // namespace
}  // namespace moat::bench

int main(int argc, char** argv) {
  using namespace moat::bench;  // NOLINT
  AddAll<NetstackSubject>({1000, 10'000, 1'000'000});
  AddAll<LwipSubject>({1000, 10'000});
  benchmark::RegisterBenchmark("PeerSegment", PeerSegment)->Arg(1)->Arg(static_cast<int64_t>(kMss));
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
