// Two stacks on one virtual wire with every offload, as over a veth pair: super-segments cross
// whole, and what crosses is copied once, as AF_PACKET copies it.
#ifndef MOAT_TEST_BENCH_MICRO_STACK_PAIR_H_
#define MOAT_TEST_BENCH_MICRO_STACK_PAIR_H_


#include <cstring>
#include <deque>
#include <memory>
#include <utility>

#include "netstack/stack/stack.h"
#include "netstack/testing/fake_clock.h"
#include "netstack/testing/seeded_random.h"
#include "test/bench/micro/require.h"

namespace moat::bench {

using namespace moat::netstack;  // NOLINT: benches speak of nothing else

class WireLink : public Link {
 public:
  LinkCapabilities capabilities() const override {
    return {.has_ethernet_header = true, .tx_checksum_offload = true, .max_gso_bytes = 65535};
  }
  bool Transmit(const TxFrame& frame) override {
    RxFrame received;
    received.bytes = Slice::Allocate(frame.size());
    uint8_t* out = received.bytes.mutable_data();
    std::memcpy(out, frame.headers.data(), frame.headers.size());
    out += frame.headers.size();
    for (const auto& piece : frame.payload) {
      std::memcpy(out, piece.data(), piece.size());
      out += piece.size();
    }
    received.checksum = RxChecksum::kVerified;
    if (frame.payload_size() > frame.offload.gso_size) {
      received.gso = frame.offload.gso;
      received.gso_size = frame.offload.gso_size;
    }
    queue.push_back(std::move(received));
    return true;
  }
  std::deque<RxFrame> queue;
};

class StackPair {
 public:
  StackPair() {
    SetUp(client, client_link, 1);
    SetUp(server, server_link, 2);
  }

  // Carries frames until both sides are silent. One batch per side and round, as the sentry works.
  void Settle() {
    client.Flush();
    server.Flush();
    while (!client_link.queue.empty() || !server_link.queue.empty()) {
      Carry(client_link, server);
      Carry(server_link, client);
    }
  }

  static Endpoint ServerAddress(uint16_t port) {
    return {.address = IpAddress::V4(192, 0, 2, 2), .port = port};
  }

  // A connection: first the client's end, then the server's.
  std::pair<std::unique_ptr<TcpSocket>, std::unique_ptr<TcpSocket>> Connect(TcpSocket& listener) {
    auto socket = client.NewTcpSocket(Family::kIpv4);
    Require(socket->Connect(listener.Local().port != 0 ? ServerAddress(listener.Local().port)
                                                       : Endpoint{}) == Error::kInProgress);
    Settle();
    Result<std::unique_ptr<TcpSocket>> accepted = listener.Accept();
    Require(accepted.ok());
    return {std::move(socket), std::move(*accepted)};
  }

  std::unique_ptr<TcpSocket> Listen(uint16_t port) {
    auto listener = server.NewTcpSocket(Family::kIpv4);
    Require(listener->Bind({.address = IpAddress::Any(Family::kIpv4), .port = port}) == Error::kOk);
    Require(listener->Listen(1024) == Error::kOk);
    return listener;
  }

  FakeClock clock;
  SeededRandom random{1};
  WireLink client_link, server_link;
  Stack client{{.clock = &clock, .random = &random}};
  Stack server{{.clock = &clock, .random = &random}};

 private:
  static constexpr InterfaceIndex kInterface = 2;

  static void SetUp(Stack& stack, WireLink& link, uint8_t number) {
    InterfaceOptions options;
    options.index = kInterface;
    options.name = "eth0";
    options.mac = {{2, 0, 0, 0, 0, number}};
    options.link = &link;
    Require(stack.AddInterface(options).ok());
    Require(stack.AddAddress(kInterface, {IpAddress::V4(192, 0, 2, number), 24}, {}).ok());
    NeighborInfo peer;
    peer.interface = kInterface;
    peer.address = IpAddress::V4(192, 0, 2, static_cast<uint8_t>(3 - number));
    peer.mac = {{2, 0, 0, 0, 0, static_cast<uint8_t>(3 - number)}};
    peer.state = NeighborState::kPermanent;
    Require(stack.AddNeighbor(peer).ok());
  }

  static void Carry(WireLink& from, Stack& to) {
    while (!from.queue.empty()) {
      RxFrame frame = std::move(from.queue.front());
      from.queue.pop_front();
      to.Receive(kInterface, std::move(frame));
    }
    to.Flush();
  }
};

}  // namespace moat::bench

#endif  // MOAT_TEST_BENCH_MICRO_STACK_PAIR_H_
