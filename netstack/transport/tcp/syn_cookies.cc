#include "netstack/transport/tcp/syn_cookies.h"

#include <array>
#include <cstddef>
#include <cstring>

#include "netstack/wire/bytes.h"

namespace moat::netstack::tcp {
namespace {

// What three bits can name: the usual path MTUs less headers of either family.
constexpr uint16_t kMss[] = {216, 536, 996, 1220, 1360, 1440, 1460, 8940};

// TSval: one bit of ECN, four of window scale (15: none), one of SACK.
constexpr uint32_t kOptionBits = 6;
constexpr uint32_t kOptionMask = (1u << kOptionBits) - 1;
constexpr uint32_t kNoScale = 15;

// Cookie: 27 bits of hash over everything below them, two of period, three of MSS.
constexpr uint32_t kLowBits = 5;
constexpr uint32_t kLowMask = (1u << kLowBits) - 1;

}  // namespace

uint32_t SynCookies::Hash(const FlowKey& flow, SeqNum irs, uint32_t period, uint32_t index) const {
  std::array<uint8_t, 48> bytes{};
  std::memcpy(bytes.data(), flow.local.data(), 16);
  std::memcpy(bytes.data() + 16, flow.remote.data(), 16);
  StoreBe16(bytes.data() + 32, flow.local_port);
  StoreBe16(bytes.data() + 34, flow.remote_port);
  StoreBe32(bytes.data() + 36, irs.value());
  StoreBe32(bytes.data() + 40, period);
  StoreBe32(bytes.data() + 44, index);
  return static_cast<uint32_t>(SipHash(key_, bytes));
}

// Hides the low bits, so that an observer learns nothing of our clock.
uint32_t SynCookies::Mask(const FlowKey& flow, SeqNum irs) const {
  return Hash(flow, irs, UINT32_MAX, UINT32_MAX) & kLowMask;
}

SeqNum SynCookies::Make(const FlowKey& flow, SeqNum irs, uint16_t* mss, Time now) const {
  size_t index = 0;
  while (index + 1 < std::size(kMss) && kMss[index + 1] <= *mss) ++index;
  *mss = kMss[index];
  const uint32_t period = PeriodOf(now);
  const uint32_t low = (period & 3) << 3 | static_cast<uint32_t>(index);
  const uint32_t high = Hash(flow, irs, period, static_cast<uint32_t>(index)) << kLowBits;
  return SeqNum(high | (low ^ Mask(flow, irs)));
}

std::optional<uint16_t> SynCookies::Check(const FlowKey& flow, SeqNum irs, SeqNum cookie,
                                          Time now) const {
  const uint32_t low = (cookie.value() & kLowMask) ^ Mask(flow, irs);
  const uint32_t index = low & 7;
  const uint32_t current = PeriodOf(now);
  const uint32_t age = (current - (low >> 3)) & 3;
  if (age > 1 || age > current) return std::nullopt;
  const uint32_t high = Hash(flow, irs, current - age, index) << kLowBits;
  if ((cookie.value() & ~kLowMask) != high) return std::nullopt;
  return kMss[index];
}

uint32_t SynCookies::EncodeOptions(const TcpOptionSet& syn, bool ecn, uint32_t timestamp) {
  const uint32_t scale = syn.has_window_scale ? syn.window_scale : kNoScale;
  const uint32_t bits = (ecn ? 0x20u : 0u) | scale << 1 | (syn.sack_permitted ? 1 : 0);
  const uint32_t value = (timestamp & ~kOptionMask) | bits;
  return value > timestamp ? value - (kOptionMask + 1) : value;
}

bool SynCookies::DecodeOptions(uint32_t timestamp, TcpOptionSet* syn) {
  const uint32_t scale = (timestamp >> 1) & 15;
  syn->has_window_scale = scale != kNoScale;
  syn->window_scale = syn->has_window_scale ? static_cast<uint8_t>(scale) : 0;
  syn->sack_permitted = (timestamp & 1) != 0;
  return (timestamp & 0x20) != 0;
}

}  // namespace moat::netstack::tcp
