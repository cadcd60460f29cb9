#include "runtime/do/ip_range.h"

#include <arpa/inet.h>

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace moat::runtime {
namespace {

constexpr int kTries = 256;
constexpr int kHostBits = 2;  // four addresses: the network, the host, the container, broadcast

// Ranges that machines and container tools use little by default.
struct Pool {
  std::array<uint8_t, 4> base;
  int length;
};
constexpr Pool kPools[] = {{{10, 213, 0, 0}, 16}, {{172, 29, 0, 0}, 16}, {{192, 168, 213, 0}, 24}};

uint8_t MaskByte(int length, size_t index) {
  const int bits = length - static_cast<int>(index) * 8;
  if (bits >= 8) return 0xff;
  return bits <= 0 ? 0 : static_cast<uint8_t>(0xff << (8 - bits));
}

IpPrefix WithLast(IpPrefix prefix, uint8_t last_bits) {
  uint8_t& last = prefix.bytes[prefix.size() - 1];
  last = static_cast<uint8_t>((last & ~0x3) | last_bits);
  return prefix;
}

IpPrefix RandomNetwork(int family, int attempt, uint64_t bits) {
  IpPrefix out;
  out.family = family;
  if (family == AF_INET) {
    const Pool& pool = kPools[attempt % std::size(kPools)];
    out.length = 32 - kHostBits;
    const uint32_t base = static_cast<uint32_t>(pool.base[0]) << 24 | pool.base[1] << 16 |
                          pool.base[2] << 8 | pool.base[3];
    const uint32_t network =
        base | (static_cast<uint32_t>(bits) & (0xffffffffu >> pool.length) & ~uint32_t{3});
    for (int i = 0; i < 4; ++i) out.bytes[i] = static_cast<uint8_t>(network >> (24 - 8 * i));
    return out;
  }
  // fd, forty random bits of global id, sixteen of subnet (RFC 4193 section 3.2).
  out.length = 128 - kHostBits;
  out.bytes[0] = 0xfd;
  for (int i = 1; i < 8; ++i) out.bytes[i] = static_cast<uint8_t>(bits >> (8 * i));
  return out;
}

}  // namespace

std::string IpPrefix::Address() const {
  char text[INET6_ADDRSTRLEN] = "";
  ::inet_ntop(family, bytes.data(), text, sizeof text);
  return text;
}

std::string IpPrefix::ToString() const { return absl::StrCat(Address(), "/", length); }

absl::StatusOr<IpPrefix> ParseIpPrefix(absl::string_view text, int family) {
  const absl::string_view what = family == AF_INET ? "an IPv4" : "an IPv6";
  const std::vector<std::string> parts = absl::StrSplit(text, '/');
  IpPrefix out;
  out.family = family;
  const int most = family == AF_INET ? 32 : 128;
  const bool valid = parts.size() == 2 && absl::SimpleAtoi(parts[1], &out.length) &&
                     out.length >= 0 && out.length <= most &&
                     ::inet_pton(family, parts[0].c_str(), out.bytes.data()) == 1;
  if (valid) return out;
  return absl::InvalidArgumentError(
      absl::StrCat("\"", text, "\" is not ", what, " address with a prefix length, such as ",
                   family == AF_INET ? "10.1.2.2/30" : "fd00::2/126"));
}

bool Overlap(const IpPrefix& a, const IpPrefix& b) {
  if (a.family != b.family) return false;
  const int length = std::min(a.length, b.length);
  for (size_t i = 0; i < a.size(); ++i) {
    if (((a.bytes[i] ^ b.bytes[i]) & MaskByte(length, i)) != 0) return false;
  }
  return true;
}

absl::StatusOr<IpPair> PairFor(const IpPrefix& container) {
  IpPrefix network = container;
  IpPrefix broadcast = container;
  for (size_t i = 0; i < container.size(); ++i) {
    network.bytes[i] &= MaskByte(container.length, i);
    broadcast.bytes[i] |= static_cast<uint8_t>(~MaskByte(container.length, i));
  }
  const auto next = [](IpPrefix prefix) {
    for (size_t i = prefix.size(); i-- > 0;) {
      if (++prefix.bytes[i] != 0) break;
    }
    return prefix;
  };
  const bool v4 = container.family == AF_INET;
  const int longest = v4 ? 30 : 127;
  if (container.length > longest || container.length == 0 || container == network ||
      (v4 && container == broadcast)) {
    return absl::InvalidArgumentError(
        absl::StrCat(container.ToString(), " leaves no address for the host's end of the link"));
  }
  IpPrefix host = next(network);
  if (host == container) host = next(host);
  if (!Overlap(host, network))
    host = network;  // a /127: the subnet-router anycast address (RFC 6164)
  return IpPair{.host = host, .container = container};
}

absl::StatusOr<IpPair> ChoosePair(int family, const std::vector<IpPrefix>& taken,
                                  absl::FunctionRef<uint64_t()> random) {
  for (int attempt = 0; attempt < kTries; ++attempt) {
    const IpPrefix network = RandomNetwork(family, attempt, random());
    const bool clash = std::any_of(taken.begin(), taken.end(), [&](const IpPrefix& other) {
      return other.length > 0 && Overlap(network, other);  // the default route covers everything
    });
    if (!clash) return IpPair{.host = WithLast(network, 1), .container = WithLast(network, 2)};
  }
  return absl::ResourceExhaustedError(
      "found no private network that clashes with none of the host's routes; give --ipv4 and "
      "--ipv6");
}

}  // namespace moat::runtime
