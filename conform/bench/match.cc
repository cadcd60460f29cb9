#include "conform/bench/match.h"

#include <utility>

namespace moat::conform {
namespace {

std::string NoLayer(Kind kind) { return std::string("has no ") + KindName(kind) + " layer"; }

// A condition on one field of a layer that must be there.
Match OnField(const Field& field, std::string wanted, std::function<bool(Value)> test) {
  std::string text = field.name + std::string(" ") + wanted;
  return Match(text, [field, wanted, test](const Packet& p) -> std::string {
    if (!p.Has(field.kind)) return NoLayer(field.kind);
    const Value value = p.Get(field);
    if (test(value)) return "";
    return field.name + std::string(" is ") + value.ToString(field.show) + ", wanted " + wanted;
  });
}

}  // namespace

Match operator&&(const Match& a, const Match& b) {
  return Match(a.text() + ", " + b.text(), [a, b](const Packet& p) {
    std::string why = a.Why(p);
    return why.empty() ? b.Why(p) : why;
  });
}

Match operator||(const Match& a, const Match& b) {
  return Match("(" + a.text() + " or " + b.text() + ")", [a, b](const Packet& p) -> std::string {
    if (a(p) || b(p)) return "";
    return a.Why(p) + "; " + b.Why(p);
  });
}

Match operator!(const Match& a) {
  return Match("not (" + a.text() + ")",
               [a](const Packet& p) -> std::string { return a(p) ? "is " + a.text() : ""; });
}

Match Anything() {
  return Match("a frame", [](const Packet&) { return std::string(); });
}

Match Has(Kind kind) {
  return Match(KindName(kind),
               [kind](const Packet& p) { return p.Has(kind) ? std::string() : NoLayer(kind); });
}

Match Is(const Field& field, Value value) {
  return OnField(field, value.ToString(field.show),
                 [value](Value seen) { return seen.number() == value.number(); });
}

Match IsNot(const Field& field, Value value) {
  return OnField(field, "not " + value.ToString(field.show),
                 [value](Value seen) { return seen.number() != value.number(); });
}

Match AtLeast(const Field& field, uint64_t value) {
  return OnField(field, "at least " + std::to_string(value),
                 [value](Value seen) { return seen.u64() >= value; });
}

Match AtMost(const Field& field, uint64_t value) {
  return OnField(field, "at most " + std::to_string(value),
                 [value](Value seen) { return seen.u64() <= value; });
}

Match OnPort(int port) {
  return Where("on port " + std::to_string(port),
               [port](const Packet& p) { return p.port() == port; });
}

Match PayloadIs(const Bytes& payload) {
  return Where("payload as sent, " + std::to_string(payload.size()) + " bytes",
               [payload](const Packet& p) { return p.Payload() == payload; });
}

Match From(const Ip& address) {
  return Is(address.v6() ? ipv6::kSource : ipv4::kSource, address);
}

Match To(const Ip& address) {
  return Is(address.v6() ? ipv6::kDestination : ipv4::kDestination, address);
}

Match Where(std::string text, std::function<bool(const Packet&)> predicate) {
  return Match(text, [text, predicate](const Packet& p) {
    return predicate(p) ? std::string() : "does not satisfy: " + text;
  });
}

Match Quotes(const Match& quoted) {
  return Match("quoting " + quoted.text(), [quoted](const Packet& p) -> std::string {
    const Packet inner = p.Quoted();
    if (inner.empty()) return "quotes no packet";
    const std::string why = quoted.Why(inner);
    return why.empty() ? why : "quotes a packet that " + why;
  });
}

// --- Common packets ------------------------------------------------------------------------------

Match ArpRequest() { return Is(arp::kOperation, arp::kRequest); }
Match ArpRequestFor(const Ip& target) { return ArpRequest() && Is(arp::kTargetIp, target); }
Match ArpReply() { return Is(arp::kOperation, arp::kReply); }
Match EchoRequest4() { return Is(icmp4::kType, icmp4::kEcho); }
Match EchoReply4() { return Is(icmp4::kType, icmp4::kEchoReply); }
Match EchoRequest6() { return Is(icmp6::kType, icmp6::kEcho); }
Match EchoReply6() { return Is(icmp6::kType, icmp6::kEchoReply); }
Match EchoRequest(bool v6) { return v6 ? EchoRequest6() : EchoRequest4(); }
Match EchoReply(bool v6) { return v6 ? EchoReply6() : EchoReply4(); }
Match Icmp4Error(int type, int code) { return Is(icmp4::kType, type) && Is(icmp4::kCode, code); }
Match Icmp6Error(int type, int code) { return Is(icmp6::kType, type) && Is(icmp6::kCode, code); }
Match NeighborSolicitationFor(const Ip& target) {
  return Is(icmp6::kType, icmp6::kNeighborSolicitation) && Is(icmp6::kTarget, target);
}
Match NeighborAdvertisementFor(const Ip& target) {
  return Is(icmp6::kType, icmp6::kNeighborAdvertisement) && Is(icmp6::kTarget, target);
}
Match UdpTo(int port) { return Is(udp::kDestinationPort, port); }
Match TcpFlags(int flags) {
  return OnField(tcp::kFlags, "0x" + Value(flags).ToString(Show::kHex).substr(2),
                 [flags](Value seen) {
                   return (seen.u64() & ~uint64_t{tcp::kPsh}) == static_cast<uint64_t>(flags);
                 });
}

}  // namespace moat::conform
