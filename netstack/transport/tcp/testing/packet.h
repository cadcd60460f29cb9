// Segments as tests write them: a builder of what the peer sends, and a matcher of what the host
// sent.
//
//   peer.Send(Syn().Seq(0).Mss(1460));
//   EXPECT_THAT(peer.Next(), Is(SynAck().Seq(0).Ack(1)));
//
// Sequence numbers are relative: a segment's own to its sender's ISS, an acknowledgment to the
// other's.
#ifndef MOAT_NETSTACK_TRANSPORT_TCP_TESTING_PACKET_H_
#define MOAT_NETSTACK_TRANSPORT_TCP_TESTING_PACKET_H_

#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>

#include "netstack/wire/tcp.h"
#include "netstack/wire/tcp_options.h"

namespace moat::netstack::tcp {

struct Packet {
  // Set: sent so, or must match.
  uint8_t flags = 0;
  std::optional<uint32_t> seq;
  std::optional<uint32_t> ack;
  std::optional<uint16_t> wnd;
  std::optional<uint16_t> urgent;
  std::optional<std::string> data;
  std::optional<size_t> size;  // matches the length of the data only
  std::optional<uint16_t> mss;
  std::optional<uint8_t> shift;
  std::optional<bool> sack_ok;
  std::optional<std::pair<uint32_t, uint32_t>> timestamps;  // value, echo
  std::optional<std::vector<std::pair<uint32_t, uint32_t>>> sack;
  std::optional<uint16_t> gso_size;
  std::optional<std::string> cookie;  // Fast Open; "": the option asks for one
  std::optional<uint8_t> ecn;  // codepoint of the IP header
  std::optional<uint8_t>
      ace;  // AE, CWR and ECE as one number; when set, or `accecn` is, `flags` does not say these
  // AccECN option: its kind and fields. Kind 0: must be absent.
  std::optional<std::pair<uint8_t, std::vector<uint32_t>>> accecn;

  std::optional<uint16_t> user_timeout;  // option as on the wire; 0: must be absent

  Packet& Flag(uint8_t flag) { flags |= flag; return *this; }
  Packet& Seq(uint32_t v) { seq = v; return *this; }
  Packet& Ack(uint32_t v) { ack = v; flags |= tcp_flag::kAck; return *this; }
  Packet& Wnd(uint16_t v) { wnd = v; return *this; }
  Packet& Urg(uint16_t v) { urgent = v; flags |= tcp_flag::kUrg; return *this; }
  Packet& Data(std::string v) { data = std::move(v); return *this; }
  Packet& Size(size_t v) { size = v; return *this; }
  Packet& Mss(uint16_t v) { mss = v; return *this; }
  Packet& Shift(uint8_t v) { shift = v; return *this; }
  Packet& SackOk(bool v = true) { sack_ok = v; return *this; }
  Packet& Ts(uint32_t value, uint32_t echo) { timestamps = {value, echo}; return *this; }
  Packet& Sack(std::vector<std::pair<uint32_t, uint32_t>> v) { sack = std::move(v); return *this; }
  Packet& Cookie(std::string v) { cookie = std::move(v); return *this; }
  Packet& UserTimeout(uint16_t v) { user_timeout = v; return *this; }
  Packet& Ecn(uint8_t v) { ecn = v; return *this; }
  Packet& Ace(uint8_t v) { ace = v; return *this; }
  Packet& AccEcn0(std::vector<uint32_t> v) {
    accecn = {tcp_option::kAccEcn0, std::move(v)};
    return *this;
  }
  Packet& AccEcn1(std::vector<uint32_t> v) {
    accecn = {tcp_option::kAccEcn1, std::move(v)};
    return *this;
  }
  Packet& NoAccEcn() { accecn.emplace(); return *this; }
  Packet& Gso(uint16_t v) { gso_size = v; return *this; }
};

inline Packet Syn() { return Packet().Flag(tcp_flag::kSyn); }
inline Packet SynAck() { return Packet().Flag(tcp_flag::kSyn | tcp_flag::kAck); }
inline Packet Ack(uint32_t ack) { return Packet().Ack(ack); }
inline Packet Fin() { return Packet().Flag(tcp_flag::kFin); }
inline Packet Rst() { return Packet().Flag(tcp_flag::kRst); }
inline Packet Data(std::string data) { return Packet().Data(std::move(data)); }
inline Packet Nothing() { return Packet(); }

std::string Describe(const Packet& packet);
inline void PrintTo(const Packet& packet, std::ostream* out) { *out << Describe(packet); }
// Whether `got` is what `want` says. PSH is not looked at.
bool Matches(const Packet& got, const Packet& want, std::string* why);

class IsMatcher {
 public:
  using is_gtest_matcher = void;
  explicit IsMatcher(Packet want) : want_(std::move(want)) {}
  bool MatchAndExplain(const Packet& got, testing::MatchResultListener* listener) const {
    std::string why;
    if (Matches(got, want_, &why)) return true;
    *listener << why;
    return false;
  }
  void DescribeTo(std::ostream* out) const { *out << Describe(want_); }
  void DescribeNegationTo(std::ostream* out) const { *out << "not " << Describe(want_); }

 private:
  Packet want_;
};
inline testing::Matcher<const Packet&> Is(const Packet& want) { return IsMatcher(want); }

}  // namespace moat::netstack::tcp

#endif  // MOAT_NETSTACK_TRANSPORT_TCP_TESTING_PACKET_H_
