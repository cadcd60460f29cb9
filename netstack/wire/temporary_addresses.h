// What a program wants of temporary addresses (RFC 8981) as sources: RFC 5014, for rule 7 of RFC
// 6724 5.
#ifndef MOAT_NETSTACK_WIRE_TEMPORARY_ADDRESSES_H_
#define MOAT_NETSTACK_WIRE_TEMPORARY_ADDRESSES_H_

#include <cstdint>

namespace moat::netstack {

enum class TemporaryAddresses : uint8_t {
  kByInterface,  // as use_tempaddr says
  kPrefer,       // IPV6_PREFER_SRC_TMP
  kAvoid,        // IPV6_PREFER_SRC_PUBLIC
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_WIRE_TEMPORARY_ADDRESSES_H_
