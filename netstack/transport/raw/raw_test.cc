// Raw sockets of a whole stack, from the peer's side of the wire.
#include "netstack/socket/raw_controls.h"

#include <bitset>
#include <memory>
#include <span>

#include "gtest/gtest.h"
#include "netstack/stack/stack_test_world.h"

namespace moat::netstack {
namespace {

constexpr uint8_t kOspf = 89;  // a protocol that has no transport

class RawTest : public StackWorld, public testing::TestWithParam<Family> {
 protected:
  RawTest() { Know(cast().peer); }
  Cast cast() const { return CastOf(GetParam()); }
  bool v4() const { return GetParam() == Family::kIpv4; }
  uint8_t icmp() const { return v4() ? ip_protocol::kIcmp : ip_protocol::kIcmpV6; }
  size_t header() const { return v4() ? kIpv4HeaderSize : kIpv6HeaderSize; }

  std::unique_ptr<DatagramSocket> Open(uint8_t protocol) {
    return stack.NewRawSocket(GetParam(), protocol);
  }
  void Arrive(uint8_t protocol, const Bytes& payload) {
    ReceiveIp(IpPacket(cast().peer, cast().own, protocol, payload));
  }
  static Error Send(DatagramSocket& socket, const Bytes& bytes, std::optional<Endpoint> to) {
    // Cut anywhere, as a caller's iovec may be.
    const std::span<const uint8_t> all = bytes;
    const std::array<std::span<const uint8_t>, 2> pieces = {all.first(1), all.subspan(1)};
    return socket.Send(pieces, {.destination = to});
  }
  Endpoint ToPeer() const { return {.address = cast().peer}; }
  // What a raw socket reads of a packet with this payload.
  Bytes Read(uint8_t protocol, const Bytes& payload) const {
    return v4() ? IpPacket(cast().peer, cast().own, protocol, payload) : payload;
  }
};

Bytes BytesOf(const Result<Datagram>& datagram) {
  if (!datagram.ok()) return {};
  return {datagram->payload.span().begin(), datagram->payload.span().end()};
}

TEST_P(RawTest, ReceivesWhatNoTransportWants) {
  auto socket = Open(kOspf);
  Arrive(kOspf, Pattern(40));
  const auto datagram = socket->Receive();
  ASSERT_TRUE(datagram.ok());
  EXPECT_EQ(BytesOf(datagram), Read(kOspf, Pattern(40)));
  EXPECT_EQ(datagram->source.address, cast().peer);
  EXPECT_EQ(datagram->source.port, 0);
  EXPECT_EQ(datagram->destination, cast().own);
  EXPECT_TRUE(Silent()) << "no protocol unreachable";
  Arrive(kOspf + 1, Pattern(40));
  EXPECT_FALSE(socket->Receive().ok());
  EXPECT_FALSE(Silent()) << "protocol unreachable";
}

TEST_P(RawTest, WhatAFullQueueLosesIsCounted) {
  auto socket = Open(kOspf);
  SocketOptions options = socket->options();
  options.receive_buffer = 4096;
  socket->SetOptions(options);
  constexpr uint64_t kSent = 200;
  for (uint64_t i = 0; i < kSent; ++i) Arrive(kOspf, Pattern(40));
  uint64_t read = 0;
  while (socket->Receive().ok()) ++read;
  EXPECT_LT(read, kSent);
  EXPECT_EQ(Count("Raw.RcvbufErrors"), kSent - read);
  EXPECT_EQ(Count("Raw.MemErrors"), 0u);
}

TEST_P(RawTest, EveryOneGetsACopyAndTheTransportToo) {
  auto first = Open(ip_protocol::kUdp), second = Open(ip_protocol::kUdp);
  auto udp = stack.NewUdpSocket(GetParam());
  ASSERT_EQ(udp->Bind({.address = cast().own, .port = 53}), Error::kOk);
  ReceiveUdp(cast().peer, cast().own, 53, Pattern(9));
  EXPECT_EQ(BytesOf(first->Receive()).size(), (v4() ? 20u : 0u) + 8 + 9);
  EXPECT_TRUE(second->Receive().ok());
  EXPECT_TRUE(udp->Receive().ok());
  first.reset();
  ReceiveUdp(cast().peer, cast().own, 53, Pattern(9));
  EXPECT_TRUE(second->Receive().ok());
}

TEST_P(RawTest, AClosedPortIsStillUnreachable) {
  auto socket = Open(ip_protocol::kUdp);
  ReceiveUdp(cast().peer, cast().own, 53, Pattern(9));
  EXPECT_TRUE(socket->Receive().ok());
  EXPECT_FALSE(Silent());
}

TEST_P(RawTest, NamesNarrowWhatIsReceived) {
  auto bound = Open(kOspf), connected = Open(kOspf);
  EXPECT_EQ(bound->Bind({.address = cast().other}), Error::kAddressNotAvailable);
  EXPECT_EQ(bound->Bind({.address = cast().own}), Error::kOk);
  EXPECT_EQ(bound->Local().port, kOspf) << "as Linux reports it";
  EXPECT_EQ(connected->Connect({.address = cast().other}), Error::kOk);
  Arrive(kOspf, Pattern(4));
  EXPECT_TRUE(bound->Receive().ok());
  EXPECT_FALSE(connected->Receive().ok());
  EXPECT_EQ(connected->Disconnect(), Error::kOk);
  Arrive(kOspf, Pattern(4));
  EXPECT_TRUE(connected->Receive().ok());
}

TEST_P(RawTest, IcmpIsSeenAndAnsweredAndFiltered) {
  auto socket = Open(icmp());
  ReceiveEchoRequest(cast().peer, cast().own, Pattern(8));
  EXPECT_TRUE(socket->Receive().ok());
  EXPECT_FALSE(Silent()) << "the echo reply";
  link.Clear();
  std::bitset<256> blocked;
  blocked.set(v4() ? icmpv4_type::kEchoRequest : icmpv6_type::kEchoRequest);
  socket->raw()->SetBlockedTypes(blocked);
  ReceiveEchoRequest(cast().peer, cast().own, Pattern(8));
  EXPECT_FALSE(socket->Receive().ok());
  ReceiveIcmp(cast().peer, cast().own, v4() ? icmpv4_type::kEchoReply : icmpv6_type::kEchoReply, 0,
              1, Pattern(8));
  EXPECT_TRUE(socket->Receive().ok());
}

TEST_P(RawTest, SendsBehindAHeaderOfTheStacks) {
  auto socket = Open(kOspf);
  ASSERT_EQ(Send(*socket, Pattern(30), ToPeer()), Error::kOk);
  const ParsedFrame sent = Next();
  ASSERT_TRUE(sent.ok);
  EXPECT_EQ(sent.protocol, kOspf);
  EXPECT_EQ(sent.source, cast().own);
  EXPECT_EQ(sent.payload, Pattern(30));
  EXPECT_EQ(Send(*socket, Pattern(30), {}), Error::kDestinationRequired);
}

TEST_P(RawTest, WhatIsTooLargeIsFragmented) {
  auto socket = Open(kOspf);
  ASSERT_EQ(Send(*socket, Pattern(3000), ToPeer()), Error::kOk);
  EXPECT_EQ(link.sent().size(), 3u);
  EXPECT_EQ(Send(*socket, Bytes(65536), ToPeer()), Error::kMessageSize);
}

TEST_P(RawTest, AWholePacketGoesOutAsItIs) {
  auto socket = Open(kOspf);
  socket->raw()->SetHeaderIncluded(true);
  Bytes packet = IpPacket(cast().other, cast().peer, kOspf, Pattern(20), 7);
  ASSERT_EQ(Send(*socket, packet, ToPeer()), Error::kOk);
  const ParsedFrame sent = Next();
  ASSERT_TRUE(sent.ok) << "the checksum is right";
  EXPECT_EQ(sent.source, cast().other) << "not ours";
  EXPECT_EQ(sent.hop_limit, 7);
  EXPECT_EQ(sent.payload, Pattern(20));
  EXPECT_EQ(Send(*socket, Bytes(header() - 1), ToPeer()), Error::kInvalid);
  EXPECT_EQ(Send(*socket, IpPacket(cast().own, cast().peer, kOspf, Bytes(1500)), ToPeer()),
            Error::kMessageSize);
}

TEST_P(RawTest, IpprotoRawSendsWholePackets) {
  auto socket = Open(255);
  EXPECT_TRUE(socket->raw()->header_included());
  ASSERT_EQ(Send(*socket, IpPacket(cast().own, cast().peer, kOspf, Pattern(20)), ToPeer()),
            Error::kOk);
  EXPECT_EQ(Next().protocol, kOspf);
}

// To ourselves as to others: who writes the transport header answers for its checksum.
TEST_P(RawTest, WhatAProgramWroteToOurselvesIsChecked) {
  auto udp = stack.NewUdpSocket(GetParam());
  ASSERT_EQ(udp->Bind({.address = cast().own, .port = 53}), Error::kOk);
  auto watch = stack.NewPacketSocket(true, v4() ? ethertype::kIpv4 : ethertype::kIpv6);
  auto message = Open(ip_protocol::kUdp), whole = Open(255);
  const auto arrives = [&](DatagramSocket& socket, bool with_header, uint8_t spoil) {
    Bytes bytes = UdpDatagram(cast().own, cast().own, 9, 53, Pattern(5));
    bytes.back() ^= spoil;
    if (with_header) bytes = IpPacket(cast().own, cast().own, ip_protocol::kUdp, bytes);
    EXPECT_EQ(Send(socket, bytes, Endpoint{.address = cast().own}), Error::kOk);
    stack.Flush();
    EXPECT_FALSE(watch->Receive()->checksum_missing);
    return udp->Receive().ok();
  };
  const std::string counter = v4() ? "Udp.InCsumErrors" : "Udp6.InCsumErrors";
  EXPECT_TRUE(arrives(*whole, true, 0));
  EXPECT_TRUE(arrives(*message, false, 0));
  EXPECT_EQ(Count(counter), 0u);
  EXPECT_FALSE(arrives(*whole, true, 1));
  EXPECT_FALSE(arrives(*message, false, 1));
  EXPECT_EQ(Count(counter), 2u);
}

TEST_P(RawTest, ErrorsReachAConnectedSocket) {
  auto socket = Open(kOspf);
  ASSERT_EQ(socket->Connect(ToPeer()), Error::kOk);
  const Bytes quoted = IpPacket(cast().own, cast().peer, kOspf, Pattern(30));
  if (v4()) {
    ReceiveIcmp(cast().peer, cast().own, icmpv4_type::kDestinationUnreachable,
                icmpv4_code::kProtocol, 0, quoted);
  } else {
    ReceiveIcmp(cast().peer, cast().own, icmpv6_type::kParameterProblem,
                icmpv6_code::kUnrecognizedNextHeader, 6, quoted);
  }
  EXPECT_NE(socket->TakeError(), Error::kOk);
}

TEST_P(RawTest, ListedWithItsProtocol) {
  auto socket = Open(kOspf);
  const auto sockets = stack.ListSockets();
  ASSERT_EQ(sockets.size(), 1u);
  EXPECT_EQ(sockets[0].type, SocketInfo::Type::kRaw);
  EXPECT_EQ(sockets[0].local.port, kOspf);
}

TEST_P(RawTest, AFullQueueLosesPackets) {
  auto socket = Open(kOspf);
  SocketOptions options = socket->options();
  options.receive_buffer = 2048;
  socket->SetOptions(options);
  for (int i = 0; i < 100; ++i) Arrive(kOspf, Pattern(500));
  int read = 0;
  while (socket->Receive().ok()) ++read;
  EXPECT_GT(read, 0);
  EXPECT_LT(read, 10);
}

INSTANTIATE_TEST_SUITE_P(Families, RawTest, testing::Values(Family::kIpv4, Family::kIpv6),
                         [](const auto& info) {
                           return info.param == Family::kIpv4 ? "V4" : "V6";
                         });

const Cast kV4 = CastOf(Family::kIpv4);
const Cast kV6 = CastOf(Family::kIpv6);

struct RawV4 : StackWorld, testing::Test {
  RawV4() { Know(kV4.peer); }
};

TEST_F(RawV4, WhatIsLeftOutOfTheHeaderIsFilledIn) {
  auto socket = stack.NewRawSocket(Family::kIpv4, 255);
  Bytes packet = IpPacket(Ip("0.0.0.0"), kV4.peer, kOspf, Pattern(20));
  StoreBe16(packet.data() + 2, 9999);
  StoreBe16(packet.data() + 10, 0x1234);
  const std::span<const uint8_t> piece = packet;
  ASSERT_EQ(socket->Send({&piece, 1}, {.destination = Endpoint{.address = kV4.peer}}), Error::kOk);
  const ParsedFrame sent = Next();
  ASSERT_TRUE(sent.ok);
  EXPECT_EQ(sent.source, kV4.own);
  EXPECT_EQ(sent.payload, Pattern(20));
  packet[0] = 0x44;  // shorter than a header is
  EXPECT_EQ(socket->Send({&piece, 1}, {.destination = Endpoint{.address = kV4.peer}}),
            Error::kInvalid);
  packet[0] = 0x4f;  // longer than the packet
  EXPECT_EQ(socket->Send({&piece, 1}, {.destination = Endpoint{.address = kV4.peer}}),
            Error::kInvalid);
}

struct RawV6 : StackWorld, testing::Test {
  RawV6() { Know(kV6.peer); }
};

TEST_F(RawV6, ChecksumsAreFilledInAndVerified) {
  auto socket = stack.NewRawSocket(Family::kIpv6, kOspf);
  EXPECT_EQ(socket->raw()->checksum_offset(), -1);
  EXPECT_EQ(socket->raw()->SetChecksumOffset(3), Error::kInvalid);
  ASSERT_EQ(socket->raw()->SetChecksumOffset(12), Error::kOk);
  Bytes message = Pattern(24);
  const std::span<const uint8_t> piece = message;
  ASSERT_EQ(socket->Send({&piece, 1}, {.destination = Endpoint{.address = kV6.peer}}), Error::kOk);
  const ParsedFrame sent = Next();
  ASSERT_TRUE(sent.ok);
  EXPECT_TRUE(TransportChecksumValid(kV6.own, kV6.peer, kOspf, sent.payload));
  const std::span<const uint8_t> piece_too_short = piece.first(13);
  EXPECT_EQ(socket->Send({&piece_too_short, 1}, {.destination = Endpoint{.address = kV6.peer}}),
            Error::kInvalid);
  ReceiveIp(IpPacket(kV6.peer, kV6.own, kOspf, Pattern(24)));
  EXPECT_FALSE(socket->Receive().ok()) << "a wrong checksum";
  Bytes right = sent.payload;  // the sum is the same both ways
  ReceiveIp(IpPacket(kV6.peer, kV6.own, kOspf, right));
  EXPECT_TRUE(socket->Receive().ok());
}

TEST_F(RawV6, Icmpv6HasItsChecksumWhateverIsAsked) {
  auto socket = stack.NewRawSocket(Family::kIpv6, ip_protocol::kIcmpV6);
  EXPECT_EQ(socket->raw()->checksum_offset(), 2);
  EXPECT_EQ(socket->raw()->SetChecksumOffset(-1), Error::kInvalid);
}

TEST_F(RawV6, ThePortOfAnAddressIsTheProtocolOrNothing) {
  auto socket = stack.NewRawSocket(Family::kIpv6, kOspf);
  const Bytes message = Pattern(8);
  const std::span<const uint8_t> piece = message;
  EXPECT_EQ(socket->Send({&piece, 1}, {.destination = Endpoint{kV6.peer, kOspf}}), Error::kOk);
  EXPECT_EQ(socket->Send({&piece, 1}, {.destination = Endpoint{kV6.peer, 4000}}), Error::kInvalid);
}

}  // namespace
}  // namespace moat::netstack
