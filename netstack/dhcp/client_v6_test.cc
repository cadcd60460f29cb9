// The stateless DHCPv6 client against a server that the test plays, on a fake clock: RFC 8415.

#include "netstack/dhcp/client_v6.h"

#include "netstack/stack/stack_test_world.h"

namespace moat::netstack {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

const IpAddress kServer = Ip("fe80::53");
const Bytes kServerId = {0, 2, 0, 4, 0, 3, 0, 1};

Bytes Option(uint16_t code, const Bytes& data) {
  Bytes out(4);
  StoreBe16(out.data(), code);
  StoreBe16(out.data() + 2, static_cast<uint16_t>(data.size()));
  return out + data;
}
Bytes Number(uint32_t value) {
  Bytes out(4);
  StoreBe32(out.data(), value);
  return out;
}
Bytes AddressBytes(const char* text) {
  const IpAddress address = Ip(text);
  return Bytes(address.data(), address.data() + 16);
}

class Stateless : public testing::Test {
 protected:
  Stateless() {
    client = std::make_unique<Dhcpv6Client>(
        world.stack,
        Dhcpv6Options{.clock = &world.clock, .random = &world.random, .interface = kEth0});
    EXPECT_TRUE(client->Start().ok());
  }
  void Advance(Duration by) { world.Advance(*client, by); }
  // The next request's bytes; empty: none.
  Bytes Next() {
    while (!world.Silent()) {
      const ParsedFrame frame = world.Next();
      if (frame.protocol != ip_protocol::kUdp) continue;
      EXPECT_EQ(frame.source, Ip("fe80::1"));
      EXPECT_EQ(frame.destination, Ip("ff02::1:2"));
      EXPECT_EQ(LoadBe16(frame.payload.data()), kDhcpv6ClientPort);
      EXPECT_EQ(LoadBe16(frame.payload.data() + 2), kDhcpv6ServerPort);
      return Bytes(frame.payload.begin() + 8, frame.payload.end());
    }
    return {};
  }
  // Waits for the next request, which it returns.
  Bytes Asked(Duration within = seconds(2)) {
    const Time end = world.clock.Now() + within;
    while (world.clock.Now() < end) {
      const Bytes request = Next();
      if (!request.empty()) return request;
      Advance(milliseconds(10));
    }
    return {};
  }
  static uint32_t TransactionOf(const Bytes& request) {
    return LoadBe32(request.data()) & 0xffffff;
  }
  void Reply(uint32_t transaction, const Bytes& options, const Bytes& client_id = kOwnDuid,
             const Bytes& server_id = kServerId) {
    Bytes message = Number(7u << 24 | transaction);
    if (!client_id.empty()) message = message + Option(1, client_id);
    if (!server_id.empty()) message = message + Option(2, server_id);
    message = message + options;
    world.ReceiveIp(IpPacket(kServer, Ip("fe80::1"), ip_protocol::kUdp,
                             UdpDatagram(kServer, Ip("fe80::1"), kDhcpv6ServerPort,
                                         kDhcpv6ClientPort, message)));
    client->Poll();
  }
  bool Informed() const { return client->state() == Dhcpv6Client::State::kInformed; }

  static inline const Bytes kOwnDuid = DuidOf(kOwnMac);
  const Bytes servers = Option(23, AddressBytes("2001:db8::53") + AddressBytes("2001:db8::54"));
  StackWorld world;
  std::unique_ptr<Dhcpv6Client> client;
};

TEST_F(Stateless, Rfc8415_S18_2_6_AsksWithinASecondForWhatItWants) {
  const Bytes request = Asked(milliseconds(1100));
  ASSERT_FALSE(request.empty());
  EXPECT_EQ(request[0], 11);
  const Bytes expected = Option(1, kOwnDuid) + Option(6, {0, 23, 0, 24, 0, 32, 0, 83}) +
                         Option(8, {0, 0});
  EXPECT_EQ(Bytes(request.begin() + 4, request.end()), expected);
}

TEST_F(Stateless, Rfc8415_S15_RetransmitsWithBackOff) {
  const uint32_t transaction = TransactionOf(Asked());
  Time last = world.clock.Now();
  Duration wanted = seconds(1);
  for (int i = 0; i < 6; ++i) {
    const Bytes request = Asked(hours(2));
    ASSERT_FALSE(request.empty());
    EXPECT_EQ(TransactionOf(request), transaction);
    const Duration gap = world.clock.Now() - last;
    EXPECT_NEAR(static_cast<double>(gap.count()), static_cast<double>(wanted.count()),
                0.4 * static_cast<double>(wanted.count()));
    last = world.clock.Now();
    wanted *= 2;
  }
  Advance(hours(10));
  world.link.Clear();
  Advance(hours(10));  // once an hour
  int count = 0;
  while (!Next().empty()) ++count;
  EXPECT_NEAR(count, 10, 2);
}

// In hundredths of a second, as many as fit.
TEST_F(Stateless, Rfc8415_S21_9_TheElapsedTimeCountsFromTheFirstMessage) {
  const auto elapsed = [](const Bytes& request) {
    const Bytes option(request.end() - 6, request.end());
    EXPECT_EQ(Bytes(option.begin(), option.begin() + 4), (Bytes{0, 8, 0, 2}));
    return LoadBe16(option.data() + 4);
  };
  EXPECT_EQ(elapsed(Asked()), 0);
  const Time first = world.clock.Now();
  int64_t since = 0;
  for (int i = 0; i < 12; ++i) {
    const Bytes request = Asked(hours(2));
    ASSERT_FALSE(request.empty());
    since = (world.clock.Now() - first) / milliseconds(10);
    EXPECT_NEAR(elapsed(request), static_cast<double>(std::min<int64_t>(since, 0xffff)), 2);
  }
  EXPECT_GT(since, 0xffff);
}

TEST_F(Stateless, Rfc3646_LearnsNameServersAndDomains) {
  Reply(TransactionOf(Asked()),
        servers + Option(24, {4, 'm', 'o', 'a', 't', 4, 't', 'e', 's', 't', 0, 1, 'a', 0}));
  ASSERT_TRUE(Informed());
  EXPECT_EQ(client->information()->name_servers,
            (std::vector<IpAddress>{Ip("2001:db8::53"), Ip("2001:db8::54")}));
  EXPECT_EQ(client->information()->domains, (std::vector<std::string>{"moat.test", "a"}));
  Advance(hours(23));
  EXPECT_TRUE(Next().empty());
}

TEST_F(Stateless, Rfc8415_S16_10_OthersRepliesAreIgnored) {
  const uint32_t transaction = TransactionOf(Asked());
  Reply(transaction ^ 1, servers);
  Reply(transaction, servers, DuidOf(kPeerMac));
  Reply(transaction, servers, {});
  Reply(transaction, servers, kOwnDuid, {});
  Reply(transaction, Option(13, {0, 1}));    // a failure
  Reply(transaction, Option(23, Bytes(15)));  // malformed
  EXPECT_FALSE(Informed());
  Reply(transaction, servers);
  EXPECT_TRUE(Informed());
}

TEST_F(Stateless, Rfc8415_S21_23_RefreshesWhenToldButNotTooOften) {
  const uint32_t transaction = TransactionOf(Asked());
  Reply(transaction, servers + Option(32, Number(10)));
  Advance(seconds(599));
  EXPECT_TRUE(Next().empty());
  const Bytes again = Asked(seconds(3));
  ASSERT_FALSE(again.empty());
  EXPECT_NE(TransactionOf(again), transaction);
  EXPECT_TRUE(client->information().has_value());  // still what is known
  Reply(TransactionOf(again), Option(32, Number(0xffffffff)));
  EXPECT_TRUE(client->information()->name_servers.empty());
  Advance(hours(1000));
  EXPECT_TRUE(Next().empty());
}

TEST_F(Stateless, Rfc8415_S21_23_WithoutBeingToldItRefreshesOnceADay) {
  Reply(TransactionOf(Asked()), servers);
  Advance(seconds(86400 - 1));
  EXPECT_TRUE(Next().empty());
  EXPECT_FALSE(Asked(seconds(3)).empty());
}

TEST_F(Stateless, Rfc8415_S21_25_BoundsOutOfBoundsAreIgnored) {
  for (const uint32_t bound : {59u, 86401u}) {
    Reply(TransactionOf(Asked()), servers + Option(32, Number(600)) + Option(83, Number(bound)));
    ASSERT_TRUE(Informed());
    Advance(seconds(602));
    Advance(hours(10));
    world.link.Clear();
    Advance(hours(10));  // once an hour, as without the option
    int count = 0;
    Bytes last;
    for (Bytes next = Next(); !next.empty(); next = Next(), ++count) last = next;
    EXPECT_NEAR(count, 10, 2);
    world.link.Clear();
    Reply(TransactionOf(last), servers + Option(32, Number(600)));
    Advance(seconds(600));
  }
}

TEST_F(Stateless, Rfc8415_S21_25_TheServerBoundsRetransmission) {
  Reply(TransactionOf(Asked()), servers + Option(32, Number(600)) + Option(83, Number(60)));
  Advance(seconds(602));
  Advance(hours(1));
  world.link.Clear();
  Advance(seconds(600));
  int count = 0;
  while (!Next().empty()) ++count;
  EXPECT_NEAR(count, 10, 2);
}

TEST_F(Stateless, StoppedItIsSilent) {
  (void)Asked();
  client->Stop();
  EXPECT_EQ(client->NextDeadline(), kNever);
  client->Poll();
  Advance(hours(1));
  EXPECT_TRUE(Next().empty());
}

TEST(Dhcpv6Message, DomainsMustBeNames) {
  const auto parse = [](const Bytes& domains) {
    return ParseDhcpv6(Bytes{7, 0, 0, 1} + Option(24, domains)).has_value();
  };
  EXPECT_TRUE(parse({1, 'a', 0}));
  EXPECT_TRUE(parse({0}));
  EXPECT_FALSE(parse({1, 'a'}));         // not ended
  EXPECT_FALSE(parse({2, 'a', 0}));      // runs on
  EXPECT_FALSE(parse({0xc0, 4, 0}));     // compressed
  EXPECT_FALSE(parse({1, '\n', 0}));
}

}  // namespace
}  // namespace moat::netstack
