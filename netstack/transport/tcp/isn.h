// Initial sequence numbers (RFC 6528) and timestamp offsets (RFC 7323 5.4), both secret per flow.
#ifndef MOAT_NETSTACK_TRANSPORT_TCP_ISN_H_
#define MOAT_NETSTACK_TRANSPORT_TCP_ISN_H_

#include <cstdint>

#include "netstack/base/random.h"
#include "netstack/base/siphash.h"
#include "netstack/base/time.h"
#include "netstack/transport/tcp/flow.h"
#include "netstack/wire/seqnum.h"

namespace moat::netstack::tcp {

class IsnGenerator {
 public:
  explicit IsnGenerator(Random& random)
      : isn_key_(SipHashKey::Random(random)), timestamp_key_(SipHashKey::Random(random)) {}

  // ISN = M + F(flow, secret); M ticks every 4 microseconds (RFC 9293 3.4.1).
  SeqNum Isn(const FlowKey& flow, Time now) const;
  // Added to the millisecond clock in TSval. The same for all connections between two addresses, so
  // that timestamps of successive connections grow and TIME-WAIT can be reused by them (RFC 6191).
  uint32_t TimestampOffset(const FlowKey& flow) const;

 private:
  SipHashKey isn_key_;
  SipHashKey timestamp_key_;
};

}  // namespace moat::netstack::tcp

#endif  // MOAT_NETSTACK_TRANSPORT_TCP_ISN_H_
