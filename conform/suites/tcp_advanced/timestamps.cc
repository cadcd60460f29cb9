// Timestamps and PAWS (RFC 7323 3, 4, 5), window scaling (RFC 7323 2), and what stands on them (RFC
// 6191).
#include <algorithm>

#include "conform/bench/tcp_peer.h"

namespace moat::conform {
namespace {

CONFORM_SUITE("tcp-advanced");

constexpr uint32_t kOurs = 0x20000000;  // our first TSval

Bytes Stamp(uint32_t value, uint32_t echo) {
  return Join({tcp_option::Nop(), tcp_option::Nop(), tcp_option::Timestamps(value, echo)});
}

// A connection with timestamps: our segments carry `value`, and echo what the device's SYN had.
void Use(TcpPeer& t, uint32_t value) {
  const auto theirs = tcp_option::TimestampsOf(t.syn());
  t.options = Stamp(value, theirs.has_value() ? theirs->first : 0);
}
void OpenStamped(Bench& b, TcpPeer& t, uint32_t value = kOurs) {
  t.syn_options = Join({t.syn_options, Stamp(value, 0)});
  t.Listen();
  t.SendSyn();
  t.ExpectSynAck();
  if (b.ok() && !tcp_option::TimestampsOf(t.syn()).has_value()) {
    return b.NotApplicable("the device does not use timestamps");
  }
  Use(t, value);
  t.SendAck();
  t.Accept();
}

Match HasStamp() {
  return Where("with timestamps",
               [](const Packet& p) { return tcp_option::TimestampsOf(p).has_value(); });
}
Match Echoes(uint32_t value) {
  return Where("TSecr " + std::to_string(value), [value](const Packet& p) {
    const auto stamps = tcp_option::TimestampsOf(p);
    return stamps.has_value() && stamps->second == value;
  });
}

// --- Timestamps ----------------------------------------------------------------------------------

TCP_CASE(1, MUST, "RFC 7323 3.2", "A SYN that offers timestamps has TSecr 0.") {
  t.Dial();
  if (!HasStamp()(t.syn())) return b.NotApplicable("the device does not offer timestamps");
  b.CheckPacket(t.syn(), Echoes(0));
}
TCP_CASE(2, MUST, "RFC 7323 3.2", "A SYN,ACK that has timestamps echoes the SYN's TSval.") {
  OpenStamped(b, t);
  b.CheckPacket(t.syn(), Echoes(kOurs));
}
TCP_CASE(3, MUST, "RFC 7323 3.2", "When the SYN has no timestamps, the SYN,ACK has none.") {
  t.Listen();
  t.SendSyn();
  b.CheckPacket(t.ExpectSynAck(), !HasStamp());
}
TCP_CASE(4, MUST, "RFC 7323 3.2", "Once agreed, every segment has timestamps.") {
  OpenStamped(b, t);
  t.SendText(Pattern(10));
  b.CheckPacket(b.Expect(t.AckOf(t.seq)), HasStamp());
  t.socket().Send(Pattern(10));
  b.CheckPacket(t.ExpectText(), HasStamp());
  t.socket().Shutdown();
  t.ack = t.end;
  t.SendAck();
  b.Expect(t.With(tcp::kFin | tcp::kAck) && HasStamp());
}
TCP_CASE(5, MUST, "RFC 7323 3.2", "When the SYN,ACK has no timestamps, no segment has.") {
  t.OpenActive();
  t.socket().Send(Pattern(10));
  b.CheckPacket(t.ExpectText(), !HasStamp());
}
TCP_CASE(6, MUST, "RFC 7323 4.3, (A)",
         "An ACK echoes the TSval of the text that it acknowledges.") {
  OpenStamped(b, t);
  for (uint32_t i = 1; i <= 3; ++i) {
    Use(t, kOurs + i * 100);
    t.SendText(Pattern(10));
    b.Expect(t.AckOf(t.seq) && Echoes(kOurs + i * 100));
  }
}
TCP_CASE(7, SHOULD, "RFC 7323 3.2", "Once agreed, a segment without timestamps is dropped.") {
  OpenStamped(b, t);
  t.options = {};
  t.SendAt(t.seq, tcp::kAck, Pattern(10));
  b.ExpectNothing(t.AckOf(t.seq + 10));
  Use(t, kOurs + 1);
  t.SendText(Pattern(10));
  b.Expect(t.AckOf(t.seq));
}
TCP_CASE(8, MUST, "RFC 7323 5.4",
         "The timestamp clock ticks between once a second and once a millisecond.") {
  OpenStamped(b, t);
  t.socket().Send(Pattern(10));
  const Packet first = t.ExpectText();
  t.ack = t.end;
  t.SendAck();
  b.Wait(3s);
  t.socket().Send(Pattern(10));
  const Packet second = t.ExpectText();
  if (!b.ok()) return;
  const uint32_t ticks = tcp_option::TimestampsOf(second).value_or(std::pair(0u, 0u)).first -
                         tcp_option::TimestampsOf(first).value_or(std::pair(0u, 0u)).first;
  b.CheckBetween(ticks, 2, 3500, "ticks in three seconds");
}
TCP_CASE(9, MUST, "RFC 7323 4.3, (B)",
         "The ACK of a segment behind a hole echoes the last segment that was next.") {
  OpenStamped(b, t);
  Use(t, kOurs + 100);
  t.SendText(Pattern(10));
  b.Expect(t.AckOf(t.seq));
  Use(t, kOurs + 200);
  t.SendAt(t.seq + 10, tcp::kAck, Pattern(10));
  b.Expect(t.AckOf(t.seq) && Echoes(kOurs + 100));
}
TCP_CASE(10, MUST, "RFC 7323 4.3, (C)",
         "The ACK of the segment that fills a hole echoes that segment.") {
  OpenStamped(b, t);
  Use(t, kOurs + 200);
  t.SendAt(t.seq + 10, tcp::kAck, Pattern(10));
  b.Expect(t.AckOf(t.seq));
  Use(t, kOurs + 300);
  t.SendAt(t.seq, tcp::kAck, Pattern(10));
  b.Expect(t.AckOf(t.seq + 20) && Echoes(kOurs + 300));
}
TCP_CASE(11, MUST, "RFC 7323 4.1", "When it connects, its ACK echoes the TSval of the SYN,ACK.") {
  t.Dial();
  const auto theirs = tcp_option::TimestampsOf(t.syn());
  if (!theirs.has_value()) return b.NotApplicable("the device does not offer timestamps");
  t.syn_options = Join({t.syn_options, Stamp(kOurs, theirs->first)});
  t.SendSynAck();
  b.Expect(t.Ack() && Echoes(kOurs));
}
TCP_CASE(12, MUST, "RFC 9293 3.7.1; RFC 6691 3",
         "Segments make room for the timestamps within the MSS.") {
  t.syn_options = tcp_option::Mss(1000);
  OpenStamped(b, t);
  t.socket().Send(Pattern(5000));
  b.CheckEqual(static_cast<int64_t>(t.ExpectText().Payload().size()), 988, "octets of the segment");
}

// --- PAWS ----------------------------------------------------------------------------------------

// The device's TS.Recent is kOurs + 1000.
void OpenAged(Bench& b, TcpPeer& t) {
  OpenStamped(b, t);
  Use(t, kOurs + 1000);
  t.SendText(Pattern(10));
  b.Expect(t.AckOf(t.seq));
}

TCP_CASE(13, MUST, "RFC 7323 5.3, R1",
         "Text with an old TSval is dropped, and answered by an ACK.") {
  OpenAged(b, t);
  Use(t, kOurs + 500);
  b.Forget();
  t.SendAt(t.seq, tcp::kAck, Pattern(10));
  b.Expect(t.Ack());
  b.ExpectNothing(t.AckOf(t.seq + 10), 300ms);
}
TCP_CASE(14, MUST, "RFC 7323 5.3, R1", "Text with the same TSval as before is taken.") {
  OpenAged(b, t);
  t.SendText(Pattern(10));
  b.Expect(t.AckOf(t.seq));
}
TCP_CASE(15, MUST, "RFC 7323 5.2", "A RST is taken whatever its TSval is.") {
  OpenAged(b, t);
  Use(t, kOurs + 500);
  t.Send(tcp::kRst);
  t.socket().ExpectError(ECONNRESET);
}
TCP_CASE(16, MUST, "RFC 7323 3.2", "A RST without timestamps is taken.") {
  OpenAged(b, t);
  t.options = {};
  t.Send(tcp::kRst);
  t.socket().ExpectError(ECONNRESET);
}
TCP_CASE(17, MUST, "RFC 7323 5.2",
         "TSvals wrap: one just above zero is newer than one below 2^32.") {
  OpenStamped(b, t, 0xfffffff0);
  Use(t, 0x10);
  t.SendText(Pattern(10));
  b.Expect(t.AckOf(t.seq) && Echoes(0x10));
  Use(t, 0xfffffff8);
  t.SendAt(t.seq, tcp::kAck, Pattern(10));
  b.ExpectNothing(t.AckOf(t.seq + 10), 300ms);
}
TCP_CASE(18, MUST, "RFC 7323 5.3, R1", "A FIN with an old TSval is not taken.") {
  OpenAged(b, t);
  Use(t, kOurs + 500);
  t.SendAt(t.seq, tcp::kFin | tcp::kAck);
  b.ExpectNothing(t.AckOf(t.seq + 1), 300ms);
  Use(t, kOurs + 1000);
  t.Send(tcp::kFin | tcp::kAck);
  b.Expect(t.Ack());
}
TCP_CASE(19, MUST, "RFC 7323 5.3, R1",
         "An old TSval out of order is dropped too: it fills no hole.") {
  OpenAged(b, t);
  t.SendAt(t.seq + 10, tcp::kAck, Pattern(10));
  b.Expect(t.Ack());
  Use(t, kOurs + 500);
  t.SendAt(t.seq, tcp::kAck, Pattern(10));
  b.ExpectNothing(t.AckOf(t.seq + 20), 300ms);
}
TCP_CASE(20, MUST, "RFC 7323 5.3, R3",
         "A segment that is not acceptable does not change what is echoed.") {
  OpenAged(b, t);
  Use(t, kOurs + 5000);
  t.SendAt(t.seq + 0x20000000, tcp::kAck, Pattern(10));
  b.Expect(t.Ack());
  Use(t, kOurs + 2000);
  t.SendText(Pattern(10));
  b.Expect(t.AckOf(t.seq) && Echoes(kOurs + 2000));
}

// --- RFC 6191 ------------------------------------------------------------------------------------

void EnterTimeWait(Bench& b, TcpPeer& t) {
  t.socket().Shutdown();
  t.ExpectFin();
  t.ack = t.end;
  t.Send(tcp::kFin | tcp::kAck);
  b.Expect(t.Ack());
  b.Wait(1500ms);
  b.Forget();
}
void StampedTimeWait(Bench& b, TcpPeer& t) {
  OpenStamped(b, t);
  EnterTimeWait(b, t);
}
TCP_CASE(21, SHOULD, "RFC 6191 2",
         "TIME-WAIT: a SYN with a later TSval opens a new connection, also with a lower sequence "
         "number.") {
  StampedTimeWait(b, t);
  t.syn_options = Stamp(kOurs + 5000, 0);
  t.seq -= 100000;
  t.SendSyn();
  t.ExpectSynAck();
}
TCP_CASE(22, MUST, "RFC 6191 2",
         "TIME-WAIT: a SYN with an earlier TSval opens nothing and is answered by an ACK.") {
  StampedTimeWait(b, t);
  t.syn_options = Stamp(kOurs - 5000, 0);
  t.SendAt(t.seq - 1000, tcp::kSyn);
  b.Expect(t.Acks() && Is(tcp::kAcknowledgment, t.seq));
  b.ExpectNothing(t.With(tcp::kSyn | tcp::kAck), 300ms);
}
TCP_CASE(122, SHOULD, "RFC 6191 2",
         "TIME-WAIT: a SYN with the last TSval and a higher sequence number opens a new "
         "connection.") {
  StampedTimeWait(b, t);
  t.syn_options = Stamp(kOurs, 0);
  t.seq += 100000;
  t.SendSyn();
  t.ExpectSynAck();
}
TCP_CASE(123, SHOULD, "RFC 6191 2",
         "TIME-WAIT of a connection with timestamps: a SYN without, with a higher sequence number, "
         "opens a new connection; with a lower one it does not.") {
  StampedTimeWait(b, t);
  t.syn_options = tcp_option::Mss(1000);
  t.options = {};
  t.SendAt(t.seq - 1000, tcp::kSyn);
  b.ExpectNothing(t.With(tcp::kSyn | tcp::kAck), 300ms);
  t.seq += 100000;
  t.SendSyn();
  t.ExpectSynAck();
}
TCP_CASE(124, SHOULD, "RFC 6191 2",
         "TIME-WAIT of a connection without timestamps: a SYN with them opens a new connection, "
         "also with a lower sequence number.") {
  t.Open();
  EnterTimeWait(b, t);
  t.syn_options = Stamp(kOurs, 0);
  t.seq -= 100000;
  t.SendSyn();
  t.ExpectSynAck();
}

// --- Window scaling ------------------------------------------------------------------------------

Match HasScale() {
  return Where("with window scale",
               [](const Packet& p) { return tcp_option::WindowScaleOf(p).has_value(); });
}
void OfferScale(TcpPeer& t, uint8_t shift) {
  t.syn_options = Join({tcp_option::Mss(1000), tcp_option::Nop(), tcp_option::WindowScale(shift)});
}
// Octets of text that come at once.
size_t Burst(Bench& b, TcpPeer& t, Duration within = 100ms) {
  size_t total = 0;
  for (const Packet& p : b.Collect(t.Text(), within)) {
    if (static_cast<uint32_t>(p.Get(tcp::kSequence)) != t.end) continue;
    total += p.Payload().size();
    t.end += static_cast<uint32_t>(p.Payload().size());
  }
  return total;
}

TCP_CASE(23, MUST, "RFC 7323 2.2", "The window scale that the device offers is at most 14.") {
  t.Dial();
  const auto shift = tcp_option::WindowScaleOf(t.syn());
  if (!shift.has_value()) return b.NotApplicable("the device does not offer window scaling");
  b.CheckBetween(*shift, 0, 14, "the shift");
}
TCP_CASE(24, MUST, "RFC 7323 2.2", "When the SYN has no window scale, the SYN,ACK has none.") {
  t.Listen();
  t.SendSyn();
  b.CheckPacket(t.ExpectSynAck(), !HasScale());
}
TCP_CASE(25, SHOULD, "RFC 7323 2.1", "When the SYN has a window scale, the SYN,ACK has one.") {
  OfferScale(t, 3);
  t.Listen();
  t.SendSyn();
  b.CheckPacket(t.ExpectSynAck(), HasScale());
}
TCP_CASE(26, MUST, "RFC 7323 2.3",
         "Our window, on segments that are no SYN, is shifted by what we offered.") {
  OfferScale(t, 4);
  t.window = 125;
  t.Open();
  t.socket().Send(Pattern(8000));
  b.CheckEqual(static_cast<int64_t>(Burst(b, t)), 125 << 4, "octets sent");
}
TCP_CASE(27, MUST, "RFC 7323 2.2", "The window on a SYN,ACK is not shifted.") {
  OfferScale(t, 7);
  t.Dial();
  t.window = 900;
  t.SendSynAck();
  b.Expect(t.Ack());
  t.socket().Send(Pattern(8000));
  b.Check(Burst(b, t) <= 900, "more was sent than the window of the SYN,ACK");
}
TCP_CASE(28, MUST, "RFC 7323 2.3", "A shift above 14 is used as 14.") {
  OfferScale(t, 15);
  t.window = 1;
  t.Open();
  t.socket().Set(Option::kSendBuffer, 400000);
  t.socket().Send(Pattern(90000));
  size_t most = 0;
  for (int round = 0; round < 3; ++round) {
    most = std::max(most, Burst(b, t, 60ms));
    t.ack = t.end;
    t.SendAck();
  }
  b.CheckBetween(static_cast<double>(most), 15000, 16384, "the most octets in flight");
}
TCP_CASE(29, MUST, "RFC 7323 2.2", "A window scale on a segment that is no SYN is ignored.") {
  t.syn_options = tcp_option::Mss(1000);
  t.window = 1500;
  t.Open();
  t.options = Join({tcp_option::Nop(), tcp_option::WindowScale(7)});
  t.SendAck();
  t.socket().Send(Pattern(8000));
  b.Check(Burst(b, t) <= 1500, "the window was shifted");
}
TCP_CASE(30, MUST, "RFC 7323 2.2",
         "When only the device offered a window scale, windows are not shifted.") {
  t.syn_options = tcp_option::Mss(1000);
  t.window = 2000;
  t.OpenActive();
  t.socket().Send(Pattern(8000));
  b.CheckEqual(static_cast<int64_t>(Burst(b, t)), 2000, "octets sent");
}

}  // namespace
}  // namespace moat::conform
