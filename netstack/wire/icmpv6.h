// ICMP for IPv6 (RFC 4443). The first eight bytes are read through IcmpView (icmpv4.h).
#ifndef MOAT_NETSTACK_WIRE_ICMPV6_H_
#define MOAT_NETSTACK_WIRE_ICMPV6_H_

#include <cstdint>

namespace moat::netstack {

namespace icmpv6_type {
inline constexpr uint8_t kDestinationUnreachable = 1;
inline constexpr uint8_t kPacketTooBig = 2;
inline constexpr uint8_t kTimeExceeded = 3;
inline constexpr uint8_t kParameterProblem = 4;
inline constexpr uint8_t kLastError = 127;  // 0..127 are errors, 128..255 informational
inline constexpr uint8_t kEchoRequest = 128;
inline constexpr uint8_t kEchoReply = 129;
inline constexpr uint8_t kMldQuery = 130;
inline constexpr uint8_t kMldReport = 131;
inline constexpr uint8_t kMldDone = 132;
inline constexpr uint8_t kRouterSolicitation = 133;
inline constexpr uint8_t kRouterAdvertisement = 134;
inline constexpr uint8_t kNeighborSolicitation = 135;
inline constexpr uint8_t kNeighborAdvertisement = 136;
inline constexpr uint8_t kRedirect = 137;
inline constexpr uint8_t kMldV2Report = 143;
}  // namespace icmpv6_type

namespace icmpv6_code {
// of destination unreachable
inline constexpr uint8_t kNoRoute = 0;
inline constexpr uint8_t kProhibited = 1;
inline constexpr uint8_t kBeyondScope = 2;
inline constexpr uint8_t kAddress = 3;
inline constexpr uint8_t kPort = 4;
inline constexpr uint8_t kPolicy = 5;
inline constexpr uint8_t kRejectRoute = 6;
// of time exceeded
inline constexpr uint8_t kHopLimit = 0;
inline constexpr uint8_t kReassembly = 1;
// of parameter problem
inline constexpr uint8_t kErroneousHeader = 0;
inline constexpr uint8_t kUnrecognizedNextHeader = 1;
inline constexpr uint8_t kUnrecognizedOption = 2;
inline constexpr uint8_t kIncompleteChain = 3;  // RFC 7112
}  // namespace icmpv6_code

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_WIRE_ICMPV6_H_
