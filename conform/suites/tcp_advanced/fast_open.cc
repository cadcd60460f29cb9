// Fast Open (RFC 7413), as net.ipv4.tcp_fastopen and a program's socket options switch it on:
// cookies, text on SYNs, and what either side does when the other does not take it.
#include <algorithm>

#include "conform/bench/tcp_peer.h"

namespace moat::conform {
namespace {

CONFORM_SUITE("tcp-advanced");

constexpr uint8_t kKind = 34;
constexpr uint32_t kMss = 1000;

// An option with this cookie; an empty one asks for one.
Bytes Offer(const Bytes& cookie, uint16_t mss = kMss) {
  return Join({tcp_option::Mss(mss), Tlv(kKind, cookie)});
}
std::optional<Bytes> CookieOf(const Packet& p) { return FindTlv(p.Options(Kind::kTcp), kKind); }
Match WithOption(bool wanted) {
  return Where(wanted ? "with a Fast Open option" : "without a Fast Open option",
               [wanted](const Packet& p) { return CookieOf(p).has_value() == wanted; });
}
Match WithCookie(const Bytes& cookie) {
  return Where("with this cookie", [cookie](const Packet& p) { return CookieOf(p) == cookie; });
}

// --- The server ----------------------------------------------------------------------------------

// The device listens, and its program lets so many connections be opened fast.
void Serve(Bench& b, TcpPeer& t, int pending = 16) {
  b.SetSysctl("ipv4.tcp_fastopen", "3");
  t.Listen();
  if (pending > 0) t.listener().Set(Option::kFastOpen, pending);
}
// A SYN from the peer's `port` with these options and this text; what answers it.
Packet Ask(Bench& b, TcpPeer& t, int port, const Bytes& options, const Bytes& text = {}) {
  t.port = port;
  t.seq = TcpPeer::kIss;
  t.syn_options = options;
  t.Send(tcp::kSyn, text);
  const Packet answer = b.Expect(t.With(tcp::kSyn | tcp::kAck));
  t.ack = t.end = static_cast<uint32_t>(answer.Get(tcp::kSequence)) + 1;
  return answer;
}
// The cookie that the device gives for our address.
Bytes Cookie(Bench& b, TcpPeer& t) {
  const Bytes cookie = CookieOf(Ask(b, t, 4100, Offer({}))).value_or(Bytes{});
  b.Check(!cookie.empty(), "no cookie came");
  t.SendAt(TcpPeer::kIss + 1, tcp::kRst);
  b.Wait(20ms);
  b.Forget();
  return cookie;
}
Match Takes(size_t text) {
  return Is(tcp::kAcknowledgment, TcpPeer::kIss + 1 + static_cast<uint32_t>(text));
}

TCP_CASE(125, MUST, "RFC 7413 4.2",
         "A listener whose program did not ask for Fast Open gives no cookies and takes no text "
         "of SYNs.",
         kSysctls) {
  Serve(b, t, 0);
  b.CheckPacket(Ask(b, t, 4000, Offer({}), Pattern(10)), WithOption(false) && Takes(0));
}
TCP_CASE(126, MUST, "RFC 7413 4.1.2; 4.2.1",
         "A SYN that asks for one gets a cookie of 4 to 16 octets, an even number.", kSysctls) {
  Serve(b, t);
  const size_t size = CookieOf(Ask(b, t, 4000, Offer({}))).value_or(Bytes{}).size();
  b.CheckBetween(static_cast<double>(size), 4, 16, "octets of the cookie");
  b.CheckEqual(static_cast<int64_t>(size % 2), 0, "remainder of their number by two");
}
TCP_CASE(127, MUST, "RFC 7413 4.2.2",
         "With the cookie the text of a SYN is acknowledged, and reaches the program before the "
         "handshake's end.",
         kSysctls) {
  Serve(b, t);
  const Bytes cookie = Cookie(b, t);
  b.CheckPacket(Ask(b, t, 4000, Offer(cookie), Pattern(10)), Takes(10));
  t.Accept();
  b.Check(t.socket().ReceiveAll(10) == Pattern(10), "the program got something else");
}
TCP_CASE(128, SHOULD, "RFC 7413 4.2.2",
         "The program's answer goes before the handshake's end.", kSysctls) {
  Serve(b, t);
  const Bytes cookie = Cookie(b, t);
  Ask(b, t, 4000, Offer(cookie), Pattern(10));
  t.Accept();
  t.socket().Send(Pattern(20));
  b.Expect(t.Text() && PayloadIs(Pattern(20)) && Takes(10));
}
TCP_CASE(129, MUST, "RFC 7413 4.2.2",
         "With a wrong cookie the text of a SYN is not acknowledged; sent again, it is.",
         kSysctls) {
  Serve(b, t);
  Bytes cookie = Cookie(b, t);
  if (!b.ok()) return;
  cookie[0] ^= 1;
  b.CheckPacket(Ask(b, t, 4000, Offer(cookie), Pattern(10)), Takes(0));
  t.seq = TcpPeer::kIss + 1;
  t.SendText(Pattern(10));
  b.Expect(t.Acks() && Takes(10));
  t.Accept();
  b.Check(t.socket().ReceiveAll(10) == Pattern(10), "the program got something else");
}
TCP_CASE(130, SHOULD, "RFC 7413 4.2.2", "A wrong cookie is answered by the right one.", kSysctls) {
  Serve(b, t);
  const Bytes right = Cookie(b, t);
  if (!b.ok()) return;
  Bytes wrong = right;
  wrong.back() ^= 1;
  b.CheckPacket(Ask(b, t, 4000, Offer(wrong), Pattern(10)), WithCookie(right));
}
TCP_CASE(131, MUST, "RFC 7413 4.1.1",
         "Options of 3 or 17 octets, and of an odd number, are ignored: there is no cookie for "
         "them, and no text is taken.",
         kSysctls) {
  Serve(b, t);
  int port = 4000;
  for (const size_t size : {3u, 5u, 17u}) {
    const Packet answer = Ask(b, t, port++, Offer(Pattern(size)), Pattern(10));
    b.CheckPacket(answer, WithOption(false) && Takes(0));
  }
}
TCP_CASE(132, MUST, "RFC 7413 4.2.2",
         "A part of the cookie is not the cookie, nor is one with more behind it.", kSysctls) {
  Serve(b, t);
  const Bytes cookie = Cookie(b, t);
  if (!b.ok()) return;
  Bytes shorter = cookie, longer = cookie;
  shorter.resize(4);
  longer.resize(std::min<size_t>(cookie.size() + 2, 16), 0);
  if (shorter != cookie) {
    b.CheckPacket(Ask(b, t, 4000, Offer(shorter), Pattern(10)), Takes(0));
  }
  if (longer != cookie) b.CheckPacket(Ask(b, t, 4001, Offer(longer), Pattern(10)), Takes(0));
}
TCP_CASE(133, MUST, "RFC 7413 4.1.2", "A cookie is of one address: another's is refused.",
         kSysctls) {
  Serve(b, t);
  const Bytes cookie = Cookie(b, t);
  t.from = b.other;
  b.CheckPacket(Ask(b, t, 4000, Offer(cookie), Pattern(10)), Takes(0));
}
TCP_CASE(134, MUST, "RFC 7413 4.1.1", "The option is ignored on segments without SYN.", kSysctls) {
  Serve(b, t);
  Ask(b, t, 4000, tcp_option::Mss(kMss));
  t.options = Tlv(kKind, {});
  t.SendAck();
  t.Accept();
  t.SendText(Pattern(10));
  b.CheckPacket(b.Expect(t.AckOf(t.seq)), WithOption(false));
}
TCP_CASE(135, MUST, "RFC 7413 4.2; 5.1",
         "While as many are pending as the program allows, others are opened plainly.", kSysctls) {
  Serve(b, t, 1);
  const Bytes cookie = Cookie(b, t);
  b.CheckPacket(Ask(b, t, 4000, Offer(cookie), Pattern(10)), Takes(10));
  b.CheckPacket(Ask(b, t, 4001, Offer(cookie), Pattern(10)), Takes(0));
}
TCP_CASE(136, SHOULD, "RFC 7413 5.1", "One that a RST has ended still counts as pending.",
         kSysctls) {
  Serve(b, t, 1);
  const Bytes cookie = Cookie(b, t);
  b.CheckPacket(Ask(b, t, 4000, Offer(cookie), Pattern(10)), Takes(10));
  t.Send(tcp::kRst);
  b.Wait(100ms);
  b.CheckPacket(Ask(b, t, 4001, Offer(cookie), Pattern(10)), Takes(0));
}
TCP_CASE(137, SHOULD, "RFC 7413 4.2.2",
         "One whose handshake is complete does not: the next is opened fast.", kSysctls) {
  Serve(b, t, 1);
  const Bytes cookie = Cookie(b, t);
  b.CheckPacket(Ask(b, t, 4000, Offer(cookie), Pattern(10)), Takes(10));
  t.SendAck();
  b.Wait(100ms);
  b.CheckPacket(Ask(b, t, 4001, Offer(cookie), Pattern(10)), Takes(10));
}
TCP_CASE(138, SHOULD, "RFC 7413 4.2.2", "A SYN,ACK that is sent again has no cookie.", kSysctls) {
  Serve(b, t);
  b.CheckPacket(Ask(b, t, 4000, Offer({})), WithOption(true));
  b.CheckPacket(b.Expect(t.With(tcp::kSyn | tcp::kAck), 4s), WithOption(false));
}

// --- The client ----------------------------------------------------------------------------------

// The device's program opens a connection to us and sends, the text with the SYN where that is
// possible; `taken` of it were. Its SYN.
Packet Open(Bench& b, TcpPeer& t, std::optional<Socket>& socket, const Bytes& text,
            int* taken = nullptr) {
  b.Forget();
  t.port = TcpPeer::kPort;
  t.seq = TcpPeer::kIss;
  socket.emplace(b.OpenTcp(t.v6()));
  socket->Set(Option::kFastOpenConnect, 1);
  socket->Connect({t.from.ip(t.v6()), t.port});
  // Without a cookie the SYN is gone by now, and the program may not write yet.
  const int written = socket->TrySend(text);
  if (taken != nullptr) *taken = written;
  const Packet syn = b.Expect(Is(tcp::kDestinationPort, t.port) && TcpFlags(tcp::kSyn));
  t.device_port = static_cast<int>(syn.Get(tcp::kSourcePort));
  t.ack = t.end = static_cast<uint32_t>(syn.Get(tcp::kSequence)) + 1;
  return syn;
}
void Answer(TcpPeer& t, const Bytes& options, size_t taken = 0) {
  t.syn_options = options;
  t.ack = t.end = t.end + static_cast<uint32_t>(taken);
  t.Send(tcp::kSyn | tcp::kAck);
}
Bytes OurCookie() { return Pattern(8, 0x40); }
// The device is given a cookie by a first connection.
void Teach(Bench& b, TcpPeer& t, uint16_t mss = kMss) {
  b.SetSysctl("ipv4.tcp_fastopen", "1");
  std::optional<Socket> socket;
  b.CheckPacket(Open(b, t, socket, Pattern(1)), WithCookie({}) && PayloadIs({}));
  Answer(t, Offer(OurCookie(), mss));
  b.Expect(t.Any() && Is(tcp::kAcknowledgment, t.seq));
  socket->Abort();
  b.Wait(50ms);
}
Match Plain() { return WithOption(false) && PayloadIs({}); }

TCP_CASE(139, MUST, "RFC 7413 4.2.1", "A client without a cookie asks for one, without text.",
         kSysctls) {
  b.SetSysctl("ipv4.tcp_fastopen", "1");
  std::optional<Socket> socket;
  b.CheckPacket(Open(b, t, socket, Pattern(10)), WithCookie({}) && PayloadIs({}));
}
TCP_CASE(140, MUST, "RFC 7413 4.1.3; 4.2.2",
         "A client keeps the cookie that it is given, and sends text with it on the next SYN.",
         kSysctls) {
  Teach(b, t);
  std::optional<Socket> socket;
  b.CheckPacket(Open(b, t, socket, Pattern(10)), WithCookie(OurCookie()) && PayloadIs(Pattern(10)));
}
TCP_CASE(141, MUST, "RFC 7413 4.2.2",
         "Text of a SYN that is acknowledged is not sent again, and what follows comes behind it.",
         kSysctls) {
  Teach(b, t);
  std::optional<Socket> socket;
  Open(b, t, socket, Pattern(10));
  Answer(t, tcp_option::Mss(kMss), 10);
  b.Expect(t.Acks() && Is(tcp::kSequence, t.end) && Is(tcp::kAcknowledgment, t.seq));
  b.ExpectNothing(t.Text(), 2s);
  socket->Send(Pattern(5));
  t.ExpectText();
}
TCP_CASE(142, MUST, "RFC 7413 4.2.2",
         "Text of a SYN that is not acknowledged is sent after the handshake.", kSysctls) {
  Teach(b, t);
  std::optional<Socket> socket;
  Open(b, t, socket, Pattern(10));
  Answer(t, tcp_option::Mss(kMss));
  b.CheckPacket(t.ExpectText(), PayloadIs(Pattern(10)));
}
TCP_CASE(143, MUST, "RFC 7413 4.1.3.1",
         "A client whose text a server did not acknowledge does not send it so to that server the "
         "next time.",
         kSysctls) {
  Teach(b, t);
  std::optional<Socket> socket;
  Open(b, t, socket, Pattern(10));
  Answer(t, tcp_option::Mss(kMss));
  t.ExpectText();
  socket->Abort();
  b.Wait(50ms);
  b.CheckPacket(Open(b, t, socket, Pattern(10)), Plain());
}
TCP_CASE(144, SHOULD, "RFC 7413 4.2.1; 4.4",
         "A SYN that is sent again has neither text nor option.", kSysctls) {
  Teach(b, t);
  std::optional<Socket> socket;
  Open(b, t, socket, Pattern(10));
  b.CheckPacket(b.Expect(t.With(tcp::kSyn), 4s), Plain() && Is(tcp::kSequence, t.end - 1));
  Answer(t, tcp_option::Mss(kMss));
  b.CheckPacket(t.ExpectText(), PayloadIs(Pattern(10)));
}
TCP_CASE(145, MUST, "RFC 7413 4.1.3.1",
         "A client whose text got no answer opens the next connection to that server plainly.",
         kSysctls) {
  Teach(b, t);
  std::optional<Socket> socket;
  Open(b, t, socket, Pattern(10));
  b.Expect(t.With(tcp::kSyn), 4s);
  Answer(t, tcp_option::Mss(kMss));
  t.ExpectText();
  socket->Abort();
  b.Wait(50ms);
  b.CheckPacket(Open(b, t, socket, Pattern(10)), Plain());
}
TCP_CASE(146, MUST, "RFC 7413 4.1.3.1",
         "So does one whose text was answered by an ICMP error.", kSysctls) {
  Teach(b, t);
  std::optional<Socket> socket;
  const Packet syn = Open(b, t, socket, Pattern(10));
  if (!b.ok()) return;
  const Layer header = t.v6() ? Icmp6(1, 1) : Icmp4(3, 13);  // communication prohibited
  b.Send(IpOf(t.v6(), b.router, b.device) / header /
         Raw(syn.From(t.v6() ? Kind::kIpv6 : Kind::kIpv4)));
  b.Wait(100ms);
  b.CheckPacket(Open(b, t, socket, Pattern(10)), Plain());
}
TCP_CASE(147, SHOULD, "RFC 7413 4.1.3; 4.2.2",
         "The text of a SYN fits the segment size that the server once had; the rest follows.",
         kSysctls) {
  Teach(b, t, 600);
  std::optional<Socket> socket;
  int taken = 0;
  const Packet syn = Open(b, t, socket, Pattern(1000), &taken);
  if (!b.ok()) return;
  const size_t text = syn.Payload().size();
  b.CheckBetween(static_cast<double>(text), 1, 600, "octets on the SYN");
  Answer(t, tcp_option::Mss(600), text);
  b.Wait(20ms);
  if (taken > 0 && taken < 1000) {  // a device may take no more than what fits
    const Bytes all = Pattern(1000);
    socket->Send(Bytes(all.begin() + taken, all.end()));
  }
  const Packet rest = t.ExpectText();
  if (b.ok()) b.CheckEqual(rest.Payload()[0], Pattern(1000)[text], "the next octet");
}
TCP_CASE(148, SHOULD, "RFC 7413 4.1.3", "Of several cookies of a server the latest is used.",
         kSysctls) {
  Teach(b, t);
  std::optional<Socket> socket;
  Open(b, t, socket, Pattern(10));
  const Bytes latest = Pattern(6, 0x70);
  Answer(t, Offer(latest), 10);
  b.Expect(t.Acks() && Is(tcp::kAcknowledgment, t.seq));
  socket->Abort();
  b.Wait(50ms);
  b.CheckPacket(Open(b, t, socket, Pattern(10)), WithCookie(latest) && PayloadIs(Pattern(10)));
}
TCP_CASE(149, MUST, "RFC 7413 4.1.1",
         "A cookie of 3 octets, or of an odd number, is not taken: the next SYN has neither it nor "
         "text.",
         kSysctls) {
  b.SetSysctl("ipv4.tcp_fastopen", "1");
  for (const size_t size : {3u, 7u}) {
    std::optional<Socket> socket;
    Open(b, t, socket, Pattern(1));
    Answer(t, Offer(Pattern(size)));
    b.Expect(t.Any() && Is(tcp::kAcknowledgment, t.seq));
    if (!b.ok()) return;
    socket->Abort();
    b.Wait(50ms);
    b.CheckPacket(Open(b, t, socket, Pattern(1)), !WithCookie(Pattern(size)) && PayloadIs({}));
    Answer(t, tcp_option::Mss(kMss));
    if (!b.ok()) return;
    socket->Abort();
    b.Wait(50ms);
  }
}

}  // namespace
}  // namespace moat::conform
