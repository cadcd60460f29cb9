// Messages between the device and the peer, who is silent in these cases unless a case speaks for
// it.
#ifndef MOAT_CONFORM_SUITES_NDP_NEIGHBOR_H_
#define MOAT_CONFORM_SUITES_NDP_NEIGHBOR_H_

#include "conform/bench/case.h"
#include "conform/bench/socket.h"

namespace moat::conform {

inline Match Solicits(const Ip& target) { return NeighborSolicitationFor(target); }
inline Match SolicitsByGroup(const Ip& target) {
  return Solicits(target) && To(SolicitedNode(target));
}
inline Match SolicitsByUnicast(const Ip& target) { return Solicits(target) && To(target); }
inline Match EchoTo(const Mac& mac) { return EchoRequest6() && Is(eth::kDestination, mac); }
inline Match Advertises(const Ip& target) { return NeighborAdvertisementFor(target); }

// A solicitation of the peer for the device, without its option.
inline Frame BareSolicitation(const Bench& b) {
  return Eth(b.device.mac, b.peer.mac) / Ipv6(b.peer.ip6, b.device.ip6).Set(ipv6::kHopLimit, 255) /
         Icmp6(icmp6::kNeighborSolicitation).Set(icmp6::kTarget, b.device.ip6);
}
// An advertisement of the peer for itself, without its option.
inline Frame BareAdvertisement(const Bench& b, bool solicited, bool override_) {
  return Eth(b.device.mac, b.peer.mac) / Ipv6(b.peer.ip6, b.device.ip6).Set(ipv6::kHopLimit, 255) /
         Icmp6(icmp6::kNeighborAdvertisement)
             .Set(icmp6::kSolicitedFlag, solicited ? 1 : 0)
             .Set(icmp6::kOverrideFlag, override_ ? 1 : 0)
             .Set(icmp6::kTarget, b.peer.ip6);
}
inline Frame Advertisement(const Bench& b, bool solicited, bool override_, const Mac& mac) {
  return BareAdvertisement(b, solicited, override_) / Raw(ndp_option::TargetLinkAddress(mac));
}

// The frame with `size` bytes of its message, at least 8, and a checksum that is right for them.
inline Frame Shortened(const Frame& frame, size_t size) {
  const Bytes& message = frame.layers()[2].bytes();
  const auto from = message.begin();
  return frame.layers()[0] / frame.layers()[1] / Layer(Kind::kIcmp6, Bytes(from, from + 8)) /
         Raw(Bytes(from + 8, from + static_cast<ptrdiff_t>(size)));
}

// --- States of the device's entry for the peer ---------------------------------------------------

inline void MakeIncomplete(Bench& b) {
  b.StopAnswering(b.peer);
  b.Ping(b.peer.ip6);
  b.Expect(SolicitsByGroup(b.peer.ip6));
}
inline void MakeReachable(Bench& b, const Mac& mac) {
  MakeIncomplete(b);
  b.Send(Advertisement(b, true, true, mac));
  b.Expect(EchoTo(mac));
  b.Forget();
}
inline void MakeReachable(Bench& b) { MakeReachable(b, b.peer.mac); }
// By an advertisement that nobody asked for.
inline void MakeStale(Bench& b) {
  MakeReachable(b, b.router.mac);
  b.Send(Advertisement(b, false, true, b.peer.mac));
}
inline void MakeDelay(Bench& b) {
  MakeStale(b);
  b.Ping(b.peer.ip6);
  b.Expect(EchoTo(b.peer.mac));
}
inline void MakeProbe(Bench& b) {
  MakeDelay(b);
  b.Expect(SolicitsByUnicast(b.peer.ip6), 7s);
}

// A packet goes to `mac` at once, and no solicitation follows.
inline void ExpectReachable(Bench& b, const Mac& mac) {
  b.Forget();
  b.Ping(b.peer.ip6);
  b.Expect(EchoTo(mac));
  b.ExpectNothing(Solicits(b.peer.ip6), 7s);
}
// A packet goes to `mac` at once, and the device asks for a confirmation after some seconds.
inline void ExpectStale(Bench& b, const Mac& mac) {
  b.Forget();
  b.ExpectNothing(Solicits(b.peer.ip6), 2s);
  b.Ping(b.peer.ip6);
  b.Expect(EchoTo(mac));
  b.Expect(SolicitsByUnicast(b.peer.ip6) && Is(eth::kDestination, mac), 7s);
}
// The device still asks for a confirmation, at `mac`.
inline void ExpectProbe(Bench& b, const Mac& mac) {
  b.Forget();
  b.Expect(SolicitsByUnicast(b.peer.ip6) && Is(eth::kDestination, mac), 1500ms);
}
// The device knows nothing of the peer: it must ask everybody.
inline void ExpectUnknown(Bench& b) {
  b.Forget();
  b.Ping(b.peer.ip6);
  b.Expect(SolicitsByGroup(b.peer.ip6));
  b.ExpectNothing(EchoRequest6(), 100ms);
}

}  // namespace moat::conform

#endif  // MOAT_CONFORM_SUITES_NDP_NEIGHBOR_H_
