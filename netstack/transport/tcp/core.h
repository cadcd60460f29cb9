// What all connections of one TcpProtocol share, and who owns them.
#ifndef MOAT_NETSTACK_TRANSPORT_TCP_CORE_H_
#define MOAT_NETSTACK_TRANSPORT_TCP_CORE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "netstack/socket/tcp_socket.h"
#include "netstack/transport/environment.h"
#include "netstack/transport/tcp/backlog_governor.h"
#include "netstack/transport/tcp/counters.h"
#include "netstack/transport/tcp/fast_open.h"
#include "netstack/transport/tcp/flow.h"
#include "netstack/transport/tcp/isn.h"
#include "netstack/transport/tcp/list.h"
#include "netstack/transport/tcp/listener_table.h"
#include "netstack/transport/tcp/segment.h"
#include "netstack/transport/tcp/syn_cookies.h"
#include "netstack/transport/tcp/sysctls.h"

namespace moat::netstack::tcp {

class Connection;
class TimeWait;

// The options of a socket, wherever it is in its life.
struct Settings {
  SocketOptions socket;
  TcpOptions tcp;
};
// Never null, never changed: a listener and the connections that it accepts have the same until one
// is given others.
using SharedSettings = std::shared_ptr<const Settings>;

// RFC 5082: the least TTL or hop limit of what may come from `remote`.
inline uint8_t MinimumHops(const SocketOptions& options, const IpAddress& remote) {
  return remote.is_v4() ? options.minimum_ttl : options.minimum_hop_count;
}

class Core {
 public:
  explicit Core(const TransportEnvironment& environment);
  ~Core();

  Time Now() const { return env.clock->Now(); }
  // The timestamp clock (RFC 7323 5.4): one tick per millisecond.
  uint32_t TimestampNow() const {
    return static_cast<uint32_t>(Now().time_since_epoch() / std::chrono::milliseconds(1));
  }
  uint64_t NextId() { return ++last_id_; }

  // --- Ownership -------------------------------------------------------------------------------
  // A connection belongs to the core from birth to Retire(). The socket handle, the listener's
  // queues and the flow table only point to it.
  Connection* Adopt(std::unique_ptr<Connection> connection);
  // Destroys it once the call stack has left it: by Reap().
  void Retire(Connection* connection);
  void Reap();
  void Adopt(std::unique_ptr<TimeWait> time_wait);
  void Destroy(TimeWait* time_wait);
  uint32_t time_waits() const { return time_waits_; }

  // --- End of batch ----------------------------------------------------------------------------
  void WantFlush(ListHook<Connection>& hook) { flush_.PushBack(hook); }
  void Flush();

  // --- Memory ----------------------------------------------------------------------------------
  // A connection that memory keeps from writing: it is asked again, soon (Connection::TryAgain()).
  void Starve();

  // --- Segments that belong to no connection ---------------------------------------------------
  struct Bare {
    FlowKey flow;
    InterfaceIndex interface = 0;
    SeqNum seq;
    SeqNum ack;
    uint8_t flags = 0;
    uint8_t ace = 0;  // RFC 9768 3.2.2
    uint16_t wnd = 0;
    uint8_t traffic_class = 0;
    bool timestamps = false;
    uint32_t ts_value = 0;
    uint32_t ts_echo = 0;
    uint16_t mss = 0;  // 0: no option
    bool sack_permitted = false;
    bool has_window_scale = false;
    uint8_t window_scale = 0;
  };
  void Send(const Bare& bare);
  // The answer of CLOSED (RFC 9293 3.10.7.1). Never to a RST, a broadcast or a multicast.
  void SendReset(const Segment& segment);

  // RFC 5961 7: whether one more challenge ACK may be sent in this second.
  bool AllowChallengeAck();
  // Linux's tcp_invalid_ratelimit: whether `last` is long enough ago; notes the present.
  bool AllowInvalidAck(Time& last);

  // --- Saved SYNs (TCP_SAVE_SYN) ---------------------------------------------------------------
  // Few want them, so connections have no room for them. Forgotten when memory is scarce.
  void SaveSyn(const Connection* connection, const Segment& syn);
  Result<std::vector<uint8_t>> TakeSavedSyn(const Connection* connection, size_t room);
  void ForgetSavedSyn(const Connection* connection) {
    if (!saved_syns_.empty()) [[unlikely]] (void)TakeSavedSyn(connection, SIZE_MAX);
  }

  // The stack's own: of tcp_fastopen_key, or made when they are first needed.
  const FastOpenKeys& fast_open_keys();

  static FlowKey KeyOf(const Segment& segment);

  const TransportEnvironment env;
  MemoryBudget& memory;
  Counters counters;
  const Sysctls sysctls;
  const IsnGenerator isn;
  const SynCookies cookies;
  FastOpenCache fast_open_cache;
  FastOpenPause fast_open_pause;
  FastOpenRefusals fast_open_refusals;
  BacklogGovernor governor;
  FlowTable flows;
  ListenerTable listeners;
  List<Connection> connections;
  List<TimeWait> time_wait_list;
  uint32_t orphans = 0;

 private:
  void OnStarvedTimer();

  List<Connection> flush_;
  using SavedSyns = absl::flat_hash_map<const Connection*, std::vector<uint8_t>>;
  static size_t SavedSynCost(size_t octets) { return octets + 2 * sizeof(SavedSyns::value_type); }
  SavedSyns saved_syns_;
  Timer starved_timer_;
  std::vector<Connection*> retired_;
  uint64_t last_id_ = 0;
  uint32_t time_waits_ = 0;
  Time challenge_second_{};
  int64_t challenges_ = 0;
  std::unique_ptr<FastOpenKeys> fast_open_keys_;
  std::string fast_open_keys_text_;  // what tcp_fastopen_key was when they were made
};

}  // namespace moat::netstack::tcp

#endif  // MOAT_NETSTACK_TRANSPORT_TCP_CORE_H_
