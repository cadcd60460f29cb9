// How the device asks, how often, and what happens to the packets meanwhile.
#include "conform/bench/case.h"
#include "conform/bench/socket.h"

namespace moat::conform {
namespace {

CONFORM_SUITE("arp");

CONFORM(44, MUST, "RFC 826, Packet Generation",
        "For a host on the link that is not known, a request is broadcast, and no packet sent.",
        {.needs = kPing}) {
  b.StopAnswering();
  b.Ping(b.peer.ip4);
  b.Expect(ArpRequestFor(b.peer.ip4) && Is(eth::kDestination, Mac::Broadcast()) &&
           Is(eth::kSource, b.device.mac));
  b.ExpectNothing(EchoRequest4());
}

CONFORM(45, MUST, "RFC 826, Packet Generation",
        "The request has the types and lengths of IPv4 over Ethernet and the device's addresses as "
        "sender.",
        {.needs = kPing}) {
  b.StopAnswering();
  b.Ping(b.peer.ip4);
  b.Expect(ArpRequest() && Is(arp::kHardwareType, 1) && Is(arp::kProtocolType, 0x0800) &&
           Is(arp::kHardwareLength, 6) && Is(arp::kProtocolLength, 4) &&
           Is(arp::kSenderMac, b.device.mac) && Is(arp::kSenderIp, b.device.ip4));
}

CONFORM(46, MUST, "RFC 1122 3.3.1.1",
        "For a host that is not on the link, the gateway is asked for.", {.needs = kPing}) {
  b.StopAnswering();
  b.Ping(b.remote.ip4);
  b.Expect(ArpRequest() && Is(arp::kTargetIp, b.router.ip4));
  b.Send(ArpAnswer(b.router, b.device));
  b.Expect(EchoRequest4() && To(b.remote.ip4) && Is(eth::kDestination, b.router.mac));
}

CONFORM(47, SHOULD, "RFC 1122 2.3.2.2",
        "The packet that caused the request is sent when the reply comes; of several, at least the "
        "latest.",
        {.needs = kUdp}) {
  b.StopAnswering();
  Socket socket = b.OpenUdp();
  for (uint8_t i = 0; i < 3; ++i) socket.SendTo({b.peer.ip4, 9}, Bytes(10, i));
  b.Expect(ArpRequestFor(b.peer.ip4));
  b.Send(ArpAnswer(b.peer, b.device));
  b.Expect(UdpTo(9) && PayloadIs(Bytes(10, 2)) && Is(eth::kDestination, b.peer.mac));
}

CONFORM(48, MUST, "RFC 1122 2.3.2.1",
        "However much is sent to a host that does not answer, requests do not flood: one a second.",
        {.needs = kPing}) {
  b.StopAnswering();
  for (int i = 0; i < 20; ++i) {
    b.Ping(b.peer.ip4);
    b.Wait(100ms);
  }
  const std::vector<Packet> requests = b.Collect(ArpRequestFor(b.peer.ip4), 100ms);
  b.Check(!requests.empty(), "no request at all");
  for (size_t i = 1; i < requests.size(); ++i) {
    const double gap = std::chrono::duration<double>(requests[i].time() - requests[i - 1].time())
                           .count();
    b.CheckBetween(gap, 0.9, 1000, "seconds between two requests");
  }
}

CONFORM(49, SHOULD, "RFC 1122 2.3.2.2; 3.3.1.6",
        "A program whose packets cannot be delivered because nobody answers is told: host "
        "unreachable.",
        {.needs = kUdp}) {
  b.StopAnswering();
  Socket socket = b.OpenUdp();
  socket.Set(Option::kReceiveErrors, 1);
  socket.Connect({b.peer.ip4, 9});
  socket.Send(Pattern(10));
  socket.ExpectError(EHOSTUNREACH, 10s);
}

CONFORM(50, MUST, "RFC 1122 2.3.2.1",
        "An entry that was not confirmed for minutes is checked (polled or asked anew) when it is "
        "used.",
        {.needs = kPing}) {
  b.StopAnswering();
  b.Ping(b.peer.ip4);
  b.Expect(ArpRequestFor(b.peer.ip4));
  b.Send(ArpAnswer(b.peer, b.device));
  b.Expect(EchoRequest4());
  b.Wait(65s);
  b.Forget();
  b.Ping(b.peer.ip4);
  b.Expect(ArpRequestFor(b.peer.ip4), 10s);
}

CONFORM(51, MUST, "RFC 1122 2.3.2.1",
        "A host that has gone, or has another hardware address, is found out: polls without answer "
        "end in asking everybody.",
        {.needs = kPing}) {
  b.StopAnswering();
  b.Send(ArpAsk(b.peer, b.device.ip4));
  b.Expect(ArpReply());
  for (int i = 0; i < 14; ++i) {
    b.Ping(b.peer.ip4);
    b.Wait(1s);
  }
  b.Expect(ArpRequestFor(b.peer.ip4) && Is(eth::kDestination, Mac::Broadcast()), 5s);
}

CONFORM(52, MUST, "RFC 1122 2.4; RFC 1112 6.4",
        "Nobody is asked for broadcast and multicast destinations: their link address is computed.",
        {.needs = kUdp}) {
  b.StopAnswering();
  Socket socket = b.OpenUdp();
  socket.Set(Option::kBroadcast, 1);
  socket.SendTo({"192.0.2.255", 9}, Pattern(10));
  b.Expect(UdpTo(9) && To("192.0.2.255") && Is(eth::kDestination, Mac::Broadcast()));
  socket.SendTo({"224.1.2.3", 9}, Pattern(10));
  b.Expect(UdpTo(9) && To("224.1.2.3") && Is(eth::kDestination, GroupMac("224.1.2.3")));
  b.ExpectNothing(ArpRequest());
}

CONFORM(53, MUST, "RFC 1122 3.3.1.5",
        "When a default gateway does not answer, another one is used, of a larger metric.",
        {.needs = kPing | kRoutes}) {
  b.StopAnswering(b.router);
  b.AddRoute({"0.0.0.0", 0}, b.peer.ip4, 0, /*metric=*/100);
  for (int i = 0; i < 10; ++i) {
    b.Ping(b.remote.ip4);
    b.Wait(1s);
  }
  b.Expect(EchoRequest4() && To(b.remote.ip4) && Is(eth::kDestination, b.peer.mac));
}

}  // namespace
}  // namespace moat::conform
