// A TCP socket: fresh, bound, listening, connecting, connected or dead, as a file descriptor would
// be.
#ifndef MOAT_NETSTACK_SOCKET_TCP_SOCKET_H_
#define MOAT_NETSTACK_SOCKET_TCP_SOCKET_H_

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "netstack/packet/slice.h"
#include "netstack/socket/socket.h"

namespace moat::netstack {

enum class ShutdownHow : uint8_t { kRead, kWrite, kBoth };

// RFC 9293 3.3.2.
enum class TcpState : uint8_t {
  kClosed,
  kListen,
  kSynSent,
  kSynReceived,
  kEstablished,
  kFinWait1,
  kFinWait2,
  kCloseWait,
  kClosing,
  kLastAck,
  kTimeWait,
};

// The key of Fast Open cookies, and perhaps a second one that is still accepted.
struct FastOpenSecret {
  static constexpr size_t kKeySize = 16;
  std::array<uint8_t, 2 * kKeySize> bytes{};
  uint8_t size = 0;  // 0: none, else of one key or of both
};

// TCP level options (tcp(7)); defaults are Linux's.
struct TcpOptions {
  bool no_delay = false;
  bool cork = false;
  bool quick_ack = true;
  Duration keepalive_idle = std::chrono::seconds(7200);
  Duration keepalive_interval = std::chrono::seconds(75);
  int keepalive_count = 9;
  int max_segment = 0;          // TCP_MAXSEG; 0: from the route
  int syn_count = 6;            // TCP_SYNCNT: SYN retransmissions
  // The flow label that the program chose (sin6_flowinfo of a connect(), with IPV6_FLOWINFO_SEND);
  // 0: SocketOptions::auto_flow_label decides.
  uint32_t flow_label = 0;
  Duration user_timeout{0};     // 0: by retries (tcp_retries2)
  Duration linger2 = std::chrono::seconds(60);  // FIN-WAIT-2 of an orphan
  int window_clamp = 0;
  uint32_t not_sent_low_water = UINT32_MAX;
  bool defer_accept = false;
  uint32_t fast_open_queue = 0;  // TCP_FASTOPEN: pending ones of a listener; 0: none are accepted
  // TCP_FASTOPEN_CONNECT: Connect() asks for a cookie, or, when one is known, answers kOk and
  // leaves the SYN to the first Write().
  bool fast_open_connect = false;
  bool fast_open_no_cookie = false;  // TCP_FASTOPEN_NO_COOKIE
  FastOpenSecret
      fast_open_secret{};  // TCP_FASTOPEN_KEY: of a listener's cookies; empty: the stack's
  // TCP_SAVE_SYN, of a listener: the headers of SYNs are kept for TcpSocket::TakeSavedSyn().
  bool save_syn = false;
  uint64_t max_pacing_rate = ~uint64_t{0};  // SO_MAX_PACING_RATE: octets per second
};

// Why a Fast Open (RFC 7413) of ours was none; the values are Linux's.
enum class FastOpenFailure : uint8_t { kNone, kNoCookie, kNotAcknowledged, kRetransmitted };

// What tcp(7)'s TCP_INFO reports; durations in nanoseconds.
struct TcpInfo {
  TcpState state = TcpState::kClosed;
  std::string_view congestion_control;  // a literal
  uint8_t ca_state = 0;  // 0 open, 1 disorder, 2 cwr, 3 recovery, 4 loss
  uint8_t retransmits = 0;
  uint8_t probes = 0;
  uint8_t backoff = 0;
  bool timestamps = false, sack = false, window_scaling = false, ecn = false;
  bool ecn_seen = false;  // ECN-capable text came
  bool syn_data = false;  // text came or went with the SYN (RFC 7413)
  bool fast_open_child = false;  // accepted by a cookie
  FastOpenFailure fast_open_failure = FastOpenFailure::kNone;
  uint8_t send_window_scale = 0, receive_window_scale = 0;
  Duration rto{}, ato{}, rtt{}, rtt_variance{}, min_rtt{};
  uint32_t send_mss = 0, receive_mss = 0, advertised_mss = 0, path_mtu = 0;
  uint32_t unacked = 0, sacked = 0, lost = 0, retransmitted = 0;  // segments
  Duration last_data_sent{}, last_data_received{}, last_ack_received{};
  uint32_t send_ssthresh = 0, congestion_window = 0;  // segments
  uint32_t receive_space = 0, send_window = 0, receive_window = 0;
  uint32_t receive_window_limit = 0;  // up to which the window may open now
  uint64_t bytes_acked = 0, bytes_received = 0, bytes_sent = 0, bytes_retransmitted = 0;
  uint32_t segments_out = 0, segments_in = 0, data_segments_out = 0, data_segments_in = 0;
  uint32_t total_retransmits = 0, not_sent_bytes = 0;
  uint32_t reordering = 0, reordering_events = 0;  // the largest seen, in segments; how often
  uint32_t out_of_order_segments = 0;              // received beyond a hole
  uint32_t rehashes = 0;  // how often a timeout gave the flow another label and path
  // How long there was something to send or to be acknowledged; of it, how long the peer's window
  // or the send buffer was what held more back.
  Duration busy_time{}, receiver_limited{}, buffer_limited{};
  uint64_t delivery_rate = 0;  // bytes per second
  uint64_t pacing_rate = ~uint64_t{0}, max_pacing_rate = ~uint64_t{0};
  bool delivery_rate_app_limited = false;
  uint32_t delivered = 0, delivered_marked = 0;  // segments; the latter with an ECN echo
  // AccECN (RFC 9768): what arrived with which codepoint, at the peer and here.
  bool accurate_ecn = false;
  // The option: 0 none came, 2 it came, 3 something clears it; and bits of what failed: 2 the
  // peer's ACE, 4 our option, 8 the peer's option (Linux's tcpi_accecn_fail_mode).
  uint8_t accecn_option_seen = 0, accecn_failures = 0;
  uint32_t received_marked = 0;  // packets
  uint32_t delivered_e0_bytes = 0, delivered_e1_bytes = 0, delivered_ce_bytes = 0;
  uint32_t received_e0_bytes = 0, received_e1_bytes = 0, received_ce_bytes = 0;
  uint32_t duplicates_reported = 0;              // by D-SACK
  uint32_t total_timeouts = 0, timeout_recoveries = 0;
  Duration timeout_time{}, receive_rtt{};
  // The last that the peer suggested by the option of RFC 5482, heeded or not; zero: none.
  Duration peer_user_timeout{};
};

class TcpSocket {
 public:
  virtual ~TcpSocket() = default;  // close(2)

  virtual uint64_t id() const = 0;
  virtual Family family() const = 0;  // as created; a dual-stack kIpv6 socket may carry IPv4
  virtual void SetObserver(SocketObserver* observer) = 0;  // borrowed; null to clear
  // Readiness now; OnReady() tells of changes.
  virtual uint32_t Ready() const = 0;

  // --- Addresses -------------------------------------------------------------------------------
  // kInvalid when already bound; kAddressInUse; kAddressNotAvailable; kAddressFamily.
  virtual Error Bind(const Endpoint& local) = 0;
  // kInProgress is the normal answer (kOk: see TcpOptions::fast_open_connect); kIsConnected,
  // kAlready, kAddressInUse (4-tuple), kAddressNotAvailable (ports exhausted), kNetworkUnreachable,
  // kAddressFamily. The outcome arrives as kConnected or kError.
  virtual Error Connect(const Endpoint& remote) = 0;
  // AF_UNSPEC connect: back to a fresh, unconnected socket (an explicit binding stays).
  virtual Error Disconnect() = 0;
  virtual Error Listen(int backlog) = 0;  // again on a listener: changes the backlog
  // kWouldBlock when none is pending; kInvalid when not listening.
  virtual Result<std::unique_ptr<TcpSocket>> Accept() = 0;
  virtual Endpoint Local() const = 0;                // unspecified, port 0 when unbound
  virtual Result<Endpoint> Remote() const = 0;       // kNotConnected
  virtual TcpState state() const = 0;

  // --- Data ------------------------------------------------------------------------------------
  // Bytes that Write() would take now. 0 when full or not connected.
  virtual size_t WriteSpace() const = 0;
  // Queues `data` without copying (the storage must not change any more) and sends what windows
  // allow. All or nothing against WriteSpace(), except that a slice may exceed it when the queue is
  // empty. kBrokenPipe after Shutdown(kWrite) or when the connection is gone; kNotConnected;
  // kWouldBlock. `more`: as MSG_MORE, hold back a partial segment.
  virtual Error Write(Slice data, bool more) = 0;
  virtual Error WriteUrgent(Slice data) = 0;

  // In-order bytes that wait to be read, in order, without consuming: fills `pieces`, returns how
  // many.
  virtual size_t Peek(std::span<std::span<const uint8_t>> pieces) const = 0;
  virtual size_t ReadableBytes() const = 0;
  // Where the peer's urgent data ends (RFC 9293 3.8.5), in octets from the next one to be read:
  // positive, so many of what is yet to be read are urgent or lie before it; 0 or less, all of it
  // was read so long ago. It stays in the stream (RFC 6093 6). Absent: the peer never sent any, or
  // not lately.
  virtual std::optional<int32_t> UrgentEnd() const = 0;
  // Drops `n` read bytes; the receive window opens (and an update is sent when RFC 9293 3.8.6 wants
  // it).
  virtual void Consume(size_t n) = 0;
  // True once all bytes before the peer's FIN have been consumed (or reading was shut down).
  virtual bool AtEndOfStream() const = 0;

  // kNotConnected on a socket that never was connected. kRead: later data is acknowledged and
  // dropped. On a listener kRead/kBoth stop it (Linux).
  virtual Error Shutdown(ShutdownHow how) = 0;
  // Sends RST and forgets the connection: SO_LINGER 0, close with unread data (RFC 2525 2.17).
  virtual void Abort() = 0;

  // Pending asynchronous error (SO_ERROR), cleared by the call.
  virtual Error TakeError() = 0;

  // --- Options ---------------------------------------------------------------------------------
  virtual const SocketOptions& options() const = 0;
  virtual void SetOptions(const SocketOptions& options) = 0;  // applies at once where it can
  virtual const TcpOptions& tcp_options() const = 0;
  virtual void SetTcpOptions(const TcpOptions& options) = 0;  // e.g. clearing cork pushes
  virtual Error SetCongestionControl(std::string_view name) = 0;  // "cubic", "bbr", ...; kInvalid
  virtual std::string_view congestion_control() const = 0;
  virtual TcpInfo Info() const = 0;
  // The IP and TCP headers of the SYN that began this connection, once (TCP_SAVED_SYN). Empty when
  // none were kept: without TcpOptions::save_syn on the listener, for want of memory, after a SYN
  // cookie, or of a SYN in fragments. kMessageSize when they are more than `room` octets; then they
  // stay.
  virtual Result<std::vector<uint8_t>> TakeSavedSyn(size_t room) = 0;
  // Bytes sent or queued and not acknowledged (SIOCOUTQ), and not yet sent (SIOCOUTQNSD).
  virtual size_t UnackedBytes() const = 0;
  virtual size_t UnsentBytes() const = 0;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_SOCKET_TCP_SOCKET_H_
