// Congestion control: how cwnd grows, and what a loss makes of it. One algorithm per file;
// detecting and repairing losses is recovery's business, not an algorithm's.
//
// Windows are octets. An algorithm is chosen per connection, at any time.
#ifndef MOAT_NETSTACK_TRANSPORT_TCP_CONGESTION_H_
#define MOAT_NETSTACK_TRANSPORT_TCP_CONGESTION_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "netstack/base/time.h"
#include "netstack/wire/seqnum.h"

namespace moat::netstack::tcp {

inline constexpr uint32_t kInfiniteSsthresh = 0x7fffffff;
inline constexpr uint32_t kInitialWindowSegments = 10;  // RFC 6928

struct CongestionWindow {
  uint32_t mss = 0;
  uint32_t cwnd = 0;
  uint32_t ssthresh = kInfiniteSsthresh;

  bool InSlowStart() const { return cwnd < ssthresh; }
};

// One acknowledgement that advanced SND.UNA, outside of fast recovery.
struct AckSample {
  Time now{};
  uint32_t acked = 0;        // octets newly delivered
  Duration rtt{};            // smoothed; zero when unknown
  Duration latest_rtt{};     // measured by this ACK; zero when it measured none
  SeqNum una;                // after it
  SeqNum nxt;
};

// Every acknowledgement, also in recovery.
struct EveryAck {
  Time now{};
  uint32_t delivered = 0;      // octets newly delivered, SACKed ones included
  uint32_t lost = 0;           // octets newly deemed lost
  uint32_t in_flight = 0;      // the pipe, after it
  uint32_t in_flight_before = 0;
  Duration rtt{};              // measured by it; zero: not
  Duration srtt{};
  uint64_t delivered_total = 0;  // of the connection
  // The delivery rate sample (delivery_rate.h): `prior_delivered` is delivered_total, modulo 2^32,
  // when the newest octet that it acknowledges was sent; `rate` octets per second, 0 without a
  // sample.
  uint64_t rate = 0;
  uint32_t prior_delivered = 0;
  bool app_limited = false;
  bool recovering = false;     // in fast recovery or after a timeout
  bool timed_out = false;      // of them the latter
};

class CongestionControl {
 public:
  virtual ~CongestionControl() = default;

  virtual std::string_view name() const = 0;
  // Grows the window. Called only when cwnd was what limited the sender (RFC 7661).
  virtual void OnAck(const AckSample& sample, CongestionWindow& window) = 0;
  // A loss, an ECN echo or a timeout: the new ssthresh. `in_flight` is what was outstanding.
  virtual uint32_t OnCongestion(const CongestionWindow& window, uint32_t in_flight) = 0;
  // After OnCongestion() because of a retransmission timeout.
  virtual void OnTimeout() {}
  // Called with each ACK, after OnAck(), for algorithms whose row says `every_ack`.
  virtual void OnEveryAck(const EveryAck&, CongestionWindow&) {}
  // Octets per second at which to send, for rows that say `paced`; 0: as fast as cwnd allows.
  virtual uint64_t PacingRate(const CongestionWindow&) const { return 0; }
  // The last OnCongestion() has proved to be needless; the window is already what it was.
  virtual void OnUndo() {}
  // Sending begins again after `idle` without anything in flight.
  virtual void OnIdleEnd(Duration) {}
};

// A row of the table of algorithms.
struct CongestionAlgorithm {
  std::string_view name;
  std::unique_ptr<CongestionControl> (*make)();
  bool every_ack = false;    // wants OnEveryAck()
  bool paced = false;        // has a PacingRate()
  bool owns_window = false;  // sets cwnd itself, in recovery too
  bool hystart = false;      // its slow start is HyStart++'s (hystart.h)
};

// RFC 5681 3.1: slow start. Grows by at most what takes cwnd to ssthresh; returns the octets that
// are left. DEVIATION: RFC 5681 wants at most one SMSS per ACK (RFC 3465: two). One ACK covers a
// whole GRO batch here, so all octets count, as in Linux; bursts are bounded by the super-segment
// size.
uint32_t SlowStart(uint32_t acked, CongestionWindow& window);

std::unique_ptr<CongestionControl> NewReno();
std::unique_ptr<CongestionControl> NewCubic();
std::unique_ptr<CongestionControl> NewWestwood();
std::unique_ptr<CongestionControl> NewVegas();
std::unique_ptr<CongestionControl> NewBbr();

// All there are; the first is the default.
std::span<const CongestionAlgorithm> CongestionAlgorithms();
// Null when there is none of that name.
const CongestionAlgorithm* FindCongestionAlgorithm(std::string_view name);
// Names as for TCP_CONGESTION and net.ipv4.tcp_congestion_control, in the table's order.
std::vector<std::string> CongestionControlNames();
std::string_view CongestionControlName(size_t index);
// Null when there is none of that name.
std::unique_ptr<CongestionControl> NewCongestionControl(std::string_view name);

}  // namespace moat::netstack::tcp

#endif  // MOAT_NETSTACK_TRANSPORT_TCP_CONGESTION_H_
