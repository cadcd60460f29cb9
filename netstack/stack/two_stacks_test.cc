// Two stacks on one wire, and one stack with itself: resolution, ping, UDP and TCP end to end.

#include <deque>

#include "netstack/stack/stack_test_world.h"

namespace moat::netstack {
namespace {

using std::chrono::milliseconds;

// Frames that one stack sends arrive at the other when Settle() runs.
class Wire {
 public:
  explicit Wire(LinkCapabilities capabilities)
      : a_link(capabilities),
        b_link(capabilities),
        a({.clock = &clock, .random = &random}),
        b({.clock = &clock, .random = &random}) {
    Setup(a, a_link, kOwnMac, {"192.0.2.1/24", "2001:db8::1/64"});
    Setup(b, b_link, kPeerMac, {"192.0.2.2/24", "2001:db8::2/64"});
    Advance(std::chrono::seconds(2));  // reports of the solicited-node groups
    before = Sent();
  }
  uint64_t Sent() const { return a.FindInterface("eth0")->counters.tx_packets; }


  void Settle() {
    for (int round = 0; round < 10000; ++round) {
      a.Flush();
      b.Flush();
      const bool moved = Carry(a_link, b) | Carry(b_link, a);
      if (!moved) return;
    }
    ADD_FAILURE() << "the wire never falls silent";
  }
  void Advance(Duration by) {
    const Time end = clock.Now() + by;
    while (clock.Now() < end) {
      clock.Set(std::min(end, clock.Now() + milliseconds(10)));
      a.RunTimers();
      b.RunTimers();
      Settle();
    }
  }

  FakeClock clock;
  SeededRandom random{7};
  ChannelLink a_link, b_link;
  Stack a, b;
  uint64_t before = 0;  // frames that `a` sent before the story begins

 private:
  void Setup(Stack& stack, ChannelLink& link, const MacAddress& mac,
             std::vector<const char*> addresses) {
    EXPECT_TRUE(stack.AddInterface({.index = kEth0, .name = "eth0", .mac = mac, .mtu = 1500,
                                    .up = true, .running = true, .link = &link}).ok());
    AddressOptions at_once;
    at_once.no_dad = true;
    for (const char* address : addresses) {
      EXPECT_TRUE(stack.AddAddress(kEth0, *Prefix::Parse(address), at_once).ok());
    }
  }
  // Super-segments arrive whole, as over a veth.
  static bool Carry(ChannelLink& from, Stack& to) {
    bool moved = false;
    while (!from.sent().empty()) {
      moved = true;
      ChannelLink::Sent sent = std::move(from.sent().front());
      from.sent().pop_front();
      RxFrame frame = ReceivedFrame(sent.bytes);
      if (sent.offload.needs_checksum) frame.checksum = RxChecksum::kVerified;
      frame.gso = sent.offload.gso;
      frame.gso_size = sent.offload.gso_size;
      to.Receive(kEth0, std::move(frame));
    }
    to.Flush();
    return moved;
  }
};

struct Case {
  const char* name;
  Family family;
  LinkCapabilities link;
};

class TwoStacks : public testing::TestWithParam<Case> {
 protected:
  Family family() const { return GetParam().family; }
  Wire wire{GetParam().link};
  Cast cast = CastOf(GetParam().family);
};
INSTANTIATE_TEST_SUITE_P(
    Links, TwoStacks,
    testing::Values(Case{"PlainIpv4", Family::kIpv4, {}}, Case{"PlainIpv6", Family::kIpv6, {}},
                    Case{"OffloadIpv4", Family::kIpv4, {true, true, 65536}},
                    Case{"OffloadIpv6", Family::kIpv6, {true, true, 65536}},
                    Case{"NoEthernetIpv4", Family::kIpv4, {false, false, 0}},
                    Case{"NoEthernetIpv6", Family::kIpv6, {false, false, 0}}),
    [](const auto& info) { return info.param.name; });

Error SendEcho(DatagramSocket& socket, const IpAddress& to, const Bytes& body) {
  Bytes message(kIcmpHeaderSize);
  EmitIcmp(message.data(), to.is_v4() ? icmpv4_type::kEchoRequest : icmpv6_type::kEchoRequest, 0,
           1);
  return StackWorld::SendTo(socket, {to, 0}, message + body);
}

TEST_P(TwoStacks, Ping) {
  auto socket = wire.a.NewPingSocket(family());
  for (size_t size : {size_t{0}, size_t{56}, size_t{1400}, size_t{9000}}) {
    EXPECT_EQ(SendEcho(*socket, cast.peer, Pattern(size)), Error::kOk) << size;
    wire.Settle();
    Result<Datagram> reply = socket->Receive();
    ASSERT_TRUE(reply.ok()) << size;
    EXPECT_EQ(reply->payload.size(), kIcmpHeaderSize + size);
    EXPECT_EQ(reply->source.address, cast.peer);
    EXPECT_EQ(reply->hop_limit, 64);
    EXPECT_EQ(Bytes(reply->payload.data() + 8, reply->payload.data() + reply->payload.size()),
              Pattern(size));
  }
}

TEST_P(TwoStacks, PingsItself) {
  auto socket = wire.a.NewPingSocket(family());
  EXPECT_EQ(SendEcho(*socket, cast.own, Pattern(2000)), Error::kOk);
  wire.Settle();
  EXPECT_TRUE(socket->Receive().ok());
  EXPECT_EQ(wire.Sent(), wire.before);
  EXPECT_EQ(wire.a.FindInterface("lo")->counters.tx_packets, 2u);
}

TEST_P(TwoStacks, UdpThereAndBack) {
  auto server = wire.b.NewUdpSocket(family());
  ASSERT_EQ(server->Bind({cast.peer, 53}), Error::kOk);
  auto client = wire.a.NewUdpSocket(family());
  ASSERT_EQ(client->Connect({cast.peer, 53}), Error::kOk);
  for (size_t size : {size_t{0}, size_t{100}, size_t{1472}, size_t{8192}, size_t{65000}}) {
    const Bytes payload = Pattern(size);
    const std::span<const uint8_t> piece = payload;
    EXPECT_EQ(client->Send({&piece, 1}, {}), Error::kOk);
    wire.Settle();
    Result<Datagram> request = server->Receive();
    ASSERT_TRUE(request.ok()) << size;
    EXPECT_EQ(Bytes(request->payload.data(), request->payload.data() + request->payload.size()),
              payload);
    EXPECT_EQ(StackWorld::SendTo(*server, request->source, payload), Error::kOk);
    wire.Settle();
    ASSERT_TRUE(client->Receive().ok()) << size;
  }
}

TEST_P(TwoStacks, UdpOnLoopback) {
  const IpAddress lo = family() == Family::kIpv4 ? Ip("127.0.0.1") : Ip("::1");
  auto server = wire.a.NewUdpSocket(family());
  ASSERT_EQ(server->Bind({lo, 53}), Error::kOk);
  auto client = wire.a.NewUdpSocket(family());
  for (size_t size : {size_t{0}, size_t{1}, size_t{65000}}) {
    EXPECT_EQ(StackWorld::SendTo(*client, {lo, 53}, Pattern(size)), Error::kOk);
    wire.Settle();
    Result<Datagram> got = server->Receive();
    ASSERT_TRUE(got.ok());
    EXPECT_EQ(got->payload.size(), size);
    EXPECT_EQ(got->source.address, lo);
  }
  // A closed port is refused there as well.
  ASSERT_EQ(client->Connect({lo, 54}), Error::kOk);
  EXPECT_EQ(StackWorld::SendTo(*client, {lo, 54}, Pattern(1)), Error::kOk);
  wire.Settle();
  EXPECT_EQ(client->TakeError(), Error::kConnectionRefused);
}

TEST_P(TwoStacks, UdpToAClosedPortIsRefused) {
  auto client = wire.a.NewUdpSocket(family());
  ASSERT_EQ(client->Connect({cast.peer, 53}), Error::kOk);
  const Bytes payload = Pattern(10);
  const std::span<const uint8_t> piece = payload;
  EXPECT_EQ(client->Send({&piece, 1}, {}), Error::kOk);
  wire.Settle();
  EXPECT_EQ(client->TakeError(), Error::kConnectionRefused);
}

// Moves `size` bytes from one TCP socket to the other and compares them.
void Transfer(Wire& wire, TcpSocket& from, TcpSocket& to, size_t size) {
  const Bytes all = Pattern(size);
  size_t written = 0;
  Bytes got;
  for (int round = 0; round < 100000 && got.size() < size; ++round) {
    const size_t piece = std::min({from.WriteSpace(), size - written, size_t{65536}});
    if (piece > 0) {
      ASSERT_EQ(from.Write(Slice::Copy({all.data() + written, piece}), false), Error::kOk);
      written += piece;
    }
    wire.Advance(milliseconds(1));
    std::span<const uint8_t> pieces[16];
    const size_t count = to.Peek(pieces);
    size_t bytes = 0;
    for (size_t i = 0; i < count; ++i) {
      got.insert(got.end(), pieces[i].begin(), pieces[i].end());
      bytes += pieces[i].size();
    }
    if (bytes > 0) to.Consume(bytes);
  }
  EXPECT_EQ(got, all);
}

TEST_P(TwoStacks, TcpBothWays) {
  auto listener = wire.b.NewTcpSocket(family());
  ASSERT_EQ(listener->Bind({cast.peer, 80}), Error::kOk);
  ASSERT_EQ(listener->Listen(5), Error::kOk);
  auto client = wire.a.NewTcpSocket(family());
  ASSERT_EQ(client->Connect({cast.peer, 80}), Error::kInProgress);
  wire.Settle();
  Result<std::unique_ptr<TcpSocket>> server = listener->Accept();
  ASSERT_TRUE(server.ok());
  EXPECT_EQ(client->state(), TcpState::kEstablished);
  Transfer(wire, *client, **server, 1000000);
  Transfer(wire, **server, *client, 1000000);
}

TEST_P(TwoStacks, TcpOnLoopback) {
  auto listener = wire.a.NewTcpSocket(family());
  const IpAddress lo = family() == Family::kIpv4 ? Ip("127.0.0.1") : Ip("::1");
  ASSERT_EQ(listener->Bind({lo, 80}), Error::kOk);
  ASSERT_EQ(listener->Listen(5), Error::kOk);
  auto client = wire.a.NewTcpSocket(family());
  ASSERT_EQ(client->Connect({lo, 80}), Error::kInProgress);
  wire.Settle();
  Result<std::unique_ptr<TcpSocket>> server = listener->Accept();
  ASSERT_TRUE(server.ok());
  Transfer(wire, *client, **server, 3000000);
  EXPECT_EQ(wire.Sent(), wire.before);
}

TEST_P(TwoStacks, TcpToAClosedPortIsRefused) {
  auto client = wire.a.NewTcpSocket(family());
  ASSERT_EQ(client->Connect({cast.peer, 80}), Error::kInProgress);
  wire.Settle();
  EXPECT_EQ(client->TakeError(), Error::kConnectionRefused);
}

TEST_P(TwoStacks, TcpToNobodyIsUnreachable) {
  if (!GetParam().link.has_ethernet_header) GTEST_SKIP() << "nothing is resolved on this link";
  auto client = wire.a.NewTcpSocket(family());
  ASSERT_EQ(client->Connect({cast.other, 80}), Error::kInProgress);
  wire.Advance(std::chrono::seconds(200));
  const Error error = client->TakeError();
  EXPECT_TRUE(error == Error::kHostUnreachable || error == Error::kTimedOut) << ErrorName(error);
}

}  // namespace
}  // namespace moat::netstack
