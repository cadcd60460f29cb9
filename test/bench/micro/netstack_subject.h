// netstack as a Subject, on a clock that Tick() moves.
#ifndef MOAT_TEST_BENCH_MICRO_NETSTACK_SUBJECT_H_
#define MOAT_TEST_BENCH_MICRO_NETSTACK_SUBJECT_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "netstack/stack/stack.h"
#include "netstack/testing/fake_clock.h"
#include "netstack/testing/seeded_random.h"
#include "test/bench/micro/subject.h"

namespace moat::bench {

class NetstackSubject final : public Subject {
 public:
  static constexpr const char* kName = "netstack";

  NetstackSubject();
  ~NetstackSubject() override;

  void SetSink(FrameSink* sink) override { link_.sink = sink; }
  void Receive(std::span<const uint8_t> frame) override;
  void Settle() override;
  void Tick() override;
  void EchoUdp(uint16_t port) override;
  void EchoTcp(uint16_t port) override { Listen(port, /*echo=*/true); }
  void DropTcp(uint16_t port) override { Listen(port, /*echo=*/false); }
  size_t Write(size_t size) override;
  size_t connections() const override { return servers_.size() - listeners_; }

 private:
  class Server;
  struct PlainLink final : netstack::Link {
    netstack::LinkCapabilities capabilities() const override {
      return {.has_ethernet_header = true};
    }
    bool Transmit(const netstack::TxFrame& frame) override;
    FrameSink* sink = nullptr;
    std::vector<uint8_t> bytes;
  };

  void Listen(uint16_t port, bool echo);
  Server* Adopt(std::unique_ptr<Server> server);
  void Remove(Server* server);

  netstack::FakeClock clock_;
  netstack::SeededRandom random_{1};
  PlainLink link_;
  netstack::MemoryBudget memory_{size_t{1} << 40};  // a million connections are meant
  netstack::Stack stack_{{.clock = &clock_, .random = &random_, .memory = &memory_}};
  std::vector<Server*> ready_;  // noted by observers; each once
  std::vector<std::unique_ptr<Server>> servers_;
  size_t listeners_ = 0;        // of servers_
  std::unique_ptr<netstack::DatagramSocket> udp_;
  Server* last_ = nullptr;      // what was accepted last; null when it is gone
};

}  // namespace moat::bench

#endif  // MOAT_TEST_BENCH_MICRO_NETSTACK_SUBJECT_H_
