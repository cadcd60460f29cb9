#include "netstack/transport/ports.h"

#include <map>
#include <set>
#include <vector>

#include "gtest/gtest.h"
#include "netstack/testing/seeded_random.h"

namespace moat::netstack {
namespace {

constexpr PortSpace kTcp = PortSpace::kTcp;
constexpr PortSpace kUdp = PortSpace::kUdp;

class PortsTest : public testing::Test {
 protected:
  static IpAddress Ip(const char* text) { return *IpAddress::Parse(text); }
  static PortClaim Claim(const char* address) { return {.address = Ip(address)}; }

  // Whether `second` may bind while `first` does; and the other way round when asked.
  bool Together(PortSpace space, const PortClaim& first, const PortClaim& second) {
    auto a = ports_.Reserve(space, 80, first);
    EXPECT_TRUE(a.ok());
    return ports_.Reserve(space, 80, second).ok();
  }

  SeededRandom random_{1};
  SysctlTable sysctls_;
  PortAllocator ports_{random_, sysctls_};
};

TEST_F(PortsTest, AddressesOverlapAsOnLinux) {
  struct Case {
    const char* first;
    const char* second;
    bool v6_only;
    bool together;
  };
  const Case cases[] = {
      {"10.0.0.1", "10.0.0.1", false, false}, {"10.0.0.1", "10.0.0.2", false, true},
      {"0.0.0.0", "10.0.0.2", false, false},  {"10.0.0.1", "0.0.0.0", false, false},
      {"0.0.0.0", "::", false, false},        {"0.0.0.0", "::", true, true},
      {"10.0.0.1", "::", false, false},       {"10.0.0.1", "::1", false, true},
      {"::", "::1", false, false},            {"2001:db8::1", "2001:db8::2", false, true},
      {"0.0.0.0", "::1", false, true},
  };
  for (const PortSpace space : {kTcp, kUdp}) {
    for (const Case& c : cases) {
      PortClaim second = Claim(c.second);
      second.v6_only = c.v6_only;
      EXPECT_EQ(Together(space, Claim(c.first), second), c.together) << c.first << " " << c.second;
      EXPECT_EQ(Together(space, second, Claim(c.first)), c.together) << c.second << " " << c.first;
    }
  }
}

TEST_F(PortsTest, SpacesAndDevicesAreApart) {
  auto tcp = ports_.Reserve(kTcp, 53, Claim("0.0.0.0"));
  EXPECT_TRUE(ports_.Reserve(kUdp, 53, Claim("0.0.0.0")).ok());
  PortClaim eth0 = Claim("0.0.0.0"), eth1 = Claim("0.0.0.0");
  eth0.device = 2;
  eth1.device = 3;
  EXPECT_TRUE(Together(kTcp, eth0, eth1));
  EXPECT_FALSE(Together(kTcp, eth0, eth0));
  EXPECT_FALSE(Together(kTcp, eth0, Claim("0.0.0.0")));
}

TEST_F(PortsTest, ReuseAddressNeedsBothAndNoListener) {
  PortClaim reuse = Claim("0.0.0.0");
  reuse.reuse_address = true;
  EXPECT_FALSE(Together(kTcp, Claim("0.0.0.0"), reuse));
  EXPECT_FALSE(Together(kTcp, reuse, Claim("0.0.0.0")));
  EXPECT_TRUE(Together(kTcp, reuse, reuse));
  EXPECT_TRUE(Together(kUdp, reuse, reuse));

  auto first = ports_.Reserve(kTcp, 80, reuse);
  auto second = ports_.Reserve(kTcp, 80, reuse);
  EXPECT_EQ(first->SetListening(true), Error::kOk);
  EXPECT_EQ(second->SetListening(true), Error::kAddressInUse);
  EXPECT_EQ(ports_.Reserve(kTcp, 80, reuse).error(), Error::kAddressInUse);
  EXPECT_EQ(first->SetListening(false), Error::kOk);
  EXPECT_EQ(second->SetListening(true), Error::kOk);
}

TEST_F(PortsTest, ReusePortSharesAListeningPort) {
  PortClaim reuse = Claim("0.0.0.0");
  reuse.reuse_port = true;
  auto first = ports_.Reserve(kTcp, 80, reuse);
  auto second = ports_.Reserve(kTcp, 80, reuse);
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(first->SetListening(true), Error::kOk);
  EXPECT_EQ(second->SetListening(true), Error::kOk);
  EXPECT_TRUE(ports_.Reserve(kTcp, 80, reuse).ok());
  EXPECT_FALSE(ports_.Reserve(kTcp, 80, Claim("0.0.0.0")).ok());
}

TEST_F(PortsTest, RestartedServerNeedsReuseAddressWhileConnectionsRemain) {
  for (const bool reuse : {false, true}) {
    PortClaim claim = Claim("0.0.0.0");
    claim.reuse_address = reuse;
    auto listener = ports_.Reserve(kTcp, 80, claim);
    ASSERT_EQ(listener->SetListening(true), Error::kOk);
    PortReservation child = listener->Share(Ip("10.0.0.1"));
    listener->Release();
    EXPECT_EQ(ports_.Reserve(kTcp, 80, claim).ok(), reuse);
    child.Release();
    EXPECT_FALSE(ports_.InUse(kTcp, 80));
  }
}

TEST_F(PortsTest, TenThousandChildrenAreOneHolder) {
  PortClaim claim = Claim("0.0.0.0");
  claim.reuse_address = true;
  auto listener = ports_.Reserve(kTcp, 80, claim);
  std::vector<PortReservation> children;
  for (int i = 0; i < 10000; ++i) children.push_back(listener->Share(Ip("10.0.0.1")));
  children.clear();
  EXPECT_TRUE(ports_.InUse(kTcp, 80));
  listener->Release();
  EXPECT_FALSE(ports_.InUse(kTcp, 80));
}

TEST_F(PortsTest, ChangesAfterBindAreSeen) {
  auto first = ports_.Reserve(kUdp, 80, Claim("0.0.0.0"));
  EXPECT_FALSE(ports_.Reserve(kUdp, 80, Claim("10.0.0.2")).ok());
  first->SetAddress(Ip("10.0.0.1"));
  EXPECT_TRUE(ports_.Reserve(kUdp, 80, Claim("10.0.0.2")).ok());
  PortClaim reuse = Claim("10.0.0.1");
  reuse.reuse_address = true;
  EXPECT_FALSE(ports_.Reserve(kUdp, 80, reuse).ok());
  first->SetReuse(true, false);
  EXPECT_TRUE(ports_.Reserve(kUdp, 80, reuse).ok());
}

TEST_F(PortsTest, EphemeralBindsAreDistinctUntilTheRangeIsUsedUp) {
  ASSERT_TRUE(sysctls_.Set("ipv4.ip_local_port_range", "40000 40010").ok());
  ASSERT_TRUE(sysctls_.Set("ipv4.ip_local_reserved_ports", "40003,40005-40006").ok());
  PortClaim claim = Claim("0.0.0.0");
  claim.reuse_address = true;
  std::vector<PortReservation> held;
  std::set<uint16_t> seen;
  for (int i = 0; i < 8; ++i) {
    auto port = ports_.Reserve(kTcp, 0, claim);
    ASSERT_TRUE(port.ok());
    seen.insert(port->port());
    held.push_back(std::move(*port));
  }
  EXPECT_EQ(seen, (std::set<uint16_t>{40000, 40001, 40002, 40004, 40007, 40008, 40009, 40010}));
  EXPECT_TRUE(ports_.Reserve(kTcp, 0, claim).ok()) << "SO_REUSEADDR shares when all are taken";
  EXPECT_EQ(ports_.Reserve(kTcp, 0, Claim("0.0.0.0")).error(), Error::kAddressInUse);
  held.clear();
  EXPECT_TRUE(ports_.Reserve(kTcp, 0, Claim("0.0.0.0")).ok());
}

TEST_F(PortsTest, ConnectSharesPortsByTuple) {
  ASSERT_TRUE(sysctls_.Set("ipv4.ip_local_port_range", "40000 40003").ok());
  std::vector<PortReservation> held;
  std::set<std::pair<uint16_t, uint16_t>> tuples;  // local port, remote port
  auto connect = [&](uint16_t remote_port) {
    const Endpoint remote{.address = Ip("10.0.0.9"), .port = remote_port};
    auto port = ports_.ReserveForConnect(
        kTcp, Claim("10.0.0.1"), remote,
        [&](uint16_t local) { return !tuples.contains({local, remote_port}); });
    if (!port.ok()) return port.error();
    EXPECT_TRUE(tuples.insert({port->port(), remote_port}).second);
    held.push_back(std::move(*port));
    return Error::kOk;
  };
  for (const uint16_t remote_port : {80, 81}) {
    for (int i = 0; i < 4; ++i) EXPECT_EQ(connect(remote_port), Error::kOk);
    EXPECT_EQ(connect(remote_port), Error::kAddressNotAvailable);
  }
}

TEST_F(PortsTest, ConnectAvoidsExplicitlyBoundPorts) {
  ASSERT_TRUE(sysctls_.Set("ipv4.ip_local_port_range", "40000 40001").ok());
  PortClaim reuse = Claim("10.0.0.1");
  reuse.reuse_address = true;
  auto bound = ports_.Reserve(kTcp, 40000, reuse);
  for (int i = 0; i < 4; ++i) {
    auto port = ports_.ReserveForConnect(kTcp, Claim("10.0.0.1"), {.address = Ip("10.0.0.9")},
                                         [](uint16_t) { return true; });
    ASSERT_TRUE(port.ok());
    EXPECT_EQ(port->port(), 40001);
  }
}

TEST_F(PortsTest, SuccessiveConnectsSpreadOverTheRange) {
  std::map<uint16_t, int> uses;
  for (int i = 0; i < 1000; ++i) {
    auto port =
        ports_.ReserveForConnect(kTcp, Claim("10.0.0.1"), {.address = Ip("10.0.0.9"), .port = 80},
                                 [](uint16_t) { return true; });
    ASSERT_TRUE(port.ok());
    EXPECT_GE(port->port(), 32768);
    EXPECT_LE(port->port(), 60999);
    ++uses[port->port()];
  }
  for (const auto& [port, count] : uses) EXPECT_LE(count, 1) << port;
}

TEST_F(PortsTest, BadReservedPortListsAreRefused) {
  for (const char* bad : {"x", "1-", "-2", "70000", "9-8", "1,,2", "1;2"}) {
    EXPECT_FALSE(sysctls_.Set("ipv4.ip_local_reserved_ports", bad).ok()) << bad;
  }
  EXPECT_TRUE(sysctls_.Set("ipv4.ip_local_reserved_ports", "").ok());
}

}  // namespace
}  // namespace moat::netstack
