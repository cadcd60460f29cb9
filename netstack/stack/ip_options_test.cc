// IPv4 options between programs and the wire (RFC 791 3.1, RFC 1122 3.2.1.8, 4.1.3.2, RFC
// 9293 3.9.2.1).
#include "netstack/socket/raw_controls.h"
#include "netstack/stack/stack_test_world.h"
#include "netstack/wire/tcp.h"
#include "netstack/wire/tcp_options.h"

namespace moat::netstack {
namespace {

constexpr uint8_t kTimeMark = 0x80;  // of times that do not count from midnight

class IpOptions : public testing::Test {
 protected:
  IpOptions() { world.Know(cast.peer); }

  static Ipv4OptionsRef Given(const Bytes& bytes) {
    auto options = std::make_shared<Ipv4Options>();
    EXPECT_EQ(TakeProgramOptions(bytes, options.get()), Ipv4OptionVerdict::kGood);
    return options;
  }
  template <typename Socket>
  static void Give(Socket& socket, const Bytes& bytes) {
    SocketOptions options = socket.options();
    options.ip_options = Given(bytes);
    socket.SetOptions(options);
  }
  static Bytes OptionsOf(const Bytes& frame) {
    Ipv4View view;
    const std::span<const uint8_t> ip = std::span(frame).subspan(kEthernetHeaderSize);
    if (Ipv4View::Parse(ip, &view) != Ipv4Parse::kOk || !view.ChecksumValid()) return {0xee};
    return Bytes(view.options().begin(), view.options().end());
  }
  static Bytes WithOptions(Bytes packet, const Bytes& options) {
    packet.insert(packet.begin() + kIpv4HeaderSize, options.begin(), options.end());
    packet[0] = static_cast<uint8_t>(0x45 + options.size() / 4);
    StoreBe16(packet.data() + 2, static_cast<uint16_t>(packet.size()));
    FixIpv4Checksum({packet.data(), kIpv4HeaderSize + options.size()});
    return packet;
  }
  Bytes Udp(const IpAddress& to, uint16_t port) const {
    return IpPacket(cast.peer, to, ip_protocol::kUdp,
                    UdpDatagram(cast.peer, to, 4000, port, Pattern(4)));
  }
  // A segment from the peer's port 4000.
  Bytes Tcp(TcpFields fields, const Bytes& payload = {}) const {
    fields.source_port = 4000;
    fields.window = 65535;
    Bytes segment(kTcpHeaderSize);
    EmitTcp(fields, segment.data());
    segment = segment + payload;
    FixChecksum(cast.peer, cast.own, ip_protocol::kTcp, segment);
    return IpPacket(cast.peer, cast.own, ip_protocol::kTcp, segment);
  }
  static TcpView Segment(const ParsedFrame& frame) {
    TcpView view;
    EXPECT_TRUE(TcpView::Parse(frame.payload, &view));
    return view;
  }

  StackWorld world;
  Cast cast = CastOf(Family::kIpv4);
  const Endpoint peer{cast.peer, 4000};
};

TEST_F(IpOptions, AProgramsOptionsAreSent) {
  auto socket = world.UdpSocket(Family::kIpv4);
  Give(*socket, {148, 4, 0, 0});  // router alert
  ASSERT_EQ(world.SendTo(*socket, peer, Pattern(9)), Error::kOk);
  const Bytes frame = world.link.TakeFrame();
  EXPECT_EQ(OptionsOf(frame), (Bytes{148, 4, 0, 0}));
  const ParsedFrame sent = ParseFrame(frame);
  ASSERT_TRUE(sent.ok);
  EXPECT_TRUE(TransportChecksumValid(cast.own, cast.peer, ip_protocol::kUdp, sent.payload));
  Give(*socket, {});
  ASSERT_EQ(world.SendTo(*socket, peer, Pattern(9)), Error::kOk);
  EXPECT_TRUE(OptionsOf(world.link.TakeFrame()).empty());
}

TEST_F(IpOptions, TheSenderMakesTheFirstEntries) {
  auto socket = world.UdpSocket(Family::kIpv4);
  Give(*socket, {7, 11, 4, 9, 9, 9, 9, 9, 9, 9, 9});
  ASSERT_EQ(world.SendTo(*socket, peer, Pattern(9)), Error::kOk);
  EXPECT_EQ(OptionsOf(world.link.TakeFrame()), (Bytes{7, 11, 8, 192, 0, 2, 1, 9, 9, 9, 9, 0}));
  Give(*socket, {68, 12, 5, 1, 0, 0, 0, 0, 0, 0, 0, 0});
  ASSERT_EQ(world.SendTo(*socket, peer, Pattern(9)), Error::kOk);
  Bytes sent = OptionsOf(world.link.TakeFrame());
  ASSERT_EQ(sent.size(), 12u);
  EXPECT_EQ(sent[8] & kTimeMark, kTimeMark);
  sent.resize(8);
  EXPECT_EQ(sent, (Bytes{68, 12, 13, 1, 192, 0, 2, 1}));
  // A named address that is another's gets no time.
  Give(*socket, {68, 12, 5, 3, 192, 0, 2, 2, 0, 0, 0, 0});
  ASSERT_EQ(world.SendTo(*socket, peer, Pattern(9)), Error::kOk);
  EXPECT_EQ(OptionsOf(world.link.TakeFrame()), (Bytes{68, 12, 5, 3, 192, 0, 2, 2, 0, 0, 0, 0}));
}

TEST_F(IpOptions, TheMessageMayHaveItsOwn) {
  auto socket = world.UdpSocket(Family::kIpv4);
  Give(*socket, {148, 4, 0, 0});
  const Bytes payload = Pattern(3);
  const std::span<const uint8_t> piece = payload;
  SendControl control{.destination = peer, .ip_options = Given({1, 1, 1, 1})};
  ASSERT_EQ(socket->Send({&piece, 1}, control), Error::kOk);
  EXPECT_EQ(OptionsOf(world.link.TakeFrame()), (Bytes{1, 1, 1, 1}));
  control.ip_options = Given({});
  ASSERT_EQ(socket->Send({&piece, 1}, control), Error::kOk);
  EXPECT_TRUE(OptionsOf(world.link.TakeFrame()).empty());
}

TEST_F(IpOptions, LaterFragmentsHaveWhatIsToBeCopied) {
  auto socket = world.UdpSocket(Family::kIpv4);
  Give(*socket, {7, 7, 4, 0, 0, 0, 0, 148, 4, 0, 0, 0});
  ASSERT_EQ(world.SendTo(*socket, peer, Pattern(4000)), Error::kOk);
  std::vector<Bytes> frames;
  while (!world.Silent()) frames.push_back(world.link.TakeFrame());
  ASSERT_EQ(frames.size(), 3u);
  EXPECT_EQ(OptionsOf(frames[0]), (Bytes{7, 7, 8, 192, 0, 2, 1, 148, 4, 0, 0, 0}));
  EXPECT_EQ(OptionsOf(frames[1]), (Bytes{148, 4, 0, 0}));
  EXPECT_EQ(OptionsOf(frames[2]), (Bytes{148, 4, 0, 0}));
  for (const Bytes& frame : frames) EXPECT_LE(frame.size(), kEthernetHeaderSize + 1500);
}

TEST_F(IpOptions, OptionsCountInTheSize) {
  auto socket = world.UdpSocket(Family::kIpv4);
  SocketOptions options = socket->options();
  options.mtu_discover = SocketOptions::MtuDiscover::kDo;
  options.ip_options = Given(Bytes(40, 1));
  socket->SetOptions(options);
  EXPECT_EQ(world.SendTo(*socket, peer, Pattern(1500 - 20 - 40 - 8)), Error::kOk);
  EXPECT_EQ(world.link.TakeFrame().size(), kEthernetHeaderSize + 1500);
  EXPECT_EQ(world.SendTo(*socket, peer, Pattern(1500 - 20 - 40 - 8 + 1)), Error::kMessageSize);
}

TEST_F(IpOptions, SegmentsOfATrainHaveThemAll) {
  auto socket = world.UdpSocket(Family::kIpv4);
  Give(*socket, {148, 4, 0, 0});
  const Bytes payload = Pattern(250);
  const std::span<const uint8_t> piece = payload;
  SendControl control{.destination = peer, .segment_size = 100};
  ASSERT_EQ(socket->Send({&piece, 1}, control), Error::kOk);
  for (size_t size : {100, 100, 50}) {
    const Bytes frame = world.link.TakeFrame();
    EXPECT_EQ(OptionsOf(frame), (Bytes{148, 4, 0, 0}));
    EXPECT_EQ(ParseFrame(frame).payload.size(), 8 + size);
  }
}

TEST_F(IpOptions, PingAndRawSocketsSendThem) {
  auto ping = world.stack.NewPingSocket(Family::kIpv4);
  Give(*ping, {7, 7, 4, 0, 0, 0, 0});
  ASSERT_EQ(world.SendTo(*ping, peer, {8, 0, 0, 0, 0, 0, 0, 1}), Error::kOk);
  EXPECT_EQ(OptionsOf(world.link.TakeFrame()), (Bytes{7, 7, 8, 192, 0, 2, 1, 0}));
  auto raw = world.stack.NewRawSocket(Family::kIpv4, 253);
  Give(*raw, {148, 4, 0, 0});
  ASSERT_EQ(world.SendTo(*raw, {cast.peer, 0}, Pattern(5)), Error::kOk);
  EXPECT_EQ(OptionsOf(world.link.TakeFrame()), (Bytes{148, 4, 0, 0}));
  // Who writes the header writes its options.
  raw->raw()->SetHeaderIncluded(true);
  EXPECT_EQ(world.SendTo(*raw, {cast.peer, 0}, IpPacket(cast.own, cast.peer, 253, Pattern(5))),
            Error::kInvalid);
}

TEST_F(IpOptions, Ipv6PacketsHaveNone) {
  auto socket = world.UdpSocket(Family::kIpv6);
  Give(*socket, {148, 4, 0, 0});
  world.Know(Ip("2001:db8::2"));
  ASSERT_EQ(world.SendTo(*socket, {Ip("2001:db8::2"), 4000}, Pattern(9)), Error::kOk);
  EXPECT_TRUE(world.Next().ok);
  ASSERT_EQ(world.SendTo(*socket, peer, Pattern(9)), Error::kOk);
  EXPECT_EQ(OptionsOf(world.link.TakeFrame()), (Bytes{148, 4, 0, 0}));
}

TEST_F(IpOptions, WhatArrivesIsPassedUpWithOurEntries) {
  auto socket = world.UdpSocket(Family::kIpv4);
  ASSERT_EQ(socket->Bind({Ip("0.0.0.0"), 5000}), Error::kOk);
  world.ReceiveIp(Udp(cast.own, 5000));
  EXPECT_EQ(socket->Receive()->ip_options, nullptr);
  world.ReceiveIp(WithOptions(Udp(cast.own, 5000),
                              {148, 4, 0, 0, 7, 11, 8, 10, 0, 0, 1, 0, 0, 0, 0, 0}));
  const Result<Datagram> received = socket->Receive();
  ASSERT_TRUE(received.ok());
  ASSERT_NE(received->ip_options, nullptr);
  const auto arrived = received->ip_options->span();
  EXPECT_EQ(Bytes(arrived.begin(), arrived.end()),
            (Bytes{148, 4, 0, 0, 7, 11, 12, 10, 0, 0, 1, 192, 0, 2, 1, 0}));
  const Ipv4OptionsRef returned = ReturnedIpv4Options(arrived);
  ASSERT_NE(returned, nullptr);
  EXPECT_EQ(Bytes(returned->span().begin(), returned->span().end()),
            (Bytes{7, 11, 12, 10, 0, 0, 1, 192, 0, 2, 1, 0}));
}

TEST_F(IpOptions, AGroupIsRecordedAsTheAddressThatAnswers) {
  auto socket = world.UdpSocket(Family::kIpv4);
  ASSERT_EQ(socket->Bind({Ip("0.0.0.0"), 5000}), Error::kOk);
  world.ReceiveIp(WithOptions(Udp(Ip("192.0.2.255"), 5000), {7, 7, 4, 0, 0, 0, 0, 0}),
                  MacAddress::Broadcast());
  const Result<Datagram> received = socket->Receive();
  ASSERT_TRUE(received.ok());
  ASSERT_NE(received->ip_options, nullptr);
  const auto arrived = received->ip_options->span();
  EXPECT_EQ(Bytes(arrived.begin(), arrived.end()), (Bytes{7, 7, 8, 192, 0, 2, 1, 0}));
}

TEST_F(IpOptions, PingAndRawSocketsAreTold) {
  auto ping = world.stack.NewPingSocket(Family::kIpv4);
  ASSERT_EQ(ping->Bind({Ip("0.0.0.0"), 77}), Error::kOk);
  auto raw = world.stack.NewRawSocket(Family::kIpv4, ip_protocol::kIcmp);
  const Bytes reply = IpPacket(
      cast.peer, cast.own, ip_protocol::kIcmp,
      IcmpMessage(cast.peer, cast.own, icmpv4_type::kEchoReply, 0, 77u << 16 | 1, Pattern(8)));
  world.ReceiveIp(WithOptions(reply, {1, 1, 1, 1}));
  for (DatagramSocket* socket : {ping.get(), raw.get()}) {
    const Result<Datagram> received = socket->Receive();
    ASSERT_TRUE(received.ok());
    ASSERT_NE(received->ip_options, nullptr);
    EXPECT_EQ(received->ip_options->size, 4);
  }
}

TEST_F(IpOptions, AConnectionSendsThemAndItsSegmentsAreSmaller) {
  auto socket = world.stack.NewTcpSocket(Family::kIpv4);
  Give(*socket, {148, 4, 0, 0, 7, 7, 4, 0, 0, 0, 0, 0});
  ASSERT_EQ(socket->Connect(peer), Error::kInProgress);
  const Bytes sent = {148, 4, 0, 0, 7, 7, 8, 192, 0, 2, 1, 0};
  const Bytes syn_frame = world.link.TakeFrame();
  EXPECT_EQ(OptionsOf(syn_frame), sent);
  const ParsedFrame syn_packet = ParseFrame(syn_frame);
  const TcpView syn = Segment(syn_packet);
  EXPECT_EQ(ParseTcpOptions(syn.options()).mss,
            1460);  // of what is received: our options are not in it
  world.ReceiveIp(Tcp({.destination_port = syn.source_port(), .seq = SeqNum(1000),
                       .ack = syn.seq() + 1, .flags = tcp_flag::kSyn | tcp_flag::kAck}));
  EXPECT_EQ(OptionsOf(world.link.TakeFrame()), sent);
  ASSERT_EQ(socket->Write(Slice::Copy(Pattern(2000)), false), Error::kOk);
  world.stack.Flush();
  // Without an option of its own the peer takes 536 octets, IP options not counted (RFC
  // 9293 3.7.1).
  const Bytes data = world.link.TakeFrame();
  EXPECT_EQ(OptionsOf(data), sent);
  EXPECT_EQ(ParseFrame(data).payload.size(), kTcpHeaderSize + 536 - sent.size());
  Give(*socket, {});
  EXPECT_EQ(socket->Info().send_mss, 536u);
}

TEST_F(IpOptions, AnAcceptedConnectionAnswersWithThoseOfItsSyn) {
  auto listener = world.stack.NewTcpSocket(Family::kIpv4);
  Give(*listener, {148, 4, 0, 0});  // not for what it accepts
  ASSERT_EQ(listener->Bind({cast.own, 80}), Error::kOk);
  ASSERT_EQ(listener->Listen(5), Error::kOk);
  world.ReceiveIp(WithOptions(
      Tcp({.destination_port = 80, .seq = SeqNum(1000), .ack = SeqNum(), .flags = tcp_flag::kSyn}),
      {148, 4, 0, 0, 7, 15, 8, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0}));
  const Bytes answer = world.link.TakeFrame();
  EXPECT_EQ(OptionsOf(answer), (Bytes{7, 15, 16, 10, 0, 0, 1, 192, 0, 2, 1, 192, 0, 2, 1, 0}));
  const ParsedFrame syn_ack = ParseFrame(answer);
  world.ReceiveIp(Tcp({.destination_port = 80, .seq = SeqNum(1001),
                       .ack = Segment(syn_ack).seq() + 1, .flags = tcp_flag::kAck}));
  auto accepted = listener->Accept();
  ASSERT_TRUE(accepted.ok());
  ASSERT_NE((*accepted)->options().ip_options, nullptr);
  const auto kept = (*accepted)->options().ip_options->span();
  EXPECT_EQ(Bytes(kept.begin(), kept.end()),
            (Bytes{7, 15, 12, 10, 0, 0, 1, 192, 0, 2, 1, 0, 0, 0, 0, 0}));
  EXPECT_EQ((*accepted)->Info().send_mss, 536u - 16);
}

TEST_F(IpOptions, ASynWithoutThemMakesAConnectionWithout) {
  auto listener = world.stack.NewTcpSocket(Family::kIpv4);
  Give(*listener, {148, 4, 0, 0});
  ASSERT_EQ(listener->Bind({cast.own, 80}), Error::kOk);
  ASSERT_EQ(listener->Listen(5), Error::kOk);
  world.ReceiveIp(
      Tcp({.destination_port = 80, .seq = SeqNum(1000), .ack = SeqNum(), .flags = tcp_flag::kSyn}));
  EXPECT_TRUE(OptionsOf(world.link.TakeFrame()).empty());
}

// --- What a program may give ---------------------------------------------------------------------

Ipv4OptionVerdict Judge(const Bytes& given, Bytes* taken = nullptr) {
  Ipv4Options options{};
  const Ipv4OptionVerdict verdict = TakeProgramOptions(given, &options);
  if (taken != nullptr) taken->assign(options.span().begin(), options.span().end());
  return verdict;
}

TEST(ProgramOptions, AreMadeWhatIsSent) {
  Bytes taken;
  EXPECT_EQ(Judge({7, 11, 8, 1, 2, 3, 4, 5, 6, 7, 8}, &taken), Ipv4OptionVerdict::kGood);
  EXPECT_EQ(taken, (Bytes{7, 11, 8, 1, 2, 3, 4, 0, 0, 0, 0, 0}));
  EXPECT_EQ(Judge({0, 1, 7}, &taken), Ipv4OptionVerdict::kGood);
  EXPECT_EQ(taken, (Bytes{0, 0, 0, 0}));
  EXPECT_EQ(Judge({}, &taken), Ipv4OptionVerdict::kGood);
  EXPECT_TRUE(taken.empty());
}

TEST(ProgramOptions, SourceRoutesAreNotSupported) {
  for (uint8_t type : {ipv4_option::kLooseSourceRoute, ipv4_option::kStrictSourceRoute}) {
    EXPECT_EQ(Judge({type, 7, 4, 192, 0, 2, 9}), Ipv4OptionVerdict::kSourceRoute);
    EXPECT_EQ(Judge({type, 7, 8, 192, 0, 2, 9}), Ipv4OptionVerdict::kMalformed);
    EXPECT_EQ(Judge({type, 3, 4}), Ipv4OptionVerdict::kMalformed);
    EXPECT_EQ(Judge({type, 6, 4, 1, 2, 3}), Ipv4OptionVerdict::kMalformed);
  }
}

TEST(ProgramOptions, WrongOnesAreRefused) {
  const std::vector<Bytes> malformed = {
      Bytes(41),
      {7},
      {7, 1, 4},
      {7, 9, 4},
      {7, 11, 3, 0, 0, 0, 0, 0, 0, 0, 0},
      {7, 3, 4, 7, 3, 4},
      {68, 4, 5, 0, 68, 4, 5, 0},
      {68, 4, 4, 0},
      {68, 8, 9, 0xf0, 0, 0, 0, 0},
      {148, 2},
      {134, 6, 0, 0, 0, 1},
  };
  for (const Bytes& wrong : malformed) {
    EXPECT_EQ(Judge(wrong), Ipv4OptionVerdict::kMalformed) << testing::PrintToString(wrong);
  }
}

TEST(ProgramOptions, UnknownOnesAreForThePrivileged) {
  EXPECT_EQ(Judge({136, 4, 1, 2}), Ipv4OptionVerdict::kPrivileged);
  EXPECT_EQ(Judge({68, 12, 5, 2, 0, 0, 0, 0, 0, 0, 0, 0}), Ipv4OptionVerdict::kPrivileged);
}

}  // namespace
}  // namespace moat::netstack
