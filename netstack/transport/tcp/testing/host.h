// A TcpProtocol with everything that it borrows, for tests: fake clock, seeded randomness, fake IP.
#ifndef MOAT_NETSTACK_TRANSPORT_TCP_TESTING_HOST_H_
#define MOAT_NETSTACK_TRANSPORT_TCP_TESTING_HOST_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "netstack/testing/fake_clock.h"
#include "netstack/testing/fake_ip.h"
#include "netstack/testing/seeded_random.h"
#include "netstack/transport/tcp/tcp_protocol.h"

namespace moat::netstack::tcp {

// Counts what a socket's observer is told.
struct RecordingObserver : SocketObserver {
  void OnReady(uint32_t newly_ready) override {
    bits |= newly_ready;
    ++calls;
  }
  uint32_t Take() { return std::exchange(bits, 0); }
  uint32_t bits = 0;
  int calls = 0;
};

class Host {
 public:
  Host(FakeClock& clock, const IpAddress& address, uint64_t seed)
      : address(address), clock(clock), random_(seed), timers_(clock.Now()),
        ports_(random_, sysctls_) {
    ip.AddLocalAddress(address);
    TransportEnvironment environment;
    environment.clock = &clock;
    environment.random = &random_;
    environment.timers = &timers_;
    environment.ip = &ip;
    environment.groups = &ip;
    environment.ports = &ports_;
    environment.sysctls = &sysctls_;
    environment.counters = &counters_;
    environment.memory = &memory;
    tcp = std::make_unique<TcpProtocol>(environment);
  }

  void RunTimers() {
    timers_.RunExpired(clock.Now());
    tcp->Flush();
  }
  Time NextDeadline() const { return timers_.NextDeadline(); }
  size_t armed_timers() const { return timers_.size(); }
  uint64_t Counter(std::string_view name) const { return counters_.Value(name); }
  void Sysctl(std::string_view name, std::string_view value) {
    if (!sysctls_.Set(name, value).ok()) std::abort();
  }
  std::vector<SocketInfo> Sockets() const {
    std::vector<SocketInfo> sockets;
    tcp->ListSockets(&sockets);
    return sockets;
  }
  // The state of the only socket on `port`, as ss prints it; "" when there is none.
  std::string StateOf(uint16_t port) const {
    for (const SocketInfo& info : Sockets()) {
      if (info.local.port == port && info.state != "LISTEN") return info.state;
    }
    return "";
  }

  const IpAddress address;
  FakeClock& clock;
  FakeIp ip;
  MemoryBudget memory;

 private:
  SeededRandom random_;
  TimerQueue timers_;
  SysctlTable sysctls_;
  CounterTable counters_;
  PortAllocator ports_;

 public:
  std::unique_ptr<TcpProtocol> tcp;  // last: it goes before what it borrows
};

inline Slice Bytes(std::string_view text) {
  return Slice::Copy({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
}
// `size` octets of a stream in which each position has its own value.
inline Slice Pattern(uint64_t offset, size_t size) {
  Slice slice = Slice::Allocate(size);
  for (size_t i = 0; i < size; ++i) {
    const uint64_t at = offset + i;
    slice.mutable_data()[i] = static_cast<uint8_t>((at * 0x9e3779b97f4a7c15u) >> 56);
  }
  return slice;
}
// Reads and consumes all that waits.
inline std::string ReadAll(TcpSocket& socket) {
  std::string text;
  std::span<const uint8_t> pieces[16];
  while (socket.ReadableBytes() > 0) {
    const size_t count = socket.Peek(pieces);
    size_t size = 0;
    for (size_t i = 0; i < count; ++i) {
      text.append(reinterpret_cast<const char*>(pieces[i].data()), pieces[i].size());
      size += pieces[i].size();
    }
    socket.Consume(size);
  }
  return text;
}

}  // namespace moat::netstack::tcp

#endif  // MOAT_NETSTACK_TRANSPORT_TCP_TESTING_HOST_H_
