// Windows above 64 KiB in both directions (RFC 7323 2), and timestamps on them (RFC 7323 3, 4).
#include <algorithm>

#include "conform/bench/tcp_peer.h"

namespace moat::conform {
namespace {

CONFORM_SUITE("tcp-highperf");

constexpr uint32_t kMss = 1000;
constexpr uint32_t kOurs = 0x20000000;

void OpenScaled(Bench& b, TcpPeer& t, uint8_t shift) {
  t.syn_options = Join({tcp_option::Mss(kMss), tcp_option::Nop(), tcp_option::WindowScale(shift)});
  t.Open();
  if (b.ok() && !tcp_option::WindowScaleOf(t.syn()).has_value()) {
    b.NotApplicable("the device does not scale windows");
  }
}

size_t Burst(Bench& b, TcpPeer& t, Duration within = 60ms) {
  size_t total = 0;
  for (const Packet& p : b.Collect(t.Text(), within)) {
    if (static_cast<uint32_t>(p.Get(tcp::kSequence)) != t.end) continue;
    total += p.Payload().size();
    t.end += static_cast<uint32_t>(p.Payload().size());
  }
  return total;
}

// The most that is in flight in any of `rounds` round trips, each acknowledged as a whole.
size_t MostInFlight(Bench& b, TcpPeer& t, int rounds) {
  t.socket().Set(Option::kSendBuffer, 400000);
  t.socket().Send(Pattern(150000));
  size_t most = 0;
  for (int round = 0; round < rounds; ++round) {
    if (round == 2) t.socket().Send(Pattern(30000));
    most = std::max(most, Burst(b, t));
    t.ack = t.end;
    t.SendAck();
  }
  return most;
}

// --- Sending into scaled windows -----------------------------------------------------------------

void SendsInto(Bench& b, TcpPeer& t, uint8_t shift, int window) {
  t.window = window;
  OpenScaled(b, t, shift);
  const int octets = window << shift;
  b.CheckBetween(static_cast<double>(MostInFlight(b, t, 4)), octets - static_cast<int>(kMss) + 1,
                 octets, "octets in flight");
}
#define SCALE(number, shift, window)                                      \
  TCP_CASE(number, MUST, "RFC 7323 2.3",                                  \
           "With a shift of " #shift ", a window field of " #window       \
           " is filled but for less than a segment, and not exceeded.") { \
    SendsInto(b, t, shift, window);                                       \
  }
SCALE(1, 0, 20000)
SCALE(2, 1, 10001)
SCALE(3, 2, 5003)
SCALE(4, 4, 1251)
SCALE(5, 7, 157)
SCALE(6, 10, 19)
SCALE(7, 12, 5)
SCALE(8, 13, 3)
SCALE(9, 14, 1)

TCP_CASE(10, MUST, "RFC 7323 2.2, 2.3",
         "More than 65535 octets are sent into a window that allows it.") {
  OpenScaled(b, t, 5);
  b.Check(MostInFlight(b, t, 5) > 65535, "never more than 65535 octets were in flight");
}
TCP_CASE(11, MUST, "RFC 7323 2.3",
         "A scaled window that closes stops the device, and goes on when it opens.") {
  t.window = 125;
  OpenScaled(b, t, 6);
  t.socket().Send(Pattern(30000));
  b.CheckEqual(static_cast<int64_t>(Burst(b, t)), 8000, "octets of the first window");
  t.ack = t.end;
  t.window = 0;
  t.SendAck();
  b.CheckEqual(static_cast<int64_t>(Burst(b, t, 100ms)), 0, "octets into a closed window");
  t.window = 125;
  t.SendAck();
  b.Check(Burst(b, t) >= 7000, "the device does not go on");
}
TCP_CASE(12, MUST, "RFC 7323 2.4",
         "A scaled window whose right edge goes back a little (rounding) breaks nothing.") {
  t.window = 10;
  OpenScaled(b, t, 10);
  t.socket().Send(Pattern(30000));
  Burst(b, t);
  t.ack = t.irs() + 1 + 1000;
  t.window = 9;  // 976 octets less, 24 fewer than the ACK moved
  t.SendAck();
  b.Wait(20ms);
  t.ack = t.end;
  t.window = 10;
  t.SendAck();
  b.Check(Burst(b, t) > 0, "the device does not go on");
}

// --- Receiving into scaled windows ---------------------------------------------------------------

// A device with a large receive buffer; windows that it sends are counted with its shift.
struct Receiver {
  uint32_t shift = 0;
  uint32_t edge = 0;  // right edge of its window
  int shrunk = 0;

  void Note(const Packet& ack) {
    const auto next = static_cast<uint32_t>(ack.Get(tcp::kAcknowledgment));
    const uint32_t now = next + (static_cast<uint32_t>(ack.Get(tcp::kWindow)) << shift);
    if (static_cast<int32_t>(now - edge) < 0) ++shrunk;
    if (static_cast<int32_t>(now - edge) > 0) edge = now;
  }
};

Receiver OpenReceiver(Bench& b, TcpPeer& t, int buffer = 200000) {
  t.Listen();
  t.listener().Set(Option::kReceiveBuffer, buffer);
  OpenScaled(b, t, 7);
  Receiver receiver;
  receiver.shift = tcp_option::WindowScaleOf(t.syn()).value_or(0);
  receiver.edge = t.seq + static_cast<uint32_t>(t.syn().Get(tcp::kWindow));
  return receiver;
}

// Sends `size` octets as the window allows; the program reads them, or not.
void Stream(Bench& b, TcpPeer& t, Receiver& receiver, size_t size, bool read) {
  for (size_t sent = 0; sent < size && b.ok();) {
    const uint32_t room = receiver.edge - t.seq;
    const size_t piece = std::min<size_t>({room, kMss, size - sent});
    if (piece == 0) return;
    t.SendText(Pattern(piece));
    sent += piece;
    const Packet ack = b.Poll(t.AckOf(t.seq), room < 3 * kMss ? 600ms : 5ms);
    if (!ack.empty()) receiver.Note(ack);
    if (read) t.socket().ReceiveAll(piece);
  }
}

TCP_CASE(13, MUST, "RFC 7323 2.2",
         "The window on the SYN,ACK is not scaled: at most 65535 are promised.") {
  t.Listen();
  t.listener().Set(Option::kReceiveBuffer, 200000);
  OpenScaled(b, t, 7);
  b.CheckBetween(static_cast<double>(t.syn().Get(tcp::kWindow).u64()), 2000, 65535, "the window");
}
TCP_CASE(14, SHOULD, "RFC 7323 2.1",
         "With a large buffer the device comes to offer more than 65535 octets.") {
  Receiver receiver = OpenReceiver(b, t);
  Stream(b, t, receiver, 300000, true);
  b.Check(receiver.edge - t.seq > 65535,
          "the window stayed at " + std::to_string(receiver.edge - t.seq));
}
TCP_CASE(15, SHOULD, "RFC 7323 2.4; RFC 9293 3.8.6",
         "While a large buffer fills, the right edge of the scaled window never goes back.") {
  Receiver receiver = OpenReceiver(b, t);
  Stream(b, t, receiver, 600000, false);
  b.CheckEqual(receiver.shrunk, 0, "how often the window shrank");
}
TCP_CASE(16, MUST, "RFC 7323 2.3", "All that a scaled window offers is taken, to its last octet.") {
  Receiver receiver = OpenReceiver(b, t);
  Stream(b, t, receiver, 600000, false);
  b.CheckEqual(receiver.edge - t.seq, 0, "octets of the window that could not be used");
}
TCP_CASE(17, MUST, "RFC 7323 2.3",
         "Text in the last octet of a scaled window is taken out of order.") {
  Receiver receiver = OpenReceiver(b, t);
  Stream(b, t, receiver, 100000, true);
  b.Forget();
  t.SendAt(receiver.edge - 1, tcp::kAck, Pattern(1));
  t.SendAt(t.seq, tcp::kAck, Pattern(10));
  b.Expect(t.AckOf(t.seq + 10));
  t.seq += 10;
  t.ExpectAlive();
}
TCP_CASE(18, MUST, "RFC 7323 2.3; RFC 9293 3.8.6.2.2",
         "A large window that was closed opens again when the program has read.") {
  Receiver receiver = OpenReceiver(b, t);
  const uint32_t from = t.seq;
  Stream(b, t, receiver, 600000, false);
  b.Wait(300ms);
  b.Forget();
  // Half of it: the last of what was sent may not have been taken.
  t.socket().ReceiveAll((t.seq - from) / 2, 10s);
  const Packet update = b.Expect(t.Acks() && AtLeast(tcp::kWindow, 1));
  b.Check((update.Get(tcp::kWindow).u64() << receiver.shift) >= kMss,
          "the window opens by too little");
}
TCP_CASE(19, MUST, "RFC 7323 2.3", "A stream of half a mebioctet arrives as it was sent.") {
  Receiver receiver = OpenReceiver(b, t);
  Stream(b, t, receiver, 524288, true);
  t.Send(tcp::kFin | tcp::kAck);
  t.socket().ExpectEnd();
}
TCP_CASE(20, MUST, "RFC 7323 2.3; RFC 9293 3.4",
         "A large window passes the end of the sequence numbers.") {
  t.seq = 0xffff0000;
  Receiver receiver = OpenReceiver(b, t);
  Stream(b, t, receiver, 200000, true);
  t.ExpectAlive();
}

// --- Timestamps ----------------------------------------------------------------------------------

Bytes Stamp(uint32_t value, uint32_t echo) {
  return Join({tcp_option::Nop(), tcp_option::Nop(), tcp_option::Timestamps(value, echo)});
}
uint32_t ValueOf(const Packet& p) {
  return tcp_option::TimestampsOf(p).value_or(std::pair(0u, 0u)).first;
}
void Use(TcpPeer& t, uint32_t value) { t.options = Stamp(value, ValueOf(t.syn())); }
void OpenStamped(Bench& b, TcpPeer& t) {
  t.syn_options = Join({tcp_option::Mss(kMss), Stamp(kOurs, 0), tcp_option::Nop(),
                        tcp_option::Nop(), tcp_option::SackPermitted()});
  t.Listen();
  t.SendSyn();
  t.ExpectSynAck();
  if (b.ok() && !tcp_option::TimestampsOf(t.syn()).has_value()) {
    return b.NotApplicable("the device does not use timestamps");
  }
  Use(t, kOurs);
  t.SendAck();
  t.Accept();
}

TCP_CASE(21, MUST, "RFC 7323 3.2, 5.4", "The TSvals of a connection never go back.") {
  OpenStamped(b, t);
  uint32_t last = ValueOf(t.syn());
  for (int i = 0; i < 5; ++i) {
    t.socket().Send(Pattern(10));
    const uint32_t value = ValueOf(t.ExpectText());
    b.Check(static_cast<int32_t>(value - last) >= 0, "a TSval went back");
    last = value;
    t.ack = t.end;
    t.SendAck();
    b.Wait(30ms);
  }
}
TCP_CASE(22, MUST, "RFC 7323 3.2",
         "A retransmission has the TSval of its own time, not of the first one.") {
  OpenStamped(b, t);
  t.socket().Send(Pattern(10));
  const uint32_t first = ValueOf(t.ExpectText());
  b.Expect(t.Text(), 4s);
  const uint32_t again = ValueOf(b.Expect(t.Text(), 8s));
  b.Check(static_cast<int32_t>(again - first) > 0, "the TSval is the old one");
}
TCP_CASE(23, MUST, "RFC 7323 4.3, (A)",
         "An ACK of two segments (a delayed one) echoes the TSval of the first of them.") {
  OpenStamped(b, t);
  // Again when the bench's own two segments were so far apart that the ACK was not delayed so long.
  for (uint32_t value = kOurs + 1000; value < kOurs + 6000; value += 1000) {
    t.SendText(Pattern(10));
    t.socket().Send(Pattern(10));
    t.ExpectText();
    t.ack = t.end;
    b.Wait(100ms);
    b.Forget();
    const uint32_t before = t.seq;
    Use(t, value);
    t.SendText(Pattern(10));
    Use(t, value + 1);
    t.SendText(Pattern(10));
    const Packet ack = b.Expect(t.AckOf(t.seq) || t.AckOf(before + 10));
    if (ack.Get(tcp::kAcknowledgment) == t.seq) {
      return b.CheckEqual(tcp_option::TimestampsOf(ack).value_or(std::pair(0u, 0u)).second, value,
                          "TSecr");
    }
  }
  b.NotApplicable("the device acknowledged each");
}
TCP_CASE(24, MUST, "RFC 7323 3.2", "An answer to text outside of the window has timestamps.") {
  OpenStamped(b, t);
  t.SendAt(t.seq - 100, tcp::kAck, Pattern(1));
  b.Check(tcp_option::TimestampsOf(b.Expect(t.Ack())).has_value(), "there are no timestamps");
}
TCP_CASE(25, MUST, "RFC 7323 3.2", "A FIN that is sent again has timestamps.") {
  OpenStamped(b, t);
  t.socket().Shutdown();
  t.ExpectFin();
  const Packet again = b.Expect(t.With(tcp::kFin | tcp::kAck), 4s);
  b.Check(tcp_option::TimestampsOf(again).has_value(), "there are no timestamps");
}
TCP_CASE(26, MUST, "RFC 7323 3.2; RFC 2018 3",
         "With timestamps, SACK has at most three blocks, and both options are there.") {
  OpenStamped(b, t);
  for (uint32_t i = 0; i < 6; ++i) t.SendAt(t.seq + 10 + 20 * i, tcp::kAck, Pattern(10));
  const std::vector<Packet> acks = b.Collect(t.Acks(), 200ms);
  b.Check(!acks.empty(), "no ACK came");
  for (const Packet& p : acks) {
    b.Check(tcp_option::TimestampsOf(p).has_value(), "there are no timestamps");
    b.CheckBetween(static_cast<double>(tcp_option::SackOf(p).size()), 1, 3, "SACK blocks");
  }
}

}  // namespace
}  // namespace moat::conform
