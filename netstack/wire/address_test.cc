#include "netstack/wire/address.h"

#include <gtest/gtest.h>

namespace moat::netstack {
namespace {

std::string RoundTrip(std::string_view text) {
  const std::optional<IpAddress> address = IpAddress::Parse(text);
  return address.has_value() ? address->ToString() : "refused";
}

TEST(Rfc5952, S4_CanonicalText) {
  EXPECT_EQ(RoundTrip("2001:0db8:0000:0000:0000:0000:0000:0001"), "2001:db8::1");
  EXPECT_EQ(RoundTrip("2001:DB8:0:0:1:0:0:1"), "2001:db8::1:0:0:1");     // first of equal runs
  EXPECT_EQ(RoundTrip("2001:db8:0:1:1:1:1:1"), "2001:db8:0:1:1:1:1:1");  // one group stays
  EXPECT_EQ(RoundTrip("2001:0:0:1:0:0:0:1"), "2001:0:0:1::1");           // longest run
  EXPECT_EQ(RoundTrip("::"), "::");
  EXPECT_EQ(RoundTrip("1::"), "1::");
  EXPECT_EQ(RoundTrip("::1"), "::1");
  EXPECT_EQ(RoundTrip("fe80::"), "fe80::");
}

TEST(Rfc5952, S5_MappedAddressShowsDottedQuad) {
  EXPECT_EQ(RoundTrip("::ffff:c000:201"), "::ffff:192.0.2.1");
  EXPECT_EQ(RoundTrip("::ffff:192.0.2.1"), "::ffff:192.0.2.1");
  EXPECT_EQ(RoundTrip("64:ff9b::192.0.2.33"), "64:ff9b::c000:221");
}

TEST(IpAddress, RefusesWhatIsNotAnAddress) {
  for (const char* text :
       {"", ":", ":::", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.", ".1.2.3", "1..2.3",
        "1.2.3.4 ", "0x1.2.3.4", "::1::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::",
        "::1:2:3:4:5:6:7:8", "12345::", "g::", "1.2.3.4::", "::1.2.3", "::1.2.3.4.5", "1:", ":1",
        "::%eth0", "1:2:3:4:5:6:7:1.2.3.4"}) {
    EXPECT_FALSE(IpAddress::Parse(text).has_value()) << text;
  }
}

TEST(Prefix, ParsesWithAndWithoutLength) {
  EXPECT_EQ(Prefix::Parse("192.0.2.1/24")->ToString(), "192.0.2.1/24");
  EXPECT_EQ(Prefix::Parse("192.0.2.1")->length, 32);
  EXPECT_EQ(Prefix::Parse("::/0")->length, 0);
  EXPECT_EQ(Prefix::Parse("2001:db8::1")->length, 128);
  for (const char* text : {"1.2.3.4/33", "::/129", "1.2.3.4/", "1.2.3.4/-1", "1.2.3.4/01", "/8"}) {
    EXPECT_FALSE(Prefix::Parse(text).has_value()) << text;
  }
}

TEST(IpAddress, Classes) {
  EXPECT_TRUE(IpAddress::Parse("127.3.2.1")->IsLoopback());
  EXPECT_TRUE(IpAddress::Parse("::1")->IsLoopback());
  EXPECT_FALSE(IpAddress::Parse("::2")->IsLoopback());
  EXPECT_TRUE(IpAddress::Parse("239.255.255.255")->IsMulticast());
  EXPECT_TRUE(IpAddress::Parse("ff02::1")->IsLinkLocalMulticast());
  EXPECT_TRUE(IpAddress::Parse("224.0.0.251")->IsLinkLocalMulticast());
  EXPECT_FALSE(IpAddress::Parse("224.0.1.1")->IsLinkLocalMulticast());
  EXPECT_TRUE(IpAddress::Parse("fe80::1")->IsLinkLocal());
  EXPECT_FALSE(IpAddress::Parse("fec0::1")->IsLinkLocal());
  EXPECT_TRUE(IpAddress::Parse("255.255.255.255")->IsLimitedBroadcast());
  EXPECT_TRUE(IpAddress::Any(Family::kIpv6).IsUnspecified());
}

TEST(IpAddress, Prefixes) {
  const IpAddress address = *IpAddress::Parse("192.0.2.130");
  EXPECT_EQ(address.Prefix(25).ToString(), "192.0.2.128");
  EXPECT_EQ(address.Prefix(0).ToString(), "0.0.0.0");
  EXPECT_TRUE(address.InPrefix(*IpAddress::Parse("192.0.3.1"), 23));
  EXPECT_FALSE(address.InPrefix(*IpAddress::Parse("192.0.3.1"), 24));
  EXPECT_FALSE(address.InPrefix(*IpAddress::Parse("::"), 0));  // families never mix
  EXPECT_EQ(IpAddress::Parse("2001:db8:ffff::1")->Prefix(33).ToString(), "2001:db8:8000::");
}

TEST(IpAddress, MapsAndUnmaps) {
  const IpAddress v4 = *IpAddress::Parse("198.51.100.7");
  EXPECT_TRUE(v4.MapToV6().IsMappedV4());
  EXPECT_EQ(v4.MapToV6().UnmapToV4(), v4);
}

TEST(Endpoint, Text) {
  EXPECT_EQ((Endpoint{*IpAddress::Parse("192.0.2.1"), 80}).ToString(), "192.0.2.1:80");
  EXPECT_EQ((Endpoint{*IpAddress::Parse("fe80::1"), 22, 3}).ToString(), "[fe80::1%3]:22");
}

}  // namespace
}  // namespace moat::netstack
