// The user timeout option (RFC 5482), as tcp_user_timeout_option switches it on, which Linux does
// not have. So that nobody has to wait, tcp_retries2 makes the device give up within a second where
// no user timeout says otherwise.
#include "conform/bench/tcp_peer.h"

namespace moat::conform {
namespace {

CONFORM_SUITE("tcp-advanced");

constexpr uint8_t kKind = 28;
constexpr uint16_t kMinutes = 0x8000;

Bytes Suggest(uint16_t timeout) { return Tlv(kKind, Be16(timeout)); }
// What the option says, with the bit for minutes; -1: there is none.
int64_t SuggestedBy(const Packet& p) {
  const std::optional<Bytes> value = FindTlv(p.Options(Kind::kTcp), kKind);
  if (!value.has_value()) return -1;
  return value->size() == 2 ? (*value)[0] << 8 | (*value)[1] : -2;
}
Match Suggests(bool wanted) {
  return Where(wanted ? "with a user timeout option" : "without a user timeout option",
               [wanted](const Packet& p) { return (SuggestedBy(p) >= 0) == wanted; });
}

void BeImpatient(Bench& b) { b.SetSysctl("ipv4.tcp_retries2", "1"); }
void SwitchOn(Bench& b) { b.SetSysctl("ipv4.tcp_user_timeout_option", "1"); }

// ESTABLISHED, with this suggestion on the ACK that completes the handshake.
void OpenSuggesting(TcpPeer& t, uint16_t timeout) {
  t.options = Suggest(timeout);
  t.Open();
  t.options.clear();
}
// The device's text is not acknowledged for so long, and it does not give up.
void StaysFor(Bench& b, TcpPeer& t, Duration time) {
  t.socket().Send(Pattern(100));
  t.ExpectText();
  b.Wait(time);
  b.CheckEqual(t.socket().Error(0s), 0, "the socket's error");
  t.ExpectAlive();
}
void GivesUp(TcpPeer& t, Duration within = 10s) {
  t.socket().Send(Pattern(100));
  t.ExpectText();
  t.socket().ExpectError(ETIMEDOUT, within);
}

TCP_CASE(150, MUST, "RFC 5482 3", "The option is not sent unless it was switched on.") {
  t.syn_options = Join({tcp_option::Mss(1000), Suggest(200)});
  t.options = Suggest(200);
  t.Open();
  b.CheckPacket(t.syn(), Suggests(false));
  t.socket().Send(Pattern(10));
  b.CheckPacket(t.ExpectText(), Suggests(false));
}
TCP_CASE(151, MUST, "RFC 5482 3", "Nor is the peer's heeded then.", kSysctls) {
  BeImpatient(b);
  OpenSuggesting(t, 200);
  GivesUp(t);
}
TCP_CASE(152, SHOULD, "RFC 5482 3", "The SYN, and the first segment without SYN, have the option.",
         kSysctls) {
  SwitchOn(b);
  t.Dial();
  b.CheckPacket(t.syn(), Suggests(true));
  t.SendSynAck();
  b.Expect(t.Acks() && Suggests(true));
}
TCP_CASE(153, SHOULD, "RFC 5482 3", "The SYN,ACK, and the first segment after it, have the option.",
         kSysctls) {
  SwitchOn(b);
  t.Open();
  b.CheckPacket(t.syn(), Suggests(true));
  t.socket().Send(Pattern(10));
  b.CheckPacket(t.ExpectText(), Suggests(true));
}
TCP_CASE(154, SHOULD, "RFC 5482 3", "A timeout that the program sets is told by the next segment.",
         kSysctls) {
  SwitchOn(b);
  t.Open();
  t.socket().Send(Pattern(10));
  t.ExpectText();
  t.ack = t.end;
  t.SendAck();
  t.socket().Set(Option::kUserTimeout, 30'000);
  t.socket().Send(Pattern(10));
  b.CheckEqual(SuggestedBy(t.ExpectText()), 30, "the option's value");
}
TCP_CASE(155, SHOULD, "RFC 5482 3.1", "The peer's timeout is adopted.", kSysctls) {
  SwitchOn(b);
  BeImpatient(b);
  OpenSuggesting(t, 200);
  StaysFor(b, t, 6s);
}
TCP_CASE(156, SHOULD, "RFC 5482 3.1", "That of a SYN is, in minutes too.", kSysctls) {
  SwitchOn(b);
  BeImpatient(b);
  t.syn_options = Join({tcp_option::Mss(1000), Suggest(kMinutes | 5)});
  t.Open();
  StaysFor(b, t, 6s);
}
TCP_CASE(157, MUST, "RFC 5482 3.1", "A timeout that the program has set is not changed.",
         kSysctls) {
  SwitchOn(b);
  t.Open();
  t.socket().Set(Option::kUserTimeout, 1500);
  t.options = Suggest(200);
  t.SendAck();
  GivesUp(t, 20s);
}
TCP_CASE(158, MUST, "RFC 5482 3", "What a peer suggests has an upper limit.", kSysctls) {
  SwitchOn(b);
  BeImpatient(b);
  b.SetSysctl("ipv4.tcp_user_timeout_limits", "1 2");
  OpenSuggesting(t, kMinutes | 0x7fff);
  GivesUp(t, 20s);
}
TCP_CASE(159, MUST, "RFC 5482 3", "What a peer suggests has a lower limit.", kSysctls) {
  SwitchOn(b);
  BeImpatient(b);
  OpenSuggesting(t, 1);
  StaysFor(b, t, 6s);
}
TCP_CASE(160, MUST, "RFC 5482 3.3", "A suggestion of zero seconds or minutes is ignored.",
         kSysctls) {
  SwitchOn(b);
  BeImpatient(b);
  OpenSuggesting(t, 0);
  t.options = Suggest(kMinutes);
  t.SendAck();
  GivesUp(t);
}
TCP_CASE(161, MUST, "RFC 5482 4.2",
         "Keep-alives wait for longer than the timeout that was adopted.", kSysctls) {
  SwitchOn(b);
  BeImpatient(b);
  b.SetSysctl("ipv4.tcp_user_timeout_limits", "8 8");
  OpenSuggesting(t, 5);
  t.socket().Set(Option::kKeepIdle, 2);
  t.socket().Set(Option::kKeepAlive, 1);
  b.Forget();
  b.ExpectNothing(t.Any(), 7s);
  b.Expect(t.Any(), 8s);
}

}  // namespace
}  // namespace moat::conform
