// A control service with fixed tables, behind one end of a socket pair: what moatctl prints can be
// compared to the letter, and what it asks for is kept.
#ifndef MOAT_CTL_FAKE_SANDBOX_H_
#define MOAT_CTL_FAKE_SANDBOX_H_

#include <fcntl.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/server_posix.h>
#include <sys/socket.h>

#include <memory>
#include <string>
#include <vector>

#include "moat/v1/sandbox.grpc.pb.h"

namespace moat::ctl {

class FakeSandbox final : public v1::Sandbox::Service {
 public:
  FakeSandbox() {
    grpc::ServerBuilder builder;
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  ~FakeSandbox() override { server_->Shutdown(); }

  // A client's end of a new connection.
  int Connect() {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) return -1;
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    grpc::AddInsecureChannelFromFd(server_.get(), ends[0]);
    return ends[1];
  }

  // The tables, and the last request of each kind.
  v1::ListInterfacesResponse interfaces;
  v1::ListRoutesResponse routes;
  v1::ListNeighborsResponse neighbors;
  v1::GetCountersResponse counters;
  std::vector<v1::Socket> sockets;
  std::vector<v1::Event> events;
  grpc::Status answer;  // to every change
  v1::SetInterfaceRequest set_interface;
  v1::AddAddressRequest add_address;
  v1::RemoveAddressRequest remove_address;
  v1::AddRouteRequest add_route;
  v1::RemoveRouteRequest remove_route;
  v1::ListRoutesRequest list_routes;
  v1::ListRulesResponse rules;
  v1::ListRouterAdvertisementsResponse advertisements;
  v1::AddRuleRequest add_rule;
  v1::RemoveRuleRequest remove_rule;
  v1::SetRouterAdvertisementRequest set_advertisement;
  v1::UnsetRouterAdvertisementRequest unset_advertisement;
  v1::ListAddressPoliciesResponse policies;
  v1::AddAddressPolicyRequest add_policy;
  v1::RemoveAddressPolicyRequest remove_policy;
  int policy_resets = 0;
  v1::AddNeighborRequest add_neighbor;
  v1::RemoveNeighborRequest remove_neighbor;
  v1::FlushNeighborsRequest flush_neighbors;
  v1::WatchRequest watch;
  v1::SetSysctlRequest set_sysctl;

  using Context = grpc::ServerContext;
  grpc::Status ListSysctls(Context*, const v1::ListSysctlsRequest* request,
                           v1::ListSysctlsResponse* reply) override {
    if (request->prefix() == "no") return grpc::Status::OK;
    v1::Sysctl* sysctl = reply->add_sysctls();
    sysctl->set_name("ipv4.ip_default_ttl");
    sysctl->set_value("64");
    return grpc::Status::OK;
  }
  grpc::Status SetSysctl(Context*, const v1::SetSysctlRequest* request,
                         v1::SetSysctlResponse*) override {
    set_sysctl = *request;
    return answer;
  }
  grpc::Status GetInfo(Context*, const v1::GetInfoRequest*, v1::GetInfoResponse* reply) override {
    reply->set_id("web");
    reply->set_sentry_pid(42);
    reply->set_uptime_ms(1500);
    return grpc::Status::OK;
  }
  grpc::Status ListInterfaces(Context*, const v1::ListInterfacesRequest*,
                              v1::ListInterfacesResponse* reply) override {
    *reply = interfaces;
    return grpc::Status::OK;
  }
  grpc::Status ListRoutes(Context*, const v1::ListRoutesRequest* request,
                          v1::ListRoutesResponse* reply) override {
    list_routes = *request;
    for (const v1::Route& route : routes.routes()) {
      const bool v6 = route.destination().find(':') != std::string::npos;
      if (v6 == (request->family() == v1::FAMILY_IPV6)) *reply->add_routes() = route;
    }
    return grpc::Status::OK;
  }
  grpc::Status ListNeighbors(Context*, const v1::ListNeighborsRequest*,
                             v1::ListNeighborsResponse* reply) override {
    *reply = neighbors;
    return grpc::Status::OK;
  }
  grpc::Status GetCounters(Context*, const v1::GetCountersRequest*,
                           v1::GetCountersResponse* reply) override {
    *reply = counters;
    return grpc::Status::OK;
  }
  grpc::Status ListSockets(Context*, const v1::ListSocketsRequest*,
                           grpc::ServerWriter<v1::Socket>* writer) override {
    for (const v1::Socket& socket : sockets) writer->Write(socket);
    return grpc::Status::OK;
  }
  grpc::Status Watch(Context*, const v1::WatchRequest* request,
                     grpc::ServerWriter<v1::Event>* writer) override {
    watch = *request;
    for (const v1::Event& event : events) writer->Write(event);
    return grpc::Status(grpc::StatusCode::UNAVAILABLE, "going down");
  }
  grpc::Status SetInterface(Context*, const v1::SetInterfaceRequest* request,
                            v1::SetInterfaceResponse*) override {
    set_interface = *request;
    return answer;
  }
  grpc::Status AddAddress(Context*, const v1::AddAddressRequest* request,
                          v1::AddAddressResponse*) override {
    add_address = *request;
    return answer;
  }
  grpc::Status RemoveAddress(Context*, const v1::RemoveAddressRequest* request,
                             v1::RemoveAddressResponse*) override {
    remove_address = *request;
    return answer;
  }
  grpc::Status AddRoute(Context*, const v1::AddRouteRequest* request,
                        v1::AddRouteResponse*) override {
    add_route = *request;
    return answer;
  }
  grpc::Status RemoveRoute(Context*, const v1::RemoveRouteRequest* request,
                           v1::RemoveRouteResponse*) override {
    remove_route = *request;
    return answer;
  }
  grpc::Status ListRules(Context*, const v1::ListRulesRequest*,
                         v1::ListRulesResponse* reply) override {
    *reply = rules;
    return grpc::Status::OK;
  }
  grpc::Status AddRule(Context*, const v1::AddRuleRequest* request,
                       v1::AddRuleResponse*) override {
    add_rule = *request;
    return answer;
  }
  grpc::Status RemoveRule(Context*, const v1::RemoveRuleRequest* request,
                          v1::RemoveRuleResponse*) override {
    remove_rule = *request;
    return answer;
  }
  grpc::Status ListRouterAdvertisements(
      Context*, const v1::ListRouterAdvertisementsRequest*,
      v1::ListRouterAdvertisementsResponse* reply) override {
    *reply = advertisements;
    return grpc::Status::OK;
  }
  grpc::Status SetRouterAdvertisement(Context*, const v1::SetRouterAdvertisementRequest* request,
                                      v1::SetRouterAdvertisementResponse*) override {
    set_advertisement = *request;
    return answer;
  }
  grpc::Status UnsetRouterAdvertisement(Context*,
                                        const v1::UnsetRouterAdvertisementRequest* request,
                                        v1::UnsetRouterAdvertisementResponse*) override {
    unset_advertisement = *request;
    return answer;
  }
  grpc::Status ListAddressPolicies(Context*, const v1::ListAddressPoliciesRequest*,
                                   v1::ListAddressPoliciesResponse* reply) override {
    *reply = policies;
    return grpc::Status::OK;
  }
  grpc::Status AddAddressPolicy(Context*, const v1::AddAddressPolicyRequest* request,
                                v1::AddAddressPolicyResponse*) override {
    add_policy = *request;
    return answer;
  }
  grpc::Status RemoveAddressPolicy(Context*, const v1::RemoveAddressPolicyRequest* request,
                                   v1::RemoveAddressPolicyResponse*) override {
    remove_policy = *request;
    return answer;
  }
  grpc::Status ResetAddressPolicies(Context*, const v1::ResetAddressPoliciesRequest*,
                                    v1::ResetAddressPoliciesResponse*) override {
    ++policy_resets;
    return answer;
  }
  grpc::Status AddNeighbor(Context*, const v1::AddNeighborRequest* request,
                           v1::AddNeighborResponse*) override {
    add_neighbor = *request;
    return answer;
  }
  grpc::Status RemoveNeighbor(Context*, const v1::RemoveNeighborRequest* request,
                              v1::RemoveNeighborResponse*) override {
    remove_neighbor = *request;
    return answer;
  }
  grpc::Status FlushNeighbors(Context*, const v1::FlushNeighborsRequest* request,
                              v1::FlushNeighborsResponse*) override {
    flush_neighbors = *request;
    return answer;
  }

 private:
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace moat::ctl

#endif  // MOAT_CTL_FAKE_SANDBOX_H_
