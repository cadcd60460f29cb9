#include "conform/wire/layer_rules.h"

namespace moat::conform {
namespace {

void Auto(const BuildContext& c, const Field& field, Value value) {
  if (!c.layer.IsSet(field)) StoreBits(c.bytes, field.bit, field.bits, value);
}

// -1: nothing sensible; the field stays as it is.
int EtherTypeOf(Kind kind) {
  switch (kind) {
    case Kind::kArp: return eth::kTypeArp;
    case Kind::kIpv4: return eth::kTypeIpv4;
    case Kind::kIpv6: return eth::kTypeIpv6;
    default: return -1;
  }
}

int ProtocolOf(const Layer* layer) {
  if (layer == nullptr) return proto::kNone;
  switch (layer->kind()) {
    case Kind::kHopByHop: return proto::kHopByHop;
    case Kind::kDestinationOptions: return proto::kDestinationOptions;
    case Kind::kRouting: return proto::kRouting;
    case Kind::kFragment: return proto::kFragment;
    case Kind::kIcmp4: return proto::kIcmp;
    case Kind::kIgmp: return proto::kIgmp;
    case Kind::kUdp: return proto::kUdp;
    case Kind::kTcp: return proto::kTcp;
    case Kind::kIcmp6: return proto::kIcmpV6;
    default: return proto::kNone;
  }
}

// The sum over pseudo-header, layer and inside, with the checksum field as it stands (zero).
uint16_t TransportChecksum(const BuildContext& c, int protocol) {
  uint32_t sum = 0;
  const size_t size = c.bytes.size() + c.inside.size();
  if (c.ip != nullptr && protocol >= 0) {
    const Bytes& ip = c.ip->bytes();
    const bool v6 = c.ip->kind() == Kind::kIpv6;
    sum = v6 ? SumWords(ip.data() + 8, 32) : SumWords(ip.data() + 12, 8);
    sum += static_cast<uint32_t>(protocol);
    sum += static_cast<uint32_t>(size);
  }
  Bytes all = c.bytes;
  all.insert(all.end(), c.inside.begin(), c.inside.end());
  return FoldSum(SumWords(all.data(), all.size(), sum));
}

void FillEthernet(const BuildContext& c) {
  const int type = c.next == nullptr ? -1 : EtherTypeOf(c.next->kind());
  if (type >= 0) Auto(c, eth::kType, type);
}

void FillIpv4(const BuildContext& c) {
  Auto(c, ipv4::kHeaderLength, c.bytes.size() / 4);
  Auto(c, ipv4::kTotalLength, c.bytes.size() + c.inside.size());
  Auto(c, ipv4::kProtocol, ProtocolOf(c.next));
  if (!c.layer.IsSet(ipv4::kChecksum)) {
    Auto(c, ipv4::kChecksum, FoldSum(SumWords(c.bytes.data(), c.bytes.size())));
  }
}

void FillIpv6(const BuildContext& c) {
  Auto(c, ipv6::kPayloadLength, c.inside.size());
  Auto(c, ipv6::kNextHeader, ProtocolOf(c.next));
}

void FillHopByHop(const BuildContext& c) {
  Auto(c, hop_by_hop::kNextHeader, ProtocolOf(c.next));
  Auto(c, hop_by_hop::kLength, c.bytes.size() / 8 - 1);
}

void FillDestinationOptions(const BuildContext& c) {
  Auto(c, destination_options::kNextHeader, ProtocolOf(c.next));
  Auto(c, destination_options::kLength, c.bytes.size() / 8 - 1);
}

void FillRouting(const BuildContext& c) {
  Auto(c, routing::kNextHeader, ProtocolOf(c.next));
  Auto(c, routing::kLength, c.bytes.size() / 8 - 1);
}

void FillFragment(const BuildContext& c) { Auto(c, fragment::kNextHeader, ProtocolOf(c.next)); }

void FillIcmp4(const BuildContext& c) { Auto(c, icmp4::kChecksum, TransportChecksum(c, -1)); }

void FillIgmp(const BuildContext& c) { Auto(c, igmp::kChecksum, TransportChecksum(c, -1)); }

void FillIcmp6(const BuildContext& c) {
  Auto(c, icmp6::kChecksum, TransportChecksum(c, proto::kIcmpV6));
}

void FillUdp(const BuildContext& c) {
  Auto(c, udp::kLength, c.bytes.size() + c.inside.size());
  if (c.layer.IsSet(udp::kChecksum)) return;
  const uint16_t sum = TransportChecksum(c, proto::kUdp);
  Auto(c, udp::kChecksum, sum == 0 ? 0xffff : sum);  // RFC 768: zero means "none"
}

void FillTcp(const BuildContext& c) {
  Auto(c, tcp::kDataOffset, c.bytes.size() / 4);
  Auto(c, tcp::kChecksum, TransportChecksum(c, proto::kTcp));
}

void FillNothing(const BuildContext&) {}

}  // namespace

const Layer* EnclosingIp(const std::vector<Layer>& layers, size_t index) {
  while (index-- > 0) {
    const Kind kind = layers[index].kind();
    if (kind == Kind::kIpv4 || kind == Kind::kIpv6) return &layers[index];
  }
  return nullptr;
}

void FillIn(const BuildContext& context) {
  using Rule = void (*)(const BuildContext&);
  static constexpr Rule kRules[] = {
      FillEthernet, FillNothing,  FillIpv4,  FillIpv6, FillHopByHop, FillDestinationOptions,
      FillRouting,  FillFragment, FillIcmp4, FillIgmp, FillUdp,      FillTcp,
      FillIcmp6,    FillNothing};
  kRules[static_cast<size_t>(context.layer.kind())](context);
}

}  // namespace moat::conform
