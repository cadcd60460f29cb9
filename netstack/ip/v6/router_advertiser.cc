#include "netstack/ip/v6/router_advertiser.h"

#include <algorithm>

#include "netstack/wire/bytes.h"
#include "netstack/wire/icmpv6.h"

namespace moat::netstack {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// RFC 4861 10.
constexpr Duration kMaxInitialInterval = seconds(16);
constexpr int kInitialAdvertisements = 3;
constexpr int kFinalAdvertisements = 3;
constexpr Duration kMinDelayBetween = seconds(3);
constexpr uint32_t kMaxDelayMs = 500;

// A new option of `units` of eight bytes at the message's end.
uint8_t* AppendOption(std::vector<uint8_t>& message, uint8_t type, uint8_t units) {
  const size_t at = message.size();
  message.resize(at + size_t{units} * 8);
  message[at] = type;
  message[at + 1] = units;
  return message.data() + at;
}

void AppendPrefix(std::vector<uint8_t>& message, const AdvertisedPrefix& prefix) {
  uint8_t* option = AppendOption(message, 3, 4);  // RFC 4861 4.6.2
  option[2] = static_cast<uint8_t>(prefix.prefix.length);
  option[3] = static_cast<uint8_t>((prefix.on_link ? 0x80 : 0) | (prefix.autonomous ? 0x40 : 0));
  StoreBe32(option + 4, prefix.valid);
  StoreBe32(option + 8, prefix.preferred);
  const IpAddress base = prefix.prefix.address.Prefix(prefix.prefix.length);
  std::memcpy(option + 16, base.data(), 16);
}

// RFC 8106 5.1.
void AppendNameServers(std::vector<uint8_t>& message, const RouterAdvertisementOptions& options) {
  if (options.name_servers.empty()) return;
  const auto units = static_cast<uint8_t>(1 + 2 * options.name_servers.size());
  uint8_t* to = AppendOption(message, 25, units);
  StoreBe32(to + 4, options.name_server_lifetime);
  to += 8;
  for (const IpAddress& server : options.name_servers) {
    std::memcpy(to, server.data(), 16);
    to += 16;
  }
}

}  // namespace

void RouterAdvertiser::Set(InterfaceIndex interface, const RouterAdvertisementOptions& options) {
  auto& row = rows_[interface];
  if (row == nullptr) row = std::make_unique<Row>(*this, interface);
  row->options = options;
  row->stopped = false;
  if (host_.IsAdvertisingRouter(interface) && host_.CanAdvertise(interface)) Begin(*row);
  host_.AdvertisementChanged(row->Info(), /*removed=*/false);
}

void RouterAdvertiser::Stop(InterfaceIndex interface) {
  const auto it = rows_.find(interface);
  if (it == rows_.end() || it->second->stopped) return;
  it->second->stopped = true;
  host_.AdvertisementChanged(it->second->Info(), /*removed=*/true);
  End(*it->second);
}

void RouterAdvertiser::InterfaceGone(InterfaceIndex interface) {
  const auto it = rows_.find(interface);
  if (it == rows_.end()) return;
  if (!it->second->stopped) host_.AdvertisementChanged(it->second->Info(), /*removed=*/true);
  rows_.erase(it);
}

std::vector<RouterAdvertisementInfo> RouterAdvertiser::List() const {
  std::vector<RouterAdvertisementInfo> out;
  for (const auto& [interface, row] : rows_) {
    if (!row->stopped) out.push_back(row->Info());
  }
  return out;
}

void RouterAdvertiser::Reconsider(InterfaceIndex interface) {
  const auto it = rows_.find(interface);
  if (it == rows_.end() || it->second->stopped) return;
  Row& row = *it->second;
  const bool now = host_.IsAdvertisingRouter(interface) && host_.CanAdvertise(interface);
  const bool before = row.advertising();
  if (now && !before) Begin(row);
  if (!now && row.phase != Phase::kIdle) End(row);
  if (row.advertising() != before) host_.AdvertisementChanged(row.Info(), /*removed=*/false);
}

// 6.2.4: the first ones come faster than the interval.
void RouterAdvertiser::Begin(Row& row) {
  row.phase = Phase::kInitial;
  row.left = kInitialAdvertisements;
  row.timer.Arm(Soonest(row, clock_.Now() + milliseconds(random_.Below(kMaxDelayMs + 1))));
}

void RouterAdvertiser::End(Row& row) {
  const bool told = row.advertising() && row.sent_once && host_.CanAdvertise(row.interface);
  if (told) {
    row.phase = Phase::kFinal;
    row.left = kFinalAdvertisements;
    row.timer.Arm(Soonest(row, clock_.Now()));
    return;
  }
  if (row.phase == Phase::kFinal && host_.CanAdvertise(row.interface)) return;
  row.phase = Phase::kIdle;
  row.timer.Cancel();
  if (row.stopped) rows_.erase(row.interface);
}

Time RouterAdvertiser::Soonest(const Row& row, Time wanted) const {
  return row.sent_once ? std::max(wanted, row.sent + kMinDelayBetween) : wanted;
}

Duration RouterAdvertiser::Interval(const Row& row) {
  const uint32_t least = row.options.min_interval * 1000u;
  const uint32_t range = row.options.max_interval * 1000u - least + 1;
  return milliseconds(least + random_.Below(range));
}

// 6.2.6: answers are multicast, a little later, and not more often than every three seconds.
void RouterAdvertiser::Solicited(InterfaceIndex interface) {
  const auto it = rows_.find(interface);
  if (it == rows_.end() || !it->second->advertising()) return;
  Row& row = *it->second;
  const Time due = Soonest(row, clock_.Now() + milliseconds(random_.Below(kMaxDelayMs + 1)));
  if (!row.timer.armed() || due < row.timer.deadline()) row.timer.Arm(due);
}

void RouterAdvertiser::Step(Row& row) {
  if (!host_.CanAdvertise(row.interface)) {
    return row.stopped ? End(row) : Reconsider(row.interface);
  }
  if (row.phase == Phase::kFinal) {
    Send(row, 0);
    if (--row.left > 0) return row.timer.Arm(clock_.Now() + kMinDelayBetween);
    row.phase = Phase::kIdle;
    if (row.stopped) rows_.erase(row.interface);
    return;
  }
  Duration next = Interval(row);
  if (row.phase == Phase::kInitial) {
    next = std::min(next, kMaxInitialInterval);
    if (--row.left == 0) row.phase = Phase::kPeriodic;
  }
  row.timer.Arm(clock_.Now() + next);
  Send(row, row.options.lifetime);
}

void RouterAdvertiser::Send(Row& row, uint16_t lifetime) {
  row.sent = clock_.Now();
  row.sent_once = true;
  host_.SendAdvertisement(row.interface, Message(row, lifetime));
}

// RFC 4861 4.2.
std::vector<uint8_t> RouterAdvertiser::Message(const Row& row, uint16_t lifetime) const {
  const RouterAdvertisementOptions& options = row.options;
  std::vector<uint8_t> message(16);
  message[0] = icmpv6_type::kRouterAdvertisement;
  message[4] = options.hop_limit;
  // RFC 4191 2.2: without a lifetime there is no preference.
  const int preference = lifetime == 0 ? 0 : options.preference & 3;
  message[5] = static_cast<uint8_t>((options.managed ? 0x80 : 0) | (options.other ? 0x40 : 0) |
                                    preference << 3);
  StoreBe16(message.data() + 6, lifetime);
  StoreBe32(message.data() + 8, options.reachable_ms);
  StoreBe32(message.data() + 12, options.retransmit_ms);
  const MacAddress mac = host_.AdvertisedMac(row.interface);
  std::memcpy(AppendOption(message, 1, 1) + 2, mac.bytes.data(), mac.bytes.size());
  if (options.mtu.has_value()) StoreBe32(AppendOption(message, 5, 1) + 4, *options.mtu);
  for (const AdvertisedPrefix& prefix : options.prefixes) AppendPrefix(message, prefix);
  AppendNameServers(message, options);
  return message;
}

}  // namespace moat::netstack
