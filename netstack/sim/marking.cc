#include "netstack/sim/marking.h"

#include "netstack/wire/bytes.h"
#include "netstack/wire/checksum.h"
#include "netstack/wire/ethernet.h"

namespace moat::netstack::sim {
namespace {

constexpr size_t kIp = kEthernetHeaderSize;
constexpr size_t kSmallestHeader = 20;  // IPv4's
constexpr uint8_t kCe = 3;
constexpr int kIpv6Shift = 4;  // of the field in the second octet of IPv6's header

bool Capable(uint8_t codepoint) { return codepoint == 1 || codepoint == 2; }

}  // namespace

bool MarkCongestion(Slice& frame) {
  if (frame.size() < kIp + kSmallestHeader) return false;
  const uint16_t type = LoadBe16(frame.data() + kIp - 2);
  const uint8_t octet = frame.data()[kIp + 1];
  const bool v4 = type == ethertype::kIpv4;
  if (!v4 && type != ethertype::kIpv6) return false;
  const int shift = v4 ? 0 : kIpv6Shift;
  if (!Capable(octet >> shift & kCe)) return false;
  const size_t header = v4 ? size_t{4} * (frame.data()[kIp] & 15) : 0;
  if (frame.size() < kIp + header) return false;
  frame = Slice::Copy(frame.span());
  uint8_t* ip = frame.mutable_data() + kIp;
  ip[1] = static_cast<uint8_t>(octet | kCe << shift);
  if (v4) {
    StoreBe16(ip + 10, 0);
    StoreBe16(ip + 10, ChecksumOf({ip, header}));
  }
  return true;
}

}  // namespace moat::netstack::sim
