// The tester's values as netstack's, and back.
#ifndef MOAT_CONFORM_INPROCESS_CONVERT_H_
#define MOAT_CONFORM_INPROCESS_CONVERT_H_

#include "conform/bench/device.h"
#include "netstack/base/error.h"
#include "netstack/wire/address.h"

namespace moat::conform {

inline netstack::IpAddress ToStack(const Ip& ip) {
  return ip.v6() ? netstack::IpAddress::V6(ip.data()) : netstack::IpAddress::V4(ip.data());
}
inline netstack::Prefix ToStack(const Prefix& prefix) {
  return {ToStack(prefix.address), prefix.length};
}
inline netstack::Endpoint ToStack(const Endpoint& endpoint) {
  netstack::Endpoint out;
  out.address = ToStack(endpoint.ip);
  out.port = static_cast<uint16_t>(endpoint.port);
  return out;
}
inline Endpoint FromStack(const netstack::Endpoint& endpoint) {
  return {Ip::From(endpoint.address.data(), endpoint.address.is_v6()), endpoint.port};
}
// 0, or the negative errno.
int NegativeErrno(netstack::Error error);

}  // namespace moat::conform

#endif  // MOAT_CONFORM_INPROCESS_CONVERT_H_
