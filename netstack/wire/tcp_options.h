// TCP options (RFC 9293 3.1; RFC 7323 window scale and timestamps; RFC 2018 SACK; RFC 7413 Fast Open).
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
inline constexpr uint8_t kFastOpen = 34;
}  // namespace tcp_option

inline constexpr size_t kTcpMaxOptionsSize = 40;
inline constexpr size_t kTcpTimestampsSize = 12;  // with the two NOPs that align it
inline constexpr uint8_t kTcpMaxWindowScale = 14;  // RFC 7323 2.3
inline constexpr size_t kTcpMaxFastOpenCookie = 16;  // RFC 7413 2; at least 4, and even
inline constexpr size_t kTcpMaxSackBlocks = 4;     // what fits in 40 bytes

// Octets [start, end).
struct SackBlock {
  SeqNum start;
  SeqNum end;
  bool operator==(const SackBlock&) const = default;
};

// What a segment's options say. Unknown options are skipped by their length; a malformed length ends the
// parse and keeps what came before, as Linux does. An option of a wrong length is ignored.
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
  uint32_t ts_value = 0;
  uint32_t ts_echo = 0;
  const uint8_t* fast_open = nullptr;  // the cookie, borrowed from the segment, or from who sends
  std::array<SackBlock, kTcpMaxSackBlocks> sack{};
};

TcpOptionSet ParseTcpOptions(std::span<const uint8_t> options);

// Writes the options of `set`, padded with NOPs so that each is aligned to four bytes as everybody sends
// them. SACK blocks and a Fast Open cookie that do not fit are left out. `out` has kTcpMaxOptionsSize bytes; returns the size, a
// multiple of 4.
size_t EmitTcpOptions(const TcpOptionSet& set, uint8_t* out);

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_WIRE_TCP_OPTIONS_H_
