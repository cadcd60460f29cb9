// A listening socket (RFC 9293 3.10.7.2) and its two queues: connections in SYN-RECEIVED, and those
// that are established and wait for accept().
//
// Limits as Linux has them: accept() holds backlog + 1, beyond which SYNs and final ACKs are
// dropped (or reset, by tcp_abort_on_overflow); SYN-RECEIVED holds tcp_max_syn_backlog, beyond
// which SYNs are dropped or, with tcp_syncookies, answered without memory.
#ifndef MOAT_NETSTACK_TRANSPORT_TCP_LISTENER_H_
#define MOAT_NETSTACK_TRANSPORT_TCP_LISTENER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "netstack/socket/socket.h"
#include "netstack/transport/ports.h"
#include "netstack/transport/tcp/core.h"
#include "netstack/transport/tcp/list.h"
#include "netstack/transport/tcp/segment.h"

namespace moat::netstack::tcp {

class Listener {
 public:
  // Listens at once. `port` is bound; `address` is where (unspecified: everywhere).
  Listener(Core& core, uint64_t id, const Endpoint& local, SharedSettings settings,
           PortReservation port, int backlog);
  // Embryos vanish, connections that nobody accepted are reset.
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // A segment that belongs to no connection (input_listen.cc). `minimum_isn` is for a SYN that
  // reuses a TIME-WAIT: above what that connection used.
  void SegmentArrives(const Segment& segment, const SeqNum* minimum_isn);

  // Called by a connection of ours.
  bool AcceptQueueFull() const { return accept_count_ > backlog_; }
  void OnEstablished(Connection& connection);
  void OnGone(Connection& connection);  // before it was accepted

  Connection* Accept();  // null when none waits
  void SetBacklog(int backlog);
  void SetObserver(SocketObserver* observer) { observer_ = observer; }
  uint32_t Ready() const;
  void set_congestion_control(const std::string& name) { congestion_control_ = name; }

  uint64_t id() const { return id_; }
  const Endpoint& local() const { return local_; }
  InterfaceIndex device() const { return settings_->socket.bound_device; }
  const SharedSettings& settings() const { return settings_; }
  void set_settings(SharedSettings settings) { settings_ = std::move(settings); }
  PortReservation& port() { return port_; }
  uint32_t accept_count() const { return accept_count_; }
  uint32_t backlog() const { return backlog_; }

 private:
  void OnSyn(const Segment& segment, const SeqNum* minimum_isn);
  // SYN cookies (RFC 4987 3.6), input_listen.cc.
  void SendSynCookie(const Segment& syn);
  bool OnCookieAck(const Segment& segment);
  Connection* NewEmbryo(const FlowKey& key, const Segment& syn);
  SharedSettings SettingsFor(const Segment& syn) const;
  std::unique_ptr<FastOpen> JudgeFastOpen(const Segment& syn);  // early_data.cc

  Core& core_;
  const uint64_t id_;
  const Endpoint local_;
  SharedSettings settings_;
  PortReservation port_;
  uint32_t backlog_ = 0;
  SocketObserver* observer_ = nullptr;
  List<Connection> embryos_;
  List<Connection> accept_queue_;
  uint32_t embryo_count_ = 0;
  uint32_t accept_count_ = 0;
  std::shared_ptr<FastOpenQueue> fast_open_queue_;  // when there was one
  Time last_cookie_{};  // cookies are believed only for a while after one was sent
  bool sent_cookies_ = false;
  std::string congestion_control_;  // for new connections; empty: the stack's default
};

}  // namespace moat::netstack::tcp

#endif  // MOAT_NETSTACK_TRANSPORT_TCP_LISTENER_H_
