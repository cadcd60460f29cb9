// The IPv6 header: which packets are the device's, and what its fields mean.
#include "conform/suites/ipv6/answers.h"

namespace moat::conform {
namespace {

CONFORM_SUITE("ipv6");

// --- Fields ------------------------------------------------------------------------------------

CONFORM(1, MUST, "RFC 8200 3",
        "A packet to the device's address is delivered to the upper layer.") {
  b.Send(Ping6(b.peer, b.device, 100));
  b.Expect(EchoReply6() && From(b.device.ip6) && To(b.peer.ip6) && PayloadIs(Pattern(100)));
}

CONFORM(2, MUST, "RFC 8200 3", "A packet with a version other than 6 is not processed.") {
  for (const int version : {0, 4, 5, 7, 15}) {
    IsIgnored(b, Ping6(b.peer, b.device).Set(ipv6::kVersion, version));
  }
}

CONFORM(3, MUST, "RFC 8200 7", "A packet is accepted whatever its traffic class.") {
  for (const int traffic_class : {0x01, 0x20, 0xb8, 0xfc}) {
    IsAnswered(b, Ping6(b.peer, b.device).Set(ipv6::kTrafficClass, traffic_class));
  }
}

CONFORM(4, MUST, "RFC 6437 2", "A packet is accepted whatever its flow label.") {
  for (const int label : {1, 0x12345, 0xfffff}) {
    IsAnswered(b, Ping6(b.peer, b.device).Set(ipv6::kFlowLabel, label));
  }
}

CONFORM(5, MUST, "RFC 8200 3",
        "The payload length of what the device sends counts everything behind the header.") {
  for (const size_t size : {size_t{0}, size_t{1}, size_t{1000}}) {
    b.Send(Ping6(b.peer, b.device, size));
    b.Expect(EchoReply6() && Is(ipv6::kVersion, 6) && Is(ipv6::kPayloadLength, 8 + size));
  }
}

CONFORM(6, MUST, "RFC 8200 3; RFC 2464 2",
        "Bytes of the frame behind the payload length are not part of the packet.") {
  b.SendBytes(Join({Ping6(b.peer, b.device, 4).Build(), Bytes(18, 0xaa)}));
  b.Expect(EchoReply6() && PayloadIs(Pattern(4)));
}

CONFORM(7, MUST, "RFC 8200 3", "A packet with less payload than its payload length is discarded.") {
  for (const int length : {41, 48, 1000, 0xffff}) {
    IsIgnored(b, Ping6(b.peer, b.device, 32).Set(ipv6::kPayloadLength, length));
  }
}

CONFORM(8, MUST, "RFC 8200 3; RFC 4443 4.1",
        "A packet whose payload is too short for the upper layer's header is discarded.") {
  for (const int length : {1, 4, 7}) {
    IsIgnored(b, Ping6(b.peer, b.device, 32).Set(ipv6::kPayloadLength, length));
  }
}

CONFORM(9, MUST, "RFC 8200 3; RFC 2675 3",
        "A packet with payload length 0 and no jumbo payload option has no payload.") {
  IsIgnored(b, Ping6(b.peer, b.device).Set(ipv6::kPayloadLength, 0));
}

CONFORM(10, MUST, "RFC 8200 3", "A packet that arrives with hop limit 1 is processed.") {
  IsAnswered(b, Ping6(b.peer, b.device).Set(ipv6::kHopLimit, 1));
}

CONFORM(11, SHOULD, "RFC 8200 3", "A packet that arrives with hop limit 0 is processed.") {
  IsAnswered(b, Ping6(b.peer, b.device).Set(ipv6::kHopLimit, 0));
}

CONFORM(12, MUST, "RFC 8200 3", "The hop limit of an answer is not that of the request.") {
  for (const int limit : {1, 2, 99}) {
    b.Send(Ping6(b.peer, b.device).Set(ipv6::kHopLimit, limit));
    const Packet reply = b.Expect(EchoReply6());
    b.CheckPacket(reply, IsNot(ipv6::kHopLimit, limit));
  }
}

CONFORM(13, MUST, "RFC 3542 6.3", "A program sets the hop limit of its packets.", {.needs = kUdp}) {
  Socket socket = b.OpenUdp(true);
  socket.Set(Option::kHopLimit, 7);
  socket.SendTo({b.peer.ip6, 4000}, Pattern(10));
  b.Expect(UdpTo(4000) && Is(ipv6::kHopLimit, 7));
}

CONFORM(14, MUST, "RFC 8200 7", "The traffic class of packets is 0 when nobody has set it.",
        {.needs = kUdp}) {
  Socket socket = b.OpenUdp(true);
  socket.SendTo({b.peer.ip6, 4000}, Pattern(10));
  b.Expect(UdpTo(4000) && Is(ipv6::kTrafficClass, 0));
}

CONFORM(15, MUST, "RFC 8200 7", "A program sets the traffic class of its packets.",
        {.needs = kUdp}) {
  Socket socket = b.OpenUdp(true);
  socket.Set(Option::kTrafficClass, 0xb8);
  socket.SendTo({b.peer.ip6, 4000}, Pattern(10));
  b.Expect(UdpTo(4000) && Is(ipv6::kTrafficClass, 0xb8));
}

// --- Addresses ---------------------------------------------------------------------------------

CONFORM(16, MUST, "RFC 8200 3; RFC 4861 6.2",
        "A host neither takes nor forwards a packet to another node's address.") {
  b.Send((Eth(b.device.mac, b.peer.mac) / Ipv6(b.peer.ip6, b.other.ip6)) / Echo());
  b.ExpectNothing(EchoReply6() || EchoRequest6());
  IsAlive(b);
}

CONFORM(17, MUST, "RFC 4291 2.5.2", "A packet to the unspecified address is not accepted.") {
  IsIgnored(b, Ping6(b.peer, b.device).Set(ipv6::kDestination, Ip("::")));
}

CONFORM(18, MUST, "RFC 4291 2.5.3", "A packet from the link to the loopback address is dropped.") {
  IsIgnored(b, Ping6(b.peer, b.device).Set(ipv6::kDestination, Ip("::1")));
}

CONFORM(19, MUST, "RFC 4291 2.5.3", "A packet from the loopback address is not answered.") {
  IsIgnored(b, Ping6(b.peer, b.device).Set(ipv6::kSource, Ip("::1")));
}

CONFORM(20, MUST, "RFC 4291 2.7", "A packet from a multicast address is not answered.") {
  IsIgnored(b, Ping6(b.peer, b.device).Set(ipv6::kSource, Ip("ff02::2")));
}

CONFORM(21, MUST, "RFC 4291 2.5.2",
        "A packet from the unspecified address is not answered to it.") {
  b.Send(Ping6(b.peer, b.device).Set(ipv6::kSource, Ip("::")));
  b.ExpectNothing(EchoReply6() || To("::"));
  IsAlive(b);
}

CONFORM(22, MUST, "RFC 4291 2.8", "The device is in the group of all nodes, ff02::1.") {
  IsAnswered(b, ToAllNodes(b) / Echo());
}

CONFORM(23, MUST, "RFC 4291 2.8",
        "The device is in the solicited-node groups of its global and its link-local address.",
        {.needs = kAddresses}) {
  b.AddAddress({"2001:db8::12:3456", 64});
  b.Wait(500ms);
  for (const Ip& address : {b.device.ip6, b.device.link_local, Ip("2001:db8::12:3456")}) {
    IsAnswered(b, Ip6ToGroup(b.peer, SolicitedNode(address)) / Echo());
  }
}

CONFORM(24, MUST, "RFC 4291 2.7", "A packet to a group that nobody has joined is not accepted.") {
  IsIgnored(b, Ip6ToGroup(b.peer, "ff02::1234") / Echo());
  IsIgnored(b, Ip6ToGroup(b.peer, "ff02::2") / Echo());
}

CONFORM(25, MUST, "RFC 4291 2.7", "A packet to a group of the reserved scope 0 is dropped.") {
  IsIgnored(b, Ip6ToGroup(b.peer, "ff00::1") / Echo());
}

CONFORM(26, MUST, "RFC 4291 2.7.1; RFC 7346 2",
        "A packet from the link to the interface-local group of all nodes is dropped.") {
  IsIgnored(b, Ip6ToGroup(b.peer, "ff01::1") / Echo());
}

CONFORM(27, MUST, "RFC 4291 2.8", "A packet to the link-local address is answered from it.") {
  b.Send(Eth(b.device.mac, b.peer.mac) / Ipv6(b.peer.link_local, b.device.link_local) / Echo());
  b.Expect(EchoReply6() && From(b.device.link_local) && To(b.peer.link_local));
}

CONFORM(28, MUST, "RFC 4007 9; RFC 4291 2.5.6",
        "An interface's link-local address is not the device's on another interface.",
        {.needs = kTwoPorts}) {
  b.Send(Eth(b.device1.mac, b.peer1.mac) / Ipv6(b.peer1.link_local, b.device.link_local) / Echo(),
         1);
  b.ExpectNothing(EchoReply6());
  b.Send(Eth(b.device1.mac, b.peer1.mac) / Ipv6(b.peer1.link_local, b.device1.link_local) / Echo(),
         1);
  b.Expect(EchoReply6() && From(b.device1.link_local));
}

CONFORM(29, MUST, "RFC 6724 5, Rule 2",
        "A packet to a link-local address is sent from a link-local address.") {
  b.Send(ToAllNodes(b) / Echo());
  b.Expect(EchoReply6() && From(b.device.link_local) && To(b.peer.link_local));
}

CONFORM(30, MUST, "RFC 6724 5, Rule 2",
        "A packet to a global address is sent from a global address.", {.needs = kPing}) {
  b.Ping(b.remote.ip6);
  b.Expect(EchoRequest6() && From(b.device.ip6));
}

CONFORM(31, SHOULD, "RFC 6724 5, Rule 8",
        "Of two global addresses the one with the longer common prefix is the source.",
        {.needs = kPing | kAddresses}) {
  b.AddAddress({"2001:db8:9:8000::1", 64});
  b.Wait(500ms);
  b.Ping(b.remote.ip6);
  b.Expect(EchoRequest6() && From("2001:db8:9:8000::1"));
  b.Ping(b.peer.ip6);
  b.Expect(EchoRequest6() && From(b.device.ip6));
}

CONFORM(32, MUST, "RFC 8200 8.1", "A UDP datagram without checksum is not delivered.",
        {.needs = kUdp}) {
  Socket socket = b.OpenUdp(true);
  socket.Bind(5000);
  b.Send(Udp6(b.peer, b.device, 4000, 5000, Pattern(10)).Set(udp::kChecksum, 0));
  socket.ExpectNoData();
  b.Send(Udp6(b.peer, b.device, 4000, 5000, Pattern(11)));
  b.Check(socket.Receive().data == Pattern(11), "the datagram with a checksum was not delivered");
}

CONFORM(33, MUST, "RFC 8200 8.1", "The pseudo-header that is summed has both addresses.",
        {.needs = kUdp}) {
  Socket socket = b.OpenUdp(true);
  socket.Bind(5000);
  // Right for the packet as it was, before its address was changed by one.
  const Frame right = Udp6(b.peer, b.device, 4000, 5000, Pattern(10));
  const Packet sent = Packet::OfFrame(right.Build());
  const uint64_t checksum = sent.Get(udp::kChecksum).u64();
  b.Send(right.Set(ipv6::kSource, b.other.ip6).Set(udp::kChecksum, checksum));
  socket.ExpectNoData();
  b.Send(right);
  b.Check(socket.Receive().data == Pattern(10), "the right datagram was not delivered");
}

}  // namespace
}  // namespace moat::conform
