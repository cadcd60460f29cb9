#include "netstack/stack/memory_fault_stories.h"

#include "netstack/ip/routing_table.h"

namespace moat::netstack {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// --- Words ---------------------------------------------------------------------------------------

// One direction of a byte stream.
struct Stream {
  TcpSocket& from;
  TcpSocket& to;
  Bytes all;
  size_t written = 0;
  Bytes got{};
  bool ended = false;

  bool done() const { return ended && got.size() == all.size(); }
  // True when something moved.
  void Step() {
    const size_t piece = std::min({from.WriteSpace(), all.size() - written, size_t{8192}});
    if (piece > 0 && from.Write(Slice::Copy({all.data() + written, piece}), false) == Error::kOk) {
      written += piece;
      if (written == all.size()) (void)from.Shutdown(ShutdownHow::kWrite);
    }
    std::span<const uint8_t> pieces[16];
    const size_t count = to.Peek(pieces);
    size_t bytes = 0;
    for (size_t i = 0; i < count; ++i) {
      got.insert(got.end(), pieces[i].begin(), pieces[i].end());
      bytes += pieces[i].size();
    }
    if (bytes > 0) to.Consume(bytes);
    ended = ended || (to.AtEndOfStream() && (to.Ready() & ready::kClosed) == 0) ||
            (to.AtEndOfStream() && got.size() == all.size());
  }
};

struct Pair {
  std::unique_ptr<TcpSocket> client, server;
};

// A connection from a to b's `listener`, as often as it takes.
Pair Connected(MemoryWorld& world, TcpSocket& listener, const Endpoint& to) {
  Pair pair;
  for (int attempt = 0; attempt < 20 && pair.server == nullptr; ++attempt) {
    pair.client = world.a.NewTcpSocket(to.address.family());
    (void)pair.client->Connect(to);
    for (int wait = 0; wait < 40 && pair.server == nullptr; ++wait) {
      world.Advance(milliseconds(250), milliseconds(50));
      Result<std::unique_ptr<TcpSocket>> accepted = listener.Accept();
      if (!accepted.ok()) continue;
      const Result<Endpoint> remote = (*accepted)->Remote();  // an earlier attempt's, perhaps
      if (remote.ok() && remote->port == pair.client->Local().port)
        pair.server = std::move(*accepted);
    }
  }
  EXPECT_NE(pair.server, nullptr);
  return pair;
}

std::unique_ptr<TcpSocket> Listening(MemoryWorld& world, const Endpoint& at) {
  auto listener = world.b.NewTcpSocket(at.address.family());
  EXPECT_EQ(listener->Bind(at), Error::kOk);
  EXPECT_EQ(listener->Listen(5), Error::kOk);
  return listener;
}

Error SendDatagram(DatagramSocket& socket, const Endpoint& to, size_t size) {
  return StackWorld::SendTo(socket, to, Pattern(size));
}

Error SendEcho(DatagramSocket& socket, const IpAddress& to, size_t size) {
  Bytes message(kIcmpHeaderSize);
  EmitIcmp(message.data(), to.is_v4() ? icmpv4_type::kEchoRequest : icmpv6_type::kEchoRequest, 0,
           1);
  return StackWorld::SendTo(socket, {to, 0}, message + Pattern(size));
}

// --- Stories -------------------------------------------------------------------------------------

void Transfer(MemoryWorld& world, const Cast& cast, const std::function<void()>& memory_is_back) {
  auto listener = Listening(world, {cast.peer, 80});
  Pair pair = Connected(world, *listener, {cast.peer, 80});
  ASSERT_NE(pair.server, nullptr);
  Stream there{*pair.client, *pair.server, Pattern(50000)};
  Stream back{*pair.server, *pair.client, Pattern(30000)};
  for (int round = 0; round < 20000 && !(there.done() && back.done()); ++round) {
    if (round == 100) memory_is_back();
    there.Step();
    back.Step();
    world.Advance(milliseconds(10), milliseconds(10));
  }
  EXPECT_TRUE(there.got == there.all);
  EXPECT_TRUE(back.got == back.all);
}

void LoopbackTransfer(MemoryWorld& world, const Cast& cast,
                      const std::function<void()>& memory_is_back) {
  const IpAddress lo = cast.own.is_v4() ? Ip("127.0.0.1") : Ip("::1");
  auto listener = world.a.NewTcpSocket(lo.family());
  EXPECT_EQ(listener->Bind({lo, 80}), Error::kOk);
  EXPECT_EQ(listener->Listen(5), Error::kOk);
  Pair pair = Connected(world, *listener, {lo, 80});
  ASSERT_NE(pair.server, nullptr);
  Stream there{*pair.client, *pair.server, Pattern(200000)};
  for (int round = 0; round < 20000 && !there.done(); ++round) {
    if (round == 50) memory_is_back();
    there.Step();
    world.Advance(milliseconds(10), milliseconds(10));
  }
  EXPECT_TRUE(there.got == there.all);
}

void Datagrams(MemoryWorld& world, const Cast& cast, const std::function<void()>& memory_is_back) {
  auto server = world.b.NewUdpSocket(cast.peer.family());
  ASSERT_EQ(server->Bind({cast.peer, 53}), Error::kOk);
  auto client = world.a.NewUdpSocket(cast.own.family());
  const auto exchange = [&](size_t size) {
    (void)SendDatagram(*client, {cast.peer, 53}, size);
    world.Settle();
    Result<Datagram> request = server->Receive();
    if (!request.ok()) return false;
    (void)SendDatagram(*server, request->source, size);
    world.Settle();
    return client->Receive().ok();
  };
  for (size_t size : {0, 100, 1472, 4000, 20000, 1}) (void)exchange(size);
  (void)SendDatagram(*client, {cast.peer, 53}, 3000);  // stays in the queue until the socket goes
  world.Settle();
  memory_is_back();
  while (server->Receive().ok()) {
  }
  world.Advance(seconds(4));  // a failed resolution may be tried again
  bool good = false;
  for (int i = 0; i < 5 && !good; ++i) good = exchange(8000);
  EXPECT_TRUE(good);
}

void Resolution(MemoryWorld& world, const Cast& cast, const std::function<void()>& memory_is_back) {
  auto socket = world.a.NewUdpSocket(cast.own.family());
  socket->SetQueueErrors(true);
  const Bytes base(cast.own.data(), cast.own.data() + 16);
  for (int i = 0; i < 3; ++i) {
    (void)SendDatagram(*socket, {cast.other, 9}, 2000);  // nobody there: queued, then errors
    (void)SendDatagram(*socket, {cast.peer, 9}, 100);    // nobody listens: port unreachable
    world.Advance(seconds(2), milliseconds(100));
  }
  world.a.FlushNeighbors(0);
  memory_is_back();
  while (socket->TakeQueuedError().has_value()) {
  }
  (void)socket->TakeError();
  bool told = false;
  for (int i = 0; i < 5 && !told; ++i) {
    (void)SendDatagram(*socket, {cast.peer, 9}, 100);
    world.Advance(seconds(2), milliseconds(100));
    told = socket->TakeQueuedError().has_value();
  }
  EXPECT_TRUE(told);
  (void)SendDatagram(*socket, {cast.other, 9}, 100);  // left to wait
}

void Echo(MemoryWorld& world, const Cast& cast, const std::function<void()>& memory_is_back) {
  auto socket = world.a.NewPingSocket(cast.own.family());
  for (size_t size : {56, 3000, 0, 9000}) {
    (void)SendEcho(*socket, cast.peer, size);
    (void)SendEcho(*socket, cast.own, size);
    world.Settle();
  }
  memory_is_back();
  while (socket->Receive().ok()) {
  }
  (void)socket->TakeError();
  world.Advance(seconds(4));
  bool good = false;
  for (int i = 0; i < 5 && !good; ++i) {
    (void)SendEcho(*socket, cast.peer, 2000);
    world.Settle();
    good = socket->Receive().ok();
  }
  EXPECT_TRUE(good);
}

void Groups(MemoryWorld& world, const Cast& cast, const std::function<void()>& memory_is_back) {
  const bool v4 = cast.own.is_v4();
  const IpAddress group = v4 ? Ip("224.0.1.5") : Ip("ff02::1:5");
  const auto member = [&](Stack& stack) {
    auto socket = stack.NewUdpSocket(group.family());
    EXPECT_EQ(socket->Bind({IpAddress::Any(group.family()), 5000}), Error::kOk);
    Error joined = Error::kNoBuffers;  // what a program is told while memory is short
    for (int i = 0; i < 100 && joined == Error::kNoBuffers; ++i) {
      joined = socket->JoinGroup(group, kEth0);
    }
    EXPECT_EQ(joined, Error::kOk);
    return socket;
  };
  auto here = member(world.a);
  auto there = member(world.b);
  auto sender = world.a.NewUdpSocket(group.family());
  SocketOptions options = sender->options();
  options.multicast_interface = kEth0;
  sender->SetOptions(options);
  const Endpoint to{group, 5000, v4 ? 0 : kEth0};
  for (size_t size : {10, 5000, 200}) {
    (void)SendDatagram(*sender, to, size);
    world.Advance(seconds(1), milliseconds(100));
  }
  memory_is_back();
  while (here->Receive().ok()) {
  }
  while (there->Receive().ok()) {
  }
  (void)sender->TakeError();
  bool heard_here = false, heard_there = false;
  for (int i = 0; i < 5 && !(heard_here && heard_there); ++i) {
    (void)SendDatagram(*sender, to, 3000);
    world.Settle();
    heard_here = heard_here || here->Receive().ok();
    heard_there = heard_there || there->Receive().ok();
  }
  EXPECT_TRUE(heard_here && heard_there);
}

// Connections come and go in all ways: closed from either side, reset, never accepted, orphaned
// with data.
void Churn(MemoryWorld& world, const Cast& cast, const std::function<void()>& memory_is_back) {
  auto listener = Listening(world, {cast.peer, 80});
  std::vector<std::unique_ptr<TcpSocket>> accepted;
  for (int i = 0; i < 12; ++i) {
    auto client = world.a.NewTcpSocket(cast.own.family());
    (void)client->Connect({cast.peer, 80});
    world.Advance(milliseconds(50), milliseconds(10));
    if (Result<std::unique_ptr<TcpSocket>> one = listener->Accept(); one.ok() && i % 4 != 3) {
      accepted.push_back(std::move(*one));
    }
    if (client->WriteSpace() >= 3000) (void)client->Write(Slice::Copy(Pattern(3000)), false);
    if (i % 3 == 1) client->Abort();
    if (i % 5 == 2 && !accepted.empty()) accepted.pop_back();
    if (i % 3 != 2) client.reset();
    world.Advance(milliseconds(20), milliseconds(10));
  }
  accepted.clear();
  memory_is_back();
  listener.reset();
  world.Advance(seconds(1));
  listener = Listening(world, {cast.peer, 81});
  Pair pair = Connected(world, *listener, {cast.peer, 81});
  ASSERT_NE(pair.server, nullptr);
  Stream there{*pair.client, *pair.server, Pattern(5000)};
  for (int round = 0; round < 1000 && !there.done(); ++round) {
    there.Step();
    world.Advance(milliseconds(50), milliseconds(50));
  }
  EXPECT_TRUE(there.got == there.all);
}

// b forwards from the link to a narrower one behind it: static routes, forwarding, errors, path
// MTUs, fragments.
void Routing(MemoryWorld& world, const Cast& cast, const std::function<void()>& memory_is_back) {
  constexpr InterfaceIndex kFarSide = 3;
  const bool v4 = cast.own.is_v4();
  const IpAddress far = Ip(v4 ? "203.0.113.2" : "2001:db8:1::2");
  const Prefix beyond = *Prefix::Parse(v4 ? "203.0.113.0/24" : "2001:db8:1::/64");
  const char* forwarding = v4 ? "ipv4.ip_forward" : "ipv6.conf.all.forwarding";
  // What configures the stack is told that there is no memory, and tries again.
  const auto insist = [](const std::function<absl::Status()>& call) {
    absl::Status status;
    for (int i = 0; i < 200; ++i) {
      status = call();
      if (status.ok() || absl::IsAlreadyExists(status)) return;
    }
    ADD_FAILURE() << status.ToString();
  };
  ChannelLink far_link;
  insist([&] { return world.b.SetSysctl(forwarding, "1"); });
  insist([&] {
    return world.b.AddInterface({.index = kFarSide, .name = "eth1", .mac = kOtherMac, .mtu = 1300,
                                 .up = true, .running = true, .link = &far_link});
  });
  AddressOptions at_once;
  at_once.no_dad = true;
  insist([&] {
    return world.b.AddAddress(
        kFarSide, *Prefix::Parse(v4 ? "203.0.113.1/24" : "2001:db8:1::1/64"), at_once);
  });
  const auto know = [&] {
    return world.b.AddNeighbor({kFarSide, far, kOtherMac, NeighborState::kPermanent, false});
  };
  RouteInfo route;
  route.destination = beyond;
  route.gateway = cast.peer;
  route.interface = kEth0;
  insist([&] { return world.a.AddRoute(route); });
  (void)know();

  auto socket = world.a.NewUdpSocket(cast.own.family());
  for (const size_t size : {100, 1400, 1400, 3000, 1400}) {
    (void)SendDatagram(*socket, {far, 9}, size);
    world.Advance(seconds(1), milliseconds(100));
  }
  memory_is_back();
  insist(know);
  (void)socket->TakeError();
  world.Advance(seconds(5), milliseconds(100));
  bool arrived = false;
  for (int i = 0; i < 8 && !arrived; ++i) {
    far_link.Clear();
    (void)SendDatagram(*socket, {far, 9}, 1400);  // too big at first
    world.Advance(seconds(2), milliseconds(100));
    while (!far_link.sent().empty()) {
      const ParsedFrame frame = ParseFrame(far_link.TakeFrame());
      arrived = arrived || (frame.destination == far && frame.fragment_offset != 0);
    }
    (void)socket->TakeError();
  }
  EXPECT_TRUE(arrived);
  socket.reset();
  insist([&] { return world.b.RemoveInterface(kFarSide); });
  insist([&] { return world.b.SetSysctl(forwarding, "0"); });
  insist([&] { return world.a.RemoveRoute(route); });
}

void RawAndPacketSockets(MemoryWorld& world, const Cast& cast,
                         const std::function<void()>& memory_is_back) {
  const bool v4 = cast.own.is_v4();
  auto raw = world.a.NewRawSocket(cast.own.family(),
                                  v4 ? ip_protocol::kIcmp : ip_protocol::kIcmpV6);
  auto watch = world.a.NewPacketSocket(true, frame_protocol::kAll);
  auto sender = world.a.NewPacketSocket(true, 0);
  const auto ask = [&](size_t size) {
    const uint8_t type = v4 ? uint8_t{icmpv4_type::kEchoRequest}
                            : uint8_t{icmpv6_type::kEchoRequest};
    (void)StackWorld::SendTo(*raw, {cast.peer, 0},
                             IcmpMessage(cast.own, cast.peer, type, 0, 0x00010001, Pattern(size)));
    const Bytes frame = EthernetFrame(
        kPeerMac, kOwnMac, v4 ? ethertype::kIpv4 : ethertype::kIpv6,
        IpPacket(cast.own, cast.peer, ip_protocol::kUdp,
                 UdpDatagram(cast.own, cast.peer, 1, 9, Pattern(size % 1400))));
    const std::span<const uint8_t> piece = frame;
    (void)sender->Send({&piece, 1}, LinkName{.interface = kEth0});
    world.Settle();
  };
  const auto heard = [&] {
    bool raws = false, frames = false;
    while (raw->Receive().ok()) raws = true;
    while (watch->Receive().ok()) frames = true;
    (void)raw->TakeError();
    return raws && frames;
  };
  for (const size_t size : {56, 3000, 0, 9000}) ask(size);
  (void)heard();
  ask(2000);  // what is queued stays over the change
  memory_is_back();
  (void)heard();
  world.Advance(seconds(4));
  bool good = false;
  for (int i = 0; i < 5 && !good; ++i) {
    ask(2000);
    good = heard();
  }
  EXPECT_TRUE(good);
  ask(500);  // left in the queues
}

// b is a's router, and says so every few seconds.
void RouterAdvertisements(MemoryWorld& world, const Cast&,
                          const std::function<void()>& memory_is_back) {
  const auto set = [](Stack& stack, const char* name, const char* value) {
    EXPECT_TRUE(stack.SetSysctl(name, value).ok()) << name;
  };
  for (Stack* stack : {&world.a, &world.b}) {
    AddressOptions at_once;
    at_once.no_dad = true;
    EXPECT_TRUE(stack
                    ->AddAddress(kEth0,
                                 *Prefix::Parse(stack == &world.a ? "fe80::1/64" : "fe80::2/64"),
                                 at_once)
                    .ok());
  }
  set(world.b, "ipv6.conf.all.forwarding", "1");
  RouterAdvertisementOptions options;
  options.max_interval = 4;
  options.min_interval = 3;
  options.mtu = 1400;
  options.prefixes.push_back({*Prefix::Parse("2001:db8:5::/64")});
  options.name_servers.push_back(Ip("2001:db8:5::53"));
  EXPECT_TRUE(world.b.SetRouterAdvertisement(kEth0, options).ok());
  set(world.a, "ipv6.conf.eth0.accept_ra", "1");
  world.Advance(seconds(10), milliseconds(100));
  memory_is_back();
  world.Advance(seconds(30), milliseconds(100));
  const auto learned = [&](const char* prefix) {
    const std::vector<RouteInfo> routes = world.a.Routes();
    return std::any_of(routes.begin(), routes.end(), [&](const RouteInfo& route) {
      return route.protocol == kRouteByRouterAdvertisement &&
             route.destination == *Prefix::Parse(prefix);
    });
  };
  EXPECT_TRUE(learned("::/0"));
  EXPECT_TRUE(learned("2001:db8:5::/64"));
  const std::vector<AddressInfo> addresses = world.a.Addresses();
  EXPECT_TRUE(std::any_of(addresses.begin(), addresses.end(), [](const AddressInfo& address) {
    return address.options.autoconfigured && !address.tentative;
  }));
  EXPECT_EQ(world.a.NameServers().size(), 1u);
  set(world.a, "ipv6.conf.eth0.accept_ra", "0");
  EXPECT_TRUE(world.b.StopRouterAdvertisement(kEth0).ok());
  set(world.b, "ipv6.conf.all.forwarding", "0");
  world.Advance(seconds(10), milliseconds(100));
  EXPECT_FALSE(learned("::/0"));
  EXPECT_TRUE(world.a.RemoveAddress(kEth0, *Prefix::Parse("fe80::1/64")).ok());
  EXPECT_TRUE(world.b.RemoveAddress(kEth0, *Prefix::Parse("fe80::2/64")).ok());
}

// RFC 7413: the first connection brings a cookie, the next ones begin with text.
void FastOpen(MemoryWorld& world, const Cast& cast, const std::function<void()>& memory_is_back) {
  for (Stack* stack : {&world.a, &world.b}) {
    EXPECT_TRUE(stack->SetSysctl("ipv4.tcp_fastopen", "3").ok());
  }
  auto listener = world.b.NewTcpSocket(cast.peer.family());
  EXPECT_EQ(listener->Bind({cast.peer, 80}), Error::kOk);
  TcpOptions queue = listener->tcp_options();
  queue.fast_open_queue = 4;
  listener->SetTcpOptions(queue);
  EXPECT_EQ(listener->Listen(5), Error::kOk);
  const auto talk = [&] {
    auto client = world.a.NewTcpSocket(cast.own.family());
    TcpOptions options = client->tcp_options();
    options.fast_open_connect = true;
    client->SetTcpOptions(options);
    (void)client->Connect({cast.peer, 80});
    Bytes got;
    bool written = false;
    std::unique_ptr<TcpSocket> server;
    for (int wait = 0; wait < 100 && got.size() < 300; ++wait) {
      written = written || client->Write(Slice::Copy(Pattern(300)), false) == Error::kOk;
      world.Advance(milliseconds(50), milliseconds(50));
      if (Result<std::unique_ptr<TcpSocket>> one = listener->Accept(); one.ok()) {
        server = std::move(*one);
      }
      if (server == nullptr) continue;
      std::span<const uint8_t> pieces[4];
      const size_t count = server->Peek(pieces);
      for (size_t i = 0; i < count; ++i) {
        got.insert(got.end(), pieces[i].begin(), pieces[i].end());
      }
      server->Consume(server->ReadableBytes());
    }
    return got == Pattern(300);
  };
  for (int i = 0; i < 4; ++i) (void)talk();
  memory_is_back();
  world.Advance(seconds(1));
  while (listener->Accept().ok()) {
  }
  bool good = false;
  for (int i = 0; i < 4 && !good; ++i) good = talk();
  EXPECT_TRUE(good);
}

const FaultStory kStories[] = {
    {"Transfer", 11, Transfer},     {"Loopback", 0, LoopbackTransfer}, {"Datagrams", 0, Datagrams},
    {"Resolution", 0, Resolution},  {"Echo", 0, Echo},                 {"Groups", 0, Groups},
    {"Churn", 9, Churn},            {"Routing", 0, Routing},
    {"RawAndPacketSockets", 0, RawAndPacketSockets},
    {"RouterAdvertisements", 0, RouterAdvertisements, /*v6_only=*/true},
    {"FastOpen", 0, FastOpen},
};

}  // namespace

std::span<const FaultStory> FaultStories() { return kStories; }

}  // namespace moat::netstack
