// The calls of moat.v1.Sandbox, answered from the stack. Thread-safe: each call takes the stack's
// lock through StackAccess for as long as it copies or changes, never while it waits for a client.
#ifndef MOAT_SENTRY_CONTROL_SANDBOX_SERVICE_H_
#define MOAT_SENTRY_CONTROL_SANDBOX_SERVICE_H_

#include <atomic>
#include <string>

#include "absl/time/time.h"
#include "moat/v1/sandbox.grpc.pb.h"
#include "sentry/control/stack_access.h"

namespace moat::sentry {

class SandboxService final : public v1::Sandbox::Service {
 public:
  // Each watcher holds a thread.
  static constexpr int kMaxWatchers = 16;

  // `stack` is borrowed. `started` is what the uptime counts from.
  SandboxService(std::string id, absl::Time started, StackAccess* stack);

  grpc::Status GetInfo(grpc::ServerContext* context, const v1::GetInfoRequest* request,
                       v1::GetInfoResponse* response) override;

  grpc::Status ListInterfaces(grpc::ServerContext* context,
                              const v1::ListInterfacesRequest* request,
                              v1::ListInterfacesResponse* response) override;
  grpc::Status ListAddresses(grpc::ServerContext* context, const v1::ListAddressesRequest* request,
                             v1::ListAddressesResponse* response) override;
  grpc::Status ListRoutes(grpc::ServerContext* context, const v1::ListRoutesRequest* request,
                          v1::ListRoutesResponse* response) override;
  grpc::Status ListRules(grpc::ServerContext* context, const v1::ListRulesRequest* request,
                         v1::ListRulesResponse* response) override;
  grpc::Status ListRouterAdvertisements(grpc::ServerContext* context,
                                        const v1::ListRouterAdvertisementsRequest* request,
                                        v1::ListRouterAdvertisementsResponse* response) override;
  grpc::Status ListNeighbors(grpc::ServerContext* context, const v1::ListNeighborsRequest* request,
                             v1::ListNeighborsResponse* response) override;
  grpc::Status ListAddressPolicies(grpc::ServerContext* context,
                                   const v1::ListAddressPoliciesRequest* request,
                                   v1::ListAddressPoliciesResponse* response) override;
  grpc::Status GetCounters(grpc::ServerContext* context, const v1::GetCountersRequest* request,
                           v1::GetCountersResponse* response) override;
  grpc::Status ListSockets(grpc::ServerContext* context, const v1::ListSocketsRequest* request,
                           grpc::ServerWriter<v1::Socket>* writer) override;
  grpc::Status Watch(grpc::ServerContext* context, const v1::WatchRequest* request,
                     grpc::ServerWriter<v1::Event>* writer) override;

  grpc::Status SetInterface(grpc::ServerContext* context, const v1::SetInterfaceRequest* request,
                            v1::SetInterfaceResponse* response) override;
  grpc::Status AddAddress(grpc::ServerContext* context, const v1::AddAddressRequest* request,
                          v1::AddAddressResponse* response) override;
  grpc::Status RemoveAddress(grpc::ServerContext* context, const v1::RemoveAddressRequest* request,
                             v1::RemoveAddressResponse* response) override;
  grpc::Status AddRoute(grpc::ServerContext* context, const v1::AddRouteRequest* request,
                        v1::AddRouteResponse* response) override;
  grpc::Status RemoveRoute(grpc::ServerContext* context, const v1::RemoveRouteRequest* request,
                           v1::RemoveRouteResponse* response) override;
  grpc::Status AddRule(grpc::ServerContext* context, const v1::AddRuleRequest* request,
                       v1::AddRuleResponse* response) override;
  grpc::Status RemoveRule(grpc::ServerContext* context, const v1::RemoveRuleRequest* request,
                          v1::RemoveRuleResponse* response) override;
  grpc::Status SetRouterAdvertisement(grpc::ServerContext* context,
                                      const v1::SetRouterAdvertisementRequest* request,
                                      v1::SetRouterAdvertisementResponse* response) override;
  grpc::Status UnsetRouterAdvertisement(grpc::ServerContext* context,
                                        const v1::UnsetRouterAdvertisementRequest* request,
                                        v1::UnsetRouterAdvertisementResponse* response) override;
  grpc::Status AddAddressPolicy(grpc::ServerContext* context,
                                const v1::AddAddressPolicyRequest* request,
                                v1::AddAddressPolicyResponse* response) override;
  grpc::Status RemoveAddressPolicy(grpc::ServerContext* context,
                                   const v1::RemoveAddressPolicyRequest* request,
                                   v1::RemoveAddressPolicyResponse* response) override;
  grpc::Status ResetAddressPolicies(grpc::ServerContext* context,
                                    const v1::ResetAddressPoliciesRequest* request,
                                    v1::ResetAddressPoliciesResponse* response) override;
  grpc::Status AddNeighbor(grpc::ServerContext* context, const v1::AddNeighborRequest* request,
                           v1::AddNeighborResponse* response) override;
  grpc::Status RemoveNeighbor(grpc::ServerContext* context,
                              const v1::RemoveNeighborRequest* request,
                              v1::RemoveNeighborResponse* response) override;
  grpc::Status FlushNeighbors(grpc::ServerContext* context,
                              const v1::FlushNeighborsRequest* request,
                              v1::FlushNeighborsResponse* response) override;
  grpc::Status ListSysctls(grpc::ServerContext* context, const v1::ListSysctlsRequest* request,
                           v1::ListSysctlsResponse* response) override;
  grpc::Status SetSysctl(grpc::ServerContext* context, const v1::SetSysctlRequest* request,
                         v1::SetSysctlResponse* response) override;

 private:
  const std::string id_;
  const absl::Time started_;
  StackAccess* const stack_;
  std::atomic<int> watchers_{0};
};

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_CONTROL_SANDBOX_SERVICE_H_
