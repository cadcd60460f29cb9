// Options of datagrams and of their way: checksums that are left out, fragments that are not
// wanted, interfaces, flow labels.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "netstack/transport/udp/udp_test_world.h"

namespace moat::netstack {
namespace {

uint16_t ChecksumOf(const FakeIp::Sent& sent) {
  return LoadBe16(sent.bytes.data() + kUdpChecksumOffset);
}

class UdpOptions : public testing::Test {
 protected:
  void Connect(std::string_view local, std::string_view peer) {
    socket = world.Bound(local, 5000);
    ASSERT_EQ(socket->Connect({.address = Ip(peer), .port = 53}), Error::kOk);
  }
  void ConnectV4() { Connect("192.0.2.1", "192.0.2.9"); }
  void ConnectV6() { Connect("2001:db8::1", "2001:db8::9"); }

  template <typename Change>
  void Set(Change change) {
    DatagramOptions options = socket->datagram_options();
    change(options);
    socket->SetDatagramOptions(options);
  }
  FakeIp::Sent Sent(std::string_view payload = "x", const SendControl& control = {}) {
    EXPECT_EQ(world.Send(*socket, payload, control), Error::kOk);
    return world.ip.Take();
  }

  UdpWorld world;
  std::unique_ptr<DatagramSocket> socket;
};

// --- Checksums -----------------------------------------------------------------------------------

TEST_F(UdpOptions, Rfc768_TheChecksumCanBeLeftOut) {
  ConnectV4();
  EXPECT_NE(ChecksumOf(Sent()), 0);
  Set([](DatagramOptions& options) { options.no_checksum = true; });
  EXPECT_EQ(ChecksumOf(Sent()), 0);
}

TEST_F(UdpOptions, Rfc6935_OverIpv6ThatIsAnOptionOfItsOwn) {
  ConnectV6();
  Set([](DatagramOptions& options) { options.no_checksum = true; });
  EXPECT_NE(ChecksumOf(Sent()), 0);
  Set([](DatagramOptions& options) { options.no_checksum6_sent = true; });
  EXPECT_EQ(ChecksumOf(Sent()), 0);
}

TEST_F(UdpOptions, TrainsNeedChecksums) {
  ConnectV4();
  Set([](DatagramOptions& options) { options.no_checksum = true; });
  EXPECT_EQ(world.Send(*socket, "abcd", {.segment_size = 2}), Error::kInvalid);
}

IpPacketIn Unsummed(std::string_view destination) {
  IpPacketIn packet = UdpWorld::Packet("2001:db8::9", 53, destination, 5000, "bare");
  StoreBe16(packet.payload.mutable_data() + kUdpChecksumOffset, 0);
  return packet;
}

TEST_F(UdpOptions, Rfc6936_OnlyWhoWantsThemGetsDatagramsWithoutChecksum) {
  socket = world.Bound("2001:db8::1", 5000);
  world.udp.Receive(Unsummed("2001:db8::1"));
  EXPECT_EQ(world.Text(*socket), "<would block>");
  EXPECT_EQ(world.counters.Value("Udp6.InCsumErrors"), 1u);
  Set([](DatagramOptions& options) { options.no_checksum6_received = true; });
  world.udp.Receive(Unsummed("2001:db8::1"));
  EXPECT_EQ(world.Text(*socket), "bare");
}

TEST_F(UdpOptions, Rfc6936_NobodyAnswersADatagramWithoutChecksum) {
  EXPECT_EQ(world.udp.Receive(Unsummed("2001:db8::1")), TransportProtocol::Disposition::kHandled);
  EXPECT_EQ(world.counters.Value("Udp6.InCsumErrors"), 1u);
  EXPECT_EQ(world.counters.Value("Udp6.NoPorts"), 0u);
}

TEST_F(UdpOptions, Rfc6936_TheSameOfGroups) {
  SocketOptions shared;
  shared.reuse_port = true;
  const auto other = world.Bound("::", 5000, shared);
  socket = world.Bound("::", 5000, shared);
  for (DatagramSocket* member : {other.get(), socket.get()}) {
    ASSERT_EQ(member->JoinGroup(Ip("ff02::5"), 2), Error::kOk);
  }
  Set([](DatagramOptions& options) { options.no_checksum6_received = true; });
  world.udp.Receive(Unsummed("ff02::5"));
  EXPECT_EQ(world.Text(*socket), "bare");
  EXPECT_EQ(world.Text(*other), "<would block>");
}

// --- Sizes ---------------------------------------------------------------------------------------

TEST_F(UdpOptions, Rfc3542_S11_2_NoFragmentsWhereNoneAreWanted) {
  ConnectV6();
  const std::string large(1500, 'x');
  EXPECT_FALSE(Sent(large).dont_fragment);
  Set([](DatagramOptions& options) { options.dont_fragment = true; });
  EXPECT_EQ(world.Send(*socket, large), Error::kMessageSize);
  EXPECT_EQ(world.Send(*socket, std::string(1500 - 48, 'x')), Error::kOk);
  EXPECT_EQ(world.Send(*socket, large, {.dont_fragment = false}), Error::kOk);
}

TEST_F(UdpOptions, Rfc3542_S11_2_OneDatagramCanAskForIt) {
  ConnectV6();
  EXPECT_EQ(world.Send(*socket, std::string(1500, 'x'), {.dont_fragment = true}),
            Error::kMessageSize);
}

TEST_F(UdpOptions, DontFragmentIsNothingToIpv4) {
  ConnectV4();
  Set([](DatagramOptions& options) { options.dont_fragment = true; });
  EXPECT_EQ(world.Send(*socket, std::string(1500, 'x')), Error::kOk);
}

TEST_F(UdpOptions, Rfc3542_S11_3_TheMtuIsToldToWhoAsksOnce) {
  ConnectV6();
  const std::string large(1500, 'x');
  Set([](DatagramOptions& options) { options.dont_fragment = true; });
  EXPECT_EQ(world.Send(*socket, large), Error::kMessageSize);
  EXPECT_FALSE(socket->TakePathMtu().has_value());
  Set([](DatagramOptions& options) { options.receive_path_mtu = true; });
  EXPECT_EQ(world.Send(*socket, large), Error::kMessageSize);
  const auto notice = socket->TakePathMtu();
  ASSERT_TRUE(notice.has_value());
  EXPECT_EQ(notice->mtu, 1500u);
  EXPECT_EQ(notice->destination.address, Ip("2001:db8::9"));
  EXPECT_FALSE(socket->TakePathMtu().has_value());
}

TEST_F(UdpOptions, Rfc3542_S11_1_TheMtuCanBeLowered) {
  ConnectV6();
  Set([](DatagramOptions& options) { options.most_mtu = 1280; });
  EXPECT_TRUE(Sent(std::string(1280 - 48, 'x')).dont_fragment);
  EXPECT_FALSE(Sent(std::string(1280 - 47, 'x')).dont_fragment);
  EXPECT_EQ(world.ip.last_query().most_mtu, 1280u);
}

// --- The way -------------------------------------------------------------------------------------

TEST_F(UdpOptions, TheInterfaceOfUnicastIsForOneFamily) {
  socket = world.Bound("::", 0);
  Set([](DatagramOptions& options) {
    options.unicast_interface = 7;
    options.unicast_interface6 = 8;
  });
  EXPECT_EQ(Sent("x", {.destination = Endpoint{Ip("192.0.2.9"), 53}}).interface, 7);
  EXPECT_EQ(Sent("x", {.destination = Endpoint{Ip("2001:db8::9"), 53}}).interface, 8);
  EXPECT_EQ(Sent("x", {.destination = Endpoint{Ip("ff0e::9"), 53}}).interface, 2);
}

TEST_F(UdpOptions, TheCallAndTheStickyInterfaceGoBeforeIt) {
  socket = world.Bound("::", 0);
  const Endpoint peer{Ip("2001:db8::9"), 53};
  Set([](DatagramOptions& options) {
    options.sticky_interface = 6;
    options.unicast_interface6 = 8;
  });
  EXPECT_EQ(Sent("x", {.destination = peer}).interface, 6);
  EXPECT_EQ(Sent("x", {.destination = peer, .interface = 5}).interface, 5);
  EXPECT_EQ(Sent("x", {.destination = Endpoint{Ip("ff0e::9"), 53}}).interface, 6);
}

TEST_F(UdpOptions, WhoWantsNoGatewaySaysSo) {
  ConnectV4();
  Sent();
  EXPECT_FALSE(world.ip.last_query().on_link_only);
  Sent("x", {.on_link_only = true});
  EXPECT_TRUE(world.ip.last_query().on_link_only);
  SocketOptions options;
  options.dont_route = true;
  socket->SetOptions(options);
  Sent();
  EXPECT_TRUE(world.ip.last_query().on_link_only);
}

// --- Flow labels ---------------------------------------------------------------------------------

TEST_F(UdpOptions, Rfc6437_S3_AFlowHasOneLabel) {
  socket = world.Bound("2001:db8::1", 5000);
  const SendControl one{.destination = Endpoint{Ip("2001:db8::9"), 53}};
  const SendControl other{.destination = Endpoint{Ip("2001:db8::9"), 54}};
  const SendControl another{.destination = Endpoint{Ip("2001:db8::a"), 53}};
  const uint32_t label = Sent("x", one).flow_label;
  EXPECT_NE(label, 0u);
  EXPECT_LE(label, 0xfffffu);
  EXPECT_NE(Sent("x", other).flow_label, label);
  EXPECT_NE(Sent("x", another).flow_label, label);
  EXPECT_EQ(Sent("x", one).flow_label, label);
}

TEST_F(UdpOptions, Rfc6437_S3_TheProgramsLabelGoesBefore) {
  ConnectV6();
  EXPECT_EQ(Sent("x", {.flow_label = 0x12345}).flow_label, 0x12345u);
  SocketOptions options;
  options.auto_flow_label = false;
  socket->SetOptions(options);
  EXPECT_EQ(Sent().flow_label, 0u);
  EXPECT_EQ(Sent("x", {.flow_label = 0x12345}).flow_label, 0x12345u);
}

TEST_F(UdpOptions, Ipv4HasNoLabels) {
  ConnectV4();
  EXPECT_EQ(Sent().flow_label, 0u);
}

}  // namespace
}  // namespace moat::netstack
