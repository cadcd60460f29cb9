// The header: checksum, data offset, reserved bits, options, the maximum segment size, PSH; and
// addresses that are no host's.
#include "conform/bench/tcp_peer.h"

namespace moat::conform {
namespace {

CONFORM_SUITE("tcp-core");

// The frame gets no answer and delivers nothing; what is next still does.
void IsDiscarded(Bench& b, TcpPeer& t, const Frame& frame) {
  b.Send(frame);
  b.ExpectNothing(t.Any());
  t.SendText(Pattern(7, 100));
  b.CheckEqual(t.socket().Receive().data.size(), 7, "octets received");
}

// The device answers a SYN with these options, and sends segments of `size` octets.
void SendsSegmentsOf(Bench& b, TcpPeer& t, const Bytes& options, size_t size) {
  t.syn_options = options;
  t.Open();
  t.socket().Send(Pattern(4 * size));
  b.CheckEqual(t.ExpectText().Payload().size(), size, "octets in the first segment");
}

// A SYN with these options does not keep the device from answering the next one.
void Survives(Bench& b, TcpPeer& t, const Bytes& options) {
  t.Listen();
  const Bytes good = t.syn_options;
  t.syn_options = options;
  t.SendSyn();
  b.Wait(100ms);
  ++t.port;
  t.syn_options = good;
  t.SendSyn();
  t.ExpectSynAck();
}

TCP_CASE(1, MUST, "RFC 9293 3.1, Checksum",
         "Every segment that the device sends has a right checksum.") {
  t.Open();  // Expect() judges it, here and in every other case
  t.socket().Send(Pattern(333));
  t.ExpectText();
  t.ack = t.end;
  t.SendAck();
  t.socket().Shutdown();
  t.ExpectFin();
}

TCP_CASE(2, MUST, "RFC 9293 3.1, Checksum (MUST-3)",
         "A segment with a wrong checksum is discarded.") {
  t.Open();
  IsDiscarded(b, t, t.Segment(tcp::kAck, Pattern(7)).Set(tcp::kChecksum, 0x1234));
}

TCP_CASE(3, MUST, "RFC 9293 3.1, Checksum (MUST-3)",
         "A checksum of zero does not mean that there is none.") {
  t.Open();
  IsDiscarded(b, t, t.Segment(tcp::kAck, Pattern(7)).Set(tcp::kChecksum, 0));
}

TCP_CASE(4, MUST, "RFC 9293 3.1, Checksum (MUST-3)",
         "A SYN with a wrong checksum is not answered.") {
  t.Listen();
  b.Send(t.Segment(tcp::kSyn).Set(tcp::kChecksum, 0x1234));
  b.ExpectNothing(t.Any());
  t.SendSyn();
  t.ExpectSynAck();
}

TCP_CASE(5, MUST, "RFC 9293 3.1, Checksum (MUST-3)", "A RST with a wrong checksum ends nothing.") {
  t.Open();
  IsDiscarded(b, t, t.Segment(tcp::kRst).Set(tcp::kChecksum, 0x1234));
}

TCP_CASE(6, MUST, "RFC 9293 3.1, Checksum",
         "The checksum covers the addresses (the pseudo-header).") {
  t.Open();
  t.from = b.other;
  const Packet others = Packet::OfFrame(t.Segment(tcp::kAck, Pattern(7)).Build());
  t.from = b.peer;
  const Frame frame = t.Segment(tcp::kAck, Pattern(7));
  IsDiscarded(b, t, frame.Set(tcp::kChecksum, others.Get(tcp::kChecksum)));
}

TCP_CASE(7, MUST, "RFC 9293 3.1, DOffset",
         "A segment whose data offset is less than five words is discarded.") {
  t.Open();
  IsDiscarded(b, t, t.Segment(tcp::kAck, Pattern(7)).Set(tcp::kDataOffset, 4));
}

TCP_CASE(8, MUST, "RFC 9293 3.1, DOffset",
         "A segment whose data offset lies behind its end is discarded.") {
  t.Open();
  IsDiscarded(b, t, t.Segment(tcp::kAck, Pattern(7)).Set(tcp::kDataOffset, 15));
}

TCP_CASE(9, MUST, "RFC 9293 3.1, Rsrvd",
         "Reserved bits of a segment that is received are ignored.") {
  t.Open();
  b.Send(t.Segment(tcp::kAck, Pattern(7)).Set(tcp::kReserved, 0xe));
  b.Expect(t.AckOf(t.seq + 7));
}

TCP_CASE(10, MUST, "RFC 9293 3.1, Rsrvd",
         "Reserved bits of segments that the device sends are zero.") {
  t.Open();
  b.CheckPacket(t.syn(), Is(tcp::kReserved, 0));
  t.socket().Send(Pattern(10));
  b.CheckPacket(t.ExpectText(), Is(tcp::kReserved, 0));
}

TCP_CASE(11, MUST, "RFC 9293 3.2 (MUST-4)", "What follows an end-of-options option is ignored.") {
  SendsSegmentsOf(b, t, Join({tcp_option::Mss(1000), tcp_option::End(), Bytes{2, 4, 1, 0}}), 1000);
}

TCP_CASE(12, MUST, "RFC 9293 3.2 (MUST-4, MUST-64)",
         "No-operation options are skipped, and options need no alignment.") {
  SendsSegmentsOf(b, t, Join({tcp_option::Nop(), tcp_option::Mss(1000), tcp_option::Nop()}), 1000);
}

TCP_CASE(13, MUST, "RFC 9293 3.1, Options (MUST-6)",
         "An unknown option on a SYN is skipped by its length.") {
  SendsSegmentsOf(b, t, Join({Tlv(253, Bytes(6)), tcp_option::Mss(1000)}), 1000);
}

TCP_CASE(14, MUST, "RFC 9293 3.1, Options (MUST-5, MUST-6)",
         "An unknown option on a segment with text does not keep the text from being taken.") {
  t.Open();
  t.options = Join({Tlv(253, Bytes(6)), Tlv(99, Bytes(2))});
  t.SendText(Pattern(10));
  b.Expect(t.Ack());
}

TCP_CASE(15, MUST, "RFC 9293 3.1, Options (MUST-7)",
         "A SYN that has an option of length 0 does no harm.") {
  Survives(b, t, Bytes{2, 0, 5, 180});
}
TCP_CASE(16, MUST, "RFC 9293 3.1, Options (MUST-7)",
         "A SYN that has an option of length 1 does no harm.") {
  Survives(b, t, Bytes{253, 1, 2, 4, 5, 180, 0, 0});
}
TCP_CASE(17, MUST, "RFC 9293 3.1, Options (MUST-7)",
         "A SYN that has an option which ends behind the header does no harm.") {
  Survives(b, t, Bytes{1, 1, 2, 40});
}
TCP_CASE(18, MUST, "RFC 9293 3.1, Options (MUST-7)",
         "A SYN that has a kind without its length as its last octet does no harm.") {
  Survives(b, t, Bytes{1, 1, 1, 2});
}

TCP_CASE(19, MUST, "RFC 9293 3.7.1 (MUST-15)",
         "Without an MSS option, 536 (IPv4) or 1220 (IPv6) is assumed.") {
  SendsSegmentsOf(b, t, {}, t.v6() ? 1220 : 536);
}

TCP_CASE(20, MUST, "RFC 9293 3.7.1 (MUST-16)",
         "No segment has more text than the MSS option of the other side allows.") {
  SendsSegmentsOf(b, t, tcp_option::Mss(1000), 1000);
}

TCP_CASE(21, MUST, "RFC 9293 3.7.1 (MUST-16)",
         "When it connects, the MSS option of the SYN,ACK is what counts.") {
  t.syn_options = tcp_option::Mss(700);
  t.OpenActive();
  t.socket().Send(Pattern(3000));
  b.CheckEqual(t.ExpectText().Payload().size(), 700, "octets in the first segment");
}

TCP_CASE(22, MUST, "RFC 9293 3.7.1 (MUST-16, MUST-67)",
         "An MSS option of 65535 does not make segments that exceed the link.") {
  t.syn_options = tcp_option::Mss(65535);
  t.Open();
  t.socket().Send(Pattern(5000));
  b.Check(t.ExpectText().Payload().size() <= static_cast<size_t>(t.mss()), "a segment is too big");
}

TCP_CASE(23, SHOULD, "RFC 9293 3.7.1 (SHLD-5)", "A SYN has the MSS option.") {
  t.Dial();
  b.Check(tcp_option::MssOf(t.syn()).has_value(), "there is no MSS option");
}

TCP_CASE(24, SHOULD, "RFC 9293 3.7.1 (SHLD-5)", "A SYN,ACK has the MSS option.") {
  t.Listen();
  t.SendSyn();
  b.Check(tcp_option::MssOf(t.ExpectSynAck()).has_value(), "there is no MSS option");
}

TCP_CASE(25, MUST, "RFC 9293 3.7.1 (MUST-67)",
         "The MSS option is at most what fits the largest packet, less the fixed headers of IP and "
         "TCP.") {
  t.Dial();
  b.CheckBetween(tcp_option::MssOf(t.syn()).value_or(0), 500, t.mss(), "the MSS option");
}

TCP_CASE(26, MUST, "RFC 9293 3.2; RFC 6691 2", "The MSS option is on SYNs only.") {
  t.Open();
  t.socket().Send(Pattern(10));
  b.Check(!tcp_option::MssOf(t.ExpectText()).has_value(), "a segment with text has an MSS option");
}

TCP_CASE(27, SHOULD, "RFC 9293 3.2, Maximum Segment Size",
         "An MSS option on a segment that is no SYN is ignored.") {
  t.Open();
  t.options = tcp_option::Mss(600);
  t.SendText(Pattern(1));
  t.socket().Send(Pattern(3000));
  b.CheckEqual(t.ExpectText().Payload().size(), t.mss(), "octets in the first segment");
}

TCP_CASE(28, MUST, "RFC 9293 3.9.1.2 (MUST-61)", "The last segment of what was queued has PSH.") {
  t.Open();
  t.socket().Send(Pattern(2000));
  t.ExpectText();
  b.CheckPacket(t.ExpectText(), Where("has PSH", [](const Packet& p) {
                  return (p.Get(tcp::kFlags) & tcp::kPsh) != 0;
                }));
}

TCP_CASE(29, MUST, "RFC 9293 3.9.1.3", "Text without PSH reaches the program.") {
  t.Open();
  t.Send(tcp::kAck, Pattern(10));
  b.CheckEqual(t.socket().Receive().data.size(), 10, "octets received");
}

TCP_CASE(30, MUST, "RFC 9293 3.9.2 (MUST-49)",
         "The program can choose the time to live (hop limit) of segments.") {
  t.Open();
  t.socket().Set(t.v6() ? Option::kHopLimit : Option::kTtl, 33);
  t.socket().Send(Pattern(10));
  b.CheckPacket(t.ExpectText(), Is(t.v6() ? ipv6::kHopLimit : ipv4::kTtl, 33));
}

TCP_CASE(31, MUST, "RFC 9293 3.9.1.9 (MUST-48, SHLD-21, SHLD-22)",
         "The program can choose the type of service (traffic class) of segments.") {
  t.Open();
  t.socket().Set(t.v6() ? Option::kTrafficClass : Option::kTos, 0x28);
  t.socket().Send(Pattern(10));
  b.CheckPacket(t.ExpectText(), Is(t.v6() ? ipv6::kTrafficClass : ipv4::kTos, 0x28));
}

// --- Addresses -----------------------------------------------------------------------------------

Frame ToAddress(TcpPeer& t, int flags, const Ip& address) {
  const Mac mac = address.IsMulticast() ? GroupMac(address) : Mac::Broadcast();
  return t.Segment(flags)
      .Set(t.v6() ? ipv6::kDestination : ipv4::kDestination, address)
      .Set(eth::kDestination, mac);
}

TCP_CASE(32, MUST, "RFC 9293 3.9.2.3 (MUST-57)",
         "A SYN to a broadcast or multicast address is discarded silently.") {
  t.Listen();
  const std::vector<Ip> groups =
      t.v6() ? std::vector<Ip>{"ff02::1"}
             : std::vector<Ip>{"224.0.0.1", "192.0.2.255", "255.255.255.255"};
  for (const Ip& group : groups) b.Send(ToAddress(t, tcp::kSyn, group));
  b.ExpectNothing(t.Any());
  t.SendSyn();
  t.ExpectSynAck();
}

TCP_CASE(33, MUST, "RFC 9293 3.9.2.3 (MUST-63)",
         "A SYN from a broadcast or multicast address is ignored.") {
  t.Listen();
  const std::vector<Ip> groups =
      t.v6() ? std::vector<Ip>{"ff02::9"} : std::vector<Ip>{"224.0.0.9", "255.255.255.255"};
  for (const Ip& group : groups) {
    b.Send(t.Segment(tcp::kSyn).Set(t.v6() ? ipv6::kSource : ipv4::kSource, group));
  }
  b.ExpectNothing(Is(tcp::kDestinationPort, t.port));
  t.SendSyn();
  t.ExpectSynAck();
}

TCP_CASE(34, MUST, "RFC 9293 3.9.2.3; RFC 1122 3.2.2",
         "A segment to a group that belongs to no connection gets no RST.") {
  b.Send(ToAddress(t, tcp::kAck, t.v6() ? "ff02::1" : "224.0.0.1"));
  b.ExpectNothing(Is(tcp::kDestinationPort, t.port));
  b.Send(t.Segment(tcp::kAck));
  b.Expect(t.Reset());
}

TCP_CASE(35, MUST, "RFC 9293 3.9.1.1 (MUST-45)",
         "A connection keeps the local address that it began with.", kAddresses) {
  const Prefix second = t.v6() ? Prefix{"2001:db8::77", 64} : Prefix{"192.0.2.77", 24};
  b.AddAddress(second);
  (t.v6() ? t.to.ip6 : t.to.ip4) = second.address;
  t.Listen();
  t.SendSyn();
  b.CheckPacket(t.ExpectSynAck(), From(second.address));
  t.SendAck();
  t.Accept();
  t.socket().Send(Pattern(10));
  b.CheckPacket(t.ExpectText(), From(second.address));
}

}  // namespace
}  // namespace moat::conform
