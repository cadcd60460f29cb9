// netstack on AF_PACKET without a sentry: what the stack and the link can do before any container.
// Serves an echo on port 8080, a sink on 8081 and a source on 8082 (TCP), and a UDP echo on 8080.
//
//   peer INTERFACE ADDRESS/LENGTH MAC
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <unordered_map>
#include <vector>

#include "netstack/link/af_packet.h"
#include "netstack/stack/stack.h"

using namespace moat::netstack;  // NOLINT: a program of one page

namespace {

volatile sig_atomic_t g_stop = 0;

struct MonotonicClock : Clock {
  void Refresh() {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    cached = Time(std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec));
  }
  Time Now() const override { return cached; }
  Time cached{};
};

struct SystemRandom : Random {
  void Fill(std::span<uint8_t> out) override {
    if (getrandom(out.data(), out.size(), 0) != static_cast<ssize_t>(out.size())) std::abort();
  }
};

void Require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "peer: %s\n", what);
  std::exit(1);
}

enum class Service : uint16_t { kEcho = 8080, kSink = 8081, kSource = 8082 };

// One connection; noted when something happened to it.
struct Connection : SocketObserver {
  Connection(std::unique_ptr<TcpSocket> tcp, Service service, std::vector<Connection*>& awake)
      : socket(std::move(tcp)), service(service), awake(awake) {
    TcpOptions options = socket->tcp_options();
    options.no_delay = true;
    socket->SetTcpOptions(options);
    socket->SetObserver(this);
    OnReady(0);
  }
  void OnReady(uint32_t) override {
    if (!noted) awake.push_back(this);
    noted = true;
  }
  // True when it is over.
  bool Work(const Slice& block) {
    noted = false;
    if (service == Service::kSource) {
      while (const size_t space = std::min(socket->WriteSpace(), block.size())) {
        if (socket->Write(block.Sub(0, space), false) != Error::kOk) return true;
      }
    } else if (service == Service::kSink) {
      socket->Consume(socket->ReadableBytes());
    } else {
      std::span<const uint8_t> pieces[16];
      const size_t count = socket->Peek(pieces);
      size_t size = 0;
      for (size_t i = 0; i < count; ++i) {
        if (socket->Write(Slice::Copy(pieces[i]), false) != Error::kOk) return true;
        size += pieces[i].size();
      }
      socket->Consume(size);
    }
    return socket->AtEndOfStream() || (socket->Ready() & (ready::kError | ready::kClosed)) != 0;
  }

  std::unique_ptr<TcpSocket> socket;
  Service service;
  std::vector<Connection*>& awake;
  bool noted = false;
};

class Peer {
 public:
  explicit Peer(AfPacketLink& link) : link_(link) { clock_.Refresh(); }

  void SetUp(const Prefix& address, const MacAddress& mac) {
    InterfaceOptions eth0;
    eth0.index = 2;
    eth0.name = "eth0";
    eth0.mac = mac;
    eth0.link = &link_;
    Require(stack_.AddInterface(eth0).ok(), "interface");
    AddressOptions at_once;
    at_once.no_dad = true;
    Require(stack_.AddAddress(2, address, at_once).ok(), "address");
    const IpAddress any = IpAddress::Any(address.address.family());
    for (const Service service : {Service::kEcho, Service::kSink, Service::kSource}) {
      auto listener = stack_.NewTcpSocket(any.family());
      const Endpoint local{.address = any, .port = static_cast<uint16_t>(service)};
      Require(listener->Bind(local) == Error::kOk && listener->Listen(4096) == Error::kOk,
              "listen");
      listeners_.emplace_back(std::move(listener), service);
    }
    udp_ = stack_.NewUdpSocket(any.family());
    Require(udp_->Bind({.address = any, .port = 8080}) == Error::kOk, "UDP");
  }

  // Until SIGTERM; then prints what the link and the stack counted.
  void Run() {
    std::vector<RxFrame> frames;
    while (!g_stop) {
      const auto wait =
          std::min<Duration>(stack_.NextDeadline() - clock_.Now(), std::chrono::hours(1));
      const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(wait).count();
      pollfd readable{link_.fd(), POLLIN, 0};
      poll(&readable, 1, static_cast<int>(std::max<int64_t>(milliseconds, 0)));
      clock_.Refresh();
      link_.ReceiveBatch(frames, 64);
      for (RxFrame& frame : frames) stack_.Receive(2, std::move(frame));
      frames.clear();
      Accept();
      Work();
      EchoUdp();
      stack_.RunTimers();
      Work();
      stack_.Flush();
    }
    const AfPacketStatistics link = link_.Statistics();
    std::fprintf(stderr, "frames %lu in %lu batches, dropped %lu, truncated %lu, send errors %lu\n",
                 link.frames, link.batches, link.dropped, link.truncated, link.send_errors);
    for (const auto& [name, value] : stack_.Counters()) {
      if (value != 0) std::fprintf(stderr, "%s %lu\n", name.c_str(), value);
    }
  }

 private:
  void Accept() {
    for (auto& [listener, service] : listeners_) {
      for (auto one = listener->Accept(); one.ok(); one = listener->Accept()) {
        auto connection = std::make_unique<Connection>(std::move(*one), service, awake_);
        Connection* key = connection.get();
        connections_[key] = std::move(connection);
      }
    }
  }
  void Work() {
    std::vector<Connection*> awake;
    awake.swap(awake_);
    for (Connection* connection : awake) {
      if (!connection->Work(block_)) continue;
      if (connection->noted) std::erase(awake_, connection);
      connections_.erase(connection);
    }
  }
  void EchoUdp() {
    for (auto datagram = udp_->Receive(); datagram.ok(); datagram = udp_->Receive()) {
      const std::span<const uint8_t> piece = datagram->payload.span();
      SendControl back;
      back.destination = datagram->source;
      (void)udp_->Send({&piece, 1}, back);
    }
  }

  AfPacketLink& link_;
  MonotonicClock clock_;
  SystemRandom random_;
  Stack stack_{{.clock = &clock_, .random = &random_}};
  std::vector<std::pair<std::unique_ptr<TcpSocket>, Service>> listeners_;
  std::unique_ptr<DatagramSocket> udp_;
  std::vector<Connection*> awake_;
  std::unordered_map<Connection*, std::unique_ptr<Connection>> connections_;
  const Slice block_ = Slice::Allocate(65536);
};

}  // namespace

int main(int argc, char** argv) {
  Require(argc == 3, "usage: peer INTERFACE ADDRESS/LENGTH");
  const auto address = Prefix::Parse(argv[2]);
  Require(address.has_value(), "not an address");
  auto link = AfPacketLink::Open({.name = argv[1]});
  if (!link.ok()) return std::fprintf(stderr, "%s\n", link.status().ToString().c_str()), 1;
  // Bursts of 64 KiB frames must not return their memory to the kernel between two batches.
  mallopt(M_TRIM_THRESHOLD, 8 << 20);
  mallopt(M_MMAP_THRESHOLD, 1 << 20);
  struct sigaction stop {};
  stop.sa_handler = [](int) { g_stop = 1; };
  sigaction(SIGTERM, &stop, nullptr);
  Peer peer(**link);
  peer.SetUp(*address, {{0x02, 0, 0, 0, 0, 0x99}});
  peer.Run();
}
