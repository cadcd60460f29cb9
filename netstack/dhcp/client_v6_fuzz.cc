// Replies and time against a stateless DHCPv6 client in every state, on a fake clock. Input:
// records {kind, length, bytes}.
//
// Invariants:
//  - a client that runs has a deadline, unless what it knows is for ever;
//  - what it learns comes from a Reply to what it asked last, meant for it (RFC 8415 16.10);
//  - whatever servers say, it does not storm.

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "netstack/dhcp/client_v6.h"
#include "netstack/stack/stack_test_world.h"
#include "test/fuzz/coverage.h"
#include "test/fuzz/goals.h"
#include "test/fuzz/records.h"
#include "test/fuzz/seeds.h"

namespace moat::netstack {
namespace {

using std::chrono::milliseconds;
using State = Dhcpv6Client::State;

void Check(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

Bytes Option(uint16_t code, const Bytes& data) {
  Bytes out(4);
  StoreBe16(&out[0], code);
  StoreBe16(&out[2], static_cast<uint16_t>(data.size()));
  return out + data;
}

class Fuzz {
 public:
  Fuzz()
      : client_(world_.stack,
                {.clock = &world_.clock, .random = &world_.random, .interface = kEth0}) {
    Check(client_.Start().ok(), "it does not start");
  }
  void Run(std::span<const uint8_t> input) {
    ForEachFuzzRecord(input, /*most=*/200, [this](uint8_t kind, std::span<const uint8_t> bytes) {
      Feed(kind, Bytes(bytes.begin(), bytes.end()));
    });
    client_.Stop();
    Judge();
  }
  uint32_t states() const { return states_; }  // a bit each
  bool learned() const { return learned_; }

 private:
  void Feed(uint8_t kind, const Bytes& bytes) {
    switch (kind % 4) {
      case 0: {  // {which transaction, whom it is for, options}
        if (bytes.size() < 2) return;
        Bytes message(4);
        StoreBe32(&message[0], 7u << 24 | ((transaction_ + (bytes[0] & 3)) & 0xffffff));
        const Bytes client = DuidOf((bytes[1] & 1) != 0 ? kOtherMac : kOwnMac);
        message = message + Option(1, client);
        if ((bytes[1] & 2) == 0) message = message + Option(2, {0, 2, 0, 4, 0, 3, 0, 1});
        Deliver(message + Bytes(bytes.begin() + 2, bytes.end()));
        return;
      }
      case 1:
        Deliver(bytes);
        return;
      case 2: {
        const int64_t ms = 1 + (bytes.empty() ? 0 : bytes[0]);
        const Duration by = milliseconds(ms << (bytes.size() < 2 ? 0 : bytes[1] % 20));
        elapsed_ += by;
        world_.Advance(client_, by);
        Judge();
        return;
      }
      case 3:
        client_.Stop();
        Judge();
        Check(!client_.information().has_value(), "it knows something, stopped");
        Check(client_.Start().ok(), "it does not start again");
        Judge();
        return;
    }
  }
  void Deliver(const Bytes& message) {
    const IpAddress server = Ip("fe80::53"), own = Ip("fe80::1");
    const State before = client_.state();
    const auto known = client_.information();
    world_.ReceiveIp(IpPacket(server, own, ip_protocol::kUdp,
                              UdpDatagram(server, own, kDhcpv6ServerPort, kDhcpv6ClientPort,
                                          message)));
    client_.Poll();
    if (before == State::kAsking && client_.state() == State::kInformed) {
      learned_ = true;
      const auto reply = ParseDhcpv6(message);
      Check(reply.has_value() && reply->transaction == transaction_ && !reply->server.empty() &&
                reply->client == DuidOf(kOwnMac) && reply->status == 0,
            "what is taken does not match");
    } else {
      Check(known.has_value() == client_.information().has_value(), "it learned from nothing");
    }
    Judge();
  }
  void Judge() {
    while (!world_.Silent()) {
      const ParsedFrame frame = world_.Next();
      if (frame.protocol != ip_protocol::kUdp || frame.payload.size() < 12 ||
          LoadBe16(&frame.payload[2]) != kDhcpv6ServerPort) {
        continue;
      }
      ++messages_;
      transaction_ = LoadBe32(&frame.payload[8]) & 0xffffff;
    }
    const State state = client_.state();
    states_ |= 1u << static_cast<int>(state);
    const auto& known = client_.information();
    Check(state != State::kInformed || known.has_value(), "informed of nothing");
    const bool for_ever = state == State::kInformed && known->refresh == kNever;
    if (state != State::kStopped && !for_ever) {
      Check(client_.NextDeadline() != kNever, "no deadline");
      Check(client_.NextDeadline() >= world_.clock.Now(), "what was due is not done");
    }
    Check(messages_ <= 20 + 2 * ++steps_ + elapsed_ / milliseconds(500), "a storm");
  }

  StackWorld world_;
  Dhcpv6Client client_;
  uint32_t transaction_ = 0;
  Duration elapsed_{};
  int64_t messages_ = 0, steps_ = 0;
  uint32_t states_ = 0;
  bool learned_ = false;
};

constexpr size_t kStates = 4;
FuzzGoals& Goals() {
  static FuzzGoals goals({"stopped", "waiting", "asking", "informed", "a Reply that is taken"},
                         /*least=*/20);
  return goals;
}

Bytes Record(uint8_t kind, const Bytes& bytes) { return FuzzRecord(kind, bytes); }

}  // namespace
}  // namespace moat::netstack

std::vector<std::vector<uint8_t>> FuzzSeeds() {
  using namespace moat::netstack;  // NOLINT: this is their test
  const IpAddress server = Ip("2001:db8::53");
  const Bytes servers = Option(23, Bytes(server.data(), server.data() + 16));
  const Bytes asked = Record(2, {250, 2});
  const Bytes domains = Option(24, {3, 'l', 'a', 'n', 0});
  return {
      asked + Record(0, Bytes{0, 0} + servers + domains) + Record(2, {200, 19}) + asked,
      asked + Record(0, Bytes{0, 0} + Option(32, {0, 0, 2, 0x58})) + Record(2, {200, 13}),
      asked + Record(0, Bytes{0, 0} + Option(32, {255, 255, 255, 255})) + Record(2, {200, 19}),
      asked + Record(0, Bytes{0, 0} + Option(13, {0, 1})) + Record(2, {200, 12}) +
          Record(0, Bytes{0, 0} + Option(83, {0, 0, 0, 60}) + servers),
      asked + Record(3, {}) + asked + Record(0, Bytes{0, 1} + servers),
  };
}

std::vector<std::string> FuzzUnreached() {
  using namespace moat::netstack;  // NOLINT: this is their test
  return Goals().Unreached();
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace moat::netstack;  // NOLINT: this is their test
  Fuzz fuzz;
  ForgetFuzzCoverage();
  fuzz.Run({data, size});
  Goals().Count([&](size_t goal) {
    return goal < kStates ? (fuzz.states() >> goal & 1) != 0 : fuzz.learned();
  });
  return 0;
}
