// A sandbox that is not there, and command lines run against it.
#ifndef MOAT_CTL_RUN_TEST_WORLD_H_
#define MOAT_CTL_RUN_TEST_WORLD_H_

#include <gtest/gtest.h>

#include <sstream>
#include <string>

#include "absl/strings/str_split.h"
#include "ctl/fake_sandbox.h"
#include "ctl/run.h"

namespace moat::ctl {

class RunTest : public ::testing::Test {
 protected:
  RunTest() {
    v1::Interface* lo = sandbox_.interfaces.add_interfaces();
    lo->set_index(1);
    lo->set_name("lo");
    lo->set_up(true);
    lo->set_carrier(true);
    lo->set_loopback(true);
    lo->set_mtu_bytes(65536);
    AddAddress(lo, "127.0.0.1/8", "");
    v1::Interface* eth0 = sandbox_.interfaces.add_interfaces();
    eth0->set_index(2);
    eth0->set_name("eth0");
    eth0->set_up(true);
    eth0->set_carrier(true);
    eth0->set_mtu_bytes(1500);
    eth0->set_hardware_address("02:42:ac:11:00:02");
    eth0->mutable_counters()->set_received_bytes(1234);
    eth0->mutable_counters()->set_sent_packets(7);
    AddAddress(eth0, "172.17.0.2/16", "172.17.255.255");
    AddAddress(eth0, "fe80::42/64", "");
    eth0->mutable_addresses(1)->set_tentative(true);

    AddRoute("0.0.0.0/0", "172.17.0.1", 3, 0, "", 0);
    AddRoute("172.17.0.0/16", "", 2, 253, "172.17.0.2", 0);
    AddRoute("::/0", "fe80::1", 3, 0, "", 1024);
  }

  static void AddAddress(v1::Interface* interface, const char* prefix, const char* broadcast) {
    v1::InterfaceAddress* address = interface->add_addresses();
    address->set_prefix(prefix);
    address->set_broadcast(broadcast);
    address->set_interface(interface->name());
  }

  void AddRoute(const char* destination, const char* gateway, uint32_t protocol, uint32_t scope,
                const char* source, uint32_t metric) {
    v1::Route* route = sandbox_.routes.add_routes();
    route->set_destination(destination);
    route->set_gateway(gateway);
    route->set_interface("eth0");
    route->set_protocol(protocol);
    route->set_scope(scope);
    route->set_source(source);
    route->set_metric(metric);
  }

  static v1::Socket MakeSocket(v1::Socket::Protocol protocol, v1::Socket::State state,
                               const char* local, uint32_t local_port, const char* remote,
                               uint32_t remote_port) {
    v1::Socket socket;
    socket.set_protocol(protocol);
    socket.set_state(state);
    socket.set_family(v1::FAMILY_IPV4);
    socket.set_local_address(local);
    socket.set_local_port(local_port);
    socket.set_remote_address(remote);
    socket.set_remote_port(remote_port);
    return socket;
  }

  int RunLine(const std::string& line) {
    std::ostringstream out, err;
    const int code = ctl::Run(
        absl::StrSplit(line, ' ', absl::SkipEmpty()),
        [this](const std::string& root, const std::string& id) -> absl::StatusOr<int> {
          root_ = root;
          if (id != "web") return absl::NotFoundError("no such sandbox: " + id);
          return sandbox_.Connect();
        },
        out, err);
    out_ = out.str();
    err_ = err.str();
    return code;
  }

  FakeSandbox sandbox_;
  std::string root_, out_, err_;
};

}  // namespace moat::ctl

#endif  // MOAT_CTL_RUN_TEST_WORLD_H_
