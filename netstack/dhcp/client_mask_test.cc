// What a renewal with another mask changes, and what it does not.
#include <algorithm>
#include <string>

#include "netstack/dhcp/client.h"
#include "netstack/dhcp/client_test_world.h"
#include "netstack/wire/tcp.h"

namespace moat::netstack {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// A renewal with another mask is about the link, not about whose the address is.
class DhcpMask : public DhcpConversation, private StackObserver {
 protected:
  DhcpMask() {
    options.probe = true;
    world.stack.AddObserver(this);
  }
  ~DhcpMask() override { world.stack.RemoveObserver(this); }

  void GetProbedAndBound() {
    Start();
    Advance(seconds(1));
    Reply(DhcpType::kOffer, Next());
    Reply(DhcpType::kAck, Next());
    Advance(seconds(30));
    ASSERT_EQ(client->state(), DhcpClient::State::kBound);
  }
  void RenewWithMask(uint8_t last_byte) {
    Answer answer;
    answer.parameters = Bytes{1, 4, 255, 255, 255, last_byte, 3, 4, 192, 0, 2, 254};
    Renew(answer);
    ASSERT_EQ(client->state(), DhcpClient::State::kBound);
  }
  bool HasConnectedRoute(const char* prefix) const {
    const auto routes = world.stack.Routes();
    return std::any_of(routes.begin(), routes.end(), [&](const RouteInfo& route) {
      return route.destination == *Prefix::Parse(prefix) && !route.gateway.has_value();
    });
  }
  // Whether the stack has sent an ARP packet from `sender` since the link was cleared.
  bool SaysByArp(const IpAddress& sender) {
    bool said = false;
    while (!world.Silent()) {
      const ParsedFrame frame = world.Next();
      ArpMessage arp;
      said |= frame.ethertype == ethertype::kArp &&
              ParseArp(frame.payload, &arp) == ArpParse::kOk && arp.sender == sender;
    }
    return said;
  }
  void OtherHostClaimsTheAddress() {
    world.ReceiveArp(ArpOperation::kReply, kOffered, kOtherMac, kNobody, kOwnMac);
    client->Poll();
  }

  std::string heard;

 private:
  void OnInterfaceChanged(const InterfaceInfo&, bool) override {}
  void OnAddressChanged(const AddressInfo& address, bool removed) override {
    if (address.prefix.address == kOffered) {
      heard += (removed ? " -" : " +") + std::to_string(address.prefix.length);
    }
  }
  void OnRouteChanged(const RouteInfo&, bool) override {}
  void OnNeighborChanged(const NeighborInfo&, bool) override {}
};

TEST_F(DhcpMask, IsChangedInPlaceWithoutProbes) {
  GetProbedAndBound();
  world.link.Clear();
  heard.clear();
  RenewWithMask(128);
  EXPECT_EQ(heard, " +25 -24") << "never without the address";
  EXPECT_TRUE(world.stack.IsLocalAddress(kOffered)) << "not tentative";
  EXPECT_TRUE(HasConnectedRoute("192.0.2.0/25"));
  EXPECT_FALSE(HasConnectedRoute("192.0.2.0/24"));
  EXPECT_TRUE(HasRoute("192.0.2.254"));
  Advance(seconds(30));
  EXPECT_FALSE(SaysByArp(kNobody)) << "no probe";
  client.reset();
  EXPECT_FALSE(HasAddress("192.0.2.77/25"));
}

TEST_F(DhcpMask, TheAddressIsDefendedAsBefore) {
  GetProbedAndBound();
  RenewWithMask(128);
  world.link.Clear();
  OtherHostClaimsTheAddress();
  EXPECT_TRUE(SaysByArp(kOffered));
  EXPECT_EQ(client->state(), DhcpClient::State::kBound);
  OtherHostClaimsTheAddress();
  EXPECT_EQ(Next().type, DhcpType::kDecline);
  EXPECT_FALSE(world.stack.IsLocalAddress(kOffered));
}

TEST_F(DhcpMask, ConnectionsGoOn) {
  GetProbedAndBound();
  auto tcp = world.stack.NewTcpSocket(Family::kIpv4);
  ASSERT_EQ(tcp->Connect({kServer, 80}), Error::kInProgress);
  world.link.Clear();
  const auto segment = [&](TcpFields fields, const Bytes& payload = {}) {
    fields.source_port = 80;
    fields.destination_port = tcp->Local().port;
    fields.window = 65535;
    Bytes bytes(kTcpHeaderSize);
    EmitTcp(fields, bytes.data());
    bytes = bytes + payload;
    FixChecksum(kServer, kOffered, ip_protocol::kTcp, bytes);
    world.ReceiveIp(IpPacket(kServer, kOffered, ip_protocol::kTcp, bytes));
  };
  Advance(seconds(1));  // the SYN again
  TcpView syn;
  const ParsedFrame frame = world.Next();
  ASSERT_TRUE(TcpView::Parse(frame.payload, &syn));
  const SeqNum ours = syn.seq() + 1;
  segment({.seq = SeqNum(1000), .ack = ours, .flags = tcp_flag::kSyn | tcp_flag::kAck});
  ASSERT_EQ(tcp->state(), TcpState::kEstablished);
  // Long idle, until the lease is renewed; then both ends speak.
  RenewWithMask(128);
  EXPECT_EQ(tcp->state(), TcpState::kEstablished);
  world.link.Clear();
  segment({.seq = SeqNum(1001), .ack = ours, .flags = tcp_flag::kAck | tcp_flag::kPsh}, Pattern(9));
  EXPECT_EQ(tcp->ReadableBytes(), 9u);
  ASSERT_EQ(tcp->Write(Slice::Copy(Pattern(7)), false), Error::kOk);
  bool answered = false;
  for (Advance(milliseconds(100)); !world.Silent();) {
    const ParsedFrame sent = world.Next();
    TcpView view;
    if (sent.protocol != ip_protocol::kTcp || !TcpView::Parse(sent.payload, &view)) continue;
    EXPECT_EQ(sent.source, kOffered);
    EXPECT_EQ(view.flags() & tcp_flag::kRst, 0);
    answered |= view.ack() == SeqNum(1010) && view.seq() == ours;
  }
  EXPECT_TRUE(answered);
}

}  // namespace
}  // namespace moat::netstack
