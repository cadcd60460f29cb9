// What a case expects, as conditions that can be joined with &&, || and ! and that explain
// themselves.
//
//   b.Expect(EchoReply4() && Is(ipv4::kTtl, 64) && Is(eth::kDestination, b.peer.mac));
#ifndef MOAT_CONFORM_BENCH_MATCH_H_
#define MOAT_CONFORM_BENCH_MATCH_H_

#include <functional>
#include <string>

#include "conform/wire/packet.h"

namespace moat::conform {

class Match {
 public:
  // Empty when the packet matches; otherwise why it does not.
  using Judge = std::function<std::string(const Packet&)>;

  Match(std::string text, Judge judge) : text_(std::move(text)), judge_(std::move(judge)) {}
  bool operator()(const Packet& packet) const { return judge_(packet).empty(); }
  std::string Why(const Packet& packet) const { return judge_(packet); }
  const std::string& text() const { return text_; }

  friend Match operator&&(const Match& a, const Match& b);
  friend Match operator||(const Match& a, const Match& b);
  friend Match operator!(const Match& a);

 private:
  std::string text_;
  Judge judge_;
};

Match Anything();
Match Has(Kind kind);
Match Is(const Field& field, Value value);       // the layer is there, and the field is this
Match IsNot(const Field& field,
            Value value);  // the layer is there, and the field is something else
Match AtLeast(const Field& field, uint64_t value);
Match AtMost(const Field& field, uint64_t value);
Match OnPort(int port);
Match PayloadIs(const Bytes& payload);           // behind the innermost layer
Match From(const Ip& address);                   // source address of either IP version
Match To(const Ip& address);
Match Where(std::string text, std::function<bool(const Packet&)> predicate);
// An ICMP error whose quoted packet matches.
Match Quotes(const Match& quoted);

// --- Common packets ------------------------------------------------------------------------------
Match ArpRequest();                     // any
Match ArpRequestFor(const Ip& target);
Match ArpReply();
Match EchoRequest4();
Match EchoReply4();
Match EchoRequest6();
Match EchoReply6();
Match EchoRequest(bool v6);
Match EchoReply(bool v6);
Match Icmp4Error(int type, int code);
Match Icmp6Error(int type, int code);
Match NeighborSolicitationFor(const Ip& target);
Match NeighborAdvertisementFor(const Ip& target);
Match UdpTo(int port);
Match TcpFlags(int flags);              // exactly these, PSH apart

}  // namespace moat::conform

#endif  // MOAT_CONFORM_BENCH_MATCH_H_
