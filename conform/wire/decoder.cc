#include "conform/wire/decoder.h"

#include <algorithm>

#include "conform/wire/frame.h"

namespace moat::conform {

bool Decoder::Add(Kind kind, size_t at, size_t header, size_t end) {
  if (at + header > end) {
    Problem(std::string(KindName(kind)) + " is cut short");
    if (!quoted_ || at >= end) return false;
    header = end - at;
  }
  packet_.layers_.push_back({kind, at, header, end});
  return true;
}

uint64_t Decoder::Load(size_t at, const Field& field, size_t end) const {
  return LoadBits(packet_.bytes_.data() + at, end - at, field.bit, field.bits).u64();
}

void Decoder::CheckSum(const char* name, int protocol, size_t at, size_t end) {
  if (quoted_) return;
  uint32_t sum = 0;
  if (protocol >= 0) {
    const bool v6 = packet_.Has(Kind::kIpv6);
    const Bytes ip = packet_.From(v6 ? Kind::kIpv6 : Kind::kIpv4);
    sum = v6 ? SumWords(ip.data() + 8, 32) : SumWords(ip.data() + 12, 8);
    sum += static_cast<uint32_t>(protocol) + static_cast<uint32_t>(end - at);
  }
  if (FoldSum(SumWords(packet_.bytes_.data() + at, end - at, sum)) != 0) {
    Problem(std::string(name) + " checksum is wrong");
  }
}

void Decoder::Ethernet() {
  const size_t end = packet_.bytes_.size();
  if (!Add(Kind::kEthernet, 0, 14, end)) return;
  if (packet_.GetMac(eth::kSource).IsGroup()) Problem("ethernet source is a group");
  switch (Load(0, eth::kType, end)) {
    case eth::kTypeArp:
      return Arp(14, end);
    case eth::kTypeIpv4:
      if (end > 14 && packet_.bytes_[14] >> 4 != 4) return Problem("ipv4 version is not 4");
      return Ipv4(14, end);
    case eth::kTypeIpv6:
      if (end > 14 && packet_.bytes_[14] >> 4 != 6) return Problem("ipv6 version is not 6");
      return Ipv6(14, end);
    default:
      return;
  }
}

void Decoder::Ip(size_t at, size_t end) {
  if (at >= end) return;
  if (packet_.bytes_[at] >> 4 == 4) return Ipv4(at, end);
  if (packet_.bytes_[at] >> 4 == 6) return Ipv6(at, end);
}

void Decoder::Arp(size_t at, size_t end) { Add(Kind::kArp, at, 28, end); }

void Decoder::Ipv4(size_t at, size_t end) {
  const size_t header = 4 * Load(at, ipv4::kHeaderLength, end);
  if (header < 20) Problem("ipv4 header length is below 5");
  const size_t total = Load(at, ipv4::kTotalLength, end);
  if (total > end - at) Problem("ipv4 total length is more than the frame has");
  end = std::min(end, at + total);
  if (!Add(Kind::kIpv4, at, std::max<size_t>(header, 20), end)) return;
  if (!quoted_ && FoldSum(SumWords(packet_.bytes_.data() + at, header)) != 0) {
    Problem("ipv4 header checksum is wrong");
  }
  const bool first = Load(at, ipv4::kFragmentOffset, end) == 0;
  const bool whole = first && Load(at, ipv4::kMoreFragments, end) == 0;
  if (!first) return;
  const bool judged = quoted_;
  quoted_ = quoted_ || !whole;  // a first fragment's checksum covers what is not here
  Transport(static_cast<int>(Load(at, ipv4::kProtocol, end)), at + header, end);
  quoted_ = judged;
}

void Decoder::Ipv6(size_t at, size_t end) {
  const size_t length = Load(at, ipv6::kPayloadLength, end);
  if (at + 40 + length > end) Problem("ipv6 payload length is more than the frame has");
  end = std::min(end, at + 40 + length);
  if (!Add(Kind::kIpv6, at, 40, end)) return;
  Extensions(static_cast<int>(Load(at, ipv6::kNextHeader, end)), at + 40, end);
}

void Decoder::Extensions(int next, size_t at, size_t end) {
  for (int i = 0; i < 16; ++i) {
    Kind kind;
    size_t header = at + 2 <= end ? 8 + 8 * size_t{packet_.bytes_[at + 1]} : 8;
    switch (next) {
      case proto::kHopByHop: kind = Kind::kHopByHop; break;
      case proto::kDestinationOptions: kind = Kind::kDestinationOptions; break;
      case proto::kRouting: kind = Kind::kRouting; break;
      case proto::kFragment:
        kind = Kind::kFragment;
        header = 8;
        break;
      default:
        return Transport(next, at, end);
    }
    if (!Add(kind, at, header, end)) return;
    next = packet_.bytes_[at];
    if (kind == Kind::kFragment) {
      if (Load(at, fragment::kOffset, end) != 0) return;
      if (Load(at, fragment::kMore, end) != 0) quoted_ = true;
    }
    at += header;
    if (at > end) return;
  }
}

void Decoder::Transport(int protocol, size_t at, size_t end) {
  switch (protocol) {
    case proto::kIcmp:
      if (Add(Kind::kIcmp4, at, 8, end)) CheckSum("icmpv4", -1, at, end);
      return;
    case proto::kIgmp:
      if (Add(Kind::kIgmp, at, 8, end)) CheckSum("igmp", -1, at, end);
      return;
    case proto::kIcmpV6:
      if (Add(Kind::kIcmp6, at, 8, end)) CheckSum("icmpv6", proto::kIcmpV6, at, end);
      return;
    case proto::kUdp:
      return Udp(at, end);
    case proto::kTcp:
      return Tcp(at, end);
    default:
      return;
  }
}

void Decoder::Udp(size_t at, size_t end) {
  if (!Add(Kind::kUdp, at, 8, end)) return;
  if (Load(at, udp::kLength, end) != end - at) Problem("udp length is not the packet's");
  if (Load(at, udp::kChecksum, end) != 0) return CheckSum("udp", proto::kUdp, at, end);
  if (packet_.Has(Kind::kIpv6)) Problem("udp over IPv6 without a checksum");
}

void Decoder::Tcp(size_t at, size_t end) {
  const size_t header = 4 * Load(at, tcp::kDataOffset, end);
  if (header < 20) Problem("tcp data offset is below 5");
  if (Add(Kind::kTcp, at, std::max<size_t>(header, 20), end)) CheckSum("tcp", proto::kTcp, at, end);
}

}  // namespace moat::conform
