// Leaves: checksums and timers.
#include <benchmark/benchmark.h>

#include <memory>
#include <vector>

#include "netstack/base/timer.h"
#include "netstack/wire/checksum.h"

namespace moat::bench {
namespace {

using namespace moat::netstack;  // NOLINT: benches speak of nothing else

void ChecksumBytes(benchmark::State& state) {
  const std::vector<uint8_t> bytes(static_cast<size_t>(state.range(0)), 0x5a);
  for (auto _ : state) benchmark::DoNotOptimize(ChecksumOf(bytes));
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) * state.range(0));
}
BENCHMARK(ChecksumBytes)->Arg(64)->Arg(1500)->Arg(65536);

// Moving one of many armed timers, as every acknowledgement does.
void TimerRearm(benchmark::State& state) {
  struct Entry {
    explicit Entry(TimerQueue& queue) : timer(queue, [](void*) {}, nullptr) {}
    Timer timer;
  };
  Time now = kTimeZero + std::chrono::seconds(1);
  TimerQueue queue(now);
  std::vector<std::unique_ptr<Entry>> entries;
  for (int64_t i = 0; i < state.range(0); ++i) {
    entries.push_back(std::make_unique<Entry>(queue));
    entries.back()->timer.Arm(now + std::chrono::milliseconds(200 + i % 7000));
  }
  size_t next = 0;
  for (auto _ : state) {
    entries[next]->timer.Arm(now + std::chrono::milliseconds(200 + next % 50));
    next = (next + 7919) % entries.size();
    now += std::chrono::microseconds(1);
    if (next % 1024 == 0) queue.RunExpired(now);
  }
}
BENCHMARK(TimerRearm)->Arg(1)->Arg(1000)->Arg(1000000);

}  // namespace
}  // namespace moat::bench
