#include "netstack/sim/options.h"

#include <algorithm>
#include <span>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "netstack/sim/quantity.h"
#include "netstack/transport/tcp/congestion.h"

namespace moat::netstack::sim {
namespace {

constexpr uint64_t kHour = 3'600'000'000'000;
constexpr uint64_t kGiB = 1 << 30;
constexpr uint64_t kMillion = 1'000'000;

Duration Nanoseconds(uint64_t value) { return Duration(static_cast<Duration::rep>(value)); }

template <typename Target>
struct Option {
  std::string_view word;
  Unit unit;
  uint64_t min, max;
  void (*set)(Target&, uint64_t);
  uint32_t kinds = ~0u;  // of flows: bits by FlowKind
};

using Direction = LinkDirection;
constexpr Option<Direction> kDirectionOptions[] = {
    {"rate", Unit::kRate, 100, 10'000'000'000'000, [](Direction& d, uint64_t v) { d.rate = v; }},
    {"delay", Unit::kDuration, 0, kHour,
     [](Direction& d, uint64_t v) { d.delay = Nanoseconds(v); }},
    {"jitter", Unit::kDuration, 0, kHour / 3600,
     [](Direction& d, uint64_t v) { d.jitter = Nanoseconds(v); }},
    {"loss", Unit::kShare, 0, kMillion,
     [](Direction& d, uint64_t v) { d.loss = static_cast<uint32_t>(v); }},
    {"reorder", Unit::kShare, 0, kMillion,
     [](Direction& d, uint64_t v) { d.reorder = static_cast<uint32_t>(v); }},
    {"reorder-by", Unit::kDuration, 1, kHour,
     [](Direction& d, uint64_t v) { d.reorder_by = Nanoseconds(v); }},
    {"duplicate", Unit::kShare, 0, kMillion,
     [](Direction& d, uint64_t v) { d.duplicate = static_cast<uint32_t>(v); }},
    {"corrupt", Unit::kShare, 0, kMillion,
     [](Direction& d, uint64_t v) { d.corrupt = static_cast<uint32_t>(v); }},
    {"queue", Unit::kBytes, 1, kGiB, [](Direction& d, uint64_t v) { d.queue_bytes = v; }},
    {"queue-packets", Unit::kCount, 1, kMillion,
     [](Direction& d, uint64_t v) { d.queue_packets = v; }},
    {"ecn", Unit::kBytes, 1, kGiB, [](Direction& d, uint64_t v) { d.ecn_bytes = v; }},
};

constexpr uint32_t Bit(FlowKind kind) { return 1u << static_cast<int>(kind); }
constexpr uint32_t kBulk = Bit(FlowKind::kBulk), kRequests = Bit(FlowKind::kRequests),
                   kUdp = Bit(FlowKind::kUdp), kPing = Bit(FlowKind::kPing),
                   kTcp = kBulk | kRequests;

constexpr Option<FlowSpec> kFlowOptions[] = {
    {"start", Unit::kDuration, 0, 24 * kHour,
     [](FlowSpec& f, uint64_t v) { f.start = Nanoseconds(v); }},
    {"mss", Unit::kBytes, 48, 65'495, [](FlowSpec& f, uint64_t v) { f.mss = v; }, kTcp},
    {"send-buffer", Unit::kBytes, 4096, kGiB, [](FlowSpec& f, uint64_t v) { f.send_buffer = v; },
     kTcp},
    {"receive-buffer", Unit::kBytes, 2048, kGiB,
     [](FlowSpec& f, uint64_t v) { f.receive_buffer = v; }, kTcp},
    {"interval", Unit::kDuration, 0, kHour,
     [](FlowSpec& f, uint64_t v) { f.interval = Nanoseconds(v); }, kRequests | kPing},
    {"request", Unit::kBytes, 1, kGiB, [](FlowSpec& f, uint64_t v) { f.request = v; }, kRequests},
    {"response", Unit::kBytes, 1, kGiB, [](FlowSpec& f, uint64_t v) { f.response = v; }, kRequests},
    {"size", Unit::kBytes, 16, 65'000, [](FlowSpec& f, uint64_t v) { f.size = v; }, kUdp | kPing},
    {"for", Unit::kDuration, 1, 24 * kHour,
     [](FlowSpec& f, uint64_t v) { f.duration = Nanoseconds(v); }, kUdp},
};

template <typename Target, size_t kSize>
const Option<Target>* FindOption(const Option<Target> (&table)[kSize], std::string_view word,
                                 uint32_t kind) {
  const auto found = std::find_if(std::begin(table), std::end(table), [&](const auto& option) {
    return option.word == word && (option.kinds & kind) != 0;
  });
  return found == std::end(table) ? nullptr : &*found;
}

template <typename Target, size_t kSize>
std::string Words(const Option<Target> (&table)[kSize], uint32_t kind) {
  std::string words;
  for (const auto& option : table) {
    if ((option.kinds & kind) != 0) absl::StrAppend(&words, ", ", std::string(option.word));
  }
  return words.substr(2);
}

template <typename Target>
absl::Status TakeValue(Line& line, const Option<Target>& option, uint64_t* value) {
  const std::string hint(UnitHint(option.unit));
  if (line.done()) return line.Missing(hint);
  const std::string_view word = line.Take();
  const std::optional<uint64_t> parsed = ParseQuantity(word, option.unit);
  if (!parsed) return line.Error(word, absl::StrCat("not ", hint));
  if (*parsed < option.min || *parsed > option.max) {
    return line.Error(word, absl::StrCat("out of bounds for ", std::string(option.word)));
  }
  *value = *parsed;
  return absl::OkStatus();
}

// `name` and `mtu`, which a link has once for both directions and for ever.
absl::Status ParseFixedOption(Line& line, std::string_view word, LinkSpec& link) {
  if (line.done()) return line.Missing(word == "mtu" ? "a size like 1500" : "a name");
  const std::string_view value = line.Take();
  if (word == "name") {
    link.name = std::string(value);
    return CheckName(line, value);
  }
  const std::optional<uint64_t> mtu = ParseQuantity(value, Unit::kBytes);
  if (!mtu || *mtu < 576 || *mtu > 65'535) return line.Error(value, "not an MTU of 576 to 65535");
  link.mtu = static_cast<uint32_t>(*mtu);
  return absl::OkStatus();
}

absl::Status ParseCongestion(Line& line, FlowSpec& flow) {
  const std::vector<std::string> known = tcp::CongestionControlNames();
  if (line.done()) return line.Missing("a congestion control");
  const std::string_view word = line.Take();
  if (std::find(known.begin(), known.end(), word) == known.end()) {
    return line.Error(word, absl::StrCat("unknown congestion control; there are ",
                                         absl::StrJoin(known, ", ")));
  }
  flow.congestion = std::string(word);
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckName(const Line& line, std::string_view word) {
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
  };
  if (word.size() > 31) return line.Error(word, "names have at most 31 characters");
  if (word.empty() || word[0] == '.' || word[0] == '-' ||
      !std::all_of(word.begin(), word.end(), good)) {
    return line.Error(word, "names are of letters, digits, '_', '-' and '.'");
  }
  return absl::OkStatus();
}

absl::Status ParseLinkOptions(Line& line, bool event, LinkSpec& link) {
  bool forth = true, back = true;
  while (!line.done()) {
    const std::string_view word = line.Take();
    if (word == "forth" || word == "back") {
      forth = word == "forth";
      back = !forth;
      continue;
    }
    if (word == "name" || word == "mtu") {
      if (event) return line.Error(word, "cannot change while running");
      if (absl::Status status = ParseFixedOption(line, word, link); !status.ok()) return status;
      continue;
    }
    const Option<Direction>* option = FindOption(kDirectionOptions, word, ~0u);
    if (option == nullptr) {
      return line.Error(word, absl::StrCat("not an option of a link; there are ",
                                           event ? "" : "name, mtu, ", "forth, back, ",
                                           Words(kDirectionOptions, ~0u)));
    }
    uint64_t value = 0;
    if (absl::Status status = TakeValue(line, *option, &value); !status.ok()) return status;
    if (forth) option->set(link.forth, value);
    if (back) option->set(link.back, value);
  }
  return absl::OkStatus();
}

absl::Status ParseFlowOptions(Line& line, FlowSpec& flow) {
  const uint32_t kind = Bit(flow.kind);
  while (!line.done()) {
    const std::string_view word = line.Take();
    if (word == "ipv6") {
      flow.family = Family::kIpv6;
      continue;
    }
    if (word == "cc" && (kind & kTcp) != 0) {
      if (absl::Status status = ParseCongestion(line, flow); !status.ok()) return status;
      continue;
    }
    const Option<FlowSpec>* option = FindOption(kFlowOptions, word, kind);
    if (option == nullptr) {
      return line.Error(word, absl::StrCat("not an option of this flow; there are ipv6, ",
                                           (kind & kTcp) != 0 ? "cc, " : "",
                                           Words(kFlowOptions, kind)));
    }
    uint64_t value = 0;
    if (absl::Status status = TakeValue(line, *option, &value); !status.ok()) return status;
    option->set(flow, value);
  }
  return absl::OkStatus();
}

}  // namespace moat::netstack::sim
