// IPv4 options (RFC 791 3.1, RFC 2113): which are well-formed, what a node writes into them, and
// which go on. Everything here works on the bytes behind the fixed header.
#ifndef MOAT_NETSTACK_WIRE_IPV4_OPTIONS_H_
#define MOAT_NETSTACK_WIRE_IPV4_OPTIONS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "netstack/base/time.h"
#include "netstack/wire/address.h"
#include "netstack/wire/ipv4.h"

namespace moat::netstack {

namespace ipv4_option {
inline constexpr uint8_t kEnd = 0;
inline constexpr uint8_t kNoOperation = 1;
inline constexpr uint8_t kRecordRoute = 7;
inline constexpr uint8_t kTimestamp = 68;
inline constexpr uint8_t kCommercialSecurity = 134;  // CIPSO
inline constexpr uint8_t kLooseSourceRoute = 131;
inline constexpr uint8_t kStrictSourceRoute = 137;
inline constexpr uint8_t kRouterAlert = 148;
}  // namespace ipv4_option

inline constexpr size_t kIpv4MaxOptions = kIpv4MaxHeaderSize - kIpv4HeaderSize;

// The options of one packet, or those that a program gives to all of its packets.
struct Ipv4Options {
  std::array<uint8_t, kIpv4MaxOptions> bytes;  // not cleared: there is one on the stack per packet
  uint8_t size = 0;                            // a multiple of 4

  std::span<const uint8_t> span() const { return {bytes.data(), size}; }
  std::span<uint8_t> span() { return {bytes.data(), size}; }
};
using Ipv4OptionsRef = std::shared_ptr<const Ipv4Options>;  // null: none

// Milliseconds of the day, as ICMP and IP options have them (RFC 792, RFC 791 3.1). DEVIATION: a
// stack has no clock of the day, so they count from its own epoch and carry the bit that says so.
inline uint32_t InternetTime(Time now) {
  constexpr int64_t kMillisecondsPerDay = 86400000;
  const int64_t since = now.time_since_epoch() / std::chrono::milliseconds(1);
  return 0x80000000u | static_cast<uint32_t>(since % kMillisecondsPerDay);
}

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

// What is wrong with options that a program wants to send; as Linux judges (ip(7)).
enum class Ipv4OptionVerdict : uint8_t {
  kGood,
  kPrivileged,   // good for who may send any packet: types that this stack does not know
  kMalformed,    // also: more than one record route or timestamp, security labels (CIPSO)
  kSourceRoute,  // would be good, but none is sent (RFC 6274 3.13.2.3, RFC 7126 4.3)
};
// Judges at most 40 octets, and makes them what will be sent: padded, nothing behind an end, and
// the slots that this node will fill empty. What is not good stays as it is.
Ipv4OptionVerdict TakeProgramOptions(std::span<const uint8_t> given, Ipv4Options* options);

// Those for the reply to a packet (RFC 1122 3.2.2.6): record route and timestamp. Returns the size
// written, padded to a multiple of 4; at most options.size().
size_t ReflectedIpv4Options(std::span<const uint8_t> options, uint8_t* out);
// The same as options that a program may give again, with empty slots; null when there are none.
Ipv4OptionsRef ReturnedIpv4Options(std::span<const uint8_t> options);

// Those of fragments that are not the first: only options that say so are copied. As above.
size_t LaterFragmentIpv4Options(std::span<const uint8_t> options, uint8_t* out);

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_WIRE_IPV4_OPTIONS_H_
