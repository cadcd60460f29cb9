// Two hosts and a network between them in virtual time: delay, rate, loss, reordering, duplication,
// from one seed. Packets are IP payloads; super-segments are cut as a link would, or kept whole.
#ifndef MOAT_NETSTACK_TRANSPORT_TCP_TESTING_PIPE_H_
#define MOAT_NETSTACK_TRANSPORT_TCP_TESTING_PIPE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "netstack/transport/tcp/testing/host.h"

namespace moat::netstack::tcp {

struct PipeOptions {
  Duration delay = std::chrono::milliseconds(1);  // one way
  double loss = 0;
  double reorder = 0;     // share of packets that are delayed by up to 4 delays more
  double duplicate = 0;
  double mark = 0;        // share of ECN-capable packets that get CE
  uint64_t bits_per_second = 0;  // 0: infinite
  size_t queue_packets = 1000;   // with a rate: tail drop
  bool keep_gso = true;          // super-segments arrive as GRO would build them
  uint64_t seed = 1;
};

class Pipe {
 public:
  // `mtu` and `gso` of both sides' routes.
  explicit Pipe(const PipeOptions& options, Family family = Family::kIpv4);

  Host& a() { return a_; }
  Host& b() { return b_; }
  FakeClock& clock() { return clock_; }
  PipeOptions& options() { return options_; }

  // Moves what was sent into the network, and runs until `done` or `limit` of virtual time. Calls
  // `work` after each event. Returns whether done.
  bool RunUntil(const std::function<bool()>& done, Duration limit,
                const std::function<void()>& work = [] {});
  void Run(Duration time) {
    (void)RunUntil([] { return false; }, time);
  }
  uint64_t packets() const { return packets_; }
  uint64_t dropped() const { return dropped_; }
  // Called for each packet before it may be lost; false drops it.
  std::function<bool(const FakeIp::Sent&)> filter;

 private:
  struct Packet {
    bool to_b;
    FakeIp::Sent sent;
  };
  void Collect(Host& host, bool to_b);
  void Launch(FakeIp::Sent sent, bool to_b);
  void Cut(const FakeIp::Sent& sent, bool to_b);
  void Deliver(const Packet& packet);
  double Chance() { return static_cast<double>(random_.U32()) / 4294967296.0; }

  PipeOptions options_;
  FakeClock clock_;
  Host a_;
  Host b_;
  SeededRandom random_;
  std::multimap<Time, Packet> flying_;
  Time free_at_[2];
  uint64_t packets_ = 0;
  uint64_t dropped_ = 0;
};

// One transfer of `size` octets from a client on a to a server on b, and `reply` octets back;
// checks each octet. Returns an empty string, or what went wrong. `client` and `server` get what
// the ends know in the end.
std::string Transfer(Pipe& pipe, size_t size, size_t reply, Duration limit,
                     TcpInfo* client = nullptr, TcpInfo* server = nullptr);

}  // namespace moat::netstack::tcp

#endif  // MOAT_NETSTACK_TRANSPORT_TCP_TESTING_PIPE_H_
