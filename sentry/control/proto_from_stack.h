// The stack's tables as messages of moat.v1.
#ifndef MOAT_SENTRY_CONTROL_PROTO_FROM_STACK_H_
#define MOAT_SENTRY_CONTROL_PROTO_FROM_STACK_H_

#include <string>

#include "absl/container/flat_hash_map.h"
#include "moat/v1/sandbox.pb.h"
#include "netstack/stack/stack.h"

namespace moat::sentry {

// The stack speaks of interfaces by index, an operator by name.
using InterfaceNames = absl::flat_hash_map<netstack::InterfaceIndex, std::string>;
InterfaceNames NamesOf(const netstack::Stack& stack);

// Without its addresses, which are another table.
v1::Interface ToProto(const netstack::InterfaceInfo& interface);
v1::InterfaceAddress ToProto(const netstack::AddressInfo& address, const InterfaceNames& names);
v1::Route ToProto(const netstack::RouteInfo& route, const InterfaceNames& names);
v1::Neighbor ToProto(const netstack::NeighborInfo& neighbor, const InterfaceNames& names);
v1::Socket ToProto(const netstack::SocketInfo& socket, const InterfaceNames& names);

v1::Family ToProto(netstack::Family family);
v1::Route::Type ToProto(netstack::RouteType type);
// FAMILY_ANY matches both.
bool Matches(v1::Family wanted, netstack::Family family);

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_CONTROL_PROTO_FROM_STACK_H_
