// ARP for IPv4 over Ethernet (RFC 826), 28 bytes.
#ifndef MOAT_NETSTACK_WIRE_ARP_H_
#define MOAT_NETSTACK_WIRE_ARP_H_

#include <cstdint>
#include <span>

#include "netstack/wire/address.h"

namespace moat::netstack {

inline constexpr size_t kArpSize = 28;

enum class ArpOperation : uint16_t { kRequest = 1, kReply = 2 };

// Only an IPv4-over-Ethernet message becomes one of these.
struct ArpMessage {
  ArpOperation operation = ArpOperation::kRequest;
  MacAddress sender_mac;
  IpAddress sender;
  MacAddress target_mac;
  IpAddress target;
};

enum class ArpParse : uint8_t {
  kOk, kTruncated, kHardwareType, kProtocolType, kAddressLengths, kOperation,
};

// RFC 826, "Packet Reception": the questions in its order. Trailing bytes (padding) are ignored.
ArpParse ParseArp(std::span<const uint8_t> bytes, ArpMessage* out);

// Writes kArpSize bytes.
void EmitArp(const ArpMessage& message, uint8_t* out);

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_WIRE_ARP_H_
