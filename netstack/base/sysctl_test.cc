#include "netstack/base/sysctl.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace moat::netstack {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class SysctlTest : public testing::Test {
 protected:
  std::string Get(std::string_view name) {
    std::string value;
    EXPECT_TRUE(table_.Get(name, &value).ok());
    return value;
  }
  SysctlTable table_;
};

TEST_F(SysctlTest, NumberWithinBounds) {
  const Sysctl* ttl =
      table_.Register({.name = "ipv4.ip_default_ttl", .values = {64}, .min = 1, .max = 255});
  EXPECT_EQ(ttl->value(), 64);
  EXPECT_TRUE(table_.Set("ipv4.ip_default_ttl", " 0x20\n").ok());
  EXPECT_EQ(ttl->value(), 32);
  for (const char* bad : {"0", "256", "", "x", "1 2", "9999999999999999999"}) {
    const absl::Status status = table_.Set("ipv4.ip_default_ttl", bad);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << bad;
    EXPECT_THAT(std::string(status.message()), HasSubstr("ipv4.ip_default_ttl"));
  }
  EXPECT_EQ(ttl->value(), 32);
}

TEST_F(SysctlTest, TriplesReadAndWriteAsLinux) {
  table_.Register({.name = "ipv4.tcp_rmem", .values = {4096, 131072, 6291456}, .min = 1});
  EXPECT_EQ(Get("ipv4.tcp_rmem"), "4096\t131072\t6291456");
  EXPECT_TRUE(table_.Set("ipv4.tcp_rmem", "1 2\t3").ok());
  EXPECT_EQ(Get("ipv4.tcp_rmem"), "1\t2\t3");
  EXPECT_TRUE(table_.Set("ipv4.tcp_rmem", "9").ok());
  EXPECT_EQ(Get("ipv4.tcp_rmem"), "9\t2\t3");
}

TEST_F(SysctlTest, NumbersAreJudgedTogether) {
  table_.Register({.name = "ipv4.ip_local_port_range",
                   .values = {32768, 60999},
                   .min = 1,
                   .max = 65535,
                   .consistent = [](const auto& v) { return v[0] <= v[1]; }});
  EXPECT_FALSE(table_.Set("ipv4.ip_local_port_range", "50000 40000").ok());
  EXPECT_EQ(Get("ipv4.ip_local_port_range"), "32768\t60999");
}

TEST_F(SysctlTest, ChoicesAndTellingOfChanges) {
  int changes = 0;
  const Sysctl* control = table_.Register({.name = "ipv4.tcp_congestion_control",
                                           .choices = {"cubic", "reno"},
                                           .changed = [&](const Sysctl&) { ++changes; }});
  EXPECT_EQ(Get("ipv4.tcp_congestion_control"), "cubic");
  EXPECT_TRUE(table_.Set("ipv4.tcp_congestion_control", "reno").ok());
  EXPECT_EQ(control->value(), 1);
  EXPECT_FALSE(table_.Set("ipv4.tcp_congestion_control", "bbr").ok());
  EXPECT_EQ(changes, 1);
}

TEST_F(SysctlTest, TextReadOnlyAndUnknown) {
  table_.Register({.name = "ipv4.ip_local_reserved_ports",
                   .valid = [](std::string_view text) { return text != "bad"; }});
  EXPECT_TRUE(table_.Set("ipv4.ip_local_reserved_ports", "8080,9000-9010").ok());
  EXPECT_EQ(Get("ipv4.ip_local_reserved_ports"), "8080,9000-9010");
  EXPECT_FALSE(table_.Set("ipv4.ip_local_reserved_ports", "bad").ok());
  table_.Register({.name = "ipv4.tcp_available_congestion_control",
                   .text = "cubic reno",
                   .read_only = true});
  EXPECT_EQ(table_.Set("ipv4.tcp_available_congestion_control", "x").code(),
            absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(table_.Set("ipv4.nothing", "1").code(), absl::StatusCode::kNotFound);
}

TEST_F(SysctlTest, PerInterfaceEntriesComeAndGo) {
  for (const char* name : {"ipv6.conf.eth0.mtu", "ipv6.conf.all.mtu", "ipv6.conf.eth01.mtu"}) {
    table_.Register({.name = name, .values = {1280}});
  }
  table_.UnregisterPrefix("ipv6.conf.eth0.");
  EXPECT_THAT(table_.Names(), ElementsAre("ipv6.conf.all.mtu", "ipv6.conf.eth01.mtu"));
}

}  // namespace
}  // namespace moat::netstack
