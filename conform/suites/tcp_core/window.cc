// Windows in both directions (RFC 9293 3.8.6), zero windows, silly windows, Nagle, delayed
// acknowledgements, and reassembly of the stream.
#include <algorithm>

#include "conform/bench/tcp_peer.h"

namespace moat::conform {
namespace {

CONFORM_SUITE("tcp-core");

// --- The other side's window ---------------------------------------------------------------------

// Octets that the device sends at once into our window.
size_t SentAtOnce(Bench& b, TcpPeer& t, Duration within = 150ms) {
  size_t total = 0;
  for (const Packet& p : b.Collect(t.Text(), within)) {
    if (static_cast<uint32_t>(p.Get(tcp::kSequence)) != t.end) continue;
    total += p.Payload().size();
    t.end += static_cast<uint32_t>(p.Payload().size());
  }
  return total;
}

// ESTABLISHED, 2000 octets written, and the window closed by the ACK of the first 1000.
void CloseWindow(Bench& b, TcpPeer& t) {
  t.window = 1000;
  t.Open();
  t.socket().Send(Pattern(2000));
  b.CheckEqual(SentAtOnce(b, t, 100ms), 1000, "octets in the window");
  t.ack = t.end;
  t.window = 0;
  t.SendAck();
}

TCP_CASE(206, MUST, "RFC 9293 3.10.2",
         "The device sends no more than the window that it was offered.") {
  t.window = 1200;
  t.Open();
  t.socket().Send(Pattern(5000));
  b.CheckEqual(SentAtOnce(b, t), 1200, "octets sent into a window of 1200");
}
TCP_CASE(207, MUST, "RFC 9293 3.10.7.4, fifth",
         "An ACK that moves the window lets the device go on.") {
  t.window = 1200;
  t.Open();
  t.socket().Send(Pattern(5000));
  SentAtOnce(b, t);
  t.ack = t.end;
  t.SendAck();
  b.CheckEqual(SentAtOnce(b, t), 1200, "octets sent into the next window of 1200");
}
TCP_CASE(208, MUST, "RFC 9293 3.10.7.4, fifth",
         "An ACK that only opens the window lets the device go on.") {
  CloseWindow(b, t);
  b.Wait(50ms);
  t.window = 65535;
  t.SendAck();
  b.Expect(t.Text() && Is(tcp::kSequence, t.end));
}
TCP_CASE(209, MUST, "RFC 9293 3.1, Window (MUST-1)",
         "Windows are unsigned: more than 32767 octets are sent into 65535.") {
  t.Open();
  t.socket().Set(Option::kSendBuffer, 400000);
  t.socket().Send(Pattern(150000));
  size_t flight = 0;
  for (int round = 0; round < 5 && flight <= 32767; ++round) {
    flight = SentAtOnce(b, t, 50ms);
    t.ack = t.end;
    t.SendAck();
  }
  b.CheckBetween(static_cast<double>(flight), 32768, 65535, "octets in flight");
}
TCP_CASE(210, MUST, "RFC 9293 3.8.6 (MUST-34)",
         "A window that shrinks below what is in flight does not break the connection.") {
  t.window = 4000;
  t.Open();
  t.socket().Send(Pattern(8000));
  SentAtOnce(b, t);
  t.window = 1000;
  t.ack = t.irs() + 1 + 500;
  t.SendAck();
  b.Wait(50ms);
  t.ack = t.end;
  t.window = 4000;
  t.SendAck();
  b.Check(t.ExpectText().Payload().size() > 0, "the device does not go on");
}
TCP_CASE(211, SHOULD, "RFC 9293 3.8.6 (SHLD-15)",
         "While a shrunken window is exceeded, the device sends no new text.") {
  t.window = 4000;
  t.Open();
  t.socket().Send(Pattern(8000));
  SentAtOnce(b, t);
  t.window = 1000;
  t.SendAck();
  b.ExpectNothing(t.Text() && AtLeast(tcp::kSequence, t.end), 1s);
}
TCP_CASE(212, MUST, "RFC 9293 3.10.7.4, fifth (SND.WL2)",
         "An older ACK does not bring back the window that it has.") {
  t.window = 2000;
  t.Open();
  t.socket().Send(Pattern(8000));
  SentAtOnce(b, t);
  const uint32_t first = t.ack;
  t.ack = t.end;
  t.window = 0;
  t.SendAck();
  t.ack = first;
  t.window = 60000;
  t.SendAck();
  b.CheckEqual(SentAtOnce(b, t, 100ms), 0, "octets sent into a closed window");
}

// --- Zero-window probes --------------------------------------------------------------------------

TCP_CASE(213, MUST, "RFC 9293 3.8.6.1 (MUST-36)", "A closed window is probed.") {
  CloseWindow(b, t);
  b.Expect(t.Any(), 3s);
}
TCP_CASE(214, SHOULD, "RFC 9293 3.8.6.1 (SHLD-29)",
         "The first probe waits for the retransmission timeout: none comes within 100 ms.") {
  CloseWindow(b, t);
  b.ExpectNothing(t.Any(), 100ms);
  b.Expect(t.Any(), 3s);
}
TCP_CASE(215, SHOULD, "RFC 9293 3.8.6.1 (SHLD-30)",
         "The intervals between probes grow exponentially.") {
  CloseWindow(b, t);
  Duration times[5];
  for (Duration& time : times) {
    time = b.Expect(t.Any(), 20s).time();
    t.SendAck();
  }
  const double first = std::chrono::duration<double>(times[2] - times[1]).count();
  const double later = std::chrono::duration<double>(times[4] - times[3]).count();
  b.CheckBetween(later / first, 2.5, 6, "the ratio of the intervals, two probes apart");
}
TCP_CASE(216, MUST, "RFC 9293 3.8.6.1 (MUST-37)",
         "As long as probes are answered, a closed window ends nothing.") {
  CloseWindow(b, t);
  for (int i = 0; i < 8; ++i) {
    b.Poll(t.Any(), 20s);
    t.SendAck();
  }
  b.CheckEqual(t.socket().Error(0s), 0, "the socket's error");
  t.window = 65535;
  t.SendAck();
  b.Expect(t.Text(), 3s);
}
TCP_CASE(217, MUST, "RFC 9293 3.8.6.1",
         "A probe that is acknowledged, with an open window, is counted: the rest follows it.") {
  CloseWindow(b, t);
  const Packet probe = b.Expect(t.Any(), 3s);
  t.window = 65535;
  const auto text = static_cast<uint32_t>(probe.Payload().size());
  t.ack = static_cast<uint32_t>(probe.Get(tcp::kSequence)) + text;
  if (static_cast<int32_t>(t.ack - t.end) < 0) t.ack = t.end;
  t.end = t.ack;
  t.SendAck();
  const uint32_t left = 1000 - (t.end - (t.irs() + 1) - 1000);
  b.CheckEqual(SentAtOnce(b, t), left, "octets of the rest");
}

// --- Silly windows, the sender's part, and Nagle -------------------------------------------------

TCP_CASE(218, MUST, "RFC 9293 3.8.6.2.1 (MUST-38)",
         "Much text is not sent in small pieces because the window opens by little.") {
  t.Open();
  t.socket().Send(Pattern(3000));
  SentAtOnce(b, t, 50ms);
  t.ack = t.end;
  t.window = 100;
  t.SendAck();
  t.socket().Send(Pattern(3000));
  b.ExpectNothing(t.Text(), 90ms);
}
TCP_CASE(219, MUST, "RFC 9293 3.8.6.2.1",
         "A window that stays small is used in the end (the override timeout).") {
  t.Open();
  t.socket().Send(Pattern(3000));
  SentAtOnce(b, t, 50ms);
  t.ack = t.end;
  t.window = 100;
  t.SendAck();
  t.socket().Send(Pattern(3000));
  b.Expect(t.Text(), 3s);
}
TCP_CASE(220, SHOULD, "RFC 9293 3.7.4 (SHLD-7)",
         "Nagle: a small write while another one is not acknowledged waits for the ACK.") {
  t.Open();
  t.socket().Send(Pattern(10));
  t.ExpectText();
  t.socket().Send(Pattern(10));
  b.ExpectNothing(t.Text() && Is(tcp::kSequence, t.end), 100ms);
  t.ack = t.end;
  t.SendAck();
  t.ExpectText();
}
TCP_CASE(221, SHOULD, "RFC 9293 3.7.4 (SHLD-7)",
         "Nagle: what small writes gathered meanwhile is sent as one segment.") {
  t.Open();
  t.socket().Send(Pattern(10));
  t.ExpectText();
  for (int i = 0; i < 5; ++i) t.socket().Send(Pattern(10));
  b.Wait(20ms);
  t.ack = t.end;
  t.SendAck();
  b.CheckEqual(t.ExpectText().Payload().size(), 50, "octets of the segment");
}
TCP_CASE(222, SHOULD, "RFC 9293 3.7.4",
         "Nagle: a small write with nothing in flight is sent at once.") {
  t.Open();
  t.socket().Send(Pattern(1));
  t.ExpectText(100ms);
}
TCP_CASE(223, MUST, "RFC 9293 3.7.4 (MUST-17)", "The program can switch Nagle off.") {
  t.Open();
  t.socket().Set(Option::kNoDelay, 1);
  for (int i = 0; i < 3; ++i) {
    t.socket().Send(Pattern(10));
    t.ExpectText(150ms);
  }
}
TCP_CASE(224, MUST, "RFC 9293 3.7.4", "Nagle does not hold back full segments.") {
  t.Open();
  t.socket().Send(Pattern(10));
  t.ExpectText();
  t.socket().Send(Pattern(static_cast<size_t>(t.mss())));
  b.CheckEqual(t.ExpectText(100ms).Payload().size(), t.mss(), "octets of the segment");
}

// --- The device's window -------------------------------------------------------------------------

// Fills the device's receive buffer, which its program does not read, until the window is closed.
// Returns how often the right edge of the window went back.
int FillWindow(Bench& b, TcpPeer& t) {
  int shrunk = 0;
  uint32_t edge = t.seq + static_cast<uint32_t>(t.syn().Get(tcp::kWindow));
  for (int i = 0; i < 400 && edge != t.seq && b.ok(); ++i) {
    const uint32_t room = edge - t.seq;
    t.SendText(Pattern(std::min<size_t>(room, static_cast<size_t>(t.mss()))));
    const Packet ack = b.Poll(t.AckOf(t.seq), edge == t.seq ? 1s : 20ms);
    if (ack.empty()) continue;
    const uint32_t now = t.seq + static_cast<uint32_t>(ack.Get(tcp::kWindow));
    if (static_cast<int32_t>(now - edge) < 0) ++shrunk;
    edge = now;
  }
  b.Check(edge == t.seq, "the window did not close");
  return shrunk;
}

void OpenSmallBuffer(TcpPeer& t) {
  t.Listen();
  t.listener().Set(Option::kReceiveBuffer, 16384);
  t.Open();
}

TCP_CASE(225, SHOULD, "RFC 9293 3.8.6 (SHLD-14)",
         "The right edge of the device's window never goes back.") {
  OpenSmallBuffer(t);
  b.CheckEqual(FillWindow(b, t), 0, "how often the window shrank");
}
TCP_CASE(226, MUST, "RFC 9293 3.10.7.4, first",
         "With its window closed the device takes no text, and answers with its ACK.") {
  OpenSmallBuffer(t);
  FillWindow(b, t);
  b.Forget();
  t.SendAt(t.seq, tcp::kAck, Pattern(1));
  b.Expect(t.Ack() && Is(tcp::kWindow, 0));
}
TCP_CASE(227, MUST, "RFC 9293 3.10.7.4, first (MUST-66)",
         "With its window closed the device obeys a RST.") {
  OpenSmallBuffer(t);
  FillWindow(b, t);
  t.Send(tcp::kRst);
  t.ExpectGone();
}
TCP_CASE(228, MUST, "RFC 9293 3.10.7.4, first",
         "With its window closed the device takes acknowledgements.") {
  OpenSmallBuffer(t);
  FillWindow(b, t);
  t.socket().Send(Pattern(10));
  t.ExpectText();
  t.ack = t.end;
  t.SendAck();
  b.ExpectNothing(t.Text(), 3s);
}
TCP_CASE(229, MUST, "RFC 9293 3.8.6.2.2 (MUST-39)",
         "A closed window is not opened by a single octet that the program reads.") {
  OpenSmallBuffer(t);
  FillWindow(b, t);
  t.socket().ReceiveAll(1);
  b.Wait(100ms);
  b.Forget();
  t.SendAt(t.seq, tcp::kAck, Pattern(1));
  b.Expect(t.Ack() && Is(tcp::kWindow, 0));
}
TCP_CASE(230, MUST, "RFC 9293 3.8.6.2.2",
         "When the program has read everything, the window opens by itself, by a segment or half "
         "the buffer.") {
  OpenSmallBuffer(t);
  const uint32_t from = t.seq;
  FillWindow(b, t);
  b.Forget();
  t.socket().ReceiveAll(t.seq - from, 5s);
  b.Expect(t.Acks() && AtLeast(tcp::kWindow, static_cast<uint64_t>(t.mss())));
}

// --- Acknowledging -------------------------------------------------------------------------------

TCP_CASE(231, MUST, "RFC 9293 3.8.6.3 (MUST-40)", "Text is acknowledged within half a second.") {
  t.Open();
  for (int i = 0; i < 5; ++i) {
    t.SendText(Pattern(10));
    b.Expect(t.AckOf(t.seq), 600ms);
    b.Wait(50ms);
  }
}
TCP_CASE(232, SHOULD, "RFC 9293 3.8.6.3 (SHLD-18)",
         "Not every small segment gets an ACK of its own.") {
  t.Open();
  t.SendText(Pattern(10));
  t.socket().Send(Pattern(10));
  t.ExpectText();
  t.ack = t.end;
  b.Forget();
  for (int i = 0; i < 60; ++i) {
    t.SendText(Pattern(10));
    b.Wait(5ms);
  }
  // Some at the beginning may be acknowledged at once, so that the peer's window grows.
  const size_t acks = b.Collect(t.Acks(), 600ms).size();
  b.Check(acks <= 45, std::to_string(acks) + " of 60 segments have an ACK of their own");
}
TCP_CASE(233, SHOULD, "RFC 9293 3.8.6.3 (SHLD-19)",
         "At least every second full segment of a stream is acknowledged.") {
  t.Open();
  const Bytes full = Pattern(static_cast<size_t>(t.mss()));
  int acks = 0;
  for (int i = 0; i < 20; ++i) {
    t.SendText(full);
    t.SendText(full);
    acks += b.Poll(t.AckOf(t.seq), 30ms).empty() ? 0 : 1;
    t.socket().ReceiveAll(2 * full.size());
  }
  b.Check(acks >= 19, "only " + std::to_string(acks) + " of 20 pairs were acknowledged at once");
}
TCP_CASE(234, MUST, "RFC 9293 3.8.6.3", "The ACK of text goes along with an answer's text.") {
  t.Open();
  t.SendText(Pattern(10));
  t.socket().ReceiveAll(10);
  t.socket().Send(Pattern(10));
  b.CheckPacket(t.ExpectText(), Is(tcp::kAcknowledgment, t.seq));
}

// --- Reassembly ----------------------------------------------------------------------------------

TCP_CASE(235, SHOULD, "RFC 9293 3.10.7.4, seventh (SHLD-31)",
         "Segments out of order are kept: filling the hole acknowledges them all.") {
  t.Open();
  t.SendAt(t.seq + 10, tcp::kAck, Pattern(10, 10));
  t.SendAt(t.seq + 20, tcp::kAck, Pattern(10, 20));
  t.SendAt(t.seq, tcp::kAck, Pattern(10));
  b.Expect(t.AckOf(t.seq + 30));
  b.Check(t.socket().ReceiveAll(30) == Pattern(30), "the stream is not what was sent");
}
TCP_CASE(236, MUST, "RFC 9293 3.10.7.4, seventh",
         "Of text that overlaps, each octet is taken once.") {
  t.Open();
  t.SendText(Pattern(20));
  t.SendAt(t.seq - 10, tcp::kAck, Pattern(30, 10));
  t.seq += 20;
  b.Expect(t.AckOf(t.seq));
  b.Check(t.socket().ReceiveAll(40) == Pattern(40), "the stream is not what was sent");
}
TCP_CASE(237, MUST, "RFC 9293 3.10.7.4, seventh",
         "Text that bridges a hole and overlaps what is behind it is put together right.") {
  t.Open();
  t.SendAt(t.seq + 20, tcp::kAck, Pattern(10, 20));
  t.SendAt(t.seq + 40, tcp::kAck, Pattern(10, 40));
  t.SendAt(t.seq, tcp::kAck, Pattern(45));
  b.Expect(t.AckOf(t.seq + 50));
  b.Check(t.socket().ReceiveAll(50) == Pattern(50), "the stream is not what was sent");
}
TCP_CASE(238, MUST, "RFC 9293 3.10.7.4, seventh", "Text is not acknowledged beyond a hole.") {
  t.Open();
  t.SendAt(t.seq + 10, tcp::kAck, Pattern(10, 10));
  b.Expect(t.Ack());
  t.socket().ExpectNoData(100ms);
}
TCP_CASE(239, MUST, "RFC 9293 3.4",
         "The stream passes the end of the sequence numbers, out of order as well.") {
  t.seq = 0xfffffff0;
  t.Open();
  t.SendAt(t.seq + 20, tcp::kAck, Pattern(20, 20));
  t.SendAt(t.seq, tcp::kAck, Pattern(20));
  b.Expect(t.AckOf(t.seq + 40));
  b.Check(t.socket().ReceiveAll(40) == Pattern(40), "the stream is not what was sent");
}
TCP_CASE(
    240, MUST, "RFC 9293 3.10.7.4, seventh",
    "Of text that begins in the window and ends behind it, what lies in the window is taken.") {
  OpenSmallBuffer(t);
  const uint32_t from = t.seq;
  const auto window = static_cast<uint32_t>(t.syn().Get(tcp::kWindow));
  const uint32_t room = std::min(window, 1000u);
  t.SendAt(from + window - room, tcp::kAck, Pattern(room + 400));
  b.Expect(t.AckOf(from));
  b.ExpectNothing(t.Reset(), 100ms);
  t.ExpectAlive();
}

}  // namespace
}  // namespace moat::conform
