#include "netstack/transport/tcp/fast_open.h"

#include <algorithm>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"

namespace moat::netstack::tcp {
namespace {

constexpr size_t kCookieSize = 8;
constexpr size_t kWords = 4;  // of a key as text

uint64_t LoadLe64(const uint8_t* bytes) {
  uint64_t value = 0;
  for (int i = 7; i >= 0; --i) value = value << 8 | bytes[i];
  return value;
}
constexpr uint32_t kMaxPauseDoublings = 6;

// Makes room in a map whose keys wait in `order`, the oldest first. True when one went.
template <typename Map, typename Order>
bool ForgetTheOldest(size_t most, Map& entries, Order& order) {
  if (order.size() <= most) return false;
  entries.erase(order.front());
  order.pop_front();
  return true;
}

}  // namespace

FastOpenCookie FastOpenCookie::Of(const TcpOptionSet& options) {
  FastOpenCookie cookie;
  cookie.size = options.fast_open_size;
  if (cookie.size != 0) std::memcpy(cookie.bytes.data(), options.fast_open, cookie.size);
  return cookie;
}

void FastOpenCookie::Put(TcpOptionSet& options) const {
  options.has_fast_open = true;
  options.fast_open_size = size;
  options.fast_open = bytes.data();
}

FastOpenKeys::FastOpenKeys(const FastOpenSecret& secret)
    : has_backup_(secret.size == secret.bytes.size()) {
  for (size_t i = 0; i < keys_.size(); ++i) {
    const uint8_t* key = secret.bytes.data() + i * FastOpenSecret::kKeySize;
    keys_[i] = {LoadLe64(key), LoadLe64(key + 8)};
  }
}

FastOpenCookie FastOpenKeys::Make(const SipHashKey& key, const IpAddress& client,
                                  const IpAddress& server) {
  const size_t size = client.is_v4() ? 4 : 16;
  std::array<uint8_t, 32> addresses;
  std::memcpy(addresses.data(), client.data(), size);
  std::memcpy(addresses.data() + size, server.data(), size);
  const uint64_t hash = SipHash(key, std::span(addresses).first(2 * size));
  FastOpenCookie cookie;
  cookie.size = kCookieSize;
  for (size_t i = 0; i < kCookieSize; ++i) {
    cookie.bytes[i] = static_cast<uint8_t>(hash >> 8 * i);
  }
  return cookie;
}

std::optional<FastOpenSecret> ParseFastOpenSecret(std::string_view text) {
  FastOpenSecret secret;
  const std::vector<std::string> keys = absl::StrSplit(std::string(text), ',');
  if (keys.size() > 2) return std::nullopt;
  for (const std::string& key : keys) {
    const std::vector<std::string> words = absl::StrSplit(key, '-');
    if (words.size() != kWords) return std::nullopt;
    for (const std::string& word : words) {
      uint32_t value = 0;
      if (!absl::SimpleHexAtoi(word, &value)) return std::nullopt;
      for (int i = 0; i < 4; ++i) {
        secret.bytes[secret.size++] = static_cast<uint8_t>(value >> 8 * i);
      }
    }
  }
  return secret;
}

const FastOpenCache::Entry* FastOpenCache::Find(const IpAddress& client,
                                                const IpAddress& server) const {
  const auto it = entries_.find(Key(client, server));
  return it == entries_.end() ? nullptr : &it->second;
}

bool FastOpenCache::Learn(const IpAddress& client, const IpAddress& server,
                          const FastOpenCookie& cookie, uint16_t mss) {
  const Key key(client, server);
  const auto [it, is_new] = entries_.insert_or_assign(key, Entry{cookie, mss});
  if (!is_new) return false;
  order_.push_back(key);
  return ForgetTheOldest(kMaxPeers, entries_, order_);
}

bool FastOpenRefusals::Holds(const Path& path, Time now) const {
  const auto it = entries_.find(path);
  return it != entries_.end() && now < it->second.until;
}

bool FastOpenRefusals::Note(const Path& path, Time now) {
  const auto [it, is_new] = entries_.try_emplace(path);
  it->second.until = now + kFirst * (1 << std::min(it->second.times, kMaxPauseDoublings));
  ++it->second.times;
  if (!is_new) return false;
  order_.push_back(path);
  return ForgetTheOldest(kMaxPaths, entries_, order_);
}

void FastOpenRefusals::Forget(const Path& path) {
  const auto it = entries_.find(path);
  if (it != entries_.end()) it->second = {};  // it keeps its place in the order
}

void FastOpenPause::Begin(Time now) {
  ++times_;
  begun_ = now;
}

bool FastOpenPause::Holds(Time now, Duration timeout) const {
  if (times_ == 0 || timeout == Duration::zero()) return false;
  return now - begun_ < timeout * (1 << std::min(times_ - 1, kMaxPauseDoublings));
}

bool FastOpenQueue::HasRoom(size_t limit, Time now) {
  while (!penalties_.empty() && penalties_.front() <= now) penalties_.pop_front();
  return pending_ + penalties_.size() < limit;
}

}  // namespace moat::netstack::tcp
