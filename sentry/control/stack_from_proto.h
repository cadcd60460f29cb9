// Requests as the stack's values. Every error is kInvalidArgument or kNotFound and names the field.
#ifndef MOAT_SENTRY_CONTROL_STACK_FROM_PROTO_H_
#define MOAT_SENTRY_CONTROL_STACK_FROM_PROTO_H_

#include <string_view>

#include "absl/status/statusor.h"
#include "moat/v1/sandbox.pb.h"
#include "netstack/stack/stack.h"

namespace moat::sentry {

absl::StatusOr<netstack::IpAddress> ParseAddress(std::string_view field, std::string_view text);
// Host bits may be set: an interface address. ParseDestination() wants them clear: a route.
absl::StatusOr<netstack::Prefix> ParsePrefix(std::string_view field, std::string_view text);
absl::StatusOr<netstack::Prefix> ParseDestination(std::string_view field, std::string_view text);
// The types that routes of a user can have.
absl::StatusOr<netstack::RouteType> AddableType(v1::Route::Type type);
// The number of a table that may be written; 0 is the main one's.
absl::StatusOr<uint32_t> ParseTable(uint32_t table);
absl::StatusOr<netstack::MacAddress> ParseMac(std::string_view field, std::string_view text);

// The interface named in a request's `interface` field.
absl::StatusOr<netstack::InterfaceInfo> FindInterface(const netstack::Stack& stack,
                                                      std::string_view name);

// A route to add: what the request leaves out is completed as `ip route add` and the kernel would
// (interface from the gateway, scope, protocol, IPv6's metric of 1024).
absl::StatusOr<netstack::RouteInfo> RouteToAdd(const netstack::Stack& stack,
                                               const v1::Route& request);

// The first route of the stack that has the request's destination and agrees with every field that
// the request sets.
absl::StatusOr<netstack::RouteInfo> FindRoute(const netstack::Stack& stack,
                                              const v1::Route& request);

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_CONTROL_STACK_FROM_PROTO_H_
