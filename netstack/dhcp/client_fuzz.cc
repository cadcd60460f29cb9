// Replies, conflicts and time against a DHCP client in every state, on a fake clock. Input: a mode,
// then records {kind, length, bytes}.
//
// Invariants:
//  - a client that runs has a deadline, unless its lease is for ever;
//  - it has a lease while it is BOUND, RENEWING or REBINDING, not beyond its end; T1 < T2 < end;
//  - an address comes from an ACK that answers its last request alone: by transaction, hardware
//    address and, when one was chosen, server and address (RFC 2131 4.4.1);
//  - the interface has that address and no other;
//  - whatever servers say, it does not storm.

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "netstack/dhcp/client.h"
#include "netstack/dhcp/test_server.h"
#include "test/fuzz/coverage.h"
#include "test/fuzz/goals.h"
#include "test/fuzz/records.h"
#include "test/fuzz/seeds.h"

namespace moat::netstack {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using State = DhcpClient::State;

void Check(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

namespace mode_bit {
constexpr uint8_t kProbe = 1, kReboot = 2, kReportOnly = 4;
}  // namespace mode_bit

// The peer's choices; zero is what an honest server says.
const char* const kAddresses[] = {"192.0.2.77", "192.0.2.78", "10.1.2.3", "0.0.0.0", "224.0.0.1",
                                  "127.0.0.1", "255.255.255.255", "192.0.2.255"};
constexpr uint32_t kLeases[] = {3600, 1, 2, 60, 0, 0xffffffff, 0xfffffffe, 120};

class Fuzz {
 public:
  explicit Fuzz(uint8_t mode) {
    // What is there before would hide what the client does.
    (void)world_.stack.RemoveAddress(kEth0, *Prefix::Parse("192.0.2.1/24"));
    RouteInfo route;
    route.destination = *Prefix::Parse("0.0.0.0/0");
    (void)world_.stack.RemoveRoute(route);
    world_.Know(kServer);
    options_.clock = &world_.clock;
    options_.random = &world_.random;
    options_.interface = kEth0;
    options_.probe = (mode & mode_bit::kProbe) != 0;
    options_.install = (mode & mode_bit::kReportOnly) == 0;
    if ((mode & mode_bit::kReboot) != 0) options_.previous = kOffered;
    client_ = std::make_unique<DhcpClient>(world_.stack, options_);
    Check(client_->Start().ok(), "it does not start");
    Judge();
  }

  void Run(std::span<const uint8_t> input) {
    ForEachFuzzRecord(input, /*most=*/200, [this](uint8_t kind, std::span<const uint8_t> bytes) {
      Feed(kind, Bytes(bytes.begin(), bytes.end()));
    });
    client_.reset();
    if (!meddled_) Check(Addresses().empty(), "an address stays behind");
  }
  uint32_t states() const { return states_; }  // a bit each

 private:
  void Feed(uint8_t kind, const Bytes& bytes) {
    switch (kind % 6) {
      case 0:
      case 1: return Reply(bytes, {});
      case 2: return Reply(Bytes(bytes.begin(), bytes.begin() + std::min<size_t>(bytes.size(), 6)),
                           bytes.size() > 6 ? Bytes(bytes.begin() + 6, bytes.end()) : Bytes());
      case 3: return Pass(bytes);
      case 4: return Conflict(bytes);
      case 5: return Rare(bytes);
    }
  }
  static uint8_t At(const Bytes& bytes, size_t i) { return i < bytes.size() ? bytes[i] : 0; }

  // {type, address, lease, who and which transaction, parameters}: what a server would say, with
  // `over` laid over it.
  void Reply(const Bytes& bytes, const Bytes& over) {
    constexpr DhcpType kTypes[] = {DhcpType::kOffer, DhcpType::kAck, DhcpType::kNak};
    Answer answer;
    answer.type = kTypes[At(bytes, 0) % 3];
    answer.transaction = last_.transaction + (At(bytes, 3) & 3);
    answer.yours = Ip(kAddresses[At(bytes, 1) % std::size(kAddresses)]);
    answer.lease = kLeases[At(bytes, 2) % std::size(kLeases)];
    if ((At(bytes, 3) & 4) != 0) answer.server = Ip("192.0.2.253");
    if ((At(bytes, 3) & 8) != 0) answer.mac = kOtherMac;
    if (At(bytes, 4) != 0) {  // T1, T2, another mask, another router
      const uint8_t t1 = At(bytes, 4), t2 = At(bytes, 5);
      answer.parameters = {58, 4, 0, 0, t1, 0, 59, 4, 0, 0, t2, 0, 1, 4, 255, 255, t2, 0,
                           3, 4, 192, 0, 2, t1, 26, 2, t1, t2};
    }
    Bytes message = DhcpMessage(answer);
    for (size_t i = 0; i < over.size() && !message.empty(); ++i) {
      // The fixed part with its zeros is skipped over quickly.
      message[(i < 16 ? i : i + 220) % message.size()] ^= over[i];
    }
    Deliver(answer.server, message);
  }
  void Deliver(const IpAddress& from, const Bytes& message) {
    ReceiveDhcp(world_, from, kEverybody, message);
    const std::optional<DhcpReply> reply = ParseDhcp(message);
    const State before = client_->state();
    const std::optional<DhcpLease> lease = client_->lease();
    client_->Poll();
    const bool taken = (client_->state() == State::kProbing) ||
                       (client_->lease().has_value() &&
                        (!lease.has_value() || lease->expires != client_->lease()->expires ||
                         lease->address != client_->lease()->address));
    if (taken && before != State::kProbing) JudgeTaken(before, reply);
    Judge();
  }
  void JudgeTaken(State before, const std::optional<DhcpReply>& reply) {
    // What is due anyway, at the same moment, is no answer to it.
    Check(before == State::kRequesting || before == State::kRebooting ||
              before == State::kRenewing || before == State::kRebinding,
          "an ACK is taken that was not asked for");
    Check(reply.has_value() && reply->type == DhcpType::kAck, "what is taken is no ACK");
    if (was_down_) return;  // what was asked for last went nowhere, perhaps
    Check(last_.type == DhcpType::kRequest && reply->transaction == last_.transaction &&
              reply->mac == kOwnMac && reply->server.has_value() && reply->lease.has_value(),
          "the ACK does not match");
    if (before != State::kRequesting) return;
    Check(reply->yours == last_.requested && reply->server == last_.server,
          "not what was asked for");
  }

  void Pass(const Bytes& bytes) {
    // An hour at most, which is long enough for a lease: a client that finds no server asks often.
    const Duration by = milliseconds(1 + At(bytes, 0)) * (int64_t{1} << At(bytes, 1) % 15);
    elapsed_ += by;
    world_.Advance(*client_, by);
    Judge();
  }

  // Another host has an address.
  void Conflict(const Bytes& bytes) {
    const IpAddress address = Ip(kAddresses[At(bytes, 0) % 3]);
    world_.ReceiveArp(At(bytes, 1) % 2 == 0 ? ArpOperation::kReply : ArpOperation::kRequest,
                      address, kOtherMac, address, MacAddress::Broadcast());
    client_->Poll();
    Judge();
  }

  void Rare(const Bytes& bytes) {
    switch (At(bytes, 0) % 3) {
      case 0:
        client_->Release();
        if (!meddled_) Check(Addresses().empty(), "a released address stays");
        Judge();
        Check(client_->Start().ok(), "it does not start again");
        break;
      case 1: {  // somebody takes the address away
        const std::vector<Prefix> addresses = Addresses();
        if (addresses.empty()) return;
        (void)world_.stack.RemoveAddress(kEth0, addresses.front());
        meddled_ = true;
        client_->Poll();
        break;
      }
      case 2:
        was_down_ = was_down_ || At(bytes, 1) % 2 == 0;
        (void)world_.stack.SetInterfaceRunning(kEth0, At(bytes, 1) % 2 != 0);
        client_->Poll();
        break;
    }
    Judge();
  }

  std::vector<Prefix> Addresses() const {
    std::vector<Prefix> found;
    for (const AddressInfo& info : world_.stack.Addresses()) {
      if (info.interface == kEth0 && info.prefix.address.is_v4()) found.push_back(info.prefix);
    }
    return found;
  }

  void Judge() {
    for (Said said = NextSaid(world_); said.ok; said = NextSaid(world_)) {
      ++messages_;
      // A DECLINE follows the beginning of the next exchange, whose number it has not.
      if (said.type == DhcpType::kDiscover || said.type == DhcpType::kRequest) last_ = said;
    }
    const State state = client_->state();
    states_ |= 1u << static_cast<int>(state);
    const std::optional<DhcpLease>& lease = client_->lease();
    const bool leased = state == State::kBound || state == State::kRenewing ||
                        state == State::kRebinding;
    Check(lease.has_value() == leased, "a lease in the wrong state, or none");
    const Time now = world_.clock.Now();
    if (leased && lease->expires != kNever) {
      Check(now < lease->expires, "a lease beyond its end");
      Check(lease->renew < lease->rebind && lease->rebind < lease->expires, "T1, T2, the end");
    }
    const bool for_ever = leased && lease->expires == kNever;
    if (state != State::kStopped && !for_ever) {
      Check(client_->NextDeadline() != kNever, "no deadline");
    }
    if (!meddled_) JudgeAddresses(leased);
    const auto most = 20 + replies_allowed() + elapsed_ / milliseconds(500);
    Check(messages_ <= most, "a storm");
    ++steps_;
  }
  void JudgeAddresses(bool leased) {
    const std::vector<Prefix> addresses = Addresses();
    if (!options_.install) return Check(addresses.empty(), "it was to report only");
    if (leased) {
      Check(addresses.size() == 1 && addresses.front() == client_->lease()->address,
            "not the address of the lease");
    } else {
      Check(addresses.size() == (client_->state() == State::kProbing ? 1 : 0),
            "an address without a lease");
    }
  }
  // An answer each may be called for.
  int64_t replies_allowed() const { return 2 * steps_; }

  StackWorld world_;
  DhcpOptions options_;
  std::unique_ptr<DhcpClient> client_;
  Said last_;
  Duration elapsed_{};
  int64_t messages_ = 0, steps_ = 0;
  uint32_t states_ = 0;
  bool was_down_ = false;  // the link, at times
  bool meddled_ = false;   // its address was taken away
};

// --- What a bounded run must reach ---------------------------------------------------------------

const char* const kStateNames[] = {"stopped", "INIT", "SELECTING", "REQUESTING", "REBOOTING",
                                   "probing", "BOUND", "RENEWING", "REBINDING"};
FuzzGoals& Goals() {
  static FuzzGoals goals({std::begin(kStateNames), std::end(kStateNames)}, /*least=*/20);
  return goals;
}

Bytes Record(uint8_t kind, const Bytes& bytes) { return FuzzRecord(kind, bytes); }
const Bytes kOffer = Record(0, {0}), kAck = Record(0, {1}), kNak = Record(0, {2});
// So many milliseconds, doubled so often.
Bytes Wait(uint8_t ms, uint8_t doublings) { return Record(3, {ms, doublings}); }

}  // namespace
}  // namespace moat::netstack

std::vector<std::vector<uint8_t>> FuzzSeeds() {
  using namespace moat::netstack;  // NOLINT: this is their test
  const Bytes start = Wait(255, 2);
  const Bytes lease = start + kOffer + kAck;
  const Bytes to_renewing = Wait(220, 13), to_rebinding = Wait(165, 13), to_end = Wait(140, 12);
  std::vector<Bytes> seeds = {
      Bytes{0} + lease + to_renewing + kAck + to_renewing + to_rebinding + kAck,
      Bytes{0} + lease + to_renewing + to_rebinding + to_end + start + kOffer + kNak,
      Bytes{0} + lease + to_renewing + kNak + start,
      Bytes{mode_bit::kProbe} + lease + Wait(255, 6) + to_renewing + kAck,
      Bytes{mode_bit::kProbe} + lease + Record(4, {0, 0}) + Wait(255, 6),
      Bytes{mode_bit::kProbe} + lease + Wait(255, 6) + Record(4, {0, 0}) + Record(4, {0, 0}),
      Bytes{mode_bit::kReboot} + kAck + to_renewing + Record(0, {1, 1}),
      Bytes{mode_bit::kReboot | mode_bit::kProbe} + kAck + Wait(255, 6),
      Bytes{mode_bit::kReboot} + Wait(255, 8) + lease + Record(5, {0}),
      Bytes{mode_bit::kReportOnly} + lease + to_renewing + Record(0, {1, 2}),
      Bytes{0} + lease + Record(5, {1}) + to_renewing,
      Bytes{0} + start + Record(0, {0, 0, 5}) + Record(0, {1, 0, 5}) + to_renewing,
      Bytes{0} + start + Record(0, {0, 0, 7}) + Record(0, {1, 0, 7, 0, 9, 12}) + Wait(120, 10),
      Bytes{0} + start + Record(2, {0, 0, 0, 0, 0, 0, 0}) + Record(2, {1, 0, 0, 0, 0, 0, 0}),
  };
  return seeds;
}

std::vector<std::string> FuzzUnreached() {
  using namespace moat::netstack;  // NOLINT: this is their test
  return Goals().Unreached();
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace moat::netstack;  // NOLINT: this is their test
  if (size == 0) return 0;
  Fuzz fuzz(data[0]);
  ForgetFuzzCoverage();
  fuzz.Run({data + 1, size - 1});
  Goals().Count([&](size_t state) { return (fuzz.states() >> state & 1) != 0; });
  return 0;
}
