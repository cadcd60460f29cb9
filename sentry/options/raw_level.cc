// SOL_RAW, SOL_ICMPV6, and what raw sockets have at SOL_IP and SOL_IPV6 (raw(7), RFC 3542 3).
#include "sentry/options/raw_level.h"

#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <bitset>

#include "netstack/socket/raw_controls.h"

namespace moat::sentry {
namespace {

constexpr uint8_t kRaw = option_kind::kRaw;
constexpr int kIpv6HeaderIncluded = 36;  // IPV6_HDRINCL

// The two filters are bits, one for each type that is blocked; IPv4's ends at type 31.
template <size_t kWords>
using FilterWords = std::array<uint32_t, kWords>;

template <size_t kWords>
FilterWords<kWords> WordsOf(const std::bitset<256>& blocked) {
  FilterWords<kWords> words{};
  for (size_t type = 0; type < kWords * 32; ++type) {
    if (blocked[type]) words[type / 32] |= uint32_t{1} << type % 32;
  }
  return words;
}

template <size_t kWords, uint8_t kProtocol>
ErrnoOr<OptionBytes> GetFilter(const OptionTarget& target, size_t length) {
  const netstack::RawControls& raw = *target.datagram->raw();
  if (raw.protocol() != kProtocol) return Errno{EOPNOTSUPP};
  return OptionBytes(BytesOf(WordsOf<kWords>(raw.blocked_types())), length);
}

// A short value changes its part of the filter only.
template <size_t kWords, uint8_t kProtocol>
int SetFilter(const OptionTarget& target, const OptionInput& input) {
  netstack::RawControls& raw = *target.datagram->raw();
  if (raw.protocol() != kProtocol) return EOPNOTSUPP;
  FilterWords<kWords> words = WordsOf<kWords>(raw.blocked_types());
  const size_t size = std::min<size_t>(static_cast<size_t>(input.length), sizeof(words));
  if (int error = input.Need(size); error != 0) return error;
  std::copy_n(input.value.begin(), size, reinterpret_cast<uint8_t*>(words.data()));
  std::bitset<256> blocked;
  for (size_t type = 0; type < kWords * 32; ++type) {
    blocked[type] = (words[type / 32] >> type % 32 & 1) != 0;
  }
  raw.SetBlockedTypes(blocked);
  return 0;
}

ErrnoOr<OptionBytes> GetChecksum(const OptionTarget& target, size_t length) {
  return IntLevel::Write(target.datagram->raw()->checksum_offset(), length);
}

int SetChecksum(const OptionTarget& target, const OptionInput& input) {
  if (int error = input.Need(sizeof(int)); error != 0) return error;
  return target.datagram->raw()->SetChecksumOffset(input.As<int>()) == netstack::Error::kOk
             ? 0
             : EINVAL;
}

constexpr OptionRow kIpv4Rows[] = {
    {ICMP_FILTER, kRaw, GetFilter<1, IPPROTO_ICMP>, SetFilter<1, IPPROTO_ICMP>},
};
constexpr OptionRow kIpv6Rows[] = {
    {IPV6_CHECKSUM, kRaw, GetChecksum, SetChecksum},
    {kIpv6HeaderIncluded, kRaw, GetHeaderIncluded<IntLevel>, SetHeaderIncluded<IntLevel>},
};
constexpr OptionRow kIcmpv6Rows[] = {
    {ICMPV6_FILTER, kRaw, GetFilter<8, IPPROTO_ICMPV6>, SetFilter<8, IPPROTO_ICMPV6>},
};

}  // namespace

std::span<const OptionRow> RawLevelRows(netstack::Family family) {
  if (family == netstack::Family::kIpv4) return kIpv4Rows;
  return kIpv6Rows;
}

std::span<const OptionRow> Icmpv6LevelRows() { return kIcmpv6Rows; }

}  // namespace moat::sentry
