// What the device fragments, and how.
#include <cstdlib>
#include <map>
#include <set>

#include "conform/bench/tcp_peer.h"
#include "conform/suites/ipv6/answers.h"

namespace moat::conform {
namespace {

CONFORM_SUITE("ipv6");

Match Fragments() { return Has(Kind::kFragment); }

// The fragments of one datagram of 3000 bytes that the device sends to the peer.
std::vector<Packet> SentFragments(Bench& b) {
  Socket socket = b.OpenUdp(true);
  socket.SendTo({b.peer.ip6, 4000}, Pattern(3000));
  return b.Collect(Fragments() && To(b.peer.ip6), 1s);
}

size_t SizeOf(const Packet& fragment) { return fragment.From(Kind::kFragment).size() - 8; }

CONFORM(108, MUST, "RFC 8200 4.5; 5",
        "What is longer than the link's MTU is sent in fragments that fit.", {.needs = kUdp}) {
  const std::vector<Packet> sent = SentFragments(b);
  b.Check(sent.size() >= 3, "fewer than three fragments");
  for (const Packet& p : sent) {
    b.Check(p.From(Kind::kIpv6).size() <= 1500, "a fragment is longer than the MTU");
  }
}

CONFORM(109, MUST, "RFC 8200 4.5", "Each fragment but the last has a multiple of 8 bytes.",
        {.needs = kUdp}) {
  const std::vector<Packet> sent = SentFragments(b);
  b.Check(!sent.empty(), "no fragments");
  for (const Packet& p : sent) {
    if (p.Get(fragment::kMore).u64() == 0) continue;
    b.CheckEqual(static_cast<int64_t>(SizeOf(p) % 8), 0, "length of a fragment, modulo 8,");
  }
}

CONFORM(110, MUST, "RFC 8200 4.5",
        "The fragments of a packet are adjacent, begin at 0, and only the last has M = 0.",
        {.needs = kUdp}) {
  std::map<uint64_t, Packet> by_offset;
  const std::vector<Packet> sent = SentFragments(b);
  for (const Packet& p : sent) by_offset[p.Get(fragment::kOffset).u64() * 8] = p;
  size_t at = 0;
  for (const auto& [offset, p] : by_offset) {
    b.CheckEqual(static_cast<int64_t>(offset), static_cast<int64_t>(at), "offset");
    at += SizeOf(p);
    b.CheckEqual(static_cast<int64_t>(p.Get(fragment::kMore).u64()), at < 3008 ? 1 : 0, "M");
  }
  b.CheckEqual(static_cast<int64_t>(at), 3008, "bytes in all fragments");
}

CONFORM(111, MUST, "RFC 8200 4.5", "The fragments of a packet have one identification.",
        {.needs = kUdp}) {
  std::set<uint64_t> ids;
  const std::vector<Packet> sent = SentFragments(b);
  for (const Packet& p : sent) ids.insert(p.Get(fragment::kId).u64());
  b.CheckEqual(static_cast<int64_t>(ids.size()), 1, "number of identifications");
}

CONFORM(112, MUST, "RFC 8200 4.5",
        "Packets that are sent in fragments one after the other have different identifications.",
        {.needs = kUdp}) {
  std::set<uint64_t> ids;
  for (int i = 0; i < 8; ++i) {
    const std::vector<Packet> sent = SentFragments(b);
    for (const Packet& p : sent) ids.insert(p.Get(fragment::kId).u64());
  }
  b.CheckEqual(static_cast<int64_t>(ids.size()), 8, "number of identifications");
}

CONFORM(113, SHOULD, "RFC 7739 4",
        "Identifications are not the same for different destinations, nor successive.",
        {.needs = kUdp}) {
  Socket socket = b.OpenUdp(true);
  std::vector<int64_t> ids;
  for (const Node& node : {b.peer, b.other, b.router}) {
    socket.SendTo({node.ip6, 4000}, Pattern(3000));
    const Packet p = b.Expect(Fragments() && To(node.ip6));
    ids.push_back(static_cast<int64_t>(p.Get(fragment::kId).u64()));
    b.Wait(100ms);
  }
  b.Check(std::abs(ids[1] - ids[0]) > 16 && std::abs(ids[2] - ids[1]) > 16,
          "identifications can be foretold");
}

CONFORM(114, MUST, "RFC 8200 4.5", "The next header of each fragment is the upper layer's.",
        {.needs = kUdp}) {
  const std::vector<Packet> sent = SentFragments(b);
  b.Check(!sent.empty(), "no fragments");
  for (const Packet& p : sent) b.CheckPacket(p, Is(fragment::kNextHeader, proto::kUdp));
}

CONFORM(115, MUST, "RFC 8200 4.5", "The reserved fields of the fragment header are sent as 0.",
        {.needs = kUdp}) {
  const std::vector<Packet> sent = SentFragments(b);
  b.Check(!sent.empty(), "no fragments");
  for (const Packet& p : sent) {
    b.CheckPacket(p, Is(fragment::kReserved, 0) && Is(fragment::kReserved2, 0));
  }
}

CONFORM(116, MUST, "RFC 8200 4.5", "A packet that fits is sent without a fragment header.",
        {.needs = kUdp}) {
  Socket socket = b.OpenUdp(true);
  socket.SendTo({b.peer.ip6, 4000}, Pattern(1452));
  b.Expect(UdpTo(4000) && !Has(Kind::kFragment) && PayloadIs(Pattern(1452)));
}

CONFORM(117, MUST, "RFC 8200 5", "With an MTU of 1280, what is sent is not longer.",
        {.needs = kUdp | kMtu}) {
  b.SetMtu(1280);
  const std::vector<Packet> sent = SentFragments(b);
  b.Check(sent.size() >= 3, "fewer than three fragments");
  for (const Packet& p : sent) {
    b.Check(p.From(Kind::kIpv6).size() <= 1280, "a fragment is longer than the MTU");
  }
}

CONFORM(118, MUST, "RFC 8200 4.5; RFC 4443 4.2",
        "The answer to an echo request longer than the MTU comes whole, in fragments.") {
  b.SendAll(FragmentIpv6(ToDevice(b) / Echo(3000), {1232, 1232}));
  size_t bytes = 0;
  const std::vector<Packet> sent = b.Collect(Fragments() && To(b.peer.ip6), 1s);
  for (const Packet& p : sent) bytes += SizeOf(p);
  b.CheckEqual(static_cast<int64_t>(bytes), 3008, "bytes in all fragments");
}

// --- Flow labels ---------------------------------------------------------------------------------

CONFORM(119, SHOULD, "RFC 6437 3",
        "All text of a TCP connection has one flow label, and connections have different ones.",
        {.needs = kTcp}) {
  std::set<uint64_t> labels;
  for (const int i : {0, 1, 2}) {
    TcpPeer t(b, true);
    t.port += i;
    t.device_port += i;
    t.Open();
    t.socket().Send(Pattern(10));
    const uint64_t label = t.ExpectText().Get(ipv6::kFlowLabel);
    t.ack = t.end;
    t.SendAck();
    t.socket().Send(Pattern(10));
    b.CheckPacket(t.ExpectText(), Is(ipv6::kFlowLabel, label));
    labels.insert(label);
  }
  b.Check(labels.size() >= 2, "the connections have the same flow label");
}

CONFORM(120, MUST, "RFC 6437 3", "Datagrams of a flow have one flow label: 0 when it has none.",
        {.needs = kUdp}) {
  Socket socket = b.OpenUdp(true);
  socket.Connect({b.peer.ip6, 4000});
  socket.Send(Pattern(10));
  const uint64_t label = b.Expect(UdpTo(4000)).Get(ipv6::kFlowLabel);
  socket.Send(Pattern(20));
  b.Expect(UdpTo(4000) && Is(ipv6::kFlowLabel, label));
}

CONFORM(129, SHOULD, "RFC 6437 3",
        "Each flow of datagrams has a flow label of its own, the same for all of them.",
        {.needs = kUdp}) {
  Socket socket = b.OpenUdp(true);
  const auto label_to = [&](const Ip& to, uint16_t port) {
    socket.SendTo({to, port}, Pattern(10));
    return b.Expect(UdpTo(port) && To(to)).Get(ipv6::kFlowLabel).u64();
  };
  std::set<uint64_t> labels;
  for (const Node& node : {b.peer, b.other, b.router}) {
    for (const uint16_t port : {uint16_t{4000}, uint16_t{4001}}) {
      const uint64_t label = label_to(node.ip6, port);
      b.Check(label != 0, "a datagram has no flow label");
      labels.insert(label);
    }
  }
  b.Check(labels.size() >= 5, "flows have the same label");
  b.CheckEqual(label_to(b.peer.ip6, 4000), label_to(b.peer.ip6, 4000), "label of the same flow");
  b.Check(labels.count(label_to(b.other.ip6, 4001)) == 1, "a flow's label has changed");
}

CONFORM(130, SHOULD, "RFC 8200 4.1; 4.2",
        "The device's own hop-by-hop options come first, and are padded by one option of zeros.",
        {.needs = kMulticast}) {
  Socket socket = b.OpenUdp(true);
  socket.Join("ff0e::77");
  const Packet report = b.Expect(Has(Kind::kHopByHop));
  b.CheckPacket(report, Is(ipv6::kNextHeader, proto::kHopByHop));
  const Bytes alert = ip6_option::RouterAlert(), padding = ip6_option::PadN(2);
  const Bytes options = report.Options(Kind::kHopByHop);
  b.Check(options == Join({alert, padding}) || options == Join({padding, alert}),
          "the options are padded otherwise");
}

}  // namespace
}  // namespace moat::conform
