#include "netstack/wire/arp.h"

#include <cstring>

#include "netstack/wire/bytes.h"
#include "netstack/wire/ethernet.h"

namespace moat::netstack {
namespace {

constexpr uint16_t kHardwareEthernet = 1;  // IANA ARP hardware types

enum Offset : size_t {
  kHardwareType = 0,
  kProtocolType = 2,
  kHardwareLength = 4,
  kProtocolLength = 5,
  kOperation = 6,
  kSenderMac = 8,
  kSenderIp = 14,
  kTargetMac = 18,
  kTargetIp = 24,
};

}  // namespace

ArpParse ParseArp(std::span<const uint8_t> bytes, ArpMessage* out) {
  if (bytes.size() < kSenderMac) return ArpParse::kTruncated;
  const uint8_t* p = bytes.data();
  if (LoadBe16(p + kHardwareType) != kHardwareEthernet) return ArpParse::kHardwareType;
  if (LoadBe16(p + kProtocolType) != ethertype::kIpv4) return ArpParse::kProtocolType;
  if (p[kHardwareLength] != 6 || p[kProtocolLength] != 4) return ArpParse::kAddressLengths;
  if (bytes.size() < kArpSize) return ArpParse::kTruncated;
  const uint16_t operation = LoadBe16(p + kOperation);
  if (operation != 1 && operation != 2) return ArpParse::kOperation;
  out->operation = static_cast<ArpOperation>(operation);
  std::memcpy(out->sender_mac.bytes.data(), p + kSenderMac, 6);
  out->sender = IpAddress::V4(p + kSenderIp);
  std::memcpy(out->target_mac.bytes.data(), p + kTargetMac, 6);
  out->target = IpAddress::V4(p + kTargetIp);
  return ArpParse::kOk;
}

void EmitArp(const ArpMessage& message, uint8_t* out) {
  StoreBe16(out + kHardwareType, kHardwareEthernet);
  StoreBe16(out + kProtocolType, ethertype::kIpv4);
  out[kHardwareLength] = 6;
  out[kProtocolLength] = 4;
  StoreBe16(out + kOperation, static_cast<uint16_t>(message.operation));
  std::memcpy(out + kSenderMac, message.sender_mac.bytes.data(), 6);
  std::memcpy(out + kSenderIp, message.sender.data(), 4);
  std::memcpy(out + kTargetMac, message.target_mac.bytes.data(), 6);
  std::memcpy(out + kTargetIp, message.target.data(), 4);
}

}  // namespace moat::netstack
