#include "netstack/wire/ndp.h"

#include <cstring>

#include "netstack/wire/bytes.h"
#include "netstack/wire/icmpv4.h"
#include "netstack/wire/icmpv6.h"

namespace moat::netstack {
namespace {

// Option types (RFC 4861 4.6, RFC 3971).
constexpr uint8_t kSourceLinkAddress = 1;
constexpr uint8_t kTargetLinkAddress = 2;
constexpr uint8_t kPrefixInformation = 3;
constexpr uint8_t kRedirectedHeader = 4;
constexpr uint8_t kMtu = 5;
constexpr uint8_t kNonce = 14;
constexpr uint8_t kRouteInformation = 24;
constexpr uint8_t kNameServers = 25;

constexpr size_t kNeighborMessageSize = 24;  // type, code, checksum, flags, target
constexpr size_t kRouterAdvertisementSize = 16;
constexpr size_t kRedirectSize = 40;

MacAddress ReadMac(const uint8_t* p) {
  MacAddress mac;
  std::memcpy(mac.bytes.data(), p, 6);
  return mac;
}

NdpPrefix ReadPrefix(const uint8_t* p) {
  NdpPrefix prefix;
  prefix.length = p[2];
  prefix.on_link = (p[3] & 0x80) != 0;
  prefix.autonomous = (p[3] & 0x40) != 0;
  prefix.valid_lifetime = LoadBe32(p + 4);
  prefix.preferred_lifetime = LoadBe32(p + 8);
  prefix.prefix = IpAddress::V6(p + 16);
  return prefix;
}

// RFC 4191 2.3: the prefix may be cut to 0, 8 or 16 bytes.
void ReadRoute(std::span<const uint8_t> option, NdpOptions* out) {
  const uint8_t length = option[2];
  const size_t needed = length == 0 ? 8 : length <= 64 ? 16 : 24;
  if (length > 128 || option.size() < needed || option.size() > 24) return;
  if (out->route_count >= kMaxNdpRoutes) return;
  uint8_t prefix[16] = {};
  std::memcpy(prefix, option.data() + 8, option.size() - 8);
  NdpRoute& route = out->routes[out->route_count++];
  route.prefix = IpAddress::V6(prefix);
  route.length = length;
  route.preference = (option[3] >> 3) & 3;
  route.lifetime = LoadBe32(option.data() + 4);
}

// RFC 8106 5.1.
void ReadNameServers(std::span<const uint8_t> option, NdpOptions* out) {
  if (option.size() < 24 || option.size() % 16 != 8) return;
  for (size_t i = 8; i < option.size(); i += 16) {
    if (out->name_server_count >= kMaxNdpNameServers) return;
    out->name_servers[out->name_server_count++] = {IpAddress::V6(option.data() + i),
                                                   LoadBe32(option.data() + 4)};
  }
}

void ReadOption(std::span<const uint8_t> option, NdpOptions* out) {
  const uint8_t* p = option.data();
  switch (p[0]) {
    case kSourceLinkAddress:
      if (option.size() == 8) out->source_link_address = ReadMac(p + 2);
      break;
    case kTargetLinkAddress:
      if (option.size() == 8) out->target_link_address = ReadMac(p + 2);
      break;
    case kPrefixInformation:
      if (option.size() == 32 && p[2] <= 128 && out->prefix_count < kMaxNdpPrefixes) {
        out->prefixes[out->prefix_count++] = ReadPrefix(p);
      }
      break;
    case kMtu:
      if (option.size() == 8) out->mtu = LoadBe32(p + 4);
      break;
    case kNonce:
      if (option.size() == 8) {
        out->nonce.emplace();
        std::memcpy(out->nonce->data(), p + 2, 6);
      }
      break;
    case kRouteInformation:
      ReadRoute(option, out);
      break;
    case kNameServers:
      ReadNameServers(option, out);
      break;
    default:  // RFC 4861 9: unknown options are ignored
      break;
  }
}

bool ReadOptions(std::span<const uint8_t> bytes, NdpOptions* out) {
  for (int count = 0; !bytes.empty(); ++count) {
    if (count == kMaxNdpOptions || bytes.size() < 2 || bytes[1] == 0) return false;
    const size_t size = static_cast<size_t>(bytes[1]) * 8;
    if (size > bytes.size()) return false;
    ReadOption(bytes.first(size), out);
    bytes = bytes.subspan(size);
  }
  return true;
}

size_t EmitLinkAddress(uint8_t type, const std::optional<MacAddress>& mac, uint8_t* out) {
  if (!mac.has_value()) return 0;
  out[0] = type;
  out[1] = 1;
  std::memcpy(out + 2, mac->bytes.data(), 6);
  return 8;
}

}  // namespace

std::optional<NeighborSolicitation> ParseNeighborSolicitation(std::span<const uint8_t> icmp) {
  if (icmp.size() < kNeighborMessageSize || icmp[1] != 0) return std::nullopt;
  NeighborSolicitation out;
  out.target = IpAddress::V6(icmp.data() + 8);
  if (out.target.IsMulticast()) return std::nullopt;
  if (!ReadOptions(icmp.subspan(kNeighborMessageSize), &out.options)) return std::nullopt;
  return out;
}

std::optional<NeighborAdvertisement> ParseNeighborAdvertisement(std::span<const uint8_t> icmp) {
  if (icmp.size() < kNeighborMessageSize || icmp[1] != 0) return std::nullopt;
  NeighborAdvertisement out;
  out.router = (icmp[4] & 0x80) != 0;
  out.solicited = (icmp[4] & 0x40) != 0;
  out.override_ = (icmp[4] & 0x20) != 0;
  out.target = IpAddress::V6(icmp.data() + 8);
  if (out.target.IsMulticast()) return std::nullopt;
  if (!ReadOptions(icmp.subspan(kNeighborMessageSize), &out.options)) return std::nullopt;
  return out;
}

std::optional<RouterAdvertisement> ParseRouterAdvertisement(std::span<const uint8_t> icmp) {
  if (icmp.size() < kRouterAdvertisementSize || icmp[1] != 0) return std::nullopt;
  RouterAdvertisement out;
  out.hop_limit = icmp[4];
  out.managed = (icmp[5] & 0x80) != 0;
  out.other = (icmp[5] & 0x40) != 0;
  out.preference = (icmp[5] >> 3) & 3;
  out.router_lifetime = LoadBe16(icmp.data() + 6);
  out.reachable_time = LoadBe32(icmp.data() + 8);
  out.retransmit_timer = LoadBe32(icmp.data() + 12);
  if (!ReadOptions(icmp.subspan(kRouterAdvertisementSize), &out.options)) return std::nullopt;
  return out;
}

std::optional<RedirectMessage> ParseRedirect(std::span<const uint8_t> icmp) {
  if (icmp.size() < kRedirectSize || icmp[1] != 0) return std::nullopt;
  RedirectMessage out;
  out.target = IpAddress::V6(icmp.data() + 8);
  out.destination = IpAddress::V6(icmp.data() + 24);
  if (out.destination.IsMulticast()) return std::nullopt;
  if (!out.target.IsLinkLocal() && out.target != out.destination) return std::nullopt;
  if (!ReadOptions(icmp.subspan(kRedirectSize), &out.options)) return std::nullopt;
  return out;
}

std::optional<NdpOptions> ParseRouterSolicitation(std::span<const uint8_t> icmp) {
  if (icmp.size() < kIcmpHeaderSize || icmp[1] != 0) return std::nullopt;
  NdpOptions out;
  if (!ReadOptions(icmp.subspan(kIcmpHeaderSize), &out)) return std::nullopt;
  return out;
}

size_t EmitNeighborSolicitation(const IpAddress& target, const std::optional<MacAddress>& source,
                                const std::optional<std::array<uint8_t, 6>>& nonce, uint8_t* out) {
  EmitIcmp(out, icmpv6_type::kNeighborSolicitation, 0, 0);
  std::memcpy(out + 8, target.data(), 16);
  size_t size = kNeighborMessageSize;
  size += EmitLinkAddress(kSourceLinkAddress, source, out + size);
  if (nonce.has_value()) {
    out[size] = kNonce;
    out[size + 1] = 1;
    std::memcpy(out + size + 2, nonce->data(), 6);
    size += 8;
  }
  return size;
}

size_t EmitNeighborAdvertisement(const IpAddress& target, bool router, bool solicited,
                                 bool override_, const std::optional<MacAddress>& link_address,
                                 uint8_t* out) {
  const uint32_t flags = (router ? 0x80000000u : 0) | (solicited ? 0x40000000u : 0) |
                         (override_ ? 0x20000000u : 0);
  EmitIcmp(out, icmpv6_type::kNeighborAdvertisement, 0, flags);
  std::memcpy(out + 8, target.data(), 16);
  return kNeighborMessageSize + EmitLinkAddress(kTargetLinkAddress, link_address,
                                                out + kNeighborMessageSize);
}

size_t EmitRedirect(const IpAddress& target, const IpAddress& destination,
                    const std::optional<MacAddress>& target_mac, std::span<const uint8_t> packet,
                    uint8_t* out) {
  EmitIcmp(out, icmpv6_type::kRedirect, 0, 0);
  std::memcpy(out + 8, target.data(), 16);
  std::memcpy(out + 24, destination.data(), 16);
  size_t size = kRedirectSize;
  size += EmitLinkAddress(kTargetLinkAddress, target_mac, out + size);
  const size_t room = (kMaxNdpRedirect - size - 8) & ~size_t{7};
  const size_t quoted = packet.size() < room ? packet.size() : room;
  const size_t padded = (quoted + 7) & ~size_t{7};
  uint8_t* option = out + size;
  std::memset(option, 0, 8 + padded);
  option[0] = kRedirectedHeader;
  option[1] = static_cast<uint8_t>(1 + padded / 8);
  std::memcpy(option + 8, packet.data(), quoted);
  return size + 8 + padded;
}

size_t EmitRouterSolicitation(const std::optional<MacAddress>& source, uint8_t* out) {
  EmitIcmp(out, icmpv6_type::kRouterSolicitation, 0, 0);
  return kIcmpHeaderSize + EmitLinkAddress(kSourceLinkAddress, source, out + kIcmpHeaderSize);
}

}  // namespace moat::netstack
