#include "sentry/control/sandbox_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "sentry/control/testing.h"

namespace moat::sentry {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Not;

class SandboxServiceTest : public ControlTest {
 protected:
  std::vector<std::string> Addresses(v1::Family family = v1::FAMILY_ANY) {
    v1::ListAddressesRequest request;
    request.set_interface("eth0");
    request.set_family(family);
    v1::ListAddressesResponse response;
    EXPECT_TRUE(Call(&v1::Sandbox::Stub::ListAddresses, request, &response).ok());
    std::vector<std::string> prefixes;
    for (const auto& address : response.addresses()) prefixes.push_back(address.prefix());
    return prefixes;
  }

  std::vector<v1::Route> Routes(const std::string& destination) {
    v1::ListRoutesResponse response;
    EXPECT_TRUE(Call(&v1::Sandbox::Stub::ListRoutes, v1::ListRoutesRequest(), &response).ok());
    std::vector<v1::Route> routes;
    for (const auto& route : response.routes()) {
      if (route.destination() == destination) routes.push_back(route);
    }
    return routes;
  }

  grpc::Status AddAddress(const std::string& interface, const std::string& prefix) {
    v1::AddAddressRequest request;
    request.set_interface(interface);
    request.set_prefix(prefix);
    v1::AddAddressResponse response;
    return Call(&v1::Sandbox::Stub::AddAddress, request, &response);
  }

  grpc::Status SetMtu(uint32_t mtu) {
    v1::SetInterfaceRequest request;
    request.set_interface("eth0");
    request.set_mtu_bytes(mtu);
    v1::SetInterfaceResponse response;
    return Call(&v1::Sandbox::Stub::SetInterface, request, &response);
  }

  v1::Interface Eth0() {
    v1::ListInterfacesRequest request;
    request.set_interface("eth0");
    v1::ListInterfacesResponse response;
    EXPECT_TRUE(Call(&v1::Sandbox::Stub::ListInterfaces, request, &response).ok());
    EXPECT_EQ(response.interfaces_size(), 1);
    return response.interfaces_size() == 1 ? response.interfaces(0) : v1::Interface();
  }

  grpc::Status AddNeighbor(const std::string& address, const std::string& mac,
                           bool replace = false) {
    v1::AddNeighborRequest request;
    request.set_interface("eth0");
    request.set_address(address);
    request.set_hardware_address(mac);
    request.set_replace(replace);
    v1::AddNeighborResponse response;
    return Call(&v1::Sandbox::Stub::AddNeighbor, request, &response);
  }

  std::vector<v1::Neighbor> Neighbors(v1::Family family = v1::FAMILY_ANY) {
    v1::ListNeighborsRequest request;
    request.set_family(family);
    v1::ListNeighborsResponse response;
    EXPECT_TRUE(Call(&v1::Sandbox::Stub::ListNeighbors, request, &response).ok());
    return {response.neighbors().begin(), response.neighbors().end()};
  }

  std::vector<v1::Socket> Sockets(const v1::ListSocketsRequest& request) {
    grpc::ClientContext context;
    const auto reader = client().ListSockets(&context, request);
    std::vector<v1::Socket> sockets;
    v1::Socket socket;
    while (reader->Read(&socket)) sockets.push_back(socket);
    EXPECT_TRUE(reader->Finish().ok());
    return sockets;
  }
};

MATCHER_P2(FailsWith, code, text, "") {
  *result_listener << arg.error_code() << ": " << arg.error_message();
  return arg.error_code() == code && arg.error_message().find(text) != std::string::npos;
}

TEST_F(SandboxServiceTest, InfoNamesTheSandbox) {
  v1::GetInfoResponse response;
  ASSERT_TRUE(Call(&v1::Sandbox::Stub::GetInfo, v1::GetInfoRequest(), &response).ok());
  EXPECT_EQ(response.id(), "web");
  EXPECT_GT(response.sentry_pid(), 0);
}

TEST_F(SandboxServiceTest, InterfacesComeByIndexWithTheirAddresses) {
  v1::ListInterfacesResponse response;
  ASSERT_TRUE(
      Call(&v1::Sandbox::Stub::ListInterfaces, v1::ListInterfacesRequest(), &response).ok());
  ASSERT_EQ(response.interfaces_size(), 2);
  EXPECT_EQ(response.interfaces(0).index(), 1);
  EXPECT_TRUE(response.interfaces(0).loopback());
  const v1::Interface& eth0 = response.interfaces(1);
  EXPECT_EQ(eth0.name(), "eth0");
  EXPECT_EQ(eth0.mtu_bytes(), 1500u);
  EXPECT_TRUE(eth0.up());
  EXPECT_TRUE(eth0.carrier());
  EXPECT_EQ(eth0.hardware_address(), "02:42:ac:11:00:02");
  std::vector<std::string> prefixes;
  for (const auto& address : eth0.addresses()) prefixes.push_back(address.prefix());
  EXPECT_THAT(prefixes, AllOf(Contains("192.0.2.2/24"), Contains("2001:db8::2/64")));
}

TEST_F(SandboxServiceTest, AnUnknownInterfaceIsNotFound) {
  v1::ListInterfacesRequest request;
  request.set_interface("eth9");
  v1::ListInterfacesResponse response;
  EXPECT_THAT(Call(&v1::Sandbox::Stub::ListInterfaces, request, &response),
              FailsWith(grpc::NOT_FOUND, "Cannot find device \"eth9\""));
  EXPECT_THAT(AddAddress("eth9", "192.0.2.9/24"), FailsWith(grpc::NOT_FOUND, "eth9"));
}

TEST_F(SandboxServiceTest, AddressesOfOneFamily) {
  EXPECT_THAT(Addresses(v1::FAMILY_IPV4),
              AllOf(Contains("192.0.2.2/24"), Not(Contains("2001:db8::2/64"))));
  EXPECT_THAT(Addresses(v1::FAMILY_IPV6), Contains("2001:db8::2/64"));
}

TEST_F(SandboxServiceTest, AnAddressBringsAndTakesItsRoute) {
  ASSERT_TRUE(AddAddress("eth0", "198.51.100.7/24").ok());
  EXPECT_THAT(Addresses(), Contains("198.51.100.7/24"));
  ASSERT_EQ(Routes("198.51.100.0/24").size(), 1u);
  EXPECT_EQ(Routes("198.51.100.0/24")[0].interface(), "eth0");
  v1::RemoveAddressRequest request;
  request.set_interface("eth0");
  request.set_prefix("198.51.100.7/24");
  v1::RemoveAddressResponse response;
  ASSERT_TRUE(Call(&v1::Sandbox::Stub::RemoveAddress, request, &response).ok());
  EXPECT_THAT(Addresses(), Not(Contains("198.51.100.7/24")));
  EXPECT_TRUE(Routes("198.51.100.0/24").empty());
  EXPECT_EQ(Call(&v1::Sandbox::Stub::RemoveAddress, request, &response).error_code(),
            grpc::NOT_FOUND);
}

TEST_F(SandboxServiceTest, BadAddressesAreNamed) {
  EXPECT_THAT(AddAddress("", "192.0.2.9/24"), FailsWith(grpc::INVALID_ARGUMENT, "interface"));
  EXPECT_THAT(AddAddress("eth0", "nonsense"),
              FailsWith(grpc::INVALID_ARGUMENT, "prefix: \"nonsense\""));
  EXPECT_THAT(AddAddress("eth0", "192.0.2.9/33"), FailsWith(grpc::INVALID_ARGUMENT, "prefix"));
  EXPECT_THAT(AddAddress("eth0", "224.0.0.1/24"), FailsWith(grpc::INVALID_ARGUMENT, "prefix"));
  EXPECT_THAT(AddAddress("eth0", "0.0.0.0/24"), FailsWith(grpc::INVALID_ARGUMENT, "prefix"));
  EXPECT_THAT(AddAddress("eth0", "::ffff:192.0.2.1/128"),
              FailsWith(grpc::INVALID_ARGUMENT, "prefix"));
  EXPECT_EQ(AddAddress("eth0", "192.0.2.2/24").error_code(), grpc::ALREADY_EXISTS);
}

TEST_F(SandboxServiceTest, AGatewaySaysTheInterface) {
  v1::Route route;
  route.set_destination("203.0.113.0/24");
  route.set_gateway("192.0.2.1");
  ASSERT_TRUE(AddRoute(route).ok());
  const auto routes = Routes("203.0.113.0/24");
  ASSERT_EQ(routes.size(), 1u);
  EXPECT_EQ(routes[0].interface(), "eth0");
  EXPECT_EQ(routes[0].gateway(), "192.0.2.1");
  EXPECT_EQ(routes[0].protocol(), 3u);
  EXPECT_EQ(routes[0].scope(), 0u);
  ASSERT_TRUE(RemoveRoute(route).ok());
  EXPECT_TRUE(Routes("203.0.113.0/24").empty());
  EXPECT_THAT(RemoveRoute(route), FailsWith(grpc::NOT_FOUND, "203.0.113.0/24"));
}

TEST_F(SandboxServiceTest, Ipv6RoutesHaveTheKernelsMetric) {
  v1::Route route;
  route.set_destination("::/0");
  route.set_gateway("2001:db8::1");
  ASSERT_TRUE(AddRoute(route).ok());
  ASSERT_EQ(Routes("::/0").size(), 1u);
  EXPECT_EQ(Routes("::/0")[0].metric(), 1024u);
}

TEST_F(SandboxServiceTest, OnLinkRoutesAndRoutesThatRefuse) {
  v1::Route on_link;
  on_link.set_destination("203.0.113.0/24");
  on_link.set_interface("eth0");
  on_link.set_source("192.0.2.2");
  ASSERT_TRUE(AddRoute(on_link).ok());
  ASSERT_EQ(Routes("203.0.113.0/24").size(), 1u);
  EXPECT_EQ(Routes("203.0.113.0/24")[0].scope(), 253u);
  EXPECT_EQ(Routes("203.0.113.0/24")[0].source(), "192.0.2.2");

  v1::Route refused;
  refused.set_destination("203.0.113.128/25");
  refused.set_type(v1::Route::TYPE_PROHIBIT);
  ASSERT_TRUE(AddRoute(refused).ok());
  ASSERT_EQ(Routes("203.0.113.128/25").size(), 1u);
  EXPECT_EQ(Routes("203.0.113.128/25")[0].type(), v1::Route::TYPE_PROHIBIT);
}

TEST_F(SandboxServiceTest, AddRefusesWhatIsThereAndReplaceTakesItsPlace) {
  v1::Route route;
  route.set_destination("203.0.113.0/24");
  route.set_gateway("192.0.2.1");
  route.set_metric(5);
  ASSERT_TRUE(AddRoute(route).ok());
  EXPECT_EQ(AddRoute(route).error_code(), grpc::ALREADY_EXISTS);
  route.set_gateway("192.0.2.254");
  ASSERT_TRUE(AddRoute(route, /*replace=*/true).ok());
  const auto routes = Routes("203.0.113.0/24");
  ASSERT_EQ(routes.size(), 1u);
  EXPECT_EQ(routes[0].gateway(), "192.0.2.254");
}

TEST_F(SandboxServiceTest, RemoveTakesTheRouteThatAgrees) {
  v1::Route near;
  near.set_destination("203.0.113.0/24");
  near.set_gateway("192.0.2.1");
  near.set_metric(5);
  v1::Route far = near;
  far.set_gateway("192.0.2.254");
  far.set_metric(9);
  ASSERT_TRUE(AddRoute(near).ok());
  ASSERT_TRUE(AddRoute(far).ok());
  v1::Route wanted;
  wanted.set_destination("203.0.113.0/24");
  wanted.set_metric(9);
  ASSERT_TRUE(RemoveRoute(wanted).ok());
  ASSERT_EQ(Routes("203.0.113.0/24").size(), 1u);
  EXPECT_EQ(Routes("203.0.113.0/24")[0].gateway(), "192.0.2.1");
}

TEST_F(SandboxServiceTest, BadRoutesAreNamed) {
  const auto expect_bad = [this](const v1::Route& route, const char* text) {
    EXPECT_THAT(AddRoute(route), FailsWith(grpc::INVALID_ARGUMENT, text));
  };
  v1::Route route;
  expect_bad(route, "destination");
  route.set_destination("203.0.113.1/24");
  expect_bad(route, "destination: \"203.0.113.1/24\" has bits set");
  route.set_destination("203.0.113.0/24");
  expect_bad(route, "a route needs a gateway or an interface");
  route.set_gateway("2001:db8::1");
  expect_bad(route, "gateway: \"2001:db8::1\" is not of the destination's family");
  route.set_gateway("10.9.9.9");
  expect_bad(route, "gateway: \"10.9.9.9\" is on no connected network");
  route.set_gateway("192.0.2.1");
  route.set_source("192.0.2.77");
  expect_bad(route, "source: \"192.0.2.77\" is not an address of the sandbox");
  route.clear_source();
  route.set_protocol(256);
  expect_bad(route, "protocol");
  route.clear_protocol();
  route.set_type(v1::Route::TYPE_BLACKHOLE);
  expect_bad(route, "type");
  route.set_type(v1::Route::TYPE_LOCAL);
  expect_bad(route, "type");
}

TEST_F(SandboxServiceTest, InterfaceGoesDownAndUp) {
  v1::SetInterfaceRequest request;
  request.set_interface("eth0");
  request.set_up(false);
  v1::SetInterfaceResponse response;
  ASSERT_TRUE(Call(&v1::Sandbox::Stub::SetInterface, request, &response).ok());
  EXPECT_FALSE(Eth0().up());
  request.set_up(true);
  ASSERT_TRUE(Call(&v1::Sandbox::Stub::SetInterface, request, &response).ok());
  EXPECT_TRUE(Eth0().up());
}

TEST_F(SandboxServiceTest, MtuIsBounded) {
  ASSERT_TRUE(SetMtu(1400).ok());
  EXPECT_EQ(Eth0().mtu_bytes(), 1400u);
  EXPECT_THAT(SetMtu(67), FailsWith(grpc::INVALID_ARGUMENT, "mtu_bytes: 67"));
  EXPECT_THAT(SetMtu(65536), FailsWith(grpc::INVALID_ARGUMENT, "mtu_bytes: 65536"));
  EXPECT_EQ(Eth0().mtu_bytes(), 1400u);
  v1::SetInterfaceRequest nothing;
  nothing.set_interface("eth0");
  v1::SetInterfaceResponse response;
  EXPECT_THAT(Call(&v1::Sandbox::Stub::SetInterface, nothing, &response),
              FailsWith(grpc::INVALID_ARGUMENT, "one of them must be given"));
}

TEST_F(SandboxServiceTest, NeighborsArePermanentUntilRemoved) {
  ASSERT_TRUE(AddNeighbor("192.0.2.1", "02:00:00:00:00:01").ok());
  ASSERT_EQ(Neighbors().size(), 1u);
  const v1::Neighbor neighbor = Neighbors()[0];
  EXPECT_EQ(neighbor.address(), "192.0.2.1");
  EXPECT_EQ(neighbor.hardware_address(), "02:00:00:00:00:01");
  EXPECT_EQ(neighbor.interface(), "eth0");
  EXPECT_EQ(neighbor.state(), v1::Neighbor::STATE_PERMANENT);
  EXPECT_EQ(AddNeighbor("192.0.2.1", "02:00:00:00:00:02").error_code(), grpc::ALREADY_EXISTS);
  ASSERT_TRUE(AddNeighbor("192.0.2.1", "02:00:00:00:00:02", /*replace=*/true).ok());
  EXPECT_EQ(Neighbors()[0].hardware_address(), "02:00:00:00:00:02");
  v1::RemoveNeighborRequest request;
  request.set_interface("eth0");
  request.set_address("192.0.2.1");
  v1::RemoveNeighborResponse response;
  ASSERT_TRUE(Call(&v1::Sandbox::Stub::RemoveNeighbor, request, &response).ok());
  EXPECT_TRUE(Neighbors().empty());
  EXPECT_EQ(Call(&v1::Sandbox::Stub::RemoveNeighbor, request, &response).error_code(),
            grpc::NOT_FOUND);
}

TEST_F(SandboxServiceTest, FlushTakesOneFamilyAndSparesPermanentEntries) {
  ASSERT_TRUE(AddNeighbor("192.0.2.1", "02:00:00:00:00:01").ok());
  ASSERT_TRUE(AddNeighbor("2001:db8::1", "02:00:00:00:00:01").ok());
  v1::FlushNeighborsRequest request;
  v1::FlushNeighborsResponse response;
  ASSERT_TRUE(Call(&v1::Sandbox::Stub::FlushNeighbors, request, &response).ok());
  EXPECT_EQ(response.removed(), 0u);
  request.set_include_permanent(true);
  request.set_family(v1::FAMILY_IPV6);
  request.set_interface("eth0");
  ASSERT_TRUE(Call(&v1::Sandbox::Stub::FlushNeighbors, request, &response).ok());
  EXPECT_EQ(response.removed(), 1u);
  EXPECT_TRUE(Neighbors(v1::FAMILY_IPV6).empty());
  EXPECT_EQ(Neighbors(v1::FAMILY_IPV4).size(), 1u);
}

TEST_F(SandboxServiceTest, SysctlsAreListedAndSet) {
  v1::SetSysctlRequest request;
  request.mutable_sysctl()->set_name("ipv4.ip_default_ttl");
  request.mutable_sysctl()->set_value("33");
  v1::SetSysctlResponse done;
  ASSERT_TRUE(Call(&v1::Sandbox::Stub::SetSysctl, request, &done).ok());
  v1::ListSysctlsRequest list;
  list.set_prefix("ipv4.ip_default");
  v1::ListSysctlsResponse found;
  ASSERT_TRUE(Call(&v1::Sandbox::Stub::ListSysctls, list, &found).ok());
  ASSERT_EQ(found.sysctls_size(), 1);
  EXPECT_EQ(found.sysctls(0).value(), "33");
  request.mutable_sysctl()->set_value("1000");
  EXPECT_EQ(Call(&v1::Sandbox::Stub::SetSysctl, request, &done).error_code(),
            grpc::INVALID_ARGUMENT);
  request.mutable_sysctl()->set_name("ipv4.nothing");
  EXPECT_EQ(Call(&v1::Sandbox::Stub::SetSysctl, request, &done).error_code(), grpc::NOT_FOUND);
}

TEST_F(SandboxServiceTest, BadNeighborsAreNamed) {
  EXPECT_THAT(AddNeighbor("nobody", "02:00:00:00:00:01"),
              FailsWith(grpc::INVALID_ARGUMENT, "address: \"nobody\""));
  for (const char* mac : {"", "02:00:00:00:00", "02:00:00:00:00:0g", "02-00-00-00-00-01",
                          "02:00:00:00:00:01:02", "2:0:0:0:0:1"}) {
    EXPECT_THAT(AddNeighbor("192.0.2.1", mac),
                FailsWith(grpc::INVALID_ARGUMENT, "hardware_address"))
        << mac;
  }
}

TEST_F(SandboxServiceTest, SocketsOfBothProtocols) {
  auto listener = stack_.NewTcpSocket(netstack::Family::kIpv4);
  ASSERT_EQ(listener->Bind({netstack::IpAddress(), 80, 0}), netstack::Error::kOk);
  ASSERT_EQ(listener->Listen(7), netstack::Error::kOk);
  auto datagrams = stack_.NewUdpSocket(netstack::Family::kIpv4);
  ASSERT_EQ(datagrams->Bind({netstack::IpAddress::V4(192, 0, 2, 2), 53, 0}), netstack::Error::kOk);

  EXPECT_EQ(Sockets({}).size(), 2u);
  v1::ListSocketsRequest request;
  request.add_protocols(v1::Socket::PROTOCOL_TCP);
  std::vector<v1::Socket> sockets = Sockets(request);
  ASSERT_EQ(sockets.size(), 1u);
  EXPECT_EQ(sockets[0].state(), v1::Socket::STATE_LISTEN);
  EXPECT_EQ(sockets[0].local_address(), "0.0.0.0");
  EXPECT_EQ(sockets[0].local_port(), 80u);
  EXPECT_EQ(sockets[0].send_queue(), 7u);
  request.clear_protocols();
  request.add_protocols(v1::Socket::PROTOCOL_UDP);
  sockets = Sockets(request);
  ASSERT_EQ(sockets.size(), 1u);
  EXPECT_EQ(sockets[0].state(), v1::Socket::STATE_CLOSED);
  EXPECT_EQ(sockets[0].local_address(), "192.0.2.2");
  request.set_family(v1::FAMILY_IPV6);
  EXPECT_TRUE(Sockets(request).empty());
}

TEST_F(SandboxServiceTest, CountersComeByName) {
  v1::GetCountersResponse response;
  ASSERT_TRUE(Call(&v1::Sandbox::Stub::GetCounters, v1::GetCountersRequest(), &response).ok());
  ASSERT_GT(response.counters_size(), 0);
  for (int i = 1; i < response.counters_size(); ++i) {
    EXPECT_LT(response.counters(i - 1).name(), response.counters(i).name());
  }
}

}  // namespace
}  // namespace moat::sentry
