#include "netstack/wire/ipv4_options.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace moat::netstack {
namespace {

constexpr uint8_t kCopiedOption = 0x80;  // RFC 791 3.1
constexpr size_t kNoFault = 0;           // octet 0 is the type, which is never at fault

// The next option with a length of its own from `*position` on, which moves behind it. Empty at
// the end, and where lengths are wrong.
template <typename Byte>
std::span<Byte> NextOption(std::span<Byte> options, size_t* position) {
  for (size_t i = *position; i < options.size(); ++i) {
    if (options[i] == ipv4_option::kEnd) break;
    if (options[i] == ipv4_option::kNoOperation) continue;
    if (i + 2 > options.size() || options[i + 1] < 2 || i + options[i + 1] > options.size()) break;
    *position = i + options[i + 1];
    return options.subspan(i, options[i + 1]);
  }
  *position = options.size();
  return {};
}

// The octet of the option that is at fault.
size_t FaultOfRecordRoute(std::span<const uint8_t> option) {
  if (option.size() < 3) return 1;
  const size_t pointer = option[2];  // counts from 1
  if (pointer < 4) return 2;
  return pointer <= option.size() && pointer + 3 > option.size() ? 2 : kNoFault;
}

size_t TimestampSlot(uint8_t flags) { return (flags & 15) == 0 ? 4 : 8; }

size_t FaultOfTimestamp(std::span<const uint8_t> option) {
  if (option.size() < 4) return 1;
  const size_t pointer = option[2];
  if (pointer < 5) return 2;
  if (pointer <= option.size()) {
    return pointer - 1 + TimestampSlot(option[3]) > option.size() ? 2 : kNoFault;
  }
  const bool prescribed = (option[3] & 15) == 3;  // full is then as it should be
  return !prescribed && option[3] >> 4 == 15 ? 3 : kNoFault;
}

size_t FaultOf(std::span<const uint8_t> option) {
  switch (option[0]) {
    case ipv4_option::kRecordRoute:
      return FaultOfRecordRoute(option);
    case ipv4_option::kTimestamp:
      return FaultOfTimestamp(option);
    case ipv4_option::kLooseSourceRoute:
    case ipv4_option::kStrictSourceRoute:
      return option.size() < 3 ? 1 : kNoFault;
    default:
      return kNoFault;
  }
}

void RecordRoute(std::span<uint8_t> option, const IpAddress& own) {
  const size_t pointer = option[2];
  if (pointer > option.size()) return;
  std::memcpy(option.data() + pointer - 1, own.data(), 4);
  option[2] = static_cast<uint8_t>(pointer + 4);
}

size_t Pad(uint8_t* out, size_t size) {
  while (size % 4 != 0) out[size++] = ipv4_option::kEnd;
  return size;
}

// How many of each there may be is one; a source route must be complete (RFC 791 3.1).
struct ProgramOptions {
  bool record_route = false, timestamp = false, source_route = false, unknown = false;

  bool Take(std::span<uint8_t> option) {
    switch (option[0]) {
      case ipv4_option::kRecordRoute:
        return !std::exchange(record_route, true) && FaultOfRecordRoute(option) == kNoFault;
      case ipv4_option::kTimestamp:
        return !std::exchange(timestamp, true) && TakeTimestamp(option);
      case ipv4_option::kLooseSourceRoute:
      case ipv4_option::kStrictSourceRoute:
        return !std::exchange(source_route, true) && option.size() >= 7 && option[2] == 4 &&
               (option.size() - 3) % 4 == 0;
      case ipv4_option::kRouterAlert:
        return option.size() >= 4;
      case ipv4_option::kCommercialSecurity:
        return false;
      default:
        unknown = true;
        return true;
    }
  }
  bool TakeTimestamp(std::span<const uint8_t> option) {
    if (FaultOfTimestamp(option) != kNoFault) return false;
    const uint8_t flag = option[3] & 15;
    if (option[2] <= option.size() && flag != 0 && flag != 1 && flag != 3) unknown = true;
    return true;
  }
};

// The slots that RecordInIpv4Options() will fill.
void EmptySlots(std::span<uint8_t> options) {
  for (size_t i = 0; i < options.size();) {
    const std::span<uint8_t> option = NextOption(options, &i);
    if (option.empty() || FaultOf(option) != kNoFault || option[2] > option.size()) continue;
    uint8_t* slot = option.data() + option[2] - 1;
    if (option[0] == ipv4_option::kRecordRoute) std::memset(slot, 0, 4);
    if (option[0] != ipv4_option::kTimestamp) continue;
    const uint8_t flag = option[3] & 15;
    if (flag == 0) std::memset(slot, 0, 4);
    if (flag == 1) std::memset(slot, 0, 8);
  }
}

template <typename Wanted>
size_t CopyOptions(std::span<const uint8_t> options, uint8_t* out, Wanted wanted) {
  size_t size = 0;
  for (size_t i = 0; i < options.size();) {
    const std::span<const uint8_t> option = NextOption(options, &i);
    if (option.empty() || !wanted(option[0])) continue;
    std::memcpy(out + size, option.data(), option.size());
    size += option.size();
  }
  return Pad(out, size);
}

}  // namespace

Ipv4OptionScan ScanIpv4Options(const Ipv4View& header) {
  Ipv4OptionScan scan;
  const std::span<const uint8_t> options = header.options();
  const auto fault = [&](size_t position) {
    scan.well_formed = false;
    scan.error_offset = static_cast<uint8_t>(kIpv4HeaderSize + position);
    return scan;
  };
  for (size_t i = 0; i < options.size();) {
    const uint8_t type = options[i];
    if (type == ipv4_option::kEnd) break;
    if (type == ipv4_option::kNoOperation) {
      ++i;
      continue;
    }
    // The pointer names the octet at fault: the length where there is one (RFC 1812 5.3.6).
    const size_t left = options.size() - i;
    if (left < 2) return fault(i);
    const size_t length = options[i + 1];
    if (length < 2 || length > left) return fault(i + 1);
    const std::span<const uint8_t> option = options.subspan(i, length);
    if (const size_t at = FaultOf(option); at != kNoFault) return fault(i + at);
    if (type == ipv4_option::kLooseSourceRoute || type == ipv4_option::kStrictSourceRoute) {
      // The route is used up when the pointer is beyond it (RFC 791 3.1).
      if (option[2] <= length) scan.source_route = true;
    }
    if (type == ipv4_option::kRecordRoute || type == ipv4_option::kTimestamp) scan.records = true;
    i += length;
  }
  return scan;
}

void RecordInIpv4Options(std::span<uint8_t> options, const IpAddress& own, uint32_t time,
                         bool (*is_ours)(const void* context, const IpAddress& address),
                         const void* context) {
  for (size_t i = 0; i < options.size();) {
    const std::span<uint8_t> option = NextOption(options, &i);
    if (option.empty() || FaultOf(option) != kNoFault) continue;
    if (option[0] == ipv4_option::kRecordRoute) RecordRoute(option, own);
    if (option[0] != ipv4_option::kTimestamp) continue;
    const uint8_t flag = option[3] & 15;  // 0: times, 1: addresses too, 3: of those that are named
    if (flag != 0 && flag != 1 && flag != 3) continue;
    const size_t pointer = option[2];
    if (pointer > option.size()) {
      if (flag != 3) option[3] = static_cast<uint8_t>(option[3] + 16);
      continue;
    }
    const size_t size = TimestampSlot(option[3]);
    uint8_t* slot = option.data() + pointer - 1;
    if (flag == 3 && !is_ours(context, IpAddress::V4(slot))) continue;
    if (flag == 1) std::memcpy(slot, own.data(), 4);
    StoreBe32(slot + size - 4, time);
    option[2] = static_cast<uint8_t>(pointer + size);
  }
}

Ipv4OptionVerdict TakeProgramOptions(std::span<const uint8_t> given, Ipv4Options* options) {
  if (given.size() > kIpv4MaxOptions) return Ipv4OptionVerdict::kMalformed;
  Ipv4Options taken{};
  std::copy(given.begin(), given.end(), taken.bytes.begin());
  taken.size = static_cast<uint8_t>((given.size() + 3) / 4 * 4);
  const std::span<uint8_t> all = taken.span();
  ProgramOptions known;
  for (size_t i = 0; i < all.size();) {
    if (all[i] == ipv4_option::kEnd) {
      std::fill(all.begin() + static_cast<ptrdiff_t>(i), all.end(), ipv4_option::kEnd);
      break;
    }
    if (all[i] == ipv4_option::kNoOperation) {
      ++i;
      continue;
    }
    const size_t left = all.size() - i;
    if (left < 2 || all[i + 1] < 2 || all[i + 1] > left) return Ipv4OptionVerdict::kMalformed;
    const std::span<uint8_t> option = all.subspan(i, all[i + 1]);
    if (!known.Take(option)) return Ipv4OptionVerdict::kMalformed;
    i += option.size();
  }
  if (known.source_route) return Ipv4OptionVerdict::kSourceRoute;
  EmptySlots(all);
  *options = taken;
  return known.unknown ? Ipv4OptionVerdict::kPrivileged : Ipv4OptionVerdict::kGood;
}

size_t ReflectedIpv4Options(std::span<const uint8_t> options, uint8_t* out) {
  return CopyOptions(options, out, [](uint8_t type) {
    return type == ipv4_option::kRecordRoute || type == ipv4_option::kTimestamp;
  });
}

Ipv4OptionsRef ReturnedIpv4Options(std::span<const uint8_t> options) {
  Ipv4Options returned{};
  returned.size = static_cast<uint8_t>(ReflectedIpv4Options(options, returned.bytes.data()));
  if (returned.size == 0) return nullptr;
  EmptySlots(returned.span());
  return std::make_shared<const Ipv4Options>(returned);
}

size_t LaterFragmentIpv4Options(std::span<const uint8_t> options, uint8_t* out) {
  return CopyOptions(options, out, [](uint8_t type) { return (type & kCopiedOption) != 0; });
}

bool HasRouterAlert(std::span<const uint8_t> options) {
  for (size_t i = 0; i < options.size() && options[i] != ipv4_option::kEnd;) {
    if (options[i] == ipv4_option::kRouterAlert) return true;
    const bool lone = options[i] == ipv4_option::kNoOperation;
    if (!lone && (i + 1 >= options.size() || options[i + 1] < 2)) return false;
    i += lone ? 1 : options[i + 1];
  }
  return false;
}

}  // namespace moat::netstack
