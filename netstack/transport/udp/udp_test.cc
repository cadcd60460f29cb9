// UDP of both families: delivery, sending, connecting, errors, segment trains.

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netstack/transport/udp/udp_test_world.h"

namespace moat::netstack {
namespace {

using Disposition = TransportProtocol::Disposition;
using testing::ElementsAre;
using testing::Gt;

struct Notes : SocketObserver {
  void OnReady(uint32_t newly) override { seen.push_back(newly); }
  std::vector<uint32_t> seen;
};

// Names of one family, so that what is neutral is written once.
struct FamilyNames {
  Family family;
  const char* any;
  const char* own;
  const char* peer;
  const char* other;
};
class UdpBothTest : public testing::TestWithParam<FamilyNames>, protected UdpWorld {
 protected:
  std::string counter(std::string_view name) const {
    return (GetParam().family == Family::kIpv4 ? "Udp." : "Udp6.") + std::string(name);
  }
};
INSTANTIATE_TEST_SUITE_P(
    Families, UdpBothTest,
    testing::Values(FamilyNames{Family::kIpv4, "0.0.0.0", "192.0.2.1", "192.0.2.9", "192.0.2.8"},
                    FamilyNames{Family::kIpv6, "::", "2001:db8::1", "2001:db8::9", "2001:db8::8"}),
    [](const auto& info) {
      return info.param.family == Family::kIpv4 ? std::string("V4") : std::string("V6");
    });

TEST_P(UdpBothTest, DeliversToABoundSocketWithItsMetadata) {
  const FamilyNames& n = GetParam();
  auto socket = Bound(n.any, 53);
  Notes notes;
  socket->SetObserver(&notes);
  EXPECT_EQ(udp.Receive(Packet(n.peer, 4000, n.own, 53, "hello")), Disposition::kHandled);
  EXPECT_THAT(notes.seen, ElementsAre(ready::kReadable));
  EXPECT_EQ(socket->ReadableBytes(), 5u);
  const Result<Datagram> datagram = socket->Receive();
  ASSERT_TRUE(datagram.ok());
  EXPECT_EQ(datagram->source, (Endpoint{.address = Ip(n.peer), .port = 4000}));
  EXPECT_EQ(datagram->destination, Ip(n.own));
  EXPECT_EQ(datagram->interface, 2);
  EXPECT_EQ(datagram->hop_limit, 64);
  EXPECT_EQ(datagram->received, clock.Now());
  EXPECT_EQ(socket->Receive().error(), Error::kWouldBlock);
  EXPECT_EQ(counters.Value(counter("InDatagrams")), 1u);
}

TEST_P(UdpBothTest, ThePacketsTypeOfServiceIsPassedUp) {
  const FamilyNames& n = GetParam();
  auto socket = Bound(n.any, 53);
  IpPacketIn packet = Packet(n.peer, 4000, n.own, 53, "hello");
  packet.traffic_class = 0x2e << 2;
  EXPECT_EQ(udp.Receive(packet), Disposition::kHandled);
  const Result<Datagram> datagram = socket->Receive();
  ASSERT_TRUE(datagram.ok());
  EXPECT_EQ(datagram->traffic_class, 0x2e << 2);
}

TEST_P(UdpBothTest, NobodyThereAsksForPortUnreachable) {
  const FamilyNames& n = GetParam();
  EXPECT_EQ(udp.Receive(Packet(n.peer, 1, n.own, 53, "x")), Disposition::kPortUnreachable);
  EXPECT_EQ(counters.Value(counter("NoPorts")), 1u);
}

TEST_P(UdpBothTest, ZeroLengthDatagramIsADatagram) {
  const FamilyNames& n = GetParam();
  auto socket = Bound(n.any, 53);
  EXPECT_EQ(udp.Receive(Packet(n.peer, 1, n.own, 53, "")), Disposition::kHandled);
  EXPECT_TRUE(socket->Ready() & ready::kReadable);
  EXPECT_EQ(Text(*socket), "");
}

TEST_P(UdpBothTest, BadChecksumIsDroppedUnlessTheDeviceVerified) {
  const FamilyNames& n = GetParam();
  auto socket = Bound(n.any, 53);
  IpPacketIn packet = Packet(n.peer, 1, n.own, 53, "data");
  packet.payload.mutable_data()[9] ^= 1;
  EXPECT_EQ(udp.Receive(packet), Disposition::kHandled);
  EXPECT_EQ(socket->Receive().error(), Error::kWouldBlock);
  EXPECT_EQ(counters.Value(counter("InCsumErrors")), 1u);
  packet.checksum = RxChecksum::kVerified;
  EXPECT_EQ(udp.Receive(packet), Disposition::kHandled);
  EXPECT_TRUE(socket->Receive().ok());
}

TEST_P(UdpBothTest, ZeroChecksumIsForIpv4Only) {
  const FamilyNames& n = GetParam();
  auto socket = Bound(n.any, 53);
  IpPacketIn packet = Packet(n.peer, 1, n.own, 53, "data");
  StoreBe16(packet.payload.mutable_data() + 6, 0);
  EXPECT_EQ(udp.Receive(packet), Disposition::kHandled);
  EXPECT_EQ(socket->Receive().ok(), n.family == Family::kIpv4);
}

TEST_P(UdpBothTest, LengthFieldBoundsTheDatagram) {
  const FamilyNames& n = GetParam();
  auto socket = Bound(n.any, 53);
  IpPacketIn packet = Packet(n.peer, 1, n.own, 53, "data");
  packet.checksum = RxChecksum::kVerified;
  for (const uint16_t bad : {7, 13, 65535}) {
    StoreBe16(packet.payload.mutable_data() + 4, bad);
    EXPECT_EQ(udp.Receive(packet), Disposition::kHandled);
    EXPECT_EQ(socket->Receive().error(), Error::kWouldBlock) << bad;
  }
  StoreBe16(packet.payload.mutable_data() + 4, 10);
  EXPECT_EQ(udp.Receive(packet), Disposition::kHandled);
  EXPECT_EQ(Text(*socket), "da");
  packet.payload.RemoveSuffix(5);
  EXPECT_EQ(udp.Receive(packet), Disposition::kHandled);
  EXPECT_EQ(counters.Value(counter("InErrors")), 4u);
}

TEST_P(UdpBothTest, MostSpecificSocketWins) {
  const FamilyNames& n = GetParam();
  SocketOptions reuse;
  reuse.reuse_address = true;
  auto any = Bound(n.any, 53, reuse);
  auto own = Bound(n.own, 53, reuse);
  auto connected = Bound(n.own, 53, reuse);
  ASSERT_EQ(connected->Connect({.address = Ip(n.peer), .port = 7}), Error::kOk);
  ip.AddLocalAddress(Ip(n.other));
  EXPECT_EQ(udp.Receive(Packet(n.peer, 7, n.own, 53, "connected")), Disposition::kHandled);
  EXPECT_EQ(udp.Receive(Packet(n.peer, 8, n.own, 53, "own")), Disposition::kHandled);
  EXPECT_EQ(udp.Receive(Packet(n.peer, 7, n.other, 53, "any")), Disposition::kHandled);
  EXPECT_EQ(Text(*connected), "connected");
  EXPECT_EQ(Text(*own), "own");
  EXPECT_EQ(Text(*any), "any");
}

TEST_P(UdpBothTest, BoundDeviceWinsAndExcludes) {
  const FamilyNames& n = GetParam();
  SocketOptions reuse;
  reuse.reuse_address = true;
  auto any = Bound(n.any, 53, reuse);
  reuse.bound_device = 3;
  auto eth1 = Bound(n.any, 53, reuse);
  IpPacketIn packet = Packet(n.peer, 7, n.own, 53, "two");
  EXPECT_EQ(udp.Receive(packet), Disposition::kHandled);
  packet.interface = 3;
  EXPECT_EQ(udp.Receive(packet), Disposition::kHandled);
  EXPECT_EQ(Text(*any), "two");
  EXPECT_EQ(Text(*any), "<would block>");
  EXPECT_EQ(Text(*eth1), "two");
}

TEST_P(UdpBothTest, ReusePortSpreadsFlowsAndKeepsEachInPlace) {
  const FamilyNames& n = GetParam();
  SocketOptions options;
  options.reuse_port = true;
  std::vector<std::unique_ptr<DatagramSocket>> sockets;
  for (int i = 0; i < 4; ++i) sockets.push_back(Bound(n.any, 53, options));
  for (uint16_t port = 1; port <= 400; ++port) {
    for (int i = 0; i < 2; ++i) {
      EXPECT_EQ(udp.Receive(Packet(n.peer, port, n.own, 53, "x")), Disposition::kHandled);
    }
  }
  for (auto& socket : sockets) {
    std::map<uint16_t, int> per_flow;
    while (true) {
      const Result<Datagram> datagram = socket->Receive();
      if (!datagram.ok()) break;
      ++per_flow[datagram->source.port];
    }
    EXPECT_THAT(per_flow.size(), Gt(50u));
    for (const auto& [port, count] : per_flow) EXPECT_EQ(count, 2) << port;
  }
}

TEST_P(UdpBothTest, ReceiveBufferBoundsTheQueue) {
  const FamilyNames& n = GetParam();
  SocketOptions options;
  options.receive_buffer = 4096;
  auto socket = Bound(n.any, 53, options);
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(udp.Receive(Packet(n.peer, 1, n.own, 53, std::string(1000, 'x'))),
              Disposition::kHandled);
  }
  int received = 0;
  while (socket->Receive().ok()) ++received;
  EXPECT_EQ(received, 6);
  EXPECT_EQ(counters.Value(counter("RcvbufErrors")), 94u);
  EXPECT_EQ(counters.Value(counter("InDatagrams")), 6u);
}

TEST_P(UdpBothTest, SendsWithChecksumFromAnEphemeralPort) {
  const FamilyNames& n = GetParam();
  auto socket = udp.NewSocket(n.family);
  EXPECT_EQ(Send(*socket, "ask"), Error::kDestinationRequired);
  EXPECT_EQ(Send(*socket, "ask", {.destination = Endpoint{.address = Ip(n.peer), .port = 53}}),
            Error::kOk);
  const FakeIp::Sent sent = ip.Take();
  EXPECT_EQ(sent.source, Ip(n.own));
  EXPECT_EQ(sent.destination, Ip(n.peer));
  EXPECT_TRUE(TransportChecksumValid(sent.source, sent.destination, 17, sent.bytes));
  const auto view = UdpView::Parse(sent.bytes, false);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->source_port(), socket->Local().port);
  EXPECT_GE(view->source_port(), 32768);
  EXPECT_EQ(view->destination_port(), 53);
  EXPECT_TRUE(socket->Local().address.IsUnspecified());
  // The answer finds its way back.
  EXPECT_EQ(udp.Receive(Packet(n.peer, 53, n.own, socket->Local().port, "answer")),
            Disposition::kHandled);
  EXPECT_EQ(Text(*socket), "answer");
}

TEST_P(UdpBothTest, ConnectNamesBothEndsAndFilters) {
  const FamilyNames& n = GetParam();
  auto socket = udp.NewSocket(n.family);
  EXPECT_EQ(socket->Remote().error(), Error::kNotConnected);
  ASSERT_EQ(socket->Connect({.address = Ip(n.peer), .port = 53}), Error::kOk);
  EXPECT_EQ(socket->Local().address, Ip(n.own));
  const uint16_t port = socket->Local().port;
  EXPECT_NE(port, 0);
  EXPECT_EQ(Send(*socket, "ask"), Error::kOk);
  EXPECT_EQ(ip.Take().destination, Ip(n.peer));
  EXPECT_EQ(udp.Receive(Packet(n.other, 53, n.own, port, "spoof")), Disposition::kPortUnreachable);
  EXPECT_EQ(udp.Receive(Packet(n.peer, 54, n.own, port, "spoof")), Disposition::kPortUnreachable);
  EXPECT_EQ(udp.Receive(Packet(n.peer, 53, n.own, port, "ok")), Disposition::kHandled);
  EXPECT_EQ(Text(*socket), "ok");
  // Another destination may be named all the same.
  EXPECT_EQ(Send(*socket, "x", {.destination = Endpoint{.address = Ip(n.other), .port = 9}}),
            Error::kOk);
  EXPECT_EQ(ip.Take().destination, Ip(n.other));
}

TEST_P(UdpBothTest, DisconnectKeepsOnlyWhatBindSet) {
  const FamilyNames& n = GetParam();
  auto loose = udp.NewSocket(n.family);
  ASSERT_EQ(loose->Connect({.address = Ip(n.peer), .port = 53}), Error::kOk);
  ASSERT_EQ(loose->Disconnect(), Error::kOk);
  EXPECT_EQ(loose->Local(), (Endpoint{.address = Ip(n.any)}));
  EXPECT_EQ(Send(*loose, "x"), Error::kDestinationRequired);

  auto bound = Bound(n.any, 5353);
  ASSERT_EQ(bound->Connect({.address = Ip(n.peer), .port = 53}), Error::kOk);
  ASSERT_EQ(bound->Disconnect(), Error::kOk);
  EXPECT_EQ(bound->Local(), (Endpoint{.address = Ip(n.any), .port = 5353}));
  EXPECT_EQ(udp.Receive(Packet(n.other, 1, n.own, 5353, "again")), Disposition::kHandled);
  EXPECT_EQ(Text(*bound), "again");
}

TEST_P(UdpBothTest, BindErrors) {
  const FamilyNames& n = GetParam();
  auto socket = Bound(n.own, 53);
  EXPECT_EQ(socket->Bind({.address = Ip(n.own), .port = 54}), Error::kInvalid);
  Bound(n.any, 53);
  EXPECT_EQ(bind_error, Error::kAddressInUse);
  Bound(n.peer, 53);
  EXPECT_EQ(bind_error, Error::kAddressNotAvailable);
  SocketOptions free_bind;
  free_bind.free_bind = true;
  Bound(n.peer, 53, free_bind);
  EXPECT_EQ(bind_error, Error::kOk);
  socket.reset();
  Bound(n.any, 53);
  EXPECT_EQ(bind_error, Error::kOk) << "closing gives the port back";
}

TEST_P(UdpBothTest, RefusalReachesAConnectedSocketOnce) {
  const FamilyNames& n = GetParam();
  auto socket = udp.NewSocket(n.family);
  Notes notes;
  socket->SetObserver(&notes);
  ASSERT_EQ(socket->Connect({.address = Ip(n.peer), .port = 53}), Error::kOk);
  ASSERT_EQ(Send(*socket, "ask"), Error::kOk);
  const FakeIp::Sent sent = ip.Take();
  udp.ReceiveError({.kind = IcmpErrorIn::Kind::kPortUnreachable,
                    .error = Error::kConnectionRefused,
                    .hard = true,
                    .source = sent.source,
                    .destination = sent.destination,
                    .protocol = 17,
                    .quoted_transport = sent.bytes});
  EXPECT_THAT(notes.seen, ElementsAre(ready::kConnected, ready::kError));
  EXPECT_EQ(Send(*socket, "again"), Error::kConnectionRefused);
  EXPECT_EQ(Send(*socket, "again"), Error::kOk);
  EXPECT_EQ(socket->TakeError(), Error::kOk);
}

TEST_P(UdpBothTest, RefusalIsKeptFromAnUnconnectedSocketWithoutErrorQueue) {
  const FamilyNames& n = GetParam();
  auto socket = Bound(n.any, 5353);
  const SendControl to{.destination = Endpoint{.address = Ip(n.peer), .port = 53}};
  ASSERT_EQ(Send(*socket, "ask", to), Error::kOk);
  const FakeIp::Sent sent = ip.Take();
  const IcmpErrorIn error{.kind = IcmpErrorIn::Kind::kPortUnreachable,
                          .error = Error::kConnectionRefused,
                          .hard = true,
                          .icmp_type = 3,
                          .icmp_code = 3,
                          .offender = Ip(n.peer),
                          .source = sent.source,
                          .destination = sent.destination,
                          .protocol = 17,
                          .quoted_transport = sent.bytes};
  udp.ReceiveError(error);
  EXPECT_EQ(socket->TakeError(), Error::kOk);

  socket->SetQueueErrors(true);
  udp.ReceiveError(error);
  EXPECT_TRUE(socket->Ready() & ready::kError);
  const std::optional<QueuedError> queued = socket->TakeQueuedError();
  ASSERT_TRUE(queued);
  EXPECT_EQ(queued->error, Error::kConnectionRefused);
  EXPECT_EQ(queued->destination, (Endpoint{.address = Ip(n.peer), .port = 53}));
  EXPECT_EQ(queued->icmp_type, 3);
  EXPECT_EQ(queued->payload.size(), 3u);
  EXPECT_FALSE(socket->TakeQueuedError());
  for (int i = 0; i < 1000; ++i) udp.ReceiveError(error);
  int queue_length = 0;
  while (socket->TakeQueuedError()) ++queue_length;
  EXPECT_LE(queue_length, 64);
}

TEST_P(UdpBothTest, SoftErrorsDoNotDisturbAPlainSocket) {
  const FamilyNames& n = GetParam();
  auto socket = udp.NewSocket(n.family);
  ASSERT_EQ(socket->Connect({.address = Ip(n.peer), .port = 53}), Error::kOk);
  ASSERT_EQ(Send(*socket, "ask"), Error::kOk);
  const FakeIp::Sent sent = ip.Take();
  udp.ReceiveError({.kind = IcmpErrorIn::Kind::kHostUnreachable,
                    .error = Error::kHostUnreachable,
                    .hard = false,
                    .source = sent.source,
                    .destination = sent.destination,
                    .protocol = 17,
                    .quoted_transport = sent.bytes});
  EXPECT_EQ(socket->TakeError(), Error::kOk);
}

TEST_P(UdpBothTest, MtuDiscoveryDecidesAboutFragments) {
  const FamilyNames& n = GetParam();
  using Discover = SocketOptions::MtuDiscover;
  auto socket = udp.NewSocket(n.family);
  ASSERT_EQ(socket->Connect({.address = Ip(n.peer), .port = 53}), Error::kOk);
  socket->SetQueueErrors(true);
  const std::string small(100, 'x'), large(2000, 'x');
  struct Case {
    Discover discover;
    Error large_result;
    bool small_df;
  };
  for (const Case& c : {Case{Discover::kWant, Error::kOk, true},
                        Case{Discover::kDo, Error::kMessageSize, true},
                        Case{Discover::kProbe, Error::kMessageSize, true},
                        Case{Discover::kDont, Error::kOk, n.family == Family::kIpv6},
                        Case{Discover::kOmit, Error::kOk, n.family == Family::kIpv6},
                        Case{Discover::kInterface, Error::kMessageSize, false}}) {
    SocketOptions options = socket->options();
    options.mtu_discover = c.discover;
    socket->SetOptions(options);
    ip.sent().clear();
    EXPECT_EQ(Send(*socket, small), Error::kOk);
    EXPECT_EQ(ip.Take().dont_fragment, c.small_df) << static_cast<int>(c.discover);
    EXPECT_EQ(Send(*socket, large), c.large_result) << static_cast<int>(c.discover);
    if (c.large_result == Error::kOk) {
      EXPECT_FALSE(ip.Take().dont_fragment);
    } else {
      const auto queued = socket->TakeQueuedError();
      ASSERT_TRUE(queued);
      EXPECT_TRUE(queued->local);
      EXPECT_EQ(queued->mtu, 1500u);
    }
  }
  EXPECT_EQ(Send(*socket, std::string(65536, 'x')), Error::kMessageSize);
}

TEST_P(UdpBothTest, SegmentTrainsGoWholeOrInPieces) {
  const FamilyNames& n = GetParam();
  auto socket = udp.NewSocket(n.family);
  const std::string payload = std::string(1000, 'a') + std::string(1000, 'b') + "tail";
  SendControl control{.destination = Endpoint{.address = Ip(n.peer), .port = 53},
                      .segment_size = 1000};
  EXPECT_EQ(Send(*socket, payload, control), Error::kOk);
  ASSERT_EQ(ip.sent().size(), 3u);
  EXPECT_EQ(ip.sent()[1].bytes[8], 'b');
  EXPECT_EQ(ip.sent()[2].bytes.size(), 12u);

  ip.sent().clear();
  ip.set_max_gso_bytes(65535);
  ip.Invalidate();
  EXPECT_EQ(Send(*socket, payload, control), Error::kOk);
  ASSERT_EQ(ip.sent().size(), 1u);
  EXPECT_EQ(ip.sent()[0].gso, GsoType::kUdp);
  EXPECT_EQ(ip.sent()[0].gso_size, 1000);
  EXPECT_EQ(counters.Value(counter("OutDatagrams")), 2u) << "once per call, as on Linux";

  control.segment_size = 1490;
  EXPECT_EQ(Send(*socket, payload, control), Error::kInvalid) << "segments must fit the MTU";
  control.segment_size = 1;
  EXPECT_EQ(Send(*socket, payload, control), Error::kInvalid) << "at most 128 segments";
}

TEST_P(UdpBothTest, ReceivedTrainIsSplitUnlessAskedFor) {
  const FamilyNames& n = GetParam();
  auto socket = Bound(n.any, 53);
  IpPacketIn packet = Packet(n.peer, 1, n.own, 53, "aaaabbbbcc");
  packet.gso_size = 4;
  EXPECT_EQ(udp.Receive(packet), Disposition::kHandled);
  EXPECT_EQ(Text(*socket), "aaaa");
  EXPECT_EQ(Text(*socket), "bbbb");
  EXPECT_EQ(Text(*socket), "cc");
  socket->SetReceiveOffload(true);
  EXPECT_EQ(udp.Receive(packet), Disposition::kHandled);
  const Result<Datagram> train = socket->Receive();
  ASSERT_TRUE(train.ok());
  EXPECT_EQ(train->payload.size(), 10u);
  EXPECT_EQ(train->segment_size, 4);
}

TEST_P(UdpBothTest, RouteIsLookedUpOncePerFlow) {
  const FamilyNames& n = GetParam();
  auto socket = udp.NewSocket(n.family);
  ASSERT_EQ(socket->Connect({.address = Ip(n.peer), .port = 53}), Error::kOk);
  const int before = ip.lookups();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(Send(*socket, "x"), Error::kOk);
  EXPECT_EQ(ip.lookups(), before + 1);
  ip.Invalidate();
  EXPECT_EQ(Send(*socket, "x"), Error::kOk);
  EXPECT_EQ(ip.lookups(), before + 2);
}

TEST_P(UdpBothTest, FullQueueBelowIsSilentLossUnlessErrorsAreWanted) {
  const FamilyNames& n = GetParam();
  auto socket = udp.NewSocket(n.family);
  ASSERT_EQ(socket->Connect({.address = Ip(n.peer), .port = 53}), Error::kOk);
  ip.set_send_error(Error::kNoBuffers);
  EXPECT_EQ(Send(*socket, "x"), Error::kOk);
  EXPECT_EQ(counters.Value(counter("SndbufErrors")), 1u);
  socket->SetQueueErrors(true);
  EXPECT_EQ(Send(*socket, "x"), Error::kNoBuffers);
}

TEST_P(UdpBothTest, ShutdownEndsSendingAndReading) {
  const FamilyNames& n = GetParam();
  auto socket = udp.NewSocket(n.family);
  EXPECT_EQ(socket->Shutdown(ShutdownHow::kRead), Error::kNotConnected);
  ASSERT_EQ(socket->Connect({.address = Ip(n.peer), .port = 53}), Error::kOk);
  EXPECT_EQ(socket->Shutdown(ShutdownHow::kBoth), Error::kOk);
  EXPECT_TRUE(socket->Ready() & ready::kPeerClosed);
  EXPECT_EQ(Send(*socket, "x"), Error::kBrokenPipe);
}

TEST_P(UdpBothTest, ControlOverridesOptions) {
  const FamilyNames& n = GetParam();
  auto socket = udp.NewSocket(n.family);
  SocketOptions options;
  options.tos = 8;
  options.traffic_class = 8;
  options.ttl = 7;
  options.hop_limit = 7;
  socket->SetOptions(options);
  ASSERT_EQ(socket->Connect({.address = Ip(n.peer), .port = 53}), Error::kOk);
  EXPECT_EQ(Send(*socket, "x"), Error::kOk);
  EXPECT_EQ(Send(*socket, "x", {.hop_limit = 3, .traffic_class = 4}), Error::kOk);
  const FakeIp::Sent first = ip.Take(), second = ip.Take();
  EXPECT_EQ(first.hop_limit, 7);
  EXPECT_EQ(first.traffic_class, 8);
  EXPECT_EQ(second.hop_limit, 3);
  EXPECT_EQ(second.traffic_class, 4);
}

}  // namespace
}  // namespace moat::netstack
