// Every request for memory may be refused: the n-th, for every n in turn, runs of them, and random
// ones. Nothing crashes, nothing stays charged, and what the story promises holds once memory is
// there again.
#include <functional>

#include "netstack/stack/memory_test_world.h"

namespace moat::netstack {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// --- Words ---------------------------------------------------------------------------------------

// One direction of a byte stream.
struct Stream {
  TcpSocket& from;
  TcpSocket& to;
  Bytes all;
  size_t written = 0;
  Bytes got{};
  bool ended = false;

  bool done() const { return ended && got.size() == all.size(); }
  // True when something moved.
  void Step() {
    const size_t piece = std::min({from.WriteSpace(), all.size() - written, size_t{8192}});
    if (piece > 0 && from.Write(Slice::Copy({all.data() + written, piece}), false) == Error::kOk) {
      written += piece;
      if (written == all.size()) (void)from.Shutdown(ShutdownHow::kWrite);
    }
    std::span<const uint8_t> pieces[16];
    const size_t count = to.Peek(pieces);
    size_t bytes = 0;
    for (size_t i = 0; i < count; ++i) {
      got.insert(got.end(), pieces[i].begin(), pieces[i].end());
      bytes += pieces[i].size();
    }
    if (bytes > 0) to.Consume(bytes);
    ended = ended || (to.AtEndOfStream() && (to.Ready() & ready::kClosed) == 0) ||
            (to.AtEndOfStream() && got.size() == all.size());
  }
};

struct Pair {
  std::unique_ptr<TcpSocket> client, server;
};

// A connection from a to b's `listener`, as often as it takes.
Pair Connected(MemoryWorld& world, TcpSocket& listener, const Endpoint& to) {
  Pair pair;
  for (int attempt = 0; attempt < 20 && pair.server == nullptr; ++attempt) {
    pair.client = world.a.NewTcpSocket(to.address.family());
    (void)pair.client->Connect(to);
    for (int wait = 0; wait < 40 && pair.server == nullptr; ++wait) {
      world.Advance(milliseconds(250), milliseconds(50));
      Result<std::unique_ptr<TcpSocket>> accepted = listener.Accept();
      if (!accepted.ok()) continue;
      const Result<Endpoint> remote = (*accepted)->Remote();  // an earlier attempt's, perhaps
      if (remote.ok() && remote->port == pair.client->Local().port)
        pair.server = std::move(*accepted);
    }
  }
  EXPECT_NE(pair.server, nullptr);
  return pair;
}

std::unique_ptr<TcpSocket> Listening(MemoryWorld& world, const Endpoint& at) {
  auto listener = world.b.NewTcpSocket(at.address.family());
  EXPECT_EQ(listener->Bind(at), Error::kOk);
  EXPECT_EQ(listener->Listen(5), Error::kOk);
  return listener;
}

Error SendDatagram(DatagramSocket& socket, const Endpoint& to, size_t size) {
  return StackWorld::SendTo(socket, to, Pattern(size));
}

Error SendEcho(DatagramSocket& socket, const IpAddress& to, size_t size) {
  Bytes message(kIcmpHeaderSize);
  EmitIcmp(message.data(), to.is_v4() ? icmpv4_type::kEchoRequest : icmpv6_type::kEchoRequest, 0,
           1);
  return StackWorld::SendTo(socket, {to, 0}, message + Pattern(size));
}

// --- Stories: each does its worst first, calls memory_is_back(), and then must succeed -----------

struct Story {
  const char* name;
  int lose;  // every how many-th frame
  void (*tell)(MemoryWorld&, const Cast&, const std::function<void()>& memory_is_back);
};

void Transfer(MemoryWorld& world, const Cast& cast, const std::function<void()>& memory_is_back) {
  auto listener = Listening(world, {cast.peer, 80});
  Pair pair = Connected(world, *listener, {cast.peer, 80});
  ASSERT_NE(pair.server, nullptr);
  Stream there{*pair.client, *pair.server, Pattern(50000)};
  Stream back{*pair.server, *pair.client, Pattern(30000)};
  for (int round = 0; round < 20000 && !(there.done() && back.done()); ++round) {
    if (round == 100) memory_is_back();
    there.Step();
    back.Step();
    world.Advance(milliseconds(10), milliseconds(10));
  }
  EXPECT_TRUE(there.got == there.all);
  EXPECT_TRUE(back.got == back.all);
}

void LoopbackTransfer(MemoryWorld& world, const Cast& cast,
                      const std::function<void()>& memory_is_back) {
  const IpAddress lo = cast.own.is_v4() ? Ip("127.0.0.1") : Ip("::1");
  auto listener = world.a.NewTcpSocket(lo.family());
  EXPECT_EQ(listener->Bind({lo, 80}), Error::kOk);
  EXPECT_EQ(listener->Listen(5), Error::kOk);
  Pair pair = Connected(world, *listener, {lo, 80});
  ASSERT_NE(pair.server, nullptr);
  Stream there{*pair.client, *pair.server, Pattern(200000)};
  for (int round = 0; round < 20000 && !there.done(); ++round) {
    if (round == 50) memory_is_back();
    there.Step();
    world.Advance(milliseconds(10), milliseconds(10));
  }
  EXPECT_TRUE(there.got == there.all);
}

void Datagrams(MemoryWorld& world, const Cast& cast, const std::function<void()>& memory_is_back) {
  auto server = world.b.NewUdpSocket(cast.peer.family());
  ASSERT_EQ(server->Bind({cast.peer, 53}), Error::kOk);
  auto client = world.a.NewUdpSocket(cast.own.family());
  const auto exchange = [&](size_t size) {
    (void)SendDatagram(*client, {cast.peer, 53}, size);
    world.Settle();
    Result<Datagram> request = server->Receive();
    if (!request.ok()) return false;
    (void)SendDatagram(*server, request->source, size);
    world.Settle();
    return client->Receive().ok();
  };
  for (size_t size : {0, 100, 1472, 4000, 20000, 1}) (void)exchange(size);
  (void)SendDatagram(*client, {cast.peer, 53}, 3000);  // stays in the queue until the socket goes
  world.Settle();
  memory_is_back();
  while (server->Receive().ok()) {
  }
  world.Advance(seconds(4));  // a failed resolution may be tried again
  bool good = false;
  for (int i = 0; i < 5 && !good; ++i) good = exchange(8000);
  EXPECT_TRUE(good);
}

void Resolution(MemoryWorld& world, const Cast& cast, const std::function<void()>& memory_is_back) {
  auto socket = world.a.NewUdpSocket(cast.own.family());
  socket->SetQueueErrors(true);
  const Bytes base(cast.own.data(), cast.own.data() + 16);
  for (int i = 0; i < 3; ++i) {
    (void)SendDatagram(*socket, {cast.other, 9}, 2000);  // nobody there: queued, then errors
    (void)SendDatagram(*socket, {cast.peer, 9}, 100);    // nobody listens: port unreachable
    world.Advance(seconds(2), milliseconds(100));
  }
  world.a.FlushNeighbors(0);
  memory_is_back();
  while (socket->TakeQueuedError().has_value()) {
  }
  (void)socket->TakeError();
  bool told = false;
  for (int i = 0; i < 5 && !told; ++i) {
    (void)SendDatagram(*socket, {cast.peer, 9}, 100);
    world.Advance(seconds(2), milliseconds(100));
    told = socket->TakeQueuedError().has_value();
  }
  EXPECT_TRUE(told);
  (void)SendDatagram(*socket, {cast.other, 9}, 100);  // left to wait
}

void Echo(MemoryWorld& world, const Cast& cast, const std::function<void()>& memory_is_back) {
  auto socket = world.a.NewPingSocket(cast.own.family());
  for (size_t size : {56, 3000, 0, 9000}) {
    (void)SendEcho(*socket, cast.peer, size);
    (void)SendEcho(*socket, cast.own, size);
    world.Settle();
  }
  memory_is_back();
  while (socket->Receive().ok()) {
  }
  (void)socket->TakeError();
  world.Advance(seconds(4));
  bool good = false;
  for (int i = 0; i < 5 && !good; ++i) {
    (void)SendEcho(*socket, cast.peer, 2000);
    world.Settle();
    good = socket->Receive().ok();
  }
  EXPECT_TRUE(good);
}

void Groups(MemoryWorld& world, const Cast& cast, const std::function<void()>& memory_is_back) {
  const bool v4 = cast.own.is_v4();
  const IpAddress group = v4 ? Ip("224.0.1.5") : Ip("ff02::1:5");
  const auto member = [&](Stack& stack) {
    auto socket = stack.NewUdpSocket(group.family());
    EXPECT_EQ(socket->Bind({IpAddress::Any(group.family()), 5000}), Error::kOk);
    Error joined = Error::kNoBuffers;  // what a program is told while memory is short
    for (int i = 0; i < 100 && joined == Error::kNoBuffers; ++i) {
      joined = socket->JoinGroup(group, kEth0);
    }
    EXPECT_EQ(joined, Error::kOk);
    return socket;
  };
  auto here = member(world.a);
  auto there = member(world.b);
  auto sender = world.a.NewUdpSocket(group.family());
  SocketOptions options = sender->options();
  options.multicast_interface = kEth0;
  sender->SetOptions(options);
  const Endpoint to{group, 5000, v4 ? 0 : kEth0};
  for (size_t size : {10, 5000, 200}) {
    (void)SendDatagram(*sender, to, size);
    world.Advance(seconds(1), milliseconds(100));
  }
  memory_is_back();
  while (here->Receive().ok()) {
  }
  while (there->Receive().ok()) {
  }
  (void)sender->TakeError();
  bool heard_here = false, heard_there = false;
  for (int i = 0; i < 5 && !(heard_here && heard_there); ++i) {
    (void)SendDatagram(*sender, to, 3000);
    world.Settle();
    heard_here = heard_here || here->Receive().ok();
    heard_there = heard_there || there->Receive().ok();
  }
  EXPECT_TRUE(heard_here && heard_there);
}

// Connections come and go in all ways: closed from either side, reset, never accepted, orphaned
// with data.
void Churn(MemoryWorld& world, const Cast& cast, const std::function<void()>& memory_is_back) {
  auto listener = Listening(world, {cast.peer, 80});
  std::vector<std::unique_ptr<TcpSocket>> accepted;
  for (int i = 0; i < 12; ++i) {
    auto client = world.a.NewTcpSocket(cast.own.family());
    (void)client->Connect({cast.peer, 80});
    world.Advance(milliseconds(50), milliseconds(10));
    if (Result<std::unique_ptr<TcpSocket>> one = listener->Accept(); one.ok() && i % 4 != 3) {
      accepted.push_back(std::move(*one));
    }
    if (client->WriteSpace() >= 3000) (void)client->Write(Slice::Copy(Pattern(3000)), false);
    if (i % 3 == 1) client->Abort();
    if (i % 5 == 2 && !accepted.empty()) accepted.pop_back();
    if (i % 3 != 2) client.reset();
    world.Advance(milliseconds(20), milliseconds(10));
  }
  accepted.clear();
  memory_is_back();
  listener.reset();
  world.Advance(seconds(1));
  listener = Listening(world, {cast.peer, 81});
  Pair pair = Connected(world, *listener, {cast.peer, 81});
  ASSERT_NE(pair.server, nullptr);
  Stream there{*pair.client, *pair.server, Pattern(5000)};
  for (int round = 0; round < 1000 && !there.done(); ++round) {
    there.Step();
    world.Advance(milliseconds(50), milliseconds(50));
  }
  EXPECT_TRUE(there.got == there.all);
}

const Story kStories[] = {
    {"Transfer", 11, Transfer},     {"Loopback", 0, LoopbackTransfer}, {"Datagrams", 0, Datagrams},
    {"Resolution", 0, Resolution},  {"Echo", 0, Echo},                 {"Groups", 0, Groups},
    {"Churn", 9, Churn},
};

// --- How they are told ---------------------------------------------------------------------------

class MemoryFaultsTest : public testing::TestWithParam<std::tuple<Story, Family>> {
 protected:
  // Returns whether the faults came to their end.
  static bool Tell(PlannedFaults plan) {
    const auto& [story, family] = GetParam();
    MemoryWorld world(MemoryBudget::kDefaultLimit, story.lose);
    PlannedFaults a_faults = plan, b_faults = plan;
    world.a_memory.SetFaults(&a_faults);
    world.b_memory.SetFaults(&b_faults);
    story.tell(world, CastOf(family), [&] {
      world.a_memory.SetFaults(nullptr);
      world.b_memory.SetFaults(nullptr);
    });
    world.a_memory.SetFaults(nullptr);
    world.b_memory.SetFaults(nullptr);
    world.ExpectNothingHeld();
    return a_faults.asked() >= plan.last() || b_faults.asked() >= plan.last();
  }
};
INSTANTIATE_TEST_SUITE_P(Stories, MemoryFaultsTest,
                         testing::Combine(testing::ValuesIn(kStories),
                                          testing::Values(Family::kIpv4, Family::kIpv6)),
                         [](const auto& info) {
                           return std::string(std::get<0>(info.param).name) +
                                  (std::get<1>(info.param) == Family::kIpv4 ? "Ipv4" : "Ipv6");
                         });

TEST_P(MemoryFaultsTest, EveryRequestInTurn) {
  constexpr uint64_t kMost = 400;  // requests of one story; later ones repeat what was there before
  for (uint64_t n = 1; n <= kMost; ++n) {
    SCOPED_TRACE("request " + std::to_string(n) + " is refused");
    if (!Tell(PlannedFaults::Nth(n))) return;
    if (HasFailure()) return;
  }
}

TEST_P(MemoryFaultsTest, RunsOfRequests) {
  for (uint64_t n = 1; n <= 200; n += 13) {
    SCOPED_TRACE("requests from " + std::to_string(n) + " on are refused");
    (void)Tell(PlannedFaults::Nth(n, 1 + n % 40));
    if (HasFailure()) return;
  }
}

TEST_P(MemoryFaultsTest, RandomRequests) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    (void)Tell(PlannedFaults::Random(seed, seed % 2 == 0 ? 10 : 50));
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace moat::netstack
