// SYN cookies (RFC 4987 3.6): the state of a half-open connection, kept in the sequence number and
// timestamp of our SYN,ACK instead of in memory. Used when the SYN queue is full.
#ifndef MOAT_NETSTACK_TRANSPORT_TCP_SYN_COOKIES_H_
#define MOAT_NETSTACK_TRANSPORT_TCP_SYN_COOKIES_H_

#include <cstdint>
#include <optional>

#include "netstack/base/random.h"
#include "netstack/base/siphash.h"
#include "netstack/base/time.h"
#include "netstack/transport/tcp/flow.h"
#include "netstack/wire/seqnum.h"
#include "netstack/wire/tcp_options.h"

namespace moat::netstack::tcp {

class SynCookies {
 public:
  // A cookie is good for one to two of these.
  static constexpr Duration kPeriod = std::chrono::seconds(64);

  explicit SynCookies(Random& random) : key_(SipHashKey::Random(random)) {}

  // The ISS to answer a SYN with; *mss is rounded down to what a cookie can hold.
  SeqNum Make(const FlowKey& flow, SeqNum irs, uint16_t* mss, Time now) const;
  // The MSS that the cookie holds, if it is one of ours and fresh.
  std::optional<uint16_t> Check(const FlowKey& flow, SeqNum irs, SeqNum cookie, Time now) const;

  // The low bits of our TSval say which options the SYN had. Returns a value not above `timestamp`.
  static uint32_t EncodeOptions(const TcpOptionSet& syn, bool ecn, uint32_t timestamp);
  // Returns whether ECN was agreed upon.
  static bool DecodeOptions(uint32_t timestamp, TcpOptionSet* syn);

 private:
  uint32_t Hash(const FlowKey& flow, SeqNum irs, uint32_t period, uint32_t index) const;
  uint32_t Mask(const FlowKey& flow, SeqNum irs) const;
  static uint32_t PeriodOf(Time now) {
    return static_cast<uint32_t>(now.time_since_epoch() / kPeriod);
  }

  SipHashKey key_;
};

}  // namespace moat::netstack::tcp

#endif  // MOAT_NETSTACK_TRANSPORT_TCP_SYN_COOKIES_H_
