// Packet sockets of a whole stack.
#include "netstack/socket/packet_socket.h"

#include <memory>
#include <span>

#include "gtest/gtest.h"
#include "netstack/stack/stack_test_world.h"

namespace moat::netstack {
namespace {

constexpr uint16_t kAll = frame_protocol::kAll;
constexpr uint16_t kExperimental = 0x88b5;  // IEEE 802 local experimental EtherType
const Cast kV4 = CastOf(Family::kIpv4);

struct PacketTest : StackWorld, testing::Test {
  explicit PacketTest(LinkCapabilities capabilities = {}) : StackWorld(capabilities) {
    Know(kV4.peer);
  }

  std::unique_ptr<PacketSocket> Raw(uint16_t protocol) {
    return stack.NewPacketSocket(true, protocol);
  }
  std::unique_ptr<PacketSocket> Dgram(uint16_t protocol) {
    return stack.NewPacketSocket(false, protocol);
  }
  static Error Send(PacketSocket& socket, const Bytes& bytes, std::optional<LinkName> to = {}) {
    // Cut anywhere, as a caller's iovec may be.
    const std::span<const uint8_t> all = bytes;
    const std::array<std::span<const uint8_t>, 2> pieces = {all.first(all.size() / 3),
                                                            all.subspan(all.size() / 3)};
    return socket.Send(pieces, to);
  }
  static LinkName To(InterfaceIndex interface, const MacAddress& mac, uint16_t protocol) {
    LinkName name{.protocol = protocol, .interface = interface, .size = 6};
    std::copy(mac.bytes.begin(), mac.bytes.end(), name.address.begin());
    return name;
  }
  Bytes ArpRequest() const {
    return ArpFrame(MacAddress::Broadcast(),
                    {ArpOperation::kRequest, kPeerMac, kV4.peer, MacAddress{}, kV4.own});
  }
  static bool Empty(PacketSocket& socket) { return socket.Receive().error() == Error::kWouldBlock; }
};

Bytes BytesOf(const Result<CapturedFrame>& frame) {
  if (!frame.ok()) return {};
  return {frame->bytes.span().begin(), frame->bytes.span().end()};
}

MacAddress MacOf(const CapturedFrame& frame) {
  MacAddress mac;
  std::copy_n(frame.source.address.begin(), 6, mac.bytes.begin());
  return mac;
}

TEST_F(PacketTest, ShowsTheWholeFrameAndWhereItIsFrom) {
  auto socket = Raw(ethertype::kArp);
  ReceiveFrame(ArpRequest());
  const auto frame = socket->Receive();
  ASSERT_TRUE(frame.ok());
  EXPECT_EQ(BytesOf(frame), ArpRequest());
  EXPECT_EQ(frame->original_size, ArpRequest().size());
  EXPECT_EQ(frame->network_offset, kEthernetHeaderSize);
  EXPECT_EQ(frame->source.protocol, ethertype::kArp);
  EXPECT_EQ(frame->source.interface, kEth0);
  EXPECT_EQ(frame->source.link_type, link_type::kEthernet);
  EXPECT_EQ(frame->source.type, FrameType::kBroadcast);
  EXPECT_EQ(frame->source.size, 6);
  EXPECT_EQ(MacOf(*frame), kPeerMac);
  EXPECT_EQ(frame->received, clock.Now());
  EXPECT_TRUE(Empty(*socket)) << "the answer is not shown to a socket of one protocol";
  EXPECT_FALSE(Silent()) << "the stack answers all the same";
}

TEST_F(PacketTest, ADatagramSocketSeesNoLinkHeader) {
  auto socket = Dgram(ethertype::kArp);
  ReceiveFrame(ArpRequest());
  const auto frame = socket->Receive();
  ASSERT_TRUE(frame.ok());
  const Bytes whole = ArpRequest();
  EXPECT_EQ(BytesOf(frame), Bytes(whole.begin() + 14, whole.end()));
  EXPECT_EQ(frame->network_offset, 0);
  EXPECT_EQ(MacOf(*frame), kPeerMac);
}

TEST_F(PacketTest, AllProtocolsSeeWhatIsSentToo) {
  auto socket = Raw(kAll);
  ReceiveFrame(ArpRequest());
  EXPECT_EQ(socket->Receive()->source.type, FrameType::kBroadcast);
  const auto answer = socket->Receive();
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->source.type, FrameType::kOutgoing);
  EXPECT_EQ(answer->source.protocol, ethertype::kArp);
  EXPECT_EQ(MacOf(*answer), kOwnMac);
  EXPECT_EQ(BytesOf(answer), link.TakeFrame());
  socket->SetIgnoreOutgoing(true);
  ReceiveFrame(ArpRequest());
  EXPECT_TRUE(socket->Receive().ok());
  EXPECT_TRUE(Empty(*socket));
}

TEST_F(PacketTest, SaysWhomAFrameIsFor) {
  auto socket = Raw(kExperimental);
  const MacAddress group{{0x01, 0, 0x5e, 0, 0, 1}};
  const std::pair<MacAddress, FrameType> cases[] = {
      {kOwnMac, FrameType::kHost},
      {MacAddress::Broadcast(), FrameType::kBroadcast},
      {group, FrameType::kMulticast},
      {kOtherMac, FrameType::kOtherHost}};
  for (const auto& [to, type] : cases) {
    ReceiveFrame(EthernetFrame(to, kPeerMac, kExperimental, Pattern(46)));
    const auto frame = socket->Receive();
    ASSERT_TRUE(frame.ok());
    EXPECT_EQ(frame->source.type, type);
  }
}

TEST_F(PacketTest, AnLlcFrameHasAProtocolOfItsOwn) {
  auto all = Raw(kAll), llc = Raw(frame_protocol::k802_2);
  ReceiveFrame(EthernetFrame(kOwnMac, kPeerMac, 38, Pattern(46)));
  EXPECT_EQ(all->Receive()->source.protocol, frame_protocol::k802_2);
  EXPECT_TRUE(llc->Receive().ok());
}

TEST_F(PacketTest, WithoutAProtocolNothingIsShownUntilBound) {
  auto socket = Raw(0);
  EXPECT_FALSE(stack.IsWatched(kEth0));
  ReceiveFrame(ArpRequest());
  EXPECT_TRUE(Empty(*socket));
  EXPECT_EQ(socket->Bind(kAll, kEth0), Error::kOk);
  EXPECT_TRUE(stack.IsWatched(kEth0));
  EXPECT_FALSE(stack.IsWatched(kLoopbackIndex));
  ReceiveFrame(ArpRequest());
  EXPECT_TRUE(socket->Receive().ok());
  EXPECT_EQ(socket->Local().protocol, kAll);
  EXPECT_EQ(socket->Local().interface, kEth0);
  EXPECT_EQ(socket->Local().size, 6);
}

TEST_F(PacketTest, BindingNarrowsToOneInterface) {
  auto other = Raw(ethertype::kArp), here = Raw(ethertype::kArp);
  EXPECT_EQ(other->Bind(0, kLoopbackIndex), Error::kOk);
  EXPECT_EQ(here->Bind(0, kEth0), Error::kOk);
  EXPECT_EQ(here->Local().protocol, ethertype::kArp) << "kept";
  EXPECT_EQ(here->Bind(0, 77), Error::kNoDevice);
  ReceiveFrame(ArpRequest());
  EXPECT_TRUE(Empty(*other));
  EXPECT_TRUE(here->Receive().ok());
  EXPECT_EQ(other->Local().link_type, link_type::kLoopback);
}

// --- Sending -------------------------------------------------------------------------------------

TEST_F(PacketTest, SendsAFrameAsItIs) {
  auto socket = Raw(0), other = Raw(kAll);
  const Bytes frame = EthernetFrame(kPeerMac, kOtherMac, kExperimental, Pattern(20));
  EXPECT_EQ(Send(*socket, frame), Error::kNotConnected);
  EXPECT_EQ(Send(*socket, frame, To(kEth0, {}, 0)), Error::kOk);
  EXPECT_EQ(link.TakeFrame(), frame);
  ASSERT_EQ(socket->Bind(kAll, kEth0), Error::kOk);
  EXPECT_EQ(Send(*socket, frame), Error::kOk);
  EXPECT_EQ(link.TakeFrame(), frame);
  EXPECT_TRUE(Empty(*socket)) << "its own";
  for (int i = 0; i < 2; ++i) {
    const auto seen = other->Receive();
    ASSERT_TRUE(seen.ok());
    EXPECT_EQ(BytesOf(seen), frame);
    EXPECT_EQ(seen->source.type, FrameType::kOutgoing);
  }
}

TEST_F(PacketTest, ADatagramSocketSendsBehindAHeaderOfTheStacks) {
  auto socket = Dgram(kExperimental);
  ASSERT_EQ(Send(*socket, Pattern(20), To(kEth0, kPeerMac, kExperimental)), Error::kOk);
  EXPECT_EQ(link.TakeFrame(), EthernetFrame(kPeerMac, kOwnMac, kExperimental, Pattern(20)));
  // 802.3 has a length where there would be an EtherType.
  for (const uint16_t protocol : {frame_protocol::k802_3, frame_protocol::k802_2}) {
    ASSERT_EQ(Send(*socket, Pattern(20), To(kEth0, kPeerMac, protocol)), Error::kOk);
    EXPECT_EQ(link.TakeFrame(), EthernetFrame(kPeerMac, kOwnMac, 20, Pattern(20)));
  }
  ASSERT_EQ(socket->Bind(0, kEth0), Error::kOk);
  EXPECT_EQ(Send(*socket, Pattern(20)), Error::kInvalid) << "to whom?";
}

TEST_F(PacketTest, SendsWhatFitsTheInterface) {
  auto raw = Raw(0), dgram = Dgram(0);
  ASSERT_EQ(raw->Bind(kAll, kEth0), Error::kOk);
  EXPECT_EQ(Send(*raw, Bytes(13)), Error::kInvalid);
  EXPECT_EQ(Send(*raw, EthernetFrame(kPeerMac, kOwnMac, kExperimental, Bytes(1500))), Error::kOk);
  EXPECT_EQ(Send(*raw, EthernetFrame(kPeerMac, kOwnMac, kExperimental, Bytes(1501))),
            Error::kMessageSize);
  EXPECT_EQ(Send(*raw, EthernetFrame(kPeerMac, kOwnMac, ethertype::kVlan, Bytes(1504))),
            Error::kOk);
  EXPECT_EQ(Send(*raw, EthernetFrame(kPeerMac, kOwnMac, ethertype::kVlan, Bytes(1505))),
            Error::kMessageSize);
  EXPECT_EQ(Send(*dgram, Bytes(1500), To(kEth0, kPeerMac, kExperimental)), Error::kOk);
  EXPECT_EQ(Send(*dgram, Bytes(1501), To(kEth0, kPeerMac, kExperimental)), Error::kMessageSize);
  EXPECT_EQ(Send(*dgram, Bytes(15), To(77, kPeerMac, kExperimental)), Error::kNotConnected);
  link.set_full(true);
  EXPECT_EQ(Send(*raw, Bytes(14)), Error::kNoBuffers);
  ASSERT_TRUE(stack.SetInterfaceUp(kEth0, false).ok());
  EXPECT_EQ(Send(*raw, Bytes(14)), Error::kNetworkDown);
}

// --- Loopback ------------------------------------------------------------------------------------

TEST_F(PacketTest, LoopbackIsSeenGoingOutAndComingIn) {
  auto watch = Raw(kAll);
  auto dgram = Dgram(ethertype::kIpv4);
  auto udp = stack.NewUdpSocket(Family::kIpv4);
  ASSERT_EQ(udp->Bind({.address = Ip("127.0.0.1"), .port = 53}), Error::kOk);
  ASSERT_EQ(SendTo(*udp, {.address = Ip("127.0.0.1"), .port = 53}, Pattern(9)), Error::kOk);
  stack.Flush();
  ASSERT_TRUE(udp->Receive().ok());
  for (const FrameType type : {FrameType::kOutgoing, FrameType::kHost}) {
    const auto frame = watch->Receive();
    ASSERT_TRUE(frame.ok());
    EXPECT_EQ(frame->source.type, type);
    EXPECT_EQ(frame->source.interface, kLoopbackIndex);
    EXPECT_EQ(frame->source.link_type, link_type::kLoopback);
    EXPECT_EQ(frame->bytes.size(), 14u + 20 + 8 + 9);
    EXPECT_EQ(MacOf(*frame), MacAddress{});
    EXPECT_TRUE(frame->checksum_missing);
  }
  EXPECT_EQ(dgram->Receive()->bytes.size(), 20u + 8 + 9);
  EXPECT_TRUE(Empty(*dgram));
}

TEST_F(PacketTest, WhatIsSentOnLoopbackComesBack) {
  auto sender = Raw(0), watch = Raw(kExperimental);
  auto udp = stack.NewUdpSocket(Family::kIpv4);
  ASSERT_EQ(udp->Bind({.address = kV4.own, .port = 53}), Error::kOk);
  const Bytes packet = IpPacket(
      kV4.peer, kV4.own, ip_protocol::kUdp, UdpDatagram(kV4.peer, kV4.own, 9, 53, Pattern(5)));
  ASSERT_EQ(
      Send(*sender, EthernetFrame({}, {}, ethertype::kIpv4, packet), To(kLoopbackIndex, {}, 0)),
      Error::kOk);
  const Bytes frame = EthernetFrame({}, kOtherMac, kExperimental, Pattern(50));
  EXPECT_EQ(Send(*sender, frame, To(kLoopbackIndex, {}, 0)), Error::kOk);
  stack.Flush();
  EXPECT_TRUE(udp->Receive().ok());
  const auto seen = watch->Receive();
  ASSERT_TRUE(seen.ok());
  EXPECT_EQ(seen->source.type, FrameType::kHost);
  EXPECT_EQ(MacOf(*seen), kOtherMac);
  EXPECT_EQ(BytesOf(seen), frame);
  EXPECT_TRUE(Empty(*watch));
}

// Nobody has checked it before, as on a wire.
TEST_F(PacketTest, WhatIsSentOnLoopbackIsNotTrusted) {
  auto sender = Raw(0), watch = Raw(ethertype::kIpv4);
  auto udp = stack.NewUdpSocket(Family::kIpv4);
  ASSERT_EQ(udp->Bind({.address = Ip("0.0.0.0"), .port = 53}), Error::kOk);
  const auto send = [&](const IpAddress& source, uint8_t spoil) {
    Bytes datagram = UdpDatagram(source, kV4.own, 9, 53, Pattern(5));
    datagram.back() ^= spoil;
    const Bytes packet = IpPacket(source, kV4.own, ip_protocol::kUdp, datagram);
    EXPECT_EQ(
        Send(*sender, EthernetFrame({}, {}, ethertype::kIpv4, packet), To(kLoopbackIndex, {}, 0)),
        Error::kOk);
    stack.Flush();
    EXPECT_EQ(BytesOf(watch->Receive()).size(), 14 + packet.size());
    return udp->Receive().ok();
  };
  EXPECT_TRUE(send(kV4.peer, 0));
  EXPECT_FALSE(send(kV4.peer, 1)) << "a wrong checksum";
  EXPECT_FALSE(send(kV4.own, 0)) << "our own address";
  EXPECT_FALSE(send(Ip("127.0.0.1"), 0));
  EXPECT_EQ(Send(*sender, EthernetFrame({}, {}, ethertype::kIpv4, {}), To(kLoopbackIndex, {}, 0)),
            Error::kOk);
  stack.Flush();
  EXPECT_EQ(BytesOf(watch->Receive()).size(), 14u);
}

// --- Filters -------------------------------------------------------------------------------------

TEST_F(PacketTest, AFilterChoosesAndCuts) {
  auto raw = Raw(kAll), dgram = Dgram(kAll);
  // The first byte of the network header is the pattern's: 10 bytes are wanted, or none.
  const auto filter = [](uint32_t offset) {
    return *ClassicBpf::Verify(std::vector<BpfInstruction>{
        {0x30, 0, 0, offset}, {0x15, 0, 1, 7}, {6, 0, 0, 10}, {6, 0, 0, 0}});
  };
  ASSERT_EQ(raw->SetFilter(filter(14)), Error::kOk);
  ASSERT_EQ(dgram->SetFilter(filter(0)), Error::kOk);
  EXPECT_TRUE(raw->has_filter());
  Bytes payload = Pattern(46);
  ReceiveFrame(EthernetFrame(kOwnMac, kPeerMac, kExperimental, payload));
  EXPECT_TRUE(Empty(*raw));
  EXPECT_TRUE(Empty(*dgram));
  payload[0] = 7;
  ReceiveFrame(EthernetFrame(kOwnMac, kPeerMac, kExperimental, payload));
  const auto frame = raw->Receive();
  ASSERT_TRUE(frame.ok());
  EXPECT_EQ(frame->bytes.size(), 10u);
  EXPECT_EQ(frame->original_size, 60u);
  EXPECT_EQ(dgram->Receive()->original_size, 46u);
  EXPECT_EQ(raw->TakeStatistics().packets, 1u) << "what the filter refuses does not count";
  ASSERT_EQ(raw->SetFilter(std::nullopt), Error::kOk);
  payload[0] = 8;
  ReceiveFrame(EthernetFrame(kOwnMac, kPeerMac, kExperimental, payload));
  EXPECT_EQ(raw->Receive()->bytes.size(), 60u);
}

// --- Limits --------------------------------------------------------------------------------------

TEST_F(PacketTest, AFullQueueLosesFramesAndSaysSo) {
  auto socket = Raw(kExperimental);
  SocketOptions options = socket->options();
  options.receive_buffer = 2048;
  socket->SetOptions(options);
  const size_t used = stack.memory().used();
  for (int i = 0; i < 100; ++i) {
    ReceiveFrame(EthernetFrame(kOwnMac, kPeerMac, kExperimental, Pattern(500)));
  }
  EXPECT_GT(stack.memory().used(), used);
  const PacketStatistics statistics = socket->TakeStatistics();
  EXPECT_EQ(statistics.packets, 100u);
  uint32_t read = 0;
  while (socket->Receive().ok()) ++read;
  EXPECT_GT(read, 0u);
  EXPECT_LT(read, 10u);
  EXPECT_EQ(statistics.drops, 100 - read);
  EXPECT_EQ(Count("Packet.Dropped"), 100 - read);
  EXPECT_EQ(socket->TakeStatistics().packets, 0u) << "since the last time";
  EXPECT_EQ(stack.memory().used(), used);
  ReceiveFrame(EthernetFrame(kOwnMac, kPeerMac, kExperimental, Pattern(500)));
  socket.reset();
  EXPECT_EQ(stack.memory().used(), used) << "what was not read is given back";
}

TEST_F(PacketTest, MembershipsAreCounted) {
  auto socket = Raw(0);
  PacketMembership promiscuous{.interface = kEth0, .kind = PacketMembership::Kind::kPromiscuous};
  socket->Leave(promiscuous);
  EXPECT_EQ(socket->Join(promiscuous), Error::kOk);
  EXPECT_EQ(socket->Join(promiscuous), Error::kOk);
  socket->Leave(promiscuous);
  EXPECT_EQ(socket->memberships(), 1u);
  socket->Leave(promiscuous);
  EXPECT_EQ(socket->memberships(), 0u);
  PacketMembership group{.interface = kEth0, .size = 5};
  EXPECT_EQ(socket->Join(group), Error::kInvalid);
  group.size = 7;
  EXPECT_EQ(socket->Join(group), Error::kInvalid);
  promiscuous.interface = 77;
  EXPECT_EQ(socket->Join(promiscuous), Error::kNoDevice);
  group.size = 6;
  Error last = Error::kOk;
  for (int i = 0; i < 200 && last == Error::kOk; ++i) {
    group.address[5] = static_cast<uint8_t>(i);
    last = socket->Join(group);
  }
  EXPECT_EQ(last, Error::kNoBuffers);
}

TEST_F(PacketTest, AnInterfaceThatGoesIsAnError) {
  auto socket = Raw(kAll);
  ASSERT_EQ(socket->Bind(kAll, kEth0), Error::kOk);
  ASSERT_TRUE(stack.SetInterfaceUp(kEth0, false).ok());
  EXPECT_EQ(socket->TakeError(), Error::kNetworkDown);
  EXPECT_EQ(socket->TakeError(), Error::kOk);
  ASSERT_EQ(socket->Bind(kAll, kEth0), Error::kOk);
  EXPECT_EQ(socket->TakeError(), Error::kOk) << "nothing has changed";
  for (const uint16_t protocol : {kExperimental, kAll}) {
    ASSERT_EQ(socket->Bind(protocol, kEth0), Error::kOk);
    EXPECT_EQ(socket->TakeError(), Error::kNetworkDown);
  }
  ASSERT_TRUE(stack.SetInterfaceUp(kEth0, true).ok());
  ReceiveFrame(ArpRequest());
  EXPECT_TRUE(socket->Receive().ok());
  ASSERT_TRUE(stack.RemoveInterface(kEth0).ok());
  EXPECT_EQ(socket->TakeError(), Error::kNetworkDown);
  EXPECT_EQ(Send(*socket, Bytes(60)), Error::kNotConnected);
  EXPECT_FALSE(stack.IsWatched(kEth0));
}

struct HeaderlessPacketTest : PacketTest {
  HeaderlessPacketTest() : PacketTest({.has_ethernet_header = false}) {}
};

TEST_F(HeaderlessPacketTest, AnEmptyFrameIsNone) {
  auto raw = Raw(0), dgram = Dgram(0);
  for (const auto& socket : {raw.get(), dgram.get()}) {
    EXPECT_EQ(Send(*socket, {}, To(kEth0, {}, ethertype::kIpv4)), Error::kInvalid);
    EXPECT_EQ(Send(*socket, Pattern(20), To(kEth0, {}, ethertype::kIpv4)), Error::kOk);
    EXPECT_EQ(link.TakeFrame(), Pattern(20));
  }
}

struct OffloadedPacketTest : PacketTest {
  OffloadedPacketTest() : PacketTest({.tx_checksum_offload = true, .max_gso_bytes = 65536}) {}
};

TEST_F(OffloadedPacketTest, ChecksumsThatAreStillToBeDoneAreMarked) {
  auto socket = Raw(kAll);
  auto udp = stack.NewUdpSocket(Family::kIpv4);
  ASSERT_EQ(SendTo(*udp, {.address = kV4.peer, .port = 53}, Pattern(9)), Error::kOk);
  const auto sent = socket->Receive();
  ASSERT_TRUE(sent.ok());
  EXPECT_TRUE(sent->checksum_missing);
  EXPECT_EQ(sent->bytes.size(), 14u + 20 + 8 + 9) << "the payload is there";
}

TEST_F(OffloadedPacketTest, SuperSegmentsAreShownWhole) {
  auto socket = Raw(ethertype::kIpv4);
  RxFrame frame = ReceivedFrame(EthernetFrame(
      kOwnMac, kPeerMac, ethertype::kIpv4,
      IpPacket(kV4.peer, kV4.own, ip_protocol::kTcp, Bytes(20) + Pattern(40000))));
  frame.checksum = RxChecksum::kVerified;
  frame.checksum_missing = true;
  frame.gso = GsoType::kTcpV4;
  frame.gso_size = 1448;
  stack.Receive(kEth0, std::move(frame));
  const auto seen = socket->Receive();
  ASSERT_TRUE(seen.ok());
  EXPECT_EQ(seen->bytes.size(), 14u + 20 + 20 + 40000);
  EXPECT_TRUE(seen->checksum_missing);
  EXPECT_FALSE(seen->checksum_valid);
  EXPECT_TRUE(seen->tcp_segments);
}

}  // namespace
}  // namespace moat::netstack
