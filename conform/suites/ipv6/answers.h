// How the device treats a packet, seen by its answer to the echo request inside.
#ifndef MOAT_CONFORM_SUITES_IPV6_ANSWERS_H_
#define MOAT_CONFORM_SUITES_IPV6_ANSWERS_H_

#include <vector>

#include "conform/bench/case.h"
#include "conform/bench/socket.h"

namespace moat::conform {

inline Frame Echo(size_t size = 32) { return EchoRequest6(0x4d31, 1) / Raw(size); }
inline Frame ToDevice(const Bench& b) { return Ip6(b.peer, b.device); }
inline Frame ToAllNodes(const Bench& b) { return Ip6ToGroup(b.peer, "ff02::1"); }

inline Match AnyIcmp6Error() { return AtMost(icmp6::kType, 127); }
inline Match Problem(int code, uint32_t pointer) {
  return Icmp6Error(icmp6::kParameterProblem, code) && Is(icmp6::kPointer, pointer);
}

// The device is alive: it answers another node's plain echo request.
inline void IsAlive(Bench& b) {
  b.Send(Ping6(b.other, b.device));
  b.Expect(EchoReply6() && To(b.other.ip6));
}

inline void IsAnswered(Bench& b, const Frame& frame) {
  b.Send(frame);
  b.Expect(EchoReply6());
}
inline void IsAnswered(Bench& b, const std::vector<Frame>& frames, size_t size) {
  b.SendAll(frames);
  b.Expect(EchoReply6() && PayloadIs(Pattern(size)));
}

// No answer, and no error either.
inline void IsIgnored(Bench& b, const std::vector<Frame>& frames) {
  b.SendAll(frames);
  b.ExpectNothing(EchoReply6() || AnyIcmp6Error());
  IsAlive(b);
}
inline void IsIgnored(Bench& b, const Frame& frame) { IsIgnored(b, std::vector<Frame>{frame}); }

// No answer; whether there is an error is left open.
inline void IsNotAnswered(Bench& b, const std::vector<Frame>& frames) {
  b.SendAll(frames);
  b.ExpectNothing(EchoReply6());
  IsAlive(b);
}

inline void HasProblem(Bench& b, const Frame& frame, int code, uint32_t pointer) {
  b.Send(frame);
  b.Expect(Problem(code, pointer));
  b.ExpectNothing(EchoReply6());
}

}  // namespace moat::conform

#endif  // MOAT_CONFORM_SUITES_IPV6_ANSWERS_H_
