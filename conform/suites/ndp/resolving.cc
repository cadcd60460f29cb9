// Address resolution and unreachability detection: what the device asks, when, and how often.
#include <cerrno>

#include "conform/suites/ndp/neighbor.h"

namespace moat::conform {
namespace {

CONFORM_SUITE("ndp");

double Seconds(Duration time) { return std::chrono::duration<double>(time).count(); }

// The first solicitation of a resolution.
Packet Asked(Bench& b) {
  b.StopAnswering(b.peer);
  b.Ping(b.peer.ip6);
  return b.Expect(Solicits(b.peer.ip6));
}

// --- The question ------------------------------------------------------------------------------

CONFORM(93, MUST, "RFC 4861 7.2.2", "A neighbour is asked for at its solicited-node group.",
        {.needs = kPing}) {
  b.CheckPacket(Asked(b), To(SolicitedNode(b.peer.ip6)) &&
                              Is(eth::kDestination, GroupMac(SolicitedNode(b.peer.ip6))));
}
CONFORM(94, MUST, "RFC 4861 4.3; 7.2.2", "The question has the device's link address.",
        {.needs = kPing}) {
  const Packet question = Asked(b);
  b.Check(ndp_option::LinkAddressOf(question, ndp_option::kSourceLinkAddress) == b.device.mac,
          "the source link-layer address option is not there, or wrong");
}
CONFORM(95, MUST, "RFC 4861 4.3", "The question has hop limit 255, code 0 and reserved field 0.",
        {.needs = kPing}) {
  b.CheckPacket(Asked(b), Is(ipv6::kHopLimit, 255) && Is(icmp6::kCode, 0) && Is(icmp6::kRest, 0));
}
CONFORM(96, SHOULD, "RFC 4861 7.2.2",
        "The question comes from the address of the packet that waits.", {.needs = kPing}) {
  b.CheckPacket(Asked(b), From(b.device.ip6));
}
CONFORM(97, MUST, "RFC 4861 7.2.2", "The packet that waits is sent when the answer comes.",
        {.needs = kPing}) {
  MakeIncomplete(b);
  b.ExpectNothing(EchoRequest6(), 300ms);
  b.Send(Advertisement(b, true, true, b.peer.mac));
  b.Expect(EchoTo(b.peer.mac) && To(b.peer.ip6));
}
CONFORM(98, MUST, "RFC 4861 7.2.2", "Questions are repeated at intervals of a second.",
        {.needs = kPing}) {
  const Packet first = Asked(b);
  const Packet second = b.Expect(SolicitsByGroup(b.peer.ip6), 2s);
  b.CheckBetween(Seconds(second.time() - first.time()), 0.9, 1.5, "seconds");
}
CONFORM(99, SHOULD, "RFC 4861 7.2.2; 10", "An unanswered question is asked three times in all.",
        {.needs = kPing}) {
  b.StopAnswering(b.peer);
  b.Ping(b.peer.ip6);
  b.CheckEqual(static_cast<int64_t>(b.Collect(Solicits(b.peer.ip6), 8s).size()), 3,
               "number of questions");
}
CONFORM(100, MUST, "RFC 4861 7.2.2", "When nobody answers, the program gets an error.",
        {.needs = kUdp}) {
  b.StopAnswering(b.peer);
  Socket socket = b.OpenUdp(true);
  socket.Set(Option::kReceiveErrors, 1);
  socket.Connect({b.peer.ip6, 4000});
  socket.Send(Pattern(10));
  socket.ExpectError(EHOSTUNREACH, 8s);
}
CONFORM(101, MUST, "RFC 4861 7.2.2", "While one question is open, further packets ask no second.",
        {.needs = kPing}) {
  MakeIncomplete(b);
  for (int i = 0; i < 5; ++i) b.Ping(b.peer.ip6);
  b.ExpectNothing(Solicits(b.peer.ip6), 700ms);
}
CONFORM(102, MUST, "RFC 4861 7.2.2", "Of the packets that wait, the latest is sent.",
        {.needs = kPing}) {
  MakeIncomplete(b);
  b.Ping(b.peer.ip6, 20);
  b.Ping(b.peer.ip6, 30);
  b.Send(Advertisement(b, true, true, b.peer.mac));
  b.Expect(EchoTo(b.peer.mac) && PayloadIs(Pattern(30)));
}
CONFORM(103, SHOULD, "RFC 4861 7.2.2", "After a question was in vain, the next packet asks again.",
        {.needs = kPing}) {
  MakeIncomplete(b);
  b.Wait(6s);
  b.Forget();
  b.Ping(b.peer.ip6);
  b.Expect(SolicitsByGroup(b.peer.ip6));
  b.Send(Advertisement(b, true, true, b.peer.mac));
  b.Expect(EchoTo(b.peer.mac));
}
CONFORM(104, MUST, "RFC 4861 5.2; 7.2", "For a node behind the router, the router is asked for.",
        {.needs = kPing}) {
  b.StopAnswering();
  b.Ping(b.remote.ip6);
  b.Expect(SolicitsByGroup(b.router.ip6));
  b.ExpectNothing(Solicits(b.remote.ip6));
}
CONFORM(105, MUST, "RFC 4861 7.2", "For a packet to a group nobody is asked.", {.needs = kUdp}) {
  Socket socket = b.OpenUdp(true);
  socket.Set(Option::kMulticastPort, 0);
  socket.SendTo({"ff02::1234", 4000}, Pattern(10));
  b.Expect(UdpTo(4000) && Is(eth::kDestination, GroupMac("ff02::1234")));
  b.ExpectNothing(Is(icmp6::kType, icmp6::kNeighborSolicitation));
}
CONFORM(106, MUST, "RFC 4861 7.2.2", "Neighbours are asked for independently of each other.",
        {.needs = kPing}) {
  b.StopAnswering(b.peer);
  b.StopAnswering(b.other);
  b.Ping(b.peer.ip6);
  b.Ping(b.other.ip6);
  b.Expect(SolicitsByGroup(b.other.ip6));
  b.Send(NeighborAdvertisement(b.other, b.device, true, true));
  b.Expect(EchoTo(b.other.mac));
  b.ExpectNothing(EchoTo(b.peer.mac), 300ms);
}
CONFORM(107, MUST, "RFC 4861 7.2.2; 7.3.3", "A neighbour that is flushed must be asked for anew.",
        {.needs = kPing | kFlushNeighbors}) {
  MakeReachable(b);
  b.FlushNeighbors();
  ExpectUnknown(b);
}
CONFORM(108, MUST, "RFC 4861 7.2", "A configured neighbour is not asked for.",
        {.needs = kPing | kStaticNeighbors}) {
  b.StopAnswering(b.peer);
  b.AddNeighbor(b.peer.ip6, b.other.mac);
  b.Ping(b.peer.ip6);
  b.Expect(EchoTo(b.other.mac));
  b.ExpectNothing(Solicits(b.peer.ip6), 8s);
}

// --- Unreachability ----------------------------------------------------------------------------

CONFORM(109, MUST, "RFC 4861 7.3.3; 10", "An entry is not confirmed for less than 15 seconds.",
        {.needs = kPing}) {
  MakeReachable(b);
  b.Wait(7s);
  ExpectReachable(b, b.peer.mac);
}
CONFORM(110, MUST, "RFC 4861 7.3.3; 10", "After 45 seconds an entry must be confirmed anew.",
        {.needs = kPing}) {
  MakeReachable(b);
  b.Wait(47s);
  ExpectStale(b, b.peer.mac);
}
CONFORM(111, MUST, "RFC 4861 7.3.3", "As long as nothing is sent, nothing is confirmed.",
        {.needs = kPing}) {
  MakeReachable(b);
  b.ExpectNothing(Solicits(b.peer.ip6), 60s);
}
CONFORM(112, MUST, "RFC 4861 7.3.3; 10",
        "The question for confirmation comes five seconds after the packet.", {.needs = kPing}) {
  MakeStale(b);
  b.Ping(b.peer.ip6);
  const Packet echo = b.Expect(EchoTo(b.peer.mac));
  const Packet question = b.Expect(SolicitsByUnicast(b.peer.ip6), 8s);
  b.CheckBetween(Seconds(question.time() - echo.time()), 4.5, 6.5, "seconds");
}
CONFORM(113, MUST, "RFC 4861 7.3.3",
        "The question for confirmation goes to the address that is "
        "known, by unicast.",
        {.needs = kPing}) {
  MakeDelay(b);
  b.Expect(SolicitsByUnicast(b.peer.ip6) && Is(eth::kDestination, b.peer.mac) &&
               Is(ipv6::kHopLimit, 255),
           7s);
}
CONFORM(114, MUST, "RFC 4861 7.3.3; 10",
        "The question for confirmation is asked three times, a second apart.", {.needs = kPing}) {
  MakeDelay(b);
  const std::vector<Packet> questions = b.Collect(SolicitsByUnicast(b.peer.ip6), 12s);
  b.CheckEqual(static_cast<int64_t>(questions.size()), 3, "number of questions");
  for (size_t i = 1; i < questions.size(); ++i) {
    b.CheckBetween(Seconds(questions[i].time() - questions[i - 1].time()), 0.9, 1.5, "seconds");
  }
}
CONFORM(115, MUST, "RFC 4861 7.3.3",
        "When the confirmation does not come, the neighbour is asked for anew, by multicast.",
        {.needs = kPing}) {
  MakeProbe(b);
  b.Wait(5s);
  ExpectUnknown(b);
}
CONFORM(116, MUST, "RFC 4861 7.3.3", "While the device asks for confirmation, packets are sent.",
        {.needs = kPing}) {
  MakeProbe(b);
  b.Ping(b.peer.ip6, 40);
  b.Expect(EchoTo(b.peer.mac) && PayloadIs(Pattern(40)), 300ms);
}
CONFORM(117, MUST, "RFC 4861 7.3.3", "A confirmation in time ends the asking.", {.needs = kPing}) {
  MakeDelay(b);
  b.Send(BareAdvertisement(b, true, false));
  b.ExpectNothing(Solicits(b.peer.ip6), 8s);
}
CONFORM(118, MUST, "RFC 4861 7.3.1",
        "That packets come from a neighbour does not confirm that it can be reached.",
        {.needs = kPing}) {
  MakeDelay(b);
  for (int i = 0; i < 5; ++i) {
    b.Send(Udp6(b.peer, b.device, 4000, 4001, Pattern(4)).Set(ipv6::kNextHeader, proto::kNone));
    b.Wait(500ms);
  }
  b.Expect(SolicitsByUnicast(b.peer.ip6), 6s);
}
CONFORM(119, SHOULD, "RFC 4861 7.3.1", "That a TCP connection goes on confirms the neighbour.",
        {.needs = kPing | kTcp}) {
  MakeReachable(b);
  Socket listener = b.OpenTcp(true);
  listener.Bind(5000);
  listener.Listen();
  b.Send(Ip6(b.peer, b.device) / Tcp(4000, 5000, tcp::kSyn, 100));
  const Packet answer = b.Expect(TcpFlags(tcp::kSyn | tcp::kAck));
  uint32_t ack = static_cast<uint32_t>(answer.Get(tcp::kSequence).u64()) + 1;
  b.Send(Ip6(b.peer, b.device) / Tcp(4000, 5000, tcp::kAck, 101, ack));
  Socket connection = listener.Accept();
  b.Wait(1s);
  b.Forget();
  // For longer than an unconfirmed entry may live; each acknowledgment is progress.
  for (int i = 0; i < 16; ++i) {
    connection.Send(Pattern(10));
    b.Expect(Has(Kind::kTcp) && PayloadIs(Pattern(10)));
    ack += 10;
    b.Send(Ip6(b.peer, b.device) / Tcp(4000, 5000, tcp::kAck, 101, ack));
    b.ExpectNothing(Solicits(b.peer.ip6), 4s);
  }
}
CONFORM(120, MUST, "RFC 4861 7.2.6; 7.2.5",
        "A neighbour's new link address is used when it announces it.", {.needs = kPing}) {
  MakeReachable(b);
  b.Send(Advertisement(b, false, true, b.other.mac)
             .Set(ipv6::kDestination, Ip("ff02::1"))
             .Set(eth::kDestination, GroupMac("ff02::1")));
  ExpectStale(b, b.other.mac);
}

}  // namespace
}  // namespace moat::conform
