// What is answered, and how.
#include "conform/bench/case.h"
#include "conform/bench/socket.h"

namespace moat::conform {
namespace {

CONFORM_SUITE("arp");

// A request of the peer for the device's address, to be made wrong.
Frame Request(Bench& b) {
  b.StopAnswering();
  return ArpAsk(b.peer, b.device.ip4);
}

// The frame gets no reply, and the device still answers a right one.
void IsIgnored(Bench& b, const Frame& frame) {
  b.Send(frame);
  b.ExpectNothing(ArpReply());
  b.Send(ArpAsk(b.other, b.device.ip4));
  b.Expect(ArpReply() && Is(arp::kTargetIp, b.other.ip4));
}

// --- The reply ---------------------------------------------------------------------------------

CONFORM(1, MUST, "RFC 826, Packet Reception",
        "A request for the device's address is answered by a reply.") {
  b.Send(Request(b));
  b.Expect(ArpReply());
}

CONFORM(2, MUST, "RFC 826, Packet Reception",
        "The reply is sent to the asker's hardware address, not broadcast.") {
  b.Send(Request(b));
  b.Expect(ArpReply() && Is(eth::kDestination, b.peer.mac));
}

CONFORM(3, MUST, "RFC 826, Packet Reception",
        "The reply's sender hardware address is the one of the interface that was asked.") {
  b.Send(Request(b));
  b.Expect(ArpReply() && Is(arp::kSenderMac, b.device.mac) && Is(eth::kSource, b.device.mac));
}

CONFORM(4, MUST, "RFC 826, Packet Reception",
        "The reply's sender protocol address is the address that was asked for.") {
  b.Send(Request(b));
  b.Expect(ArpReply() && Is(arp::kSenderIp, b.device.ip4));
}

CONFORM(5, MUST, "RFC 826, Packet Reception",
        "The reply's target addresses are the sender addresses of the request.") {
  b.Send(Request(b));
  b.Expect(ArpReply() && Is(arp::kTargetMac, b.peer.mac) && Is(arp::kTargetIp, b.peer.ip4));
}

CONFORM(6, MUST, "RFC 826, Packet format",
        "The reply has hardware type 1, protocol type 0x0800 and address lengths 6 and 4.") {
  b.Send(Request(b));
  b.Expect(ArpReply() && Is(arp::kHardwareType, 1) && Is(arp::kProtocolType, 0x0800) &&
           Is(arp::kHardwareLength, 6) && Is(arp::kProtocolLength, 4));
}

CONFORM(7, MUST, "RFC 826, Packet Reception", "One request gets one reply.") {
  b.Send(Request(b));
  b.CheckEqual(static_cast<int64_t>(b.Collect(ArpReply(), 2s).size()), 1, "number of replies");
}

CONFORM(8, MUST, "RFC 826, Packet Reception",
        "The reply leaves by the interface that the request came in by, with its hardware address.",
        {.needs = kTwoPorts}) {
  b.StopAnswering();
  b.Send(ArpAsk(b.peer1, b.device1.ip4), 1);
  b.Expect(ArpReply() && OnPort(1) && Is(arp::kSenderMac, b.device1.mac) &&
           Is(eth::kSource, b.device1.mac));
  b.ExpectNothing(ArpReply() && OnPort(0));
}

CONFORM(9, MUST, "RFC 826, Packet Reception",
        "The reply is sent to the sender hardware address in the request, also when the frame came "
        "from another one.") {
  b.Send(Request(b).Set(eth::kSource, b.other.mac));
  b.Expect(ArpReply() && Is(eth::kDestination, b.peer.mac) && Is(arp::kTargetMac, b.peer.mac));
}

CONFORM(10, MUST, "RFC 1122 2.3.2.1",
        "A request that was sent by unicast (a poll) is answered.") {
  b.Send(Request(b).Set(eth::kDestination, b.device.mac));
  b.Expect(ArpReply() && Is(eth::kDestination, b.peer.mac));
}

CONFORM(11, MUST, "RFC 826, Packet Generation",
        "What the request has as target hardware address does not matter.") {
  b.Send(Request(b).Set(arp::kTargetMac, Mac("de:ad:be:ef:00:01")));
  b.Expect(ArpReply() && Is(eth::kDestination, b.peer.mac));
}

CONFORM(12, MUST, "RFC 894; RFC 826",
        "Bytes behind the request, as the padding of short frames, are ignored.") {
  b.Send(Request(b) / Raw(Bytes(18, 0xaa)));
  b.Expect(ArpReply() && Is(arp::kTargetIp, b.peer.ip4));
}

CONFORM(13, MUST, "RFC 5227 2.4; 2.1.1",
        "A probe (sender address 0.0.0.0) for the device's address is answered.") {
  b.Send(Request(b).Set(arp::kSenderIp, Ip("0.0.0.0")));
  b.Expect(ArpReply() && Is(arp::kSenderIp, b.device.ip4) && Is(arp::kSenderMac, b.device.mac));
}

CONFORM(14, MUST, "RFC 826, Packet Reception",
        "An asker whose hardware address has changed is answered at the new one.") {
  b.Send(Request(b));
  b.Expect(ArpReply() && Is(eth::kDestination, b.peer.mac));
  b.Send(Request(b).Set(arp::kSenderMac, b.other.mac).Set(eth::kSource, b.other.mac));
  b.Expect(ArpReply() && Is(eth::kDestination, b.other.mac));
}

CONFORM(15, MUST, "RFC 826, Packet Reception",
        "An address that is added to the interface is answered for.", {.needs = kAddresses}) {
  b.StopAnswering();
  b.AddAddress({"192.0.2.77", 24});
  b.Send(ArpAsk(b.peer, "192.0.2.77"));
  b.Expect(ArpReply() && Is(arp::kSenderIp, Ip("192.0.2.77")));
}

CONFORM(16, MUST, "RFC 826, Packet Reception",
        "An address that was removed is not answered for.", {.needs = kAddresses}) {
  b.StopAnswering();
  b.AddAddress({"192.0.2.77", 24});
  b.RemoveAddress({"192.0.2.77", 24});
  b.Send(ArpAsk(b.peer, "192.0.2.77"));
  b.ExpectNothing(ArpReply());
}

// --- What is not answered ----------------------------------------------------------------------

CONFORM(17, MUST, "RFC 826, Packet Reception",
        "A request of an unknown hardware type is not answered.") {
  for (const int type : {0, 2, 15, 0xffff}) {
    IsIgnored(b, Request(b).Set(arp::kHardwareType, type));
  }
}

CONFORM(18, MUST, "RFC 826, Packet Reception",
        "A request of an unknown protocol type is not answered.") {
  for (const int type : {0, 0x0801, 0x86dd}) {
    IsIgnored(b, Request(b).Set(arp::kProtocolType, type));
  }
}

CONFORM(19, MAY, "RFC 826, Packet Reception",
        "A request with a hardware address length that is not Ethernet's is not answered.") {
  for (const int length : {0, 5, 8}) IsIgnored(b, Request(b).Set(arp::kHardwareLength, length));
}

CONFORM(20, MAY, "RFC 826, Packet Reception",
        "A request with a protocol address length that is not IPv4's is not answered.") {
  for (const int length : {0, 3, 16}) IsIgnored(b, Request(b).Set(arp::kProtocolLength, length));
}

CONFORM(21, MUST, "RFC 826, Packet Reception", "An unknown operation is not answered.") {
  for (const int operation : {0, 3, 8, 25, 0xffff}) {
    IsIgnored(b, Request(b).Set(arp::kOperation, operation));
  }
}

CONFORM(22, MUST, "RFC 826, Packet Reception", "A reply is not answered.") {
  IsIgnored(b, Request(b).Set(arp::kOperation, arp::kReply));
}

CONFORM(23, MUST, "RFC 826, Packet Reception",
        "A request for another host's address is not answered.") {
  b.StopAnswering();
  IsIgnored(b, ArpAsk(b.peer, b.router.ip4));
}

CONFORM(24, MUST, "RFC 1122 1.2.2", "A request that is cut short is not answered.") {
  b.StopAnswering();
  for (const size_t size : {size_t{0}, size_t{7}, size_t{8}, size_t{20}, size_t{27}}) {
    const Frame whole = Request(b);
    IsIgnored(b, whole.layers()[0] / whole.layers()[1].Truncate(size));
  }
}

CONFORM(25, MUST, "RFC 1122 3.2.1.3", "A request for a loopback address is not answered.") {
  b.StopAnswering();
  IsIgnored(b, ArpAsk(b.peer, "127.0.0.1"));
}

CONFORM(26, MUST, "RFC 1112 6.4", "A request for a multicast address is not answered.") {
  b.StopAnswering();
  IsIgnored(b, ArpAsk(b.peer, "224.0.0.1"));
}

CONFORM(27, MUST, "RFC 1122 3.2.1.3", "A request for a broadcast address is not answered.") {
  b.StopAnswering();
  IsIgnored(b, ArpAsk(b.peer, "192.0.2.255"));
  IsIgnored(b, ArpAsk(b.peer, "255.255.255.255"));
}

CONFORM(28, MUST, "IEEE 802.3 4.2.9",
        "A request in a frame to another host's hardware address is not answered.") {
  IsIgnored(b, Request(b).Set(eth::kDestination, b.router.mac));
}

CONFORM(29, MUST, "RFC 1122 3.2.1.3",
        "A request from a broadcast or multicast protocol address is not answered.") {
  IsIgnored(b, Request(b).Set(arp::kSenderIp, Ip("255.255.255.255")));
  IsIgnored(b, Request(b).Set(arp::kSenderIp, Ip("224.0.0.1")));
}

CONFORM(30, SHOULD, "RFC 826; RFC 1812 3.3.2",
        "A flood of askers is answered, and does not take the device's ability to answer.") {
  b.StopAnswering();
  Node asker = b.peer;
  for (int i = 0; i < 2000; ++i) {
    asker.ip4 = Ip("192.0.2." + std::to_string(10 + i % 240));
    asker.mac.bytes[3] = static_cast<uint8_t>(i >> 8);
    asker.mac.bytes[4] = static_cast<uint8_t>(i);
    b.Send(ArpAsk(asker, b.device.ip4));
    if (i % 100 == 99) b.Wait(10ms);
  }
  b.Wait(200ms);
  b.Forget();
  b.Send(Request(b));
  b.Expect(ArpReply() && Is(eth::kDestination, b.peer.mac));
}

}  // namespace
}  // namespace moat::conform
