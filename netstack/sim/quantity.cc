#include "netstack/sim/quantity.h"

#include <array>
#include <span>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace moat::netstack::sim {
namespace {

constexpr uint64_t kLargest = 1'000'000'000'000'000'000;

struct Suffix {
  std::string_view text;
  uint64_t factor;
};

constexpr Suffix kCounts[] = {{"", 1}, {"k", 1'000}, {"M", 1'000'000}};
constexpr Suffix kSizes[] = {{"", 1},
                             {"B", 1},
                             {"kB", 1'000},
                             {"MB", 1'000'000},
                             {"GB", 1'000'000'000},
                             {"KiB", 1 << 10},
                             {"MiB", 1 << 20},
                             {"GiB", 1 << 30}};
constexpr Suffix kRates[] = {
    {"bit", 1}, {"kbit", 1'000}, {"Mbit", 1'000'000}, {"Gbit", 1'000'000'000}};
constexpr Suffix kDurations[] = {{"ns", 1},
                                 {"us", 1'000},
                                 {"ms", 1'000'000},
                                 {"s", 1'000'000'000},
                                 {"min", 60'000'000'000},
                                 {"h", 3'600'000'000'000}};
constexpr Suffix kShares[] = {{"%", 10'000}};

struct UnitRow {
  std::span<const Suffix> suffixes;
  uint64_t largest;
  std::string_view hint;
};

constexpr std::array<UnitRow, 5> kUnits = {{
    {kCounts, kLargest, "a number like 10"},
    {kSizes, kLargest, "a size like 1500, 10kB or 64KiB"},
    {kRates, kLargest, "a rate like 10Mbit"},
    {kDurations, kLargest, "a duration like 20ms"},
    {kShares, 1'000'000, "a share like 1.5% (at most 100%)"},
}};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

std::string Scaled(double value, std::span<const Suffix> suffixes, std::string_view tail) {
  const Suffix* best = &suffixes.front();
  for (const Suffix& suffix : suffixes) {
    if (value >= static_cast<double>(suffix.factor)) best = &suffix;
  }
  const double scaled = value / static_cast<double>(best->factor);
  const int digits = scaled >= 100 || best->factor == 1 ? 0 : scaled >= 10 ? 1 : 2;
  return absl::StrCat(absl::StrFormat("%.*f", digits, scaled),
                      absl::string_view(best->text.data(), best->text.size()),
                      absl::string_view(tail.data(), tail.size()));
}

}  // namespace

std::optional<uint64_t> ParseQuantity(std::string_view text, Unit unit) {
  const UnitRow& row = kUnits[static_cast<size_t>(unit)];
  size_t at = 0;
  uint64_t mantissa = 0;
  uint64_t scale = 1;
  bool point = false;
  for (; at < text.size() && (IsDigit(text[at]) || (text[at] == '.' && !point)); ++at) {
    if (text[at] == '.') {
      point = true;
      if (at == 0 || at + 1 == text.size() || !IsDigit(text[at + 1])) return std::nullopt;
      continue;
    }
    if (mantissa >= kLargest / 10 || scale >= kLargest / 10) return std::nullopt;
    mantissa = mantissa * 10 + static_cast<uint64_t>(text[at] - '0');
    if (point) scale *= 10;
  }
  if (at == 0) return std::nullopt;
  const std::string_view rest = text.substr(at);
  if (unit == Unit::kDuration && rest.empty() && mantissa == 0) return 0;
  for (const Suffix& suffix : row.suffixes) {
    if (suffix.text != rest) continue;
    if (mantissa != 0 && suffix.factor > kLargest / mantissa * scale) return std::nullopt;
    const auto product = static_cast<unsigned __int128>(mantissa) * suffix.factor;
    if (product % scale != 0) return std::nullopt;
    const auto value = static_cast<uint64_t>(product / scale);
    if (value > row.largest) return std::nullopt;
    return value;
  }
  return std::nullopt;
}

std::string_view UnitHint(Unit unit) { return kUnits[static_cast<size_t>(unit)].hint; }

std::string FormatRate(double bits_per_second) { return Scaled(bits_per_second, kRates, "/s"); }

std::string FormatDuration(Duration duration) {
  // Minutes and hours read worse than seconds in a table.
  return Scaled(static_cast<double>(duration.count()), std::span(kDurations).first(4), "");
}

std::string FormatBytes(uint64_t bytes) {
  return Scaled(static_cast<double>(bytes), std::span(kSizes).subspan(1, 4), "");
}

}  // namespace moat::netstack::sim
