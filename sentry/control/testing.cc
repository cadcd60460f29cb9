#include "sentry/control/testing.h"

#include <fcntl.h>
#include <grpcpp/create_channel_posix.h>
#include <sys/socket.h>
#include <unistd.h>

namespace moat::sentry {

ControlTest::ControlTest(absl::Duration idle)
    : stack_({.clock = &clock_, .random = &random_}),
      access_(&stack_),
      server_({.id = "web", .owner = getuid(), .idle = idle}, &access_) {
  EXPECT_TRUE(stack_
                  .AddInterface({.index = 2,
                                 .name = "eth0",
                                 .mac = {{0x02, 0x42, 0xac, 0x11, 0x00, 0x02}},
                                 .link = &link_})
                  .ok());
  EXPECT_TRUE(stack_.AddAddress(2, *netstack::Prefix::Parse("192.0.2.2/24"), {}).ok());
  netstack::AddressOptions no_dad;
  no_dad.no_dad = true;
  EXPECT_TRUE(stack_.AddAddress(2, *netstack::Prefix::Parse("2001:db8::2/64"), no_dad).ok());
}

std::unique_ptr<v1::Sandbox::Stub> ControlTest::NewClient() {
  int ends[2];
  EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
  const absl::Status status = server_.OnConnection(ends[0]);
  EXPECT_TRUE(status.ok()) << status;
  return v1::Sandbox::NewStub(grpc::CreateInsecureChannelFromFd("sandbox", ends[1]));
}

v1::Sandbox::Stub& ControlTest::client() {
  if (client_ == nullptr) client_ = NewClient();
  return *client_;
}

grpc::Status ControlTest::AddRoute(const v1::Route& route, bool replace) {
  v1::AddRouteRequest request;
  *request.mutable_route() = route;
  request.set_replace(replace);
  v1::AddRouteResponse response;
  return Call(&v1::Sandbox::Stub::AddRoute, request, &response);
}

grpc::Status ControlTest::RemoveRoute(const v1::Route& route) {
  v1::RemoveRouteRequest request;
  *request.mutable_route() = route;
  v1::RemoveRouteResponse response;
  return Call(&v1::Sandbox::Stub::RemoveRoute, request, &response);
}

}  // namespace moat::sentry
