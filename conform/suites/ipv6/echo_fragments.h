// An echo request to the device in fragments.
#ifndef MOAT_CONFORM_SUITES_IPV6_ECHO_FRAGMENTS_H_
#define MOAT_CONFORM_SUITES_IPV6_ECHO_FRAGMENTS_H_

#include <vector>

#include "conform/suites/ipv6/answers.h"

namespace moat::conform {

inline constexpr size_t kSize = 1000;  // of the echo request's data: 1008 bytes to be cut

// An echo request in three fragments: bytes 0-399, 400-799, 800-1007.
inline std::vector<Frame> Three(const Bench& b, uint32_t id = 0x12345678) {
  return FragmentIpv6(ToDevice(b) / Echo(kSize), {400, 400}, id);
}

// A fragment of the right echo request: `size` bytes from `at` on, each changed by `change`.
inline Frame Piece(const Bench& b, size_t at, size_t size, uint8_t change = 0) {
  const Bytes whole = (ToDevice(b) / Echo(kSize)).Build();
  const auto from = whole.begin() + static_cast<ptrdiff_t>(54 + at);
  Bytes piece(from, from + static_cast<ptrdiff_t>(size));
  for (uint8_t& byte : piece) byte ^= change;
  const bool more = at + size < kSize + 8;
  return ToDevice(b) /
         FragmentHeader(static_cast<int>(at), more).Set(fragment::kNextHeader, proto::kIcmpV6) /
         Raw(piece);
}

inline Match TimeExceeded() { return Icmp6Error(icmp6::kTimeExceeded, 1); }

}  // namespace moat::conform

#endif  // MOAT_CONFORM_SUITES_IPV6_ECHO_FRAGMENTS_H_
