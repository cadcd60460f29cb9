// TCP Fast Open (RFC 7413): what is kept of it between connections. The state machine's part is in
// early_data.cc.
#ifndef MOAT_NETSTACK_TRANSPORT_TCP_FAST_OPEN_H_
#define MOAT_NETSTACK_TRANSPORT_TCP_FAST_OPEN_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "netstack/base/random.h"
#include "netstack/base/siphash.h"
#include "netstack/base/time.h"
#include "netstack/socket/tcp_socket.h"
#include "netstack/wire/address.h"
#include "netstack/wire/tcp_options.h"

namespace moat::netstack::tcp {

namespace fast_open_bit {  // of tcp_fastopen (Linux, ip-sysctl)
inline constexpr int64_t kClient = 1;
inline constexpr int64_t kServer = 2;
inline constexpr int64_t kClientNoCookie = 4;         // data on the SYN without a cookie
inline constexpr int64_t kServerNoCookie = 0x200;     // and taken without one
inline constexpr int64_t kEveryListener = 0x400;      // without TCP_FASTOPEN
}  // namespace fast_open_bit

struct FastOpenCookie {
  std::array<uint8_t, kTcpMaxFastOpenCookie> bytes{};
  uint8_t size = 0;  // 0: none
  bool operator==(const FastOpenCookie&) const = default;

  static FastOpenCookie Of(const TcpOptionSet& options);  // of a segment's option
  void Put(TcpOptionSet& options) const;                  // borrowed by `options`
};

// A server's cookies: a keyed hash of both addresses, so that nothing is kept per client (4.1.2).
// It is Linux's hash: servers that share a key and an address, of either kind, take each other's
// cookies.
class FastOpenKeys {
 public:
  explicit FastOpenKeys(Random& random) : keys_{SipHashKey::Random(random), {}} {}
  explicit FastOpenKeys(const FastOpenSecret& secret);

  FastOpenCookie CookieFor(const IpAddress& client, const IpAddress& server) const {
    return Make(keys_[0], client, server);
  }
  // One that was made with the backup key, which is good but to be replaced.
  bool IsOld(const FastOpenCookie& cookie, const IpAddress& client, const IpAddress& server) const {
    return has_backup_ && cookie == Make(keys_[1], client, server);
  }

 private:
  static FastOpenCookie Make(const SipHashKey& key, const IpAddress& client,
                             const IpAddress& server);

  std::array<SipHashKey, 2> keys_;
  bool has_backup_ = false;
};

// tcp_fastopen_key: four hexadecimal numbers between dashes, and after a comma those of the backup
// key. Absent: it is not such a text.
std::optional<FastOpenSecret> ParseFastOpenSecret(std::string_view text);

// What a client knows of servers (4.1.3), for each of its own addresses, which cookies are of.
// Bounded; what was learnt first goes first.
class FastOpenCache {
 public:
  static constexpr size_t kMaxPeers = 1024;
  struct Entry {
    FastOpenCookie cookie;
    uint16_t mss = 0;  // that the server announced; 0: none
  };
  // Null: unknown. Good until the next Learn().
  const Entry* Find(const IpAddress& client, const IpAddress& server) const;
  // True when another one went for it.
  bool Learn(const IpAddress& client, const IpAddress& server, const FastOpenCookie& cookie,
             uint16_t mss);
  size_t size() const { return entries_.size(); }

 private:
  using Key = std::pair<IpAddress, IpAddress>;  // client, server
  absl::flat_hash_map<Key, Entry> entries_;
  std::deque<Key> order_;
};

// Paths on which a SYN with text or the option got no answer, no acknowledgement of its text, or an
// ICMP error (4.1.3.1): there connections open plainly for a minute, and twice as long each time.
// Bounded as the cache.
class FastOpenRefusals {
 public:
  static constexpr size_t kMaxPaths = 1024;
  static constexpr Duration kFirst = std::chrono::seconds(60);
  struct Path {
    IpAddress client, server;
    uint16_t port = 0;  // the server's
    bool operator==(const Path&) const = default;
    template <typename H>
    friend H AbslHashValue(H h, const Path& path) {
      return H::combine(std::move(h), path.client, path.server, path.port);
    }
  };
  bool Holds(const Path& path, Time now) const;
  bool Note(const Path& path, Time now);  // true when another one went for it
  void Forget(const Path& path);  // it works
  size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    uint32_t times = 0;
    Time until{};
  };
  absl::flat_hash_map<Path, Entry> entries_;
  std::deque<Path> order_;
};

// After timeouts that smell of a middlebox which swallows such SYNs, clients stop for
// tcp_fastopen_blackhole_timeout_sec, twice as long each time (Linux). 0, the default, switches
// that off.
class FastOpenPause {
 public:
  void Begin(Time now);
  void Forget() { times_ = 0; }  // it works
  bool Holds(Time now, Duration timeout) const;

 private:
  uint32_t times_ = 0;
  Time begun_{};
};

// A listener's connections whose handshake is not complete (5.1): attackers with a valid cookie
// could make any number.
class FastOpenQueue {
 public:
  // Those that a RST ended still count for this long: their address may have been forged.
  static constexpr Duration kPenalty = std::chrono::seconds(60);

  bool HasRoom(size_t limit, Time now);
  void Add() { ++pending_; }
  void Remove() { --pending_; }
  void Penalize(Time now) { penalties_.push_back(now + kPenalty); }

 private:
  size_t pending_ = 0;
  std::deque<Time> penalties_;  // when they end; together with pending_ within the limit
};

// A connection's part, until its handshake is complete.
struct FastOpen {
  explicit FastOpen(std::shared_ptr<FastOpenQueue> in = nullptr) : queue(std::move(in)) {
    if (queue != nullptr) queue->Add();
  }
  ~FastOpen() {
    if (queue != nullptr) queue->Remove();
  }
  FastOpen(const FastOpen&) = delete;
  FastOpen& operator=(const FastOpen&) = delete;

  FastOpenCookie cookie;     // for our SYN (none: asks for one) or SYN,ACK
  bool with_option = false;
  bool deferred = false;     // client: the first write sends the SYN
  uint32_t syn_text = 0;     // client: octets of text on the SYN
  const std::shared_ptr<FastOpenQueue> queue;  // server: its text was accepted
};

}  // namespace moat::netstack::tcp

#endif  // MOAT_NETSTACK_TRANSPORT_TCP_FAST_OPEN_H_
