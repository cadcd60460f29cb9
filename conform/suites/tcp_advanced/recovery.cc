// Selective acknowledgements (RFC 2018), loss recovery and congestion control as seen on the wire
// (RFC 5681, 6582, 6675, 3042).
#include <algorithm>

#include "conform/bench/tcp_peer.h"

namespace moat::conform {
namespace {

CONFORM_SUITE("tcp-advanced");

constexpr uint32_t kMss = 1000;
using Blocks = std::vector<std::pair<uint32_t, uint32_t>>;

void OpenWith(TcpPeer& t, bool sack) {
  t.syn_options = tcp_option::Mss(kMss);
  if (sack) t.syn_options = Join({t.syn_options, tcp_option::SackPermitted()});
  t.Open();
}
void OpenSack(Bench& b, TcpPeer& t) {
  OpenWith(t, true);
  if (b.ok() && !tcp_option::HasSackPermitted(t.syn())) b.NotApplicable("the device has no SACK");
}

// --- The receiver --------------------------------------------------------------------------------

// Block of `length` octets at `offset` from what is next.
std::pair<uint32_t, uint32_t> Block(const TcpPeer& t, uint32_t offset, uint32_t length) {
  return {t.seq + offset, t.seq + offset + length};
}
void SendAhead(TcpPeer& t, uint32_t offset, uint32_t length) {
  t.SendAt(t.seq + offset, tcp::kAck, Pattern(length, static_cast<uint8_t>(offset)));
}
Match Sacks(const Blocks& blocks) {
  return Where("SACK blocks as wanted",
               [blocks](const Packet& p) { return tcp_option::SackOf(p) == blocks; });
}

TCP_CASE(31, SHOULD, "RFC 2018 2", "When the SYN permits SACK, the SYN,ACK does.") {
  OpenWith(t, true);
  b.Check(tcp_option::HasSackPermitted(t.syn()), "the SYN,ACK does not permit SACK");
}
TCP_CASE(32, MUST, "RFC 2018 2; 4", "When the SYN does not permit SACK, no SACK is sent.") {
  OpenWith(t, false);
  b.Check(!tcp_option::HasSackPermitted(t.syn()), "the SYN,ACK permits SACK");
  SendAhead(t, 10, 10);
  b.Expect(t.Ack() && Sacks({}));
}
TCP_CASE(33, SHOULD, "RFC 2018 4",
         "Text behind a hole is reported by a SACK block with its edges.") {
  OpenSack(b, t);
  SendAhead(t, 10, 10);
  b.Expect(t.Ack() && Sacks({Block(t, 10, 10)}));
}
TCP_CASE(34, MUST, "RFC 2018 4, first rule",
         "The first block is the one that the newest segment is in.") {
  OpenSack(b, t);
  SendAhead(t, 10, 10);
  b.Expect(t.Ack());
  SendAhead(t, 30, 10);
  b.Expect(t.Ack() && Sacks({Block(t, 30, 10), Block(t, 10, 10)}));
}
TCP_CASE(35, MUST, "RFC 2018 4, first rule",
         "A segment that comes between two blocks, nearer to the hole, is reported first.") {
  OpenSack(b, t);
  SendAhead(t, 60, 10);
  b.Expect(t.Ack());
  SendAhead(t, 20, 10);
  b.Expect(t.Ack() && Sacks({Block(t, 20, 10), Block(t, 60, 10)}));
}
TCP_CASE(36, MUST, "RFC 2018 4", "Blocks that touch become one.") {
  OpenSack(b, t);
  SendAhead(t, 10, 10);
  b.Expect(t.Ack());
  SendAhead(t, 20, 10);
  b.Expect(t.Ack() && Sacks({Block(t, 10, 20)}));
}
TCP_CASE(37, MUST, "RFC 2018 4", "A segment that closes the gap of two blocks makes them one.") {
  OpenSack(b, t);
  SendAhead(t, 10, 10);
  SendAhead(t, 30, 10);
  b.Wait(20ms);
  b.Forget();
  SendAhead(t, 20, 10);
  b.Expect(t.Ack() && Sacks({Block(t, 10, 30)}));
}
TCP_CASE(38, SHOULD, "RFC 2018 4, third rule",
         "As many blocks are reported as fit: three of three, newest first.") {
  OpenSack(b, t);
  SendAhead(t, 10, 10);
  SendAhead(t, 30, 10);
  b.Wait(20ms);
  b.Forget();
  SendAhead(t, 50, 10);
  b.Expect(t.Ack() && Sacks({Block(t, 50, 10), Block(t, 30, 10), Block(t, 10, 10)}));
}
TCP_CASE(39, MUST, "RFC 2018 3", "No more blocks are sent than the header has room for.") {
  OpenSack(b, t);
  for (uint32_t i = 0; i < 8; ++i) SendAhead(t, 10 + 20 * i, 10);
  const std::vector<Packet> acks = b.Collect(t.Acks(), 200ms);
  b.Check(!acks.empty(), "no ACK came");
  for (const Packet& p : acks) b.Check(tcp_option::SackOf(p).size() <= 4, "too many blocks");
}
TCP_CASE(40, MUST, "RFC 2018 4", "When the hole is filled there are no blocks.") {
  OpenSack(b, t);
  SendAhead(t, 10, 10);
  b.Expect(t.Ack());
  SendAhead(t, 0, 10);
  b.Expect(t.AckOf(t.seq + 20) && Sacks({}));
}
TCP_CASE(41, MUST, "RFC 2018 4",
         "When the first hole is filled, what is behind the second is still reported.") {
  OpenSack(b, t);
  SendAhead(t, 10, 10);
  SendAhead(t, 30, 10);
  b.Wait(20ms);
  b.Forget();
  SendAhead(t, 0, 10);
  b.Expect(t.AckOf(t.seq + 20) && Sacks({Block(t, 30, 10)}));
}
TCP_CASE(42, SHOULD, "RFC 5681 4.2", "Each segment behind a hole is acknowledged at once.") {
  OpenWith(t, false);
  for (uint32_t i = 1; i <= 5; ++i) {
    SendAhead(t, 10 * i, 10);
    b.Expect(t.Ack(), 100ms);
  }
}
TCP_CASE(43, SHOULD, "RFC 5681 4.2",
         "The segment that fills a part of a hole is acknowledged at once.") {
  OpenWith(t, false);
  SendAhead(t, 40, 10);
  b.Expect(t.Ack());
  SendAhead(t, 0, 20);
  b.Expect(t.AckOf(t.seq + 20), 100ms);
}

// --- The sender ----------------------------------------------------------------------------------

// Sequence numbers of the device's text in this time, relative to its first octet, in segments.
std::vector<uint32_t> Segments(Bench& b, TcpPeer& t, Duration within = 60ms) {
  std::vector<uint32_t> segments;
  for (const Packet& p : b.Collect(t.Text(), within)) {
    const auto seq = static_cast<uint32_t>(p.Get(tcp::kSequence));
    segments.push_back((seq - (t.irs() + 1)) / kMss);
    const uint32_t end = seq + static_cast<uint32_t>(p.Payload().size());
    if (static_cast<int32_t>(end - t.end) > 0) t.end = end;
  }
  return segments;
}

// The device has its initial window of a long stream in flight. Returns its segments.
size_t StartStream(Bench& b, TcpPeer& t, bool sack) {
  if (sack) {
    OpenSack(b, t);
  } else {
    OpenWith(t, false);
  }
  t.socket().Set(Option::kSendBuffer, 400000);
  t.socket().Send(Pattern(100 * kMss));
  return Segments(b, t).size();
}

uint32_t At(const TcpPeer& t, uint32_t segment) { return t.irs() + 1 + segment * kMss; }

// An ACK up to `segment`, with blocks [first, last) in segments, newest first.
void AckUpTo(TcpPeer& t, uint32_t segment, const Blocks& sacked = {}) {
  Blocks blocks;
  for (const auto& [first, last] : sacked) blocks.emplace_back(At(t, first), At(t, last));
  t.ack = At(t, segment);
  t.options = blocks.empty()
                  ? Bytes{}
                  : Join({tcp_option::Nop(), tcp_option::Nop(), tcp_option::Sack(blocks)});
  t.SendAck();
}

bool Contains(const std::vector<uint32_t>& segments, uint32_t segment) {
  return std::find(segments.begin(), segments.end(), segment) != segments.end();
}

TCP_CASE(44, MUST, "RFC 6928 2; RFC 5681 3.1", "The initial window is at most ten segments.") {
  const size_t sent = StartStream(b, t, false);
  b.CheckBetween(static_cast<double>(sent), 1, 10, "segments sent at first");
}
TCP_CASE(45, MUST, "RFC 5681 3.1",
         "In slow start an ACK of one segment lets at most two more out.") {
  const size_t before = StartStream(b, t, false);
  AckUpTo(t, 1);
  b.CheckBetween(static_cast<double>(Segments(b, t).size()), 1, 2, "segments after the ACK");
  b.Check(before > 1, "there was one segment in flight");
}
TCP_CASE(46, SHOULD, "RFC 5681 3.1", "In slow start the window grows with each round trip.") {
  const size_t first = StartStream(b, t, false);
  for (uint32_t i = 1; i <= first; ++i) AckUpTo(t, i);
  b.CheckBetween(static_cast<double>(Segments(b, t).size()), 1.5 * static_cast<double>(first),
                 2 * static_cast<double>(first), "segments of the second round trip");
}
TCP_CASE(47, SHOULD, "RFC 5681 3.2",
         "Three duplicate ACKs bring the segment again, before its timeout.") {
  StartStream(b, t, false);
  AckUpTo(t, 1);
  Segments(b, t);
  for (int i = 0; i < 3; ++i) AckUpTo(t, 1);
  b.Check(Contains(Segments(b, t), 1), "segment 1 was not sent again");
}
TCP_CASE(48, SHOULD, "RFC 5681 3.2", "Two duplicate ACKs do not bring the segment again.") {
  StartStream(b, t, false);
  AckUpTo(t, 1);
  Segments(b, t);
  for (int i = 0; i < 2; ++i) AckUpTo(t, 1);
  b.Check(!Contains(Segments(b, t), 1), "segment 1 was sent again");
}
TCP_CASE(49, SHOULD, "RFC 3042 2", "The first two duplicate ACKs each let a new segment out.") {
  const size_t first = StartStream(b, t, false);
  AckUpTo(t, 0);
  b.Check(Contains(Segments(b, t), static_cast<uint32_t>(first)), "no new segment for the first");
  AckUpTo(t, 0);
  b.Check(Contains(Segments(b, t), static_cast<uint32_t>(first) + 1), "none for the second");
}
TCP_CASE(50, MUST, "RFC 5681 2 (e)", "ACKs that change the window are no duplicates.") {
  StartStream(b, t, false);
  AckUpTo(t, 1);
  Segments(b, t);
  for (const int window : {60000, 50000, 60001, 50001}) {
    t.window = window;
    AckUpTo(t, 1);
  }
  b.Check(!Contains(Segments(b, t), 1), "segment 1 was sent again");
}
TCP_CASE(51, MUST, "RFC 5681 2 (b)", "ACKs that carry text are no duplicates.") {
  StartStream(b, t, false);
  AckUpTo(t, 1);
  Segments(b, t);
  for (int i = 0; i < 4; ++i) t.SendText(Pattern(10));
  b.Check(!Contains(Segments(b, t), 1), "segment 1 was sent again");
}
TCP_CASE(52, MUST, "RFC 6582 3.2, step 3", "A partial ACK brings the next hole again at once.") {
  StartStream(b, t, false);
  AckUpTo(t, 1);
  Segments(b, t);
  for (int i = 0; i < 4; ++i) AckUpTo(t, 1);
  b.Check(Contains(Segments(b, t), 1), "segment 1 was not sent again");
  AckUpTo(t, 4);
  b.Check(Contains(Segments(b, t), 4), "segment 4 was not sent again");
}
TCP_CASE(53, MUST, "RFC 5681 3.2; RFC 6582 3.2",
         "After a loss the window is at most about half of what was in flight.") {
  const size_t first = StartStream(b, t, false);
  for (uint32_t i = 1; i <= first; ++i) AckUpTo(t, i);
  Segments(b, t);
  const auto flight = static_cast<double>((t.end - At(t, static_cast<uint32_t>(first))) / kMss);
  for (int i = 0; i < 3; ++i) AckUpTo(t, static_cast<uint32_t>(first));
  Segments(b, t);
  AckUpTo(t, (t.end - At(t, 0)) / kMss);
  const auto after = static_cast<double>(Segments(b, t).size());
  b.CheckBetween(after, 1, 0.75 * flight + 1, "segments in flight after the recovery");
}
TCP_CASE(54, MUST, "RFC 5681 3.1", "A timeout brings one segment, and the window starts anew.") {
  StartStream(b, t, false);
  const Packet again = b.Expect(t.Text(), 4s);
  b.CheckEqual(again.Get(tcp::kSequence) - At(t, 0), 0, "offset of what is sent again");
  b.CheckBetween(static_cast<double>(Segments(b, t, 100ms).size()), 0, 0, "segments beside it");
}
TCP_CASE(55, MUST, "RFC 5681 3.1", "After a timeout the ACK of the segment lets at most two out.") {
  StartStream(b, t, false);
  b.Expect(t.Text() && Is(tcp::kSequence, At(t, 0)), 4s);
  AckUpTo(t, 1);
  b.CheckBetween(static_cast<double>(Segments(b, t, 100ms).size()), 1, 2, "segments");
}
TCP_CASE(56, SHOULD, "RFC 5681 4.1",
         "After a long pause the window is no more than the initial one.") {
  const size_t first = StartStream(b, t, false);
  for (int round = 0; round < 6; ++round) {
    AckUpTo(t, (t.end - At(t, 0)) / kMss);
    Segments(b, t, 30ms);
  }
  AckUpTo(t, (t.end - At(t, 0)) / kMss);
  b.Wait(20s);
  b.Forget();
  t.socket().Send(Pattern(60 * kMss));
  b.CheckBetween(static_cast<double>(Segments(b, t).size()), 1, static_cast<double>(first) + 1,
                 "segments after the pause");
}

// --- With SACK -----------------------------------------------------------------------------------

TCP_CASE(57, MUST, "RFC 6675 5",
         "SACKs of three segments bring the hole again, and nothing that was SACKed.") {
  StartStream(b, t, true);
  AckUpTo(t, 1, {{2, 3}});
  AckUpTo(t, 1, {{2, 4}});
  AckUpTo(t, 1, {{2, 5}});
  const std::vector<uint32_t> sent = Segments(b, t);
  b.Check(Contains(sent, 1), "the hole was not sent again");
  b.Check(!Contains(sent, 2) && !Contains(sent, 3) && !Contains(sent, 4),
          "what was SACKed was sent again");
}
TCP_CASE(58, SHOULD, "RFC 6675 4, IsLost", "One SACK of more than three segments is enough.") {
  StartStream(b, t, true);
  AckUpTo(t, 1, {{2, 6}});
  b.Check(Contains(Segments(b, t), 1), "the hole was not sent again");
}
TCP_CASE(59, SHOULD, "RFC 6675 4, IsLost",
         "Two holes below three SACKed segments are both sent again.") {
  StartStream(b, t, true);
  AckUpTo(t, 1, {{2, 3}});
  AckUpTo(t, 1, {{4, 5}, {2, 3}});
  AckUpTo(t, 1, {{4, 6}, {2, 3}});
  AckUpTo(t, 1, {{4, 7}, {2, 3}});
  AckUpTo(t, 1, {{4, 8}, {2, 3}});
  AckUpTo(t, 1, {{4, 9}, {2, 3}});
  std::vector<uint32_t> sent = Segments(b, t);
  // How much may be sent for each ACK is another matter (RFC 6937): more of them may be needed.
  const uint32_t count = (t.end - (t.irs() + 1)) / kMss;
  for (uint32_t n = 10; n <= count; ++n) AckUpTo(t, 1, {{4, n}, {2, 3}});
  for (const uint32_t segment : Segments(b, t)) sent.push_back(segment);
  b.Check(Contains(sent, 1) && Contains(sent, 3), "not both holes were sent again");
}
TCP_CASE(60, MUST, "RFC 6675 5", "A hole is sent again once, however many more SACKs come.") {
  StartStream(b, t, true);
  for (const uint32_t last : {3u, 4u, 5u, 6u, 7u, 8u, 9u}) AckUpTo(t, 1, {{2, last}});
  const std::vector<uint32_t> sent = Segments(b, t);
  b.CheckEqual(std::count(sent.begin(), sent.end(), 1u), 1, "how often segment 1 was sent again");
}
TCP_CASE(61, MUST, "RFC 2018 5.1; RFC 6675 5.1",
         "After a timeout the first segment that is not acknowledged is sent, SACKed or not.") {
  StartStream(b, t, true);
  AckUpTo(t, 1, {{1, 2}});
  b.Forget();
  b.Expect(t.Text() && Is(tcp::kSequence, At(t, 1)), 5s);
}
TCP_CASE(62, MUST, "RFC 2018 5; RFC 6675 3",
         "SACK blocks outside of what is in flight do no harm.") {
  StartStream(b, t, true);
  AckUpTo(t, 1, {{0x10000, 0x10002}, {2, 2}, {5, 3}});
  Segments(b, t);
  AckUpTo(t, 3);
  b.Check(!Segments(b, t).empty(), "the device does not go on");
}

}  // namespace
}  // namespace moat::conform
