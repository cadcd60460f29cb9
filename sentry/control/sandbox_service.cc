#include "sentry/control/sandbox_service.h"

#include <unistd.h>

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "sentry/control/advertisement_config.h"
#include "sentry/control/changes.h"
#include "sentry/control/policy_config.h"
#include "sentry/control/proto_from_stack.h"
#include "sentry/control/rule_config.h"
#include "sentry/control/stack_from_proto.h"
#include "sentry/control/watch.h"

namespace moat::sentry {
namespace {

using netstack::Stack;

// absl's codes are gRPC's.
grpc::Status ToGrpc(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), std::string(status.message()));
}

template <typename Request>
grpc::Status Change(StackAccess* access, const Request& request) {
  absl::Status status;
  access->Change([&](Stack& stack) { status = Apply(stack, request); });
  return ToGrpc(status);
}

// A list call may name one interface. Sets `*index` to it, or to 0 for all.
absl::Status InterfaceFilter(const Stack& stack, const std::string& name,
                             netstack::InterfaceIndex* index) {
  *index = 0;
  if (name.empty()) return absl::OkStatus();
  absl::StatusOr<netstack::InterfaceInfo> interface = FindInterface(stack, name);
  if (!interface.ok()) return interface.status();
  *index = interface->index;
  return absl::OkStatus();
}

bool Selected(netstack::InterfaceIndex wanted, netstack::InterfaceIndex index) {
  return wanted == 0 || wanted == index;
}

netstack::Family FamilyOf(const netstack::AddressInfo& entry) {
  return entry.prefix.address.family();
}
netstack::Family FamilyOf(const netstack::RouteInfo& entry) {
  return entry.destination.address.family();
}
netstack::Family FamilyOf(const netstack::NeighborInfo& entry) { return entry.address.family(); }

// Whether an entry is of the table that the request names, where there are tables.
template <typename Request, typename Entry>
bool InTable(const Request&, const Entry&) {
  return true;
}
bool InTable(const v1::ListRoutesRequest& request, const netstack::RouteInfo& route) {
  const uint32_t wanted = request.table() == 0 ? netstack::kMainTable : request.table();
  return request.all_tables() || route.table == wanted;
}

// Adds to `out` what `list` has of the interface, the family and the table that the request names.
template <typename Request, typename Entry, typename Message>
absl::Status List(StackAccess* access, const Request& request,
                  std::vector<Entry> (Stack::*list)() const,
                  google::protobuf::RepeatedPtrField<Message>* out) {
  absl::Status status;
  access->Read([&](Stack& stack) {
    netstack::InterfaceIndex only;
    status = InterfaceFilter(stack, request.interface(), &only);
    if (!status.ok()) return;
    const InterfaceNames names = NamesOf(stack);
    for (const Entry& entry : (stack.*list)()) {
      if (!Selected(only, entry.interface)) continue;
      if (!Matches(request.family(), FamilyOf(entry)) || !InTable(request, entry)) continue;
      *out->Add() = ToProto(entry, names);
    }
  });
  return status;
}

}  // namespace

SandboxService::SandboxService(std::string id, absl::Time started, StackAccess* stack)
    : id_(std::move(id)), started_(started), stack_(stack) {}

grpc::Status SandboxService::GetInfo(grpc::ServerContext*, const v1::GetInfoRequest*,
                                     v1::GetInfoResponse* response) {
  response->set_id(id_);
  response->set_sentry_pid(getpid());
  response->set_uptime_ms(static_cast<uint64_t>(absl::ToInt64Milliseconds(absl::Now() - started_)));
  return grpc::Status::OK;
}

grpc::Status SandboxService::ListInterfaces(grpc::ServerContext*,
                                            const v1::ListInterfacesRequest* request,
                                            v1::ListInterfacesResponse* response) {
  absl::Status status;
  stack_->Read([&](Stack& stack) {
    netstack::InterfaceIndex only;
    status = InterfaceFilter(stack, request->interface(), &only);
    if (!status.ok()) return;
    const InterfaceNames names = NamesOf(stack);
    const std::vector<netstack::AddressInfo> addresses = stack.Addresses();
    for (const netstack::InterfaceInfo& info : stack.Interfaces()) {
      if (!Selected(only, info.index)) continue;
      v1::Interface* interface = response->add_interfaces();
      *interface = ToProto(info);
      for (const netstack::AddressInfo& address : addresses) {
        if (address.interface == info.index) *interface->add_addresses() = ToProto(address, names);
      }
    }
  });
  std::sort(response->mutable_interfaces()->begin(), response->mutable_interfaces()->end(),
            [](const v1::Interface& a, const v1::Interface& b) { return a.index() < b.index(); });
  return ToGrpc(status);
}

grpc::Status SandboxService::ListAddresses(grpc::ServerContext*,
                                           const v1::ListAddressesRequest* request,
                                           v1::ListAddressesResponse* response) {
  const absl::Status status =
      List(stack_, *request, &Stack::Addresses, response->mutable_addresses());
  std::stable_sort(response->mutable_addresses()->begin(), response->mutable_addresses()->end(),
                   [](const v1::InterfaceAddress& a, const v1::InterfaceAddress& b) {
                     return a.interface_index() < b.interface_index();
                   });
  return ToGrpc(status);
}

grpc::Status SandboxService::ListRoutes(grpc::ServerContext*, const v1::ListRoutesRequest* request,
                                        v1::ListRoutesResponse* response) {
  return ToGrpc(List(stack_, *request, &Stack::Routes, response->mutable_routes()));
}

grpc::Status SandboxService::ListRules(grpc::ServerContext*, const v1::ListRulesRequest* request,
                                       v1::ListRulesResponse* response) {
  stack_->Read([&](const Stack& stack) {
    for (const netstack::RuleInfo& rule : stack.Rules()) {
      if (rule.family && !Matches(request->family(), *rule.family)) continue;
      *response->add_rules() = ToProto(rule);
    }
  });
  return grpc::Status::OK;
}

grpc::Status SandboxService::ListRouterAdvertisements(
    grpc::ServerContext*, const v1::ListRouterAdvertisementsRequest* request,
    v1::ListRouterAdvertisementsResponse* response) {
  absl::Status status;
  stack_->Read([&](const Stack& stack) {
    netstack::InterfaceIndex only;
    status = InterfaceFilter(stack, request->interface(), &only);
    if (!status.ok()) return;
    const InterfaceNames names = NamesOf(stack);
    for (const netstack::RouterAdvertisementInfo& info : stack.RouterAdvertisements()) {
      if (Selected(only, info.interface)) *response->add_advertisements() = ToProto(info, names);
    }
  });
  return ToGrpc(status);
}

grpc::Status SandboxService::ListNeighbors(grpc::ServerContext*,
                                           const v1::ListNeighborsRequest* request,
                                           v1::ListNeighborsResponse* response) {
  return ToGrpc(List(stack_, *request, &Stack::Neighbors, response->mutable_neighbors()));
}

grpc::Status SandboxService::ListAddressPolicies(grpc::ServerContext*,
                                                 const v1::ListAddressPoliciesRequest*,
                                                 v1::ListAddressPoliciesResponse* response) {
  stack_->Read([&](const Stack& stack) {
    for (const netstack::AddressPolicy& policy : stack.AddressPolicies()) {
      *response->add_policies() = ToProto(policy);
    }
  });
  return grpc::Status::OK;
}

grpc::Status SandboxService::GetCounters(grpc::ServerContext*, const v1::GetCountersRequest*,
                                         v1::GetCountersResponse* response) {
  std::map<std::string, uint64_t> counters;
  stack_->Read([&](Stack& stack) { counters = stack.Counters(); });
  for (const auto& [name, value] : counters) {
    v1::Counter* counter = response->add_counters();
    counter->set_name(name);
    counter->set_value(value);
  }
  return grpc::Status::OK;
}

grpc::Status SandboxService::ListSockets(grpc::ServerContext*,
                                         const v1::ListSocketsRequest* request,
                                         grpc::ServerWriter<v1::Socket>* writer) {
  const std::vector<netstack::SocketInfo> sockets = stack_->ListSockets();
  InterfaceNames names;
  stack_->Read([&](Stack& stack) { names = NamesOf(stack); });
  const auto& protocols = request->protocols();
  for (const netstack::SocketInfo& info : sockets) {
    if (!Matches(request->family(), info.family)) continue;
    const v1::Socket socket = ToProto(info, names);
    const bool wanted = protocols.empty() || std::count(protocols.begin(), protocols.end(),
                                                        static_cast<int>(socket.protocol())) > 0;
    if (wanted && !writer->Write(socket)) break;
  }
  return grpc::Status::OK;
}

grpc::Status SandboxService::Watch(grpc::ServerContext* context, const v1::WatchRequest* request,
                                   grpc::ServerWriter<v1::Event>* writer) {
  const auto leave = absl::MakeCleanup([this] { watchers_.fetch_sub(1); });
  if (watchers_.fetch_add(1) >= kMaxWatchers) {
    return ToGrpc(absl::ResourceExhaustedError("too many clients watch this sandbox"));
  }
  sentry::Watch watch(stack_, *request);
  return ToGrpc(watch.Run([context] { return context->IsCancelled(); },
                          [writer](const v1::Event& event) { return writer->Write(event); }));
}

grpc::Status SandboxService::SetInterface(grpc::ServerContext*,
                                          const v1::SetInterfaceRequest* request,
                                          v1::SetInterfaceResponse*) {
  return Change(stack_, *request);
}

grpc::Status SandboxService::AddAddress(grpc::ServerContext*, const v1::AddAddressRequest* request,
                                        v1::AddAddressResponse*) {
  return Change(stack_, *request);
}

grpc::Status SandboxService::RemoveAddress(grpc::ServerContext*,
                                           const v1::RemoveAddressRequest* request,
                                           v1::RemoveAddressResponse*) {
  return Change(stack_, *request);
}

grpc::Status SandboxService::AddRoute(grpc::ServerContext*, const v1::AddRouteRequest* request,
                                      v1::AddRouteResponse*) {
  return Change(stack_, *request);
}

grpc::Status SandboxService::RemoveRoute(grpc::ServerContext*,
                                         const v1::RemoveRouteRequest* request,
                                         v1::RemoveRouteResponse*) {
  return Change(stack_, *request);
}

grpc::Status SandboxService::AddRule(grpc::ServerContext*, const v1::AddRuleRequest* request,
                                     v1::AddRuleResponse*) {
  return Change(stack_, *request);
}

grpc::Status SandboxService::RemoveRule(grpc::ServerContext*, const v1::RemoveRuleRequest* request,
                                        v1::RemoveRuleResponse*) {
  return Change(stack_, *request);
}

grpc::Status SandboxService::SetRouterAdvertisement(
    grpc::ServerContext*, const v1::SetRouterAdvertisementRequest* request,
    v1::SetRouterAdvertisementResponse*) {
  return Change(stack_, *request);
}

grpc::Status SandboxService::UnsetRouterAdvertisement(
    grpc::ServerContext*, const v1::UnsetRouterAdvertisementRequest* request,
    v1::UnsetRouterAdvertisementResponse*) {
  return Change(stack_, *request);
}

grpc::Status SandboxService::AddAddressPolicy(grpc::ServerContext*,
                                              const v1::AddAddressPolicyRequest* request,
                                              v1::AddAddressPolicyResponse*) {
  return Change(stack_, *request);
}

grpc::Status SandboxService::RemoveAddressPolicy(grpc::ServerContext*,
                                                 const v1::RemoveAddressPolicyRequest* request,
                                                 v1::RemoveAddressPolicyResponse*) {
  return Change(stack_, *request);
}

grpc::Status SandboxService::ResetAddressPolicies(grpc::ServerContext*,
                                                  const v1::ResetAddressPoliciesRequest* request,
                                                  v1::ResetAddressPoliciesResponse*) {
  return Change(stack_, *request);
}

grpc::Status SandboxService::AddNeighbor(grpc::ServerContext*,
                                         const v1::AddNeighborRequest* request,
                                         v1::AddNeighborResponse*) {
  return Change(stack_, *request);
}

grpc::Status SandboxService::RemoveNeighbor(grpc::ServerContext*,
                                            const v1::RemoveNeighborRequest* request,
                                            v1::RemoveNeighborResponse*) {
  return Change(stack_, *request);
}

grpc::Status SandboxService::FlushNeighbors(grpc::ServerContext*,
                                            const v1::FlushNeighborsRequest* request,
                                            v1::FlushNeighborsResponse* response) {
  absl::StatusOr<uint32_t> removed;
  stack_->Change([&](Stack& stack) { removed = Apply(stack, *request); });
  if (removed.ok()) response->set_removed(*removed);
  return ToGrpc(removed.status());
}

grpc::Status SandboxService::ListSysctls(grpc::ServerContext*,
                                         const v1::ListSysctlsRequest* request,
                                         v1::ListSysctlsResponse* response) {
  stack_->Read([&](const Stack& stack) {
    for (const std::string& name : stack.Sysctls()) {
      if (name.rfind(request->prefix(), 0) != 0) continue;
      v1::Sysctl* sysctl = response->add_sysctls();
      sysctl->set_name(name);
      (void)stack.GetSysctl(name, sysctl->mutable_value());
    }
  });
  return grpc::Status::OK;
}

grpc::Status SandboxService::SetSysctl(grpc::ServerContext*, const v1::SetSysctlRequest* request,
                                       v1::SetSysctlResponse*) {
  return Change(stack_, *request);
}

}  // namespace moat::sentry
