// What RFC 9293 demands by number and the other files do not show.
#include <algorithm>
#include <iterator>
#include <utility>

#include "conform/bench/tcp_peer.h"

namespace moat::conform {
namespace {

CONFORM_SUITE("tcp-core");

TCP_CASE(280, MUST, "RFC 9293 3.9.1.1 (MUST-46)",
         "Active OPEN to a broadcast or multicast address is refused, and sends nothing.") {
  const std::vector<Ip> groups =
      t.v6() ? std::vector<Ip>{"ff02::1", "ff0e::9"}
             : std::vector<Ip>{"224.0.0.1", "239.1.2.3", "192.0.2.255", "255.255.255.255"};
  for (const Ip& group : groups) {
    Socket socket = b.OpenTcp(t.v6());
    b.Check(socket.TryConnect({group, t.port}) < 0,
            "connecting to " + group.ToString() + " succeeds");
  }
  b.ExpectNothing(Is(tcp::kDestinationPort, t.port), 100ms);
}

TCP_CASE(281, SHOULD, "RFC 9293 3.5.3 (SHLD-2)", "A RST that has text is a RST.") {
  t.Open();
  t.SendAt(t.seq, tcp::kRst, Pattern(20));
  t.socket().ExpectError(ECONNRESET);
  t.ExpectGone();
}

// ESTABLISHED, text in flight that fills a window of `flight`, and more queued; then an ACK of 500
// octets of it with this window.
void Shrink(Bench& b, TcpPeer& t, int flight, int window) {
  t.window = flight;
  t.Open();
  t.socket().Send(Pattern(2 * static_cast<size_t>(flight)));
  for (const Packet& p : b.Collect(t.Text(), 100ms)) {
    t.end =
        static_cast<uint32_t>(p.Get(tcp::kSequence)) + static_cast<uint32_t>(p.Payload().size());
  }
  t.ack = t.irs() + 1 + 500;
  t.window = window;
  t.SendAck();
}

TCP_CASE(
    282, MUST, "RFC 9293 3.8.6 (MUST-35, SHLD-17)",
    "A window that shrinks to nothing is probed, and ends nothing as long as probes are answered.",
    kSysctls) {
  b.SetSysctl("ipv4.tcp_retries2", "3");
  Shrink(b, t, 4000, 0);
  for (int i = 0; i < 7; ++i) {
    b.Expect(t.Any(), 40s);
    t.SendAck();
  }
  b.CheckEqual(t.socket().Error(0s), 0, "the socket's error");
  t.ack = t.end;
  t.window = 65535;
  t.SendAck();
  t.ExpectText();
}

TCP_CASE(283, MUST, "RFC 9293 3.1, Options (MUST-69)",
         "Behind the end of the options there are only zeros.") {
  t.syn_options = Join({tcp_option::Mss(1460), tcp_option::SackPermitted(),
                        tcp_option::Timestamps(7, 0), tcp_option::WindowScale(3)});
  t.options = tcp_option::Timestamps(8, 0);
  const auto check = [&b](const Packet& p) {
    const Bytes options = p.Options(Kind::kTcp);
    size_t at = 0;
    while (at < options.size() && options[at] != 0) {
      at += options[at] == 1 || at + 1 >= options.size() ? 1 : std::max<size_t>(options[at + 1], 2);
    }
    for (; at < options.size(); ++at) b.CheckEqual(options[at], 0, "an octet of the padding");
  };
  t.Open();
  check(t.syn());
  t.SendAt(t.seq + 10, tcp::kAck, Pattern(10));  // a hole: SACK
  check(b.Expect(t.Acks()));
  t.socket().Send(Pattern(10));
  check(t.ExpectText());
}

TCP_CASE(284, SHOULD, "RFC 9293 3.8.6 (SHLD-16)",
         "What a shrunken window still has room for is retransmitted.") {
  Shrink(b, t, 4000, 1500);
  b.Expect(t.Text() && Is(tcp::kSequence, t.ack), 3s);
}

TCP_CASE(285, MUST, "RFC 5681 4.2", "A segment brings no more than one ACK.") {
  t.Open();
  b.Forget();
  const uint32_t from = t.seq;
  // In order, behind a hole, the same again, into the hole, old, and far outside of the window.
  const std::pair<uint32_t, size_t> segments[] = {{0, 1000},    {2000, 1000}, {2000, 1000},
                                                  {1000, 1000}, {0, 1000},    {1u << 30, 10}};
  for (const auto& [offset, size] : segments) t.SendAt(from + offset, tcp::kAck, Pattern(size));
  const size_t acks = b.Collect(t.Acks(), 1s).size();
  b.CheckBetween(static_cast<double>(acks), 1, std::size(segments), "ACKs of six segments");
}

}  // namespace
}  // namespace moat::conform
