// Real scarcity: the order in which a stack gives way, that windows never shrink, and that it
// recovers.
#include "netstack/ip/routing_table.h"
#include "netstack/stack/memory_test_world.h"

namespace moat::netstack {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr size_t kLimit = 1 << 20;

class MemoryTest : public testing::TestWithParam<Family> {
 protected:
  uint64_t Count(const Stack& stack, const std::string& name) {
    const auto counters = stack.Counters();
    const auto it = counters.find(name);
    EXPECT_NE(it, counters.end()) << name;
    return it == counters.end() ? 0 : it->second;
  }
  std::string Udp(const char* name) {
    return std::string(GetParam() == Family::kIpv4 ? "Udp." : "Udp6.") + name;
  }
  // Something else fills b's memory up to `sixteenths` of the limit.
  void Fill(size_t sixteenths) {
    const size_t now = world.b_memory.used();
    const size_t wanted = kLimit / 16 * sixteenths;
    ASSERT_LT(now, wanted);
    ballast += wanted - now;
    world.b_memory.Charge(wanted - now);
  }
  void Empty() {
    world.b_memory.Release(ballast);
    ballast = 0;
  }
  std::pair<std::unique_ptr<TcpSocket>, std::unique_ptr<TcpSocket>> Connect() {
    if (listener == nullptr) {
      listener = world.b.NewTcpSocket(GetParam());
      EXPECT_EQ(listener->Bind({cast.peer, 80}), Error::kOk);
      EXPECT_EQ(listener->Listen(50), Error::kOk);
    }
    auto client = world.a.NewTcpSocket(GetParam());
    EXPECT_EQ(client->Connect({cast.peer, 80}), Error::kInProgress);
    world.Advance(milliseconds(20));
    auto server = listener->Accept();
    if (!server.ok()) return {std::move(client), nullptr};
    return {std::move(client), std::move(*server)};
  }
  // As much as the writer may, until nothing moves any more.
  size_t Stuff(TcpSocket& from) {
    size_t written = 0;
    for (int idle = 0; idle < 20;) {
      const size_t piece = std::min(from.WriteSpace(), size_t{16384});
      if (piece > 0 && from.Write(Slice::Copy(Pattern(piece)), false) == Error::kOk) {
        written += piece;
        idle = 0;
      } else {
        ++idle;
      }
      world.Advance(milliseconds(10));
    }
    return written;
  }
  size_t Drain(TcpSocket& from, size_t size) {
    size_t got = 0;
    for (int round = 0; round < 40000 && got < size; ++round) {
      const size_t some = from.ReadableBytes();
      from.Consume(some);
      got += some;
      world.Advance(milliseconds(10));
    }
    return got;
  }

  MemoryWorld world{kLimit};
  Cast cast = CastOf(GetParam());
  size_t ballast = 0;
  std::unique_ptr<TcpSocket> listener;
};
INSTANTIATE_TEST_SUITE_P(Families, MemoryTest, testing::Values(Family::kIpv4, Family::kIpv6),
                         [](const auto& info) {
                           return info.param == Family::kIpv4 ? "Ipv4" : "Ipv6";
                         });

TEST_P(MemoryTest, ReceiveQueuesThatNobodyReadsStayWithinTheBudget) {
  std::vector<std::pair<std::unique_ptr<TcpSocket>, std::unique_ptr<TcpSocket>>> pairs;
  std::vector<size_t> written;
  for (int i = 0; i < 12; ++i) {
    auto pair = Connect();
    if (pair.second == nullptr) break;  // there is no room for one more
    pairs.push_back(std::move(pair));
    written.push_back(Stuff(*pairs.back().first));
    EXPECT_LE(world.b_memory.used(), kLimit);
    EXPECT_LE(world.a_memory.used(), kLimit);
  }
  ASSERT_GE(pairs.size(), 6u);
  EXPECT_GE(Count(world.b, "TcpExt.TCPMemoryPressures"), 1u);
  // Readers come: all of it arrives, whole.
  for (size_t i = 0; i < pairs.size(); ++i)
    EXPECT_EQ(Drain(*pairs[i].second, written[i]), written[i]);
  EXPECT_FALSE(world.b_memory.under_pressure());
  pairs.clear();
  listener.reset();
  world.ExpectNothingHeld();
}

TEST_P(MemoryTest, UnderPressureWindowsOpenByAFewSegmentsAndRecover) {
  auto [client, server] = Connect();
  ASSERT_NE(server, nullptr);
  Fill(9);
  ASSERT_TRUE(world.b_memory.under_pressure());
  // What was offered before stays offered; what comes after is little.
  const uint32_t offered = client->Info().send_window;
  const size_t burst = Stuff(*client);
  EXPECT_GE(burst, offered);
  EXPECT_EQ(Drain(*server, burst), burst);
  EXPECT_LE(client->Info().send_window, std::max<uint32_t>(offered, 4 * 1460));
  EXPECT_GE(client->Info().send_window, 2u * 1400);
  Empty();
  const size_t more = Stuff(*client);
  EXPECT_EQ(Drain(*server, more), more);
  EXPECT_GE(client->Info().send_window, offered);
}

TEST_P(MemoryTest, HalfOpenConnectionsGiveWayToCookies) {
  Fill(13);
  auto [client, server] = Connect();
  EXPECT_NE(server, nullptr);  // by a cookie
  EXPECT_EQ(Count(world.b, "TcpExt.SyncookiesRecv"), 1u);
  Fill(15);
  auto [other, none] = Connect();
  EXPECT_EQ(none, nullptr);
  EXPECT_EQ(world.b.NewTcpSocket(GetParam())->Connect({cast.own, 80}), Error::kNoBuffers);
  Empty();
}

TEST_P(MemoryTest, DatagramsAreRefusedBeforeInOrderData) {
  auto [client, server] = Connect();
  ASSERT_NE(server, nullptr);
  auto receiver = world.b.NewUdpSocket(GetParam());
  ASSERT_EQ(receiver->Bind({cast.peer, 53}), Error::kOk);
  auto sender = world.a.NewUdpSocket(GetParam());
  Fill(14);
  EXPECT_EQ(StackWorld::SendTo(*sender, {cast.peer, 53}, Pattern(100)), Error::kOk);
  ASSERT_EQ(client->Write(Slice::Copy(Pattern(1000)), false), Error::kOk);
  world.Advance(milliseconds(100));
  EXPECT_FALSE(receiver->Receive().ok());
  EXPECT_EQ(Count(world.b, Udp("MemErrors")), 1u);
  EXPECT_EQ(server->ReadableBytes(), 1000u);
  Empty();
  EXPECT_EQ(StackWorld::SendTo(*sender, {cast.peer, 53}, Pattern(100)), Error::kOk);
  world.Settle();
  EXPECT_TRUE(receiver->Receive().ok());
}

TEST_P(MemoryTest, FragmentsAreRefusedFirstAndTheOldestGoes) {
  auto receiver = world.b.NewUdpSocket(GetParam());
  ASSERT_EQ(receiver->Bind({cast.peer, 53}), Error::kOk);
  auto sender = world.a.NewUdpSocket(GetParam());
  Fill(11);
  EXPECT_EQ(StackWorld::SendTo(*sender, {cast.peer, 53}, Pattern(3000)), Error::kOk);
  EXPECT_EQ(StackWorld::SendTo(*sender, {cast.peer, 53}, Pattern(300)), Error::kOk);
  world.Settle();
  Result<Datagram> got = receiver->Receive();
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(got->payload.size(), 300u);
  EXPECT_FALSE(receiver->Receive().ok());
  EXPECT_GE(Count(world.b, "Drop.ReassemblyMemory"), 3u);
  Empty();
}

TEST_P(MemoryTest, AFullBudgetLetsEveryConnectionGoOnSlowly) {
  auto [client, server] = Connect();
  ASSERT_NE(server, nullptr);
  Fill(15);
  // A reader whose queue is empty gets a segment at a time, a writer a little.
  const Bytes all = Pattern(30000);
  size_t written = 0, got = 0, back = 0;
  for (int round = 0; round < 20000 && (got < all.size() || back < 30000); ++round) {
    const size_t piece = std::min(client->WriteSpace(), all.size() - written);
    if (piece > 0) {
      ASSERT_EQ(client->Write(Slice::Copy({all.data() + written, piece}), false), Error::kOk);
      written += piece;
    }
    const size_t space = std::min(server->WriteSpace(), 30000 - back);
    if (space > 0) {
      ASSERT_EQ(server->Write(Slice::Copy(Pattern(space)), false), Error::kOk);
      back += space;
    }
    got += server->ReadableBytes();
    server->Consume(server->ReadableBytes());
    client->Consume(client->ReadableBytes());
    world.Advance(milliseconds(10));
    ASSERT_LE(world.b_memory.used(), kLimit);
  }
  EXPECT_EQ(got, all.size());
  EXPECT_EQ(back, 30000u);
  Empty();
}

TEST_P(MemoryTest, AStarvedWriterIsToldWhenThereIsMemoryAgain) {
  struct Observer : SocketObserver {
    void OnReady(uint32_t bits) override { seen |= bits; }
    uint32_t seen = 0;
  } observer;
  auto [client, server] = Connect();
  ASSERT_NE(server, nullptr);
  server->SetObserver(&observer);
  world.b_memory.Charge(ballast = world.b_memory.Room(MemoryUse::kReserve));
  EXPECT_EQ(server->WriteSpace(), 0u);
  world.Advance(seconds(1));
  EXPECT_EQ(observer.seen & ready::kWritable, 0u);
  Empty();
  world.Advance(seconds(1));
  EXPECT_NE(observer.seen & ready::kWritable, 0u);
  EXPECT_GT(server->WriteSpace(), 0u);
  server->SetObserver(nullptr);
}

TEST_P(MemoryTest, OrphansWithDataGoWhenMemoryIsScarce) {
  auto [client, server] = Connect();
  ASSERT_NE(server, nullptr);
  (void)Stuff(*server);  // its peer reads nothing
  Fill(13);
  server.reset();
  EXPECT_EQ(Count(world.b, "TcpExt.TCPAbortOnMemory"), 1u);
  // A probe into its closed window may have spoilt the RST's number; its next segment learns of it.
  (void)client->Write(Slice::Copy(Pattern(1)), false);
  world.Advance(seconds(1));
  EXPECT_EQ(client->TakeError(), Error::kConnectionReset);
  Empty();
}

TEST_P(MemoryTest, TcpMemIsTheBudgetAndMayOnlyBeLowered) {
  std::string text;
  ASSERT_TRUE(world.b.GetSysctl("ipv4.tcp_mem", &text).ok());
  EXPECT_EQ(text, "96\t128\t256");
  EXPECT_TRUE(world.b.SetSysctl("ipv4.tcp_mem", "10 20 32").ok());
  EXPECT_FALSE(world.b.SetSysctl("ipv4.tcp_mem", "10 20 257").ok());
  EXPECT_FALSE(world.b.SetSysctl("ipv4.tcp_mem", "30 20 32").ok());
  EXPECT_LE(world.b_memory.Room(MemoryUse::kReserve), 32u * 4096);
}

TEST_P(MemoryTest, RoutesAreChargedAndRefusedWhenTablesAreFull) {
  const bool v4 = GetParam() == Family::kIpv4;
  const size_t before = world.b_memory.used();
  RouteInfo route;
  route.destination = *Prefix::Parse(v4 ? "203.0.113.0/24" : "2001:db8:9::/48");
  route.type = RouteType::kBlackhole;
  ASSERT_TRUE(world.b.AddRoute(route).ok());
  const size_t with_route = world.b_memory.used();
  EXPECT_GT(with_route, before);
  Fill(14);
  route.metric = 7;
  EXPECT_EQ(world.b.AddRoute(route).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(Count(world.b, "Memory.FullRoutes"), 1u);
  EXPECT_EQ(Count(world.b, "Memory.RefusedTables"), 1u);
  // Those that come with an address are had all the same.
  const Prefix own = *Prefix::Parse(v4 ? "198.51.100.1/24" : "2001:db8:5::1/64");
  const size_t routes = world.b.Routes().size();
  AddressOptions at_once;
  at_once.no_dad = true;
  ASSERT_TRUE(world.b.AddAddress(kEth0, own, at_once).ok());
  EXPECT_EQ(world.b.Routes().size(), routes + 1);
  ASSERT_TRUE(world.b.RemoveAddress(kEth0, own).ok());
  Empty();
  EXPECT_TRUE(world.b.AddRoute(route).ok());
  ASSERT_TRUE(world.b.RemoveRoute(route).ok());
  EXPECT_EQ(world.b_memory.used(), with_route);
  route.metric = 0;
  ASSERT_TRUE(world.b.RemoveRoute(route).ok());
  EXPECT_EQ(world.b_memory.used(), before);
}

TEST_P(MemoryTest, MembershipsAreChargedAndRefusedWhenTablesAreFull) {
  const bool v4 = GetParam() == Family::kIpv4;
  const auto group = [v4](uint8_t n) {
    if (v4) return IpAddress::V4(239, 1, 1, n);
    return *IpAddress::Parse("ff05::10" + std::to_string(n));
  };
  const size_t before = world.b_memory.used();
  auto socket = world.b.NewUdpSocket(GetParam());
  ASSERT_EQ(socket->JoinGroup(group(1), kEth0), Error::kOk);
  EXPECT_GT(world.b_memory.used(), before);
  Fill(14);
  EXPECT_EQ(socket->JoinGroup(group(2), kEth0), Error::kNoBuffers);
  EXPECT_EQ(Count(world.b, "Memory.RefusedTables"), 1u);
  EXPECT_EQ(socket->LeaveGroup(group(1), kEth0), Error::kOk);  // giving back is always possible
  Empty();
  EXPECT_EQ(world.b_memory.used(), before);
  EXPECT_EQ(socket->JoinGroup(group(2), kEth0), Error::kOk);
  socket.reset();
  EXPECT_EQ(world.b_memory.used(), before);
}

TEST_P(MemoryTest, SocketFiltersAreChargedAndRefusedWhenTablesAreFull) {
  const auto filter = [](size_t instructions) {
    return *ClassicBpf::Verify(std::vector<BpfInstruction>(instructions, {.code = 6}));
  };
  const size_t before = world.b_memory.used();
  auto socket = world.b.NewPacketSocket(true, 0);
  ASSERT_EQ(socket->SetFilter(filter(4096)), Error::kOk);
  EXPECT_GE(world.b_memory.used(), before + 32768);
  ASSERT_EQ(socket->SetFilter(filter(1)), Error::kOk);  // in place of the other
  EXPECT_LT(world.b_memory.used(), before + 1024);
  Fill(14);
  EXPECT_EQ(socket->SetFilter(filter(4096)), Error::kNoMemory);
  EXPECT_EQ(Count(world.b, "Memory.RefusedTables"), 1u);
  EXPECT_TRUE(socket->has_filter());
  EXPECT_EQ(socket->SetFilter(std::nullopt), Error::kOk);  // giving back is always possible
  EXPECT_FALSE(socket->has_filter());
  Empty();
  EXPECT_EQ(world.b_memory.used(), before);
  EXPECT_EQ(socket->SetFilter(filter(4096)), Error::kOk);
  socket.reset();
  EXPECT_EQ(world.b_memory.used(), before);
}

// A route that memory refuses is not given up: the router goes on advertising it.
TEST(MemoryOfRouterDiscovery, WhatWasRefusedComesWithTheNextAdvertisement) {
  MemoryWorld world;
  ASSERT_TRUE(world.a.SetSysctl("ipv6.conf.eth0.accept_ra", "1").ok());
  ASSERT_TRUE(world.a.SetSysctl("ipv6.conf.eth0.accept_ra_rt_info_max_plen", "64").ok());
  world.Advance(seconds(3), milliseconds(100));
  // A default router, a prefix on the link, a route of its own.
  Bytes message(16);
  message[0] = icmpv6_type::kRouterAdvertisement;
  StoreBe16(&message[6], 1800);
  const Bytes prefix = {3,    4,    64,   0x80, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0,
                        0x20, 0x01, 0x0d, 0xb8, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  const Bytes more = {24, 2, 48, 0, 0, 0, 2, 0, 0x20, 0x01, 0x0d, 0xb8, 0, 7, 0, 0};
  message = message + prefix + more;
  const IpAddress router = Ip("fe80::a"), everybody = Ip("ff02::1");
  FixChecksum(router, everybody, ip_protocol::kIcmpV6, message);
  const Bytes frame =
      EthernetFrame(MulticastMac(everybody), kPeerMac, ethertype::kIpv6,
                    IpPacket(router, everybody, ip_protocol::kIcmpV6, message, kNdpHopLimit));
  const auto learned = [&] {
    const std::vector<RouteInfo> routes = world.a.Routes();
    return std::count_if(routes.begin(), routes.end(),
                         [](const RouteInfo& route) {
                           return route.protocol == kRouteByRouterAdvertisement;
                         });
  };
  PlannedFaults all = PlannedFaults::Nth(1, 1000);
  world.a_memory.SetFaults(&all);
  world.a.Receive(kEth0, ReceivedFrame(frame));
  EXPECT_EQ(learned(), 0);
  world.a_memory.SetFaults(nullptr);
  world.a.Receive(kEth0, ReceivedFrame(frame));
  EXPECT_EQ(learned(), 3);
}

}  // namespace
}  // namespace moat::netstack
