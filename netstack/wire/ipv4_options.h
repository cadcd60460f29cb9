// IPv4 options (RFC 791 3.1, RFC 2113): which are well-formed, what a node writes into them, and
// which go on. Everything here works on the bytes behind the fixed header.
#ifndef MOAT_NETSTACK_WIRE_IPV4_OPTIONS_H_
#define MOAT_NETSTACK_WIRE_IPV4_OPTIONS_H_

#include <cstdint>
#include <span>

#include "netstack/wire/address.h"
#include "netstack/wire/ipv4.h"

namespace moat::netstack {

namespace ipv4_option {
inline constexpr uint8_t kEnd = 0;
inline constexpr uint8_t kNoOperation = 1;
inline constexpr uint8_t kRecordRoute = 7;
inline constexpr uint8_t kTimestamp = 68;
inline constexpr uint8_t kLooseSourceRoute = 131;
inline constexpr uint8_t kStrictSourceRoute = 137;
inline constexpr uint8_t kRouterAlert = 148;
}  // namespace ipv4_option

inline constexpr size_t kIpv4MaxOptions = kIpv4MaxHeaderSize - kIpv4HeaderSize;

struct Ipv4OptionScan {
  bool well_formed = true;
  uint8_t error_offset = 0;   // from the start of the header, of the octet at fault
  bool source_route = false;  // a source route that is not yet used up
  bool records = false;       // a record route or timestamp option is there
};

// Proves the lengths of all options, and the pointers of those that are written into: a route or
// a time that fits only in part, or an overflow count that is itself full, is an error (RFC 791).
Ipv4OptionScan ScanIpv4Options(const Ipv4View& header);

// What a node that a packet reaches or passes writes into its record route and timestamp options
// (RFC 791 3.1, RFC 1122 3.2.2.6, RFC 1812 5.3.13): its own address, and `time` (milliseconds of
// the day, or with the highest bit set). A full route stays, full timestamps count the overflow.
// `is_ours` judges addresses that the sender prescribed. The options passed ScanIpv4Options().
void RecordInIpv4Options(std::span<uint8_t> options, const IpAddress& own, uint32_t time,
                         bool (*is_ours)(const void* context, const IpAddress& address),
                         const void* context);

// Whether a router alert (RFC 2113) is among well-formed options.
bool HasRouterAlert(std::span<const uint8_t> options);

// Those for the reply to a packet (RFC 1122 3.2.2.6): record route and timestamp. Returns the size
// written, padded to a multiple of 4; at most options.size().
size_t ReflectedIpv4Options(std::span<const uint8_t> options, uint8_t* out);

// Those of fragments that are not the first: only options that say so are copied. As above.
size_t LaterFragmentIpv4Options(std::span<const uint8_t> options, uint8_t* out);

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_WIRE_IPV4_OPTIONS_H_
