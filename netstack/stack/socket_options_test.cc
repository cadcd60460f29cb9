// Options of sockets that the layer below has to heed: gateways that are not wanted, sizes, hops.

#include "netstack/stack/stack_test_world.h"

namespace moat::netstack {
namespace {

class SocketOptionsOnTheWire : public testing::Test {
 protected:
  SocketOptionsOnTheWire() {
    for (const char* neighbor : {"192.0.2.2", "192.0.2.254", "2001:db8::2"}) {
      world.Know(Ip(neighbor));
    }
    world.link.Clear();
  }
  Error Send(const char* destination, size_t size = 1) {
    const Bytes payload = Pattern(size);
    const std::span<const uint8_t> piece = payload;
    return socket->Send({&piece, 1}, {.destination = Endpoint{Ip(destination), 53}});
  }

  StackWorld world;
  std::unique_ptr<DatagramSocket> socket;
};

TEST_F(SocketOptionsOnTheWire, DontRouteMeansTheLinkOnly) {
  socket = world.stack.NewUdpSocket(Family::kIpv4);
  EXPECT_EQ(Send("198.51.100.9"), Error::kOk);
  SocketOptions options;
  options.dont_route = true;
  socket->SetOptions(options);
  EXPECT_EQ(Send("198.51.100.9"), Error::kNetworkUnreachable);
  EXPECT_EQ(Send("192.0.2.2"), Error::kOk);
  EXPECT_EQ(Send("127.0.0.1"), Error::kOk);
}

TEST_F(SocketOptionsOnTheWire, DontRouteOfTcp) {
  const auto tcp = world.stack.NewTcpSocket(Family::kIpv4);
  SocketOptions options;
  options.dont_route = true;
  tcp->SetOptions(options);
  EXPECT_EQ(tcp->Connect({Ip("198.51.100.9"), 80}), Error::kNetworkUnreachable);
  EXPECT_EQ(tcp->Connect({Ip("192.0.2.2"), 80}), Error::kInProgress);
}

TEST_F(SocketOptionsOnTheWire, DontRouteIsNothingToIpv6) {
  world.Know(Ip("2001:db8::fe"));
  socket = world.stack.NewUdpSocket(Family::kIpv6);
  SocketOptions options;
  options.dont_route = true;
  socket->SetOptions(options);
  EXPECT_EQ(Send("2001:db8:9::9"), Error::kOk);
}

TEST_F(SocketOptionsOnTheWire, Rfc3542_S11_1_FragmentsAreNoLargerThanTheProgramWants) {
  socket = world.stack.NewUdpSocket(Family::kIpv6);
  DatagramOptions options;
  options.most_mtu = 1280;
  socket->SetDatagramOptions(options);
  EXPECT_EQ(Send("2001:db8::2", 1400), Error::kOk);
  const ParsedFrame first = world.Next();
  ASSERT_TRUE(first.ok);
  EXPECT_TRUE(first.more_fragments);
  EXPECT_LE(first.payload.size(), 1280u - 48);
  EXPECT_GT(first.payload.size(), 1280u - 48 - 8);
  // Others' packets are as large as ever.
  socket = world.stack.NewUdpSocket(Family::kIpv6);
  world.link.Clear();
  EXPECT_EQ(Send("2001:db8::2", 1400), Error::kOk);
  EXPECT_FALSE(world.Next().more_fragments);
}

TEST_F(SocketOptionsOnTheWire, Rfc768_NoChecksumIsZeroOnTheWire) {
  socket = world.stack.NewUdpSocket(Family::kIpv4);
  DatagramOptions options;
  options.no_checksum = true;
  socket->SetDatagramOptions(options);
  EXPECT_EQ(Send("192.0.2.2"), Error::kOk);
  const ParsedFrame frame = world.Next();
  ASSERT_TRUE(frame.ok);
  EXPECT_EQ(LoadBe16(frame.payload.data() + 6), 0);
}

// An ICMP error counts by the TTL that it quotes over IPv4, by its own hop limit over IPv6.
TEST_F(SocketOptionsOnTheWire, Rfc5082_S3_ErrorsFromAfar) {
  for (const Family family : {Family::kIpv4, Family::kIpv6}) {
    const Cast cast = CastOf(family);
    const auto tcp = world.stack.NewTcpSocket(family);
    SocketOptions options;
    options.ttl = options.hop_limit = 255;
    options.minimum_ttl = options.minimum_hop_count = 255;
    tcp->SetOptions(options);
    world.link.Clear();
    ASSERT_EQ(tcp->Connect({cast.peer, 80}), Error::kInProgress);
    Bytes syn = world.link.TakeFrame();
    syn.erase(syn.begin(), syn.begin() + kEthernetHeaderSize);
    const bool v4 = family == Family::kIpv4;
    const uint8_t type =
        v4 ? icmpv4_type::kDestinationUnreachable : icmpv6_type::kDestinationUnreachable;
    const uint8_t code = v4 ? 3 : 4;  // port
    Bytes far = syn;
    if (v4) far[8] = 254;
    world.ReceiveIcmp(cast.peer, cast.own, type, code, 0, far, 254);
    EXPECT_EQ(tcp->state(), TcpState::kSynSent);
    world.ReceiveIcmp(cast.peer, cast.own, type, code, 0, syn, 255);
    EXPECT_EQ(tcp->state(), TcpState::kClosed);
  }
  EXPECT_EQ(world.Count("TcpExt.TCPMinTTLDrop"), 2u);
}

}  // namespace
}  // namespace moat::netstack
