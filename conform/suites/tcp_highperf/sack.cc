// Duplicate SACK (RFC 2883), and SACK in large windows (RFC 2018, RFC 6675).
#include <algorithm>

#include "conform/bench/tcp_peer.h"

namespace moat::conform {
namespace {

CONFORM_SUITE("tcp-highperf");

constexpr uint32_t kMss = 1000;
using Blocks = std::vector<std::pair<uint32_t, uint32_t>>;

void OpenSack(Bench& b, TcpPeer& t) {
  t.syn_options = Join({tcp_option::Mss(kMss), tcp_option::SackPermitted()});
  t.Open();
  if (b.ok() && !tcp_option::HasSackPermitted(t.syn())) b.NotApplicable("the device has no SACK");
}
Match Sacks(const Blocks& blocks) {
  return Where("SACK blocks as wanted",
               [blocks](const Packet& p) { return tcp_option::SackOf(p) == blocks; });
}
void SendAhead(TcpPeer& t, uint32_t offset, uint32_t length) {
  t.SendAt(t.seq + offset, tcp::kAck, Pattern(length, static_cast<uint8_t>(offset)));
}
// 100 octets have come in order.
void Fill(Bench& b, TcpPeer& t) {
  OpenSack(b, t);
  t.SendText(Pattern(100));
  b.Expect(t.AckOf(t.seq));
}

TCP_CASE(50, SHOULD, "RFC 2883 4.1.1",
         "A segment that came before is reported by the first block.") {
  Fill(b, t);
  t.SendAt(t.seq - 100, tcp::kAck, Pattern(100));
  b.Expect(t.Ack() && Sacks({{t.seq - 100, t.seq}}));
}
TCP_CASE(51, SHOULD, "RFC 2883 4, (2)",
         "A duplicate is reported once: the next ACK says nothing of it.") {
  Fill(b, t);
  t.SendAt(t.seq - 100, tcp::kAck, Pattern(100));
  b.Expect(t.Ack());
  t.SendText(Pattern(10));
  b.Expect(t.AckOf(t.seq) && Sacks({}));
}
TCP_CASE(52, SHOULD, "RFC 2883 4.1.2",
         "Of a duplicate below the ACK and a block above it, the duplicate stands first.") {
  Fill(b, t);
  SendAhead(t, 50, 20);
  b.Expect(t.Ack());
  t.SendAt(t.seq - 30, tcp::kAck, Pattern(30, 70));
  b.Expect(t.Ack() && Sacks({{t.seq - 30, t.seq}, {t.seq + 50, t.seq + 70}}));
}
TCP_CASE(53, SHOULD, "RFC 2883 4.1.3",
         "A duplicate above the ACK stands first, and the block that it lies in second.") {
  Fill(b, t);
  SendAhead(t, 50, 20);
  SendAhead(t, 70, 20);
  b.Wait(20ms);
  b.Forget();
  SendAhead(t, 50, 20);
  b.Expect(t.Ack() && Sacks({{t.seq + 50, t.seq + 70}, {t.seq + 50, t.seq + 90}}));
}
TCP_CASE(54, MUST, "RFC 2883 4; RFC 2018 2",
         "When SACK was not permitted, no duplicate is reported.") {
  t.Open();
  t.SendText(Pattern(100));
  b.Expect(t.AckOf(t.seq));
  t.SendAt(t.seq - 100, tcp::kAck, Pattern(100));
  b.Expect(t.Ack() && Sacks({}));
}

// --- The sender ----------------------------------------------------------------------------------

uint32_t At(const TcpPeer& t, uint32_t segment) { return t.irs() + 1 + segment * kMss; }

std::vector<uint32_t> Segments(Bench& b, TcpPeer& t, Duration within = 60ms) {
  std::vector<uint32_t> segments;
  for (const Packet& p : b.Collect(t.Text(), within)) {
    const auto seq = static_cast<uint32_t>(p.Get(tcp::kSequence));
    segments.push_back((seq - At(t, 0)) / kMss);
    const uint32_t end = seq + static_cast<uint32_t>(p.Payload().size());
    if (static_cast<int32_t>(end - t.end) > 0) t.end = end;
  }
  return segments;
}
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
// Twenty segments or so in flight; returns the number of the first.
uint32_t Stream(Bench& b, TcpPeer& t) {
  OpenSack(b, t);
  t.socket().Set(Option::kSendBuffer, 400000);
  t.socket().Send(Pattern(100 * kMss));
  const auto first = static_cast<uint32_t>(Segments(b, t).size());
  AckUpTo(t, first);
  Segments(b, t);
  return first;
}

TCP_CASE(55, MUST, "RFC 2883 5; RFC 6675 2",
         "Reports of duplicates alone do not bring anything again.") {
  const uint32_t first = Stream(b, t);
  for (uint32_t i = 0; i < 4; ++i) AckUpTo(t, first, {{i, i + 1}});
  b.Check(!Contains(Segments(b, t), first), "a segment was sent again");
}
TCP_CASE(56, MUST, "RFC 6675 5",
         "Every second segment lost: all the holes below the last are sent again, nothing else.") {
  const uint32_t first = Stream(b, t);
  Blocks blocks;
  for (uint32_t i = 0; i < 5; ++i) {
    blocks.insert(blocks.begin(), {first + 1 + 2 * i, first + 2 + 2 * i});
    if (blocks.size() > 4) blocks.pop_back();
    AckUpTo(t, first, blocks);
  }
  AckUpTo(t, first, {{first + 9, first + 14}, blocks[1], blocks[2], blocks[3]});
  const std::vector<uint32_t> sent = Segments(b, t, 100ms);
  for (const uint32_t segment : sent) {
    const uint32_t i = segment - first;
    b.Check(i >= 14 || i % 2 == 0, "a segment that was SACKed was sent again");
  }
  b.Check(Contains(sent, first) && Contains(sent, first + 2),
          "the first holes were not sent again");
}
TCP_CASE(57, MUST, "RFC 2018 8",
         "What was SACKed is kept until it is acknowledged: it can be sent again.") {
  const uint32_t first = Stream(b, t);
  AckUpTo(t, first, {{first + 1, first + 5}});
  Segments(b, t);
  AckUpTo(t, first + 1);  // the receiver has thrown the rest away
  b.Forget();
  b.Expect(t.Text() && Is(tcp::kSequence, At(t, first + 1)), 5s);
}
TCP_CASE(58, MUST, "RFC 2018 5; RFC 7323 3", "SACK beside timestamps is understood.") {
  t.syn_options =
      Join({tcp_option::Mss(kMss), tcp_option::SackPermitted(), tcp_option::Timestamps(1000, 0)});
  t.Listen();
  t.SendSyn();
  t.ExpectSynAck();
  const auto theirs = tcp_option::TimestampsOf(t.syn());
  if (!theirs.has_value()) return b.NotApplicable("the device does not use timestamps");
  const Bytes stamp =
      Join({tcp_option::Nop(), tcp_option::Nop(), tcp_option::Timestamps(1001, theirs->first)});
  t.options = stamp;
  t.SendAck();
  t.Accept();
  t.socket().Send(Pattern(9880));
  b.Wait(50ms);
  b.Forget();
  const uint32_t start = t.irs() + 1;
  t.options = Join({stamp, tcp_option::Nop(), tcp_option::Nop(),
                    tcp_option::Sack({{start + 988, start + 5 * 988}})});
  t.SendAck();
  b.Expect(t.Text() && Is(tcp::kSequence, start), 150ms);
}
TCP_CASE(59, MUST, "RFC 2018 2", "SACK-permitted is on SYNs only.") {
  t.syn_options = Join({tcp_option::Mss(kMss), tcp_option::SackPermitted()});
  t.Open();
  t.SendAt(t.seq + 10, tcp::kAck, Pattern(10));
  const Packet ack = b.Expect(t.Acks());
  t.socket().Send(Pattern(10));
  const Packet text = t.ExpectText();
  for (const Packet* p : {&ack, &text}) {
    b.Check(!FindTlv(p->Options(Kind::kTcp), tcp_option::kSackPermitted).has_value(),
            "SACK-permitted on another segment");
  }
}

}  // namespace
}  // namespace moat::conform
