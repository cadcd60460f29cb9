// The codec against bytes that were not made by it (RFC figures, captures written out by hand).
#include <gtest/gtest.h>

#include "conform/wire/frame.h"
#include "conform/wire/options.h"
#include "conform/wire/packet.h"

namespace moat::conform {
namespace {

const Mac kA = "02:00:00:00:00:0a", kB = "02:00:00:00:00:0b";

TEST(Checksum, Rfc1071Example) {
  const Bytes bytes = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
  EXPECT_EQ(FoldSum(SumWords(bytes.data(), bytes.size())), static_cast<uint16_t>(~0xddf2));
}

TEST(Frame, ArpRequestBytes) {
  const Bytes bytes = (Eth(Mac::Broadcast(), kA) /
                       Arp(arp::kRequest, kA, "192.0.2.1", Mac(), "192.0.2.2")).Build();
  const Bytes wanted = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 0x0a, 8, 6,
                        0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 0x0a, 192, 0, 2, 1,
                        0, 0, 0, 0, 0, 0, 192, 0, 2, 2};
  EXPECT_EQ(bytes, wanted);
}

TEST(Frame, Ipv4HeaderOfWikipediasExample) {
  const Bytes bytes = Frame(Ipv4("192.168.0.1", "192.168.0.199")
                                .Set(ipv4::kId, 0).Set(ipv4::kDontFragment, 1)
                                .Set(ipv4::kProtocol, 17).Set(ipv4::kTotalLength, 0x73)).Build();
  EXPECT_EQ(bytes[10], 0xb8);
  EXPECT_EQ(bytes[11], 0x61);
}

TEST(Frame, WhatIsSetStays) {
  const Bytes bytes = (Ipv4("192.0.2.1", "192.0.2.2").Set(ipv4::kChecksum, 0xdead)
                           .Set(ipv4::kTotalLength, 7).Set(ipv4::kHeaderLength, 15) /
                       Udp(1, 2).Set(udp::kLength, 3).Set(udp::kChecksum, 0)).Build();
  EXPECT_EQ(bytes[0], 0x4f);
  EXPECT_EQ(bytes[3], 7);
  EXPECT_EQ(bytes[10], 0xde);
  EXPECT_EQ(bytes[25], 3);
  EXPECT_EQ(bytes[26] | bytes[27], 0);
}

TEST(Frame, OptionsLengthenTheHeader) {
  const Frame frame = Eth(kB, kA) / Ipv4("192.0.2.1", "192.0.2.2").Options(Bytes(5, 1)) / Raw(8);
  const Packet p = Packet::OfFrame(frame.Build());
  EXPECT_EQ(p.Get(ipv4::kHeaderLength).u64(), 7u);
  EXPECT_EQ(p.Get(ipv4::kTotalLength).u64(), 36u);
  EXPECT_EQ(p.Options(Kind::kIpv4), Bytes({1, 1, 1, 1, 1, 0, 0, 0}));
  EXPECT_TRUE(p.problems().empty()) << p.Summary();
}

TEST(Packet, RoundTripOfBothVersions) {
  for (const bool v6 : {false, true}) {
    const Ip from = v6 ? "2001:db8::1" : "192.0.2.1", to = v6 ? "2001:db8::2" : "192.0.2.2";
    const Packet udp = Packet::OfFrame((Eth(kB, kA) / Ip4Or6(from, to) / Udp(7, 9) / Raw(11))
                                           .Build());
    EXPECT_TRUE(udp.problems().empty()) << udp.Summary();
    EXPECT_EQ(udp.Source(), from);
    EXPECT_EQ(udp.Payload(), Pattern(11));
    const Packet tcp = Packet::OfFrame(
        (Eth(kB, kA) / Ip4Or6(from, to) /
         Tcp(1, 2, tcp::kSyn, 5).Options(tcp_option::Mss(1460)) / Raw(3)).Build());
    EXPECT_TRUE(tcp.problems().empty()) << tcp.Summary();
    EXPECT_EQ(tcp_option::MssOf(tcp), 1460);
    EXPECT_EQ(tcp.Payload().size(), 3u);
  }
}

TEST(Packet, TellsWhatIsWrong) {
  Bytes bytes =
      (Eth(kB, kA) / Ipv4("192.0.2.1", "192.0.2.2") / EchoRequest4(1, 2) / Raw(9)).Build();
  bytes.back() ^= 1;
  EXPECT_EQ(Packet::OfFrame(bytes).problems(),
            std::vector<std::string>{"icmpv4 checksum is wrong"});
  bytes.resize(20);
  EXPECT_FALSE(Packet::OfFrame(bytes).problems().empty());
}

TEST(Packet, NeverReadsBehindTheEnd) {
  const Bytes whole = (Eth(kB, kA) / Ipv6("2001:db8::1", "2001:db8::2") / HopByHop(Bytes(4)) /
                       Routing(4, 1) / FragmentHeader(0, false) / Icmp6(icmp6::kEcho) / Raw(20))
                          .Build();
  for (size_t size = 0; size <= whole.size(); ++size) {
    const Packet p = Packet::OfFrame(Bytes(whole.begin(), whole.begin() + static_cast<long>(size)));
    (void)p.Payload();
    (void)p.Summary();
    (void)p.Quoted();
    EXPECT_EQ(p.problems().empty(), size == whole.size()) << size;
  }
}

TEST(Packet, QuotedPacketMayBeCutShort) {
  const Frame error = Eth(kB, kA) / Ipv4("192.0.2.1", "192.0.2.2") / Icmp4(3, 3) /
                      Raw(Frame(Ipv4("192.0.2.2", "192.0.2.1") / Udp(5, 6)).Build());
  const Packet quoted = Packet::OfFrame(error.Build()).Quoted();
  EXPECT_EQ(quoted.Get(udp::kDestinationPort).u64(), 6u);
}

TEST(Fragments, JoinToTheWhole) {
  const Frame whole = Eth(kB, kA) / Ipv4("192.0.2.1", "192.0.2.2") / Udp(1, 2) / Raw(100);
  Bytes joined;
  for (const Frame& fragment : FragmentIpv4(whole, {16, 32})) {
    const Packet p = Packet::OfFrame(fragment.Build());
    EXPECT_EQ(8 * p.Get(ipv4::kFragmentOffset).u64(), joined.size());
    const Bytes ip = p.From(Kind::kIpv4);
    joined.insert(joined.end(), ip.begin() + 20, ip.end());
  }
  const Bytes inner = whole.Inner().Build();
  EXPECT_EQ(joined, Bytes(inner.begin() + 20, inner.end()));
}

TEST(Records, RoundTrip) {
  const GroupRecord record{4, "233.252.0.1", {"192.0.2.9", "192.0.2.10"}};
  const Frame report = Eth(GroupMac("224.0.0.22"), kA) / Ipv4("192.0.2.1", "224.0.0.22") /
                       Igmp(igmp::kReportV3, "0.0.0.1") / Raw(EmitRecord(record));
  EXPECT_EQ(RecordsOf(Packet::OfFrame(report.Build())), std::vector<GroupRecord>{record});
}

}  // namespace
}  // namespace moat::conform
