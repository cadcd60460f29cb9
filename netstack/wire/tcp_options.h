// TCP options (RFC 9293 3.1; RFC 7323 window scale and timestamps; RFC 2018 SACK; RFC 5482 user
// timeout; RFC 7413 Fast Open; RFC 9768 AccECN).
#ifndef MOAT_NETSTACK_WIRE_TCP_OPTIONS_H_
#define MOAT_NETSTACK_WIRE_TCP_OPTIONS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "netstack/wire/seqnum.h"

namespace moat::netstack {

namespace tcp_option {
inline constexpr uint8_t kEnd = 0;
inline constexpr uint8_t kNoOperation = 1;
inline constexpr uint8_t kMaxSegmentSize = 2;
inline constexpr uint8_t kWindowScale = 3;
inline constexpr uint8_t kSackPermitted = 4;
inline constexpr uint8_t kSack = 5;
inline constexpr uint8_t kTimestamps = 8;
inline constexpr uint8_t kUserTimeout = 28;
inline constexpr uint8_t kFastOpen = 34;
inline constexpr uint8_t kAccEcn0 = 172;  // octets of ECT(0), CE, ECT(1)
inline constexpr uint8_t kAccEcn1 = 174;  // octets of ECT(1), CE, ECT(0)
}  // namespace tcp_option

inline constexpr size_t kTcpMaxOptionsSize = 40;
inline constexpr size_t kTcpTimestampsSize = 12;  // with the two NOPs that align it
inline constexpr size_t kTcpUserTimeoutSize = 4;
inline constexpr uint8_t kTcpMaxWindowScale = 14;  // RFC 7323 2.3
inline constexpr size_t kTcpMaxFastOpenCookie = 16;  // RFC 7413 2; at least 4, and even
inline constexpr size_t kTcpMaxSackBlocks = 4;     // what fits in 40 bytes
inline constexpr size_t kTcpMaxAccEcnFields = 3;   // of three octets each (RFC 9768 3.2.3)

// Octets [start, end).
struct SackBlock {
  SeqNum start;
  SeqNum end;
  bool operator==(const SackBlock&) const = default;
};

// What a segment's options say. Unknown options are skipped by their length; a malformed length
// ends the parse and keeps what came before, as Linux does. An option of a wrong length is ignored.
struct TcpOptionSet {
  bool has_mss = false;
  bool has_window_scale = false;
  bool has_timestamps = false;
  bool sack_permitted = false;
  bool has_fast_open = false;
  uint8_t fast_open_size = 0;  // of the cookie; 0: one is asked for
  uint8_t window_scale = 0;  // at most kTcpMaxWindowScale
  uint8_t sack_count = 0;
  uint16_t mss = 0;
  uint8_t accecn_kind = 0;    // kAccEcn0 or kAccEcn1; 0: no such option
  uint8_t accecn_fields = 0;  // at most kTcpMaxAccEcnFields
  // As on the wire: a bit that says minutes instead of seconds, and 15 of a number. 0: there is no
  // such option, or one of zero, which says nothing (RFC 5482 3.3).
  uint16_t user_timeout = 0;
  uint32_t ts_value = 0;
  uint32_t ts_echo = 0;
  const uint8_t* fast_open = nullptr;  // the cookie, borrowed from the segment, or from who sends
  const uint8_t* accecn = nullptr;     // the fields as on the wire, borrowed likewise
  std::array<SackBlock, kTcpMaxSackBlocks> sack{};
};

TcpOptionSet ParseTcpOptions(std::span<const uint8_t> options);

// Writes the options of `set`, padded with NOPs so that each is aligned to four bytes as everybody
// sends them. SACK blocks, a Fast Open cookie and an AccECN option that do not fit are left out.
// `out` has kTcpMaxOptionsSize bytes; returns the size, a multiple of 4.
size_t EmitTcpOptions(const TcpOptionSet& set, uint8_t* out);
// What an AccECN option of so many fields takes, padding included.
constexpr size_t TcpAccEcnSize(size_t fields) { return (2 + 3 * fields + 3) / 4 * 4; }
// What the options of `set` take beside SACK blocks and AccECN.
size_t TcpFixedOptionsSize(const TcpOptionSet& set);

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_WIRE_TCP_OPTIONS_H_
