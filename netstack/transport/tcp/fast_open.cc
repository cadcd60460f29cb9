#include "netstack/transport/tcp/fast_open.h"

#include <algorithm>
#include <cstring>

namespace moat::netstack::tcp {
namespace {

constexpr size_t kCookieSize = 8;
constexpr uint32_t kMaxPauseDoublings = 6;

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

FastOpenCookie FastOpenKey::CookieFor(const IpAddress& client, const IpAddress& server) const {
  std::array<uint8_t, 32> addresses;
  std::memcpy(addresses.data(), client.data(), 16);
  std::memcpy(addresses.data() + 16, server.data(), 16);
  const uint64_t hash = SipHash(key_, addresses);
  FastOpenCookie cookie;
  cookie.size = kCookieSize;
  std::memcpy(cookie.bytes.data(), &hash, kCookieSize);
  return cookie;
}

const FastOpenCache::Entry* FastOpenCache::Find(const IpAddress& server) const {
  const auto it = entries_.find(server);
  return it == entries_.end() ? nullptr : &it->second;
}

void FastOpenCache::Learn(const IpAddress& server, const FastOpenCookie& cookie, uint16_t mss) {
  const auto [it, is_new] = entries_.insert_or_assign(server, Entry{cookie, mss});
  if (!is_new) return;
  order_.push_back(server);
  if (order_.size() <= kMaxPeers) return;
  entries_.erase(order_.front());
  order_.pop_front();
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
