// The flow labels of datagrams (RFC 6437 3): one for each flow, the same for all of its packets,
// and nobody's to guess.
#ifndef MOAT_NETSTACK_TRANSPORT_DATAGRAM_FLOW_LABELS_H_
#define MOAT_NETSTACK_TRANSPORT_DATAGRAM_FLOW_LABELS_H_

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>

#include "netstack/base/random.h"
#include "netstack/base/siphash.h"
#include "netstack/wire/address.h"
#include "netstack/wire/bytes.h"

namespace moat::netstack {

class FlowLabels {
 public:
  // Between two hosts; `ports` is what else tells the flow apart. Not 0, which would be no label.
  // `random` gives the key, when it is first needed.
  uint32_t Of(Random& random, const IpAddress& source, const IpAddress& destination,
              uint32_t ports) {
    if (!key_.has_value()) key_ = SipHashKey::Random(random);
    uint8_t bytes[36] = {};
    std::memcpy(bytes, source.data(), source.size());
    std::memcpy(bytes + 16, destination.data(), destination.size());
    StoreBe32(bytes + 32, ports);
    return std::max<uint32_t>(SipHash(*key_, bytes) & 0xfffff, 1);
  }

 private:
  std::optional<SipHashKey> key_;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_TRANSPORT_DATAGRAM_FLOW_LABELS_H_
