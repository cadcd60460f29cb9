#include "sentry/abi/sockaddr.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "sentry/abi/bytes.h"

namespace moat::sentry {
namespace {

using netstack::Endpoint;
using netstack::Family;
using netstack::IpAddress;

std::vector<uint8_t> In4(const char* address, uint16_t port, uint16_t family = AF_INET) {
  sockaddr_in in{};
  in.sin_family = family;
  in.sin_port = htons(port);
  inet_pton(AF_INET, address, &in.sin_addr);
  const auto bytes = BytesOf(in);
  return {bytes.begin(), bytes.end()};
}

std::vector<uint8_t> In6(const char* address, uint16_t port, uint32_t scope = 0) {
  sockaddr_in6 in{};
  in.sin6_family = AF_INET6;
  in.sin6_port = htons(port);
  in.sin6_scope_id = scope;
  inet_pton(AF_INET6, address, &in.sin6_addr);
  const auto bytes = BytesOf(in);
  return {bytes.begin(), bytes.end()};
}

constexpr AddressRules kTcp4{.kind = SocketKind::kTcp, .family = Family::kIpv4};
constexpr AddressRules kUdp4{.kind = SocketKind::kUdp, .family = Family::kIpv4};
constexpr AddressRules kPing4{.kind = SocketKind::kPing, .family = Family::kIpv4};
constexpr AddressRules kTcp6{.kind = SocketKind::kTcp, .family = Family::kIpv6};
constexpr AddressRules kUdp6{.kind = SocketKind::kUdp, .family = Family::kIpv6};
constexpr AddressRules kPing6{.kind = SocketKind::kPing, .family = Family::kIpv6};
constexpr AddressRules kUdp6Only{
    .kind = SocketKind::kUdp, .family = Family::kIpv6, .v6_only = true};

std::string Decoded(const std::vector<uint8_t>& bytes, AddressUse use, const AddressRules& rules) {
  const auto decoded = DecodeSockaddr(bytes, use, rules);
  if (!decoded.ok()) return strerrorname_np(decoded.error());
  if (decoded->unspecified) return "unspecified";
  std::string text = decoded->endpoint.address.ToString() + " " +
                     std::to_string(decoded->endpoint.port);
  if (decoded->endpoint.scope != 0) text += "%" + std::to_string(decoded->endpoint.scope);
  return text;
}

std::vector<uint8_t> Cut(std::vector<uint8_t> bytes, size_t size) {
  bytes.resize(size);
  return bytes;
}

TEST(Sockaddr, LengthArgument) {
  EXPECT_EQ(CheckSockaddrLength(-1).error(), EINVAL);
  EXPECT_EQ(CheckSockaddrLength(129).error(), EINVAL);
  EXPECT_EQ(*CheckSockaddrLength(128), 128u);
  EXPECT_EQ(*CheckSockaddrLength(0), 0u);
}

TEST(Sockaddr, Ipv4Plain) {
  EXPECT_EQ(Decoded(In4("192.0.2.1", 80), AddressUse::kConnect, kTcp4), "192.0.2.1 80");
  EXPECT_EQ(Decoded(Cut(In4("192.0.2.1", 80), 128), AddressUse::kBind, kTcp4), "192.0.2.1 80");
  EXPECT_EQ(Decoded(Cut(In4("192.0.2.1", 80), 15), AddressUse::kBind, kTcp4), "EINVAL");
  EXPECT_EQ(Decoded(Cut(In4("192.0.2.1", 80), 1), AddressUse::kConnect, kTcp4), "EINVAL");
  EXPECT_EQ(Decoded({}, AddressUse::kConnect, kTcp4), "EINVAL");
  EXPECT_EQ(Decoded(In6("2001:db8::1", 80), AddressUse::kConnect, kTcp4), "EAFNOSUPPORT");
}

TEST(Sockaddr, UnspecifiedFamilyOfAnIpv4Socket) {
  EXPECT_EQ(Decoded(In4("0.0.0.0", 80, AF_UNSPEC), AddressUse::kBind, kTcp4), "0.0.0.0 80");
  EXPECT_EQ(Decoded(In4("192.0.2.1", 80, AF_UNSPEC), AddressUse::kBind, kTcp4), "EAFNOSUPPORT");
  EXPECT_EQ(Decoded(In4("192.0.2.1", 80, AF_UNSPEC), AddressUse::kConnect, kTcp4), "unspecified");
  EXPECT_EQ(Decoded(Cut(In4("0.0.0.0", 0, AF_UNSPEC), 2), AddressUse::kConnect, kUdp4),
            "unspecified");
  EXPECT_EQ(Decoded(In4("192.0.2.1", 53, AF_UNSPEC), AddressUse::kSend, kUdp4), "192.0.2.1 53");
  EXPECT_EQ(Decoded(In4("192.0.2.1", 53, AF_UNSPEC), AddressUse::kSend, kPing4), "EAFNOSUPPORT");
}

TEST(Sockaddr, WildcardDestinationIsLoopback) {
  EXPECT_EQ(Decoded(In4("0.0.0.0", 80), AddressUse::kConnect, kTcp4), "127.0.0.1 80");
  EXPECT_EQ(Decoded(In6("::", 80), AddressUse::kConnect, kTcp6), "::1 80");
  EXPECT_EQ(Decoded(In6("::ffff:0.0.0.0", 80), AddressUse::kConnect, kTcp6), "127.0.0.1 80");
  EXPECT_EQ(Decoded(In6("::", 80), AddressUse::kBind, kTcp6), ":: 80");
}

TEST(Sockaddr, PortZeroCannotBeSentTo) {
  EXPECT_EQ(Decoded(In4("192.0.2.1", 0), AddressUse::kSend, kUdp4), "EINVAL");
  EXPECT_EQ(Decoded(In6("2001:db8::1", 0), AddressUse::kSend, kUdp6), "EINVAL");
  EXPECT_EQ(Decoded(In4("192.0.2.1", 0), AddressUse::kSend, kPing4), "192.0.2.1 0");
  EXPECT_EQ(Decoded(In4("192.0.2.1", 0), AddressUse::kConnect, kUdp4), "192.0.2.1 0");
}

TEST(Sockaddr, Ipv6Lengths) {
  EXPECT_EQ(Decoded(Cut(In6("2001:db8::1", 80), 24), AddressUse::kConnect, kTcp6),
            "2001:db8::1 80");
  EXPECT_EQ(Decoded(Cut(In6("2001:db8::1", 80), 23), AddressUse::kConnect, kTcp6), "EINVAL");
  EXPECT_EQ(Decoded(Cut(In6("2001:db8::1", 80), 24), AddressUse::kSend, kPing6), "EINVAL");
  EXPECT_EQ(Decoded(Cut(In6("2001:db8::1", 80), 24), AddressUse::kSend, kUdp6), "2001:db8::1 80");
}

TEST(Sockaddr, MappedAddresses) {
  EXPECT_EQ(Decoded(In6("::ffff:192.0.2.1", 80), AddressUse::kConnect, kTcp6), "192.0.2.1 80");
  EXPECT_EQ(Decoded(In6("::ffff:192.0.2.1", 80), AddressUse::kConnect, kUdp6Only), "ENETUNREACH");
  EXPECT_EQ(Decoded(In6("::ffff:192.0.2.1", 80), AddressUse::kSend, kUdp6Only), "ENETUNREACH");
  EXPECT_EQ(Decoded(In6("::ffff:192.0.2.1", 80), AddressUse::kBind, kUdp6Only), "EINVAL");
}

TEST(Sockaddr, Ipv4AddressesOnIpv6Sockets) {
  EXPECT_EQ(Decoded(In4("192.0.2.1", 53), AddressUse::kSend, kUdp6), "192.0.2.1 53");
  EXPECT_EQ(Decoded(In4("192.0.2.1", 53), AddressUse::kConnect, kUdp6), "192.0.2.1 53");
  EXPECT_EQ(Decoded(In4("192.0.2.1", 53), AddressUse::kConnect, kUdp6Only), "EAFNOSUPPORT");
  EXPECT_EQ(Decoded(In4("192.0.2.1", 53), AddressUse::kSend, kUdp6Only), "ENETUNREACH");
  EXPECT_EQ(Decoded(Cut(In4("192.0.2.1", 53), 28), AddressUse::kConnect, kTcp6), "EAFNOSUPPORT");
  EXPECT_EQ(Decoded(In4("192.0.2.1", 53), AddressUse::kConnect, kTcp6), "EINVAL");  // too short
  EXPECT_EQ(Decoded(Cut(In4("192.0.2.1", 53), 28), AddressUse::kBind, kUdp6), "EAFNOSUPPORT");
  EXPECT_EQ(Decoded(Cut(In4("0.0.0.0", 0, AF_UNSPEC), 28), AddressUse::kSend, kUdp6),
            "unspecified");
  EXPECT_EQ(Decoded(Cut(In4("0.0.0.0", 1, AF_UNIX), 28), AddressUse::kSend, kUdp6), "EINVAL");
}

TEST(Sockaddr, LinkLocalNeedsAnInterface) {
  EXPECT_EQ(Decoded(In6("fe80::1", 80), AddressUse::kConnect, kTcp6), "EINVAL");
  EXPECT_EQ(Decoded(In6("fe80::1", 80, 3), AddressUse::kConnect, kTcp6), "fe80::1 80%3");
  AddressRules bound = kTcp6;
  bound.bound_device = 3;
  EXPECT_EQ(Decoded(In6("fe80::1", 80), AddressUse::kConnect, bound), "fe80::1 80%3");
  EXPECT_EQ(Decoded(In6("fe80::1", 80, 4), AddressUse::kConnect, bound), "EINVAL");
  EXPECT_EQ(Decoded(In6("2001:db8::1", 80, 4), AddressUse::kConnect, bound), "2001:db8::1 80");
  EXPECT_EQ(Decoded(In6("ff02::1", 80), AddressUse::kSend, kUdp6), "ff02::1 80");
  EXPECT_EQ(Decoded(In6("ff02::1", 80), AddressUse::kBind, kUdp6), "EINVAL");
}

TEST(Sockaddr, EncodesByTheSocketsFamily) {
  const Endpoint v4{.address = IpAddress::V4(192, 0, 2, 1), .port = 8080};
  const EncodedAddress plain = EncodeSockaddr(v4, Family::kIpv4);
  EXPECT_EQ(std::vector<uint8_t>(plain.span().begin(), plain.span().end()), In4("192.0.2.1", 8080));
  const EncodedAddress mapped = EncodeSockaddr(v4, Family::kIpv6);
  EXPECT_EQ(std::vector<uint8_t>(mapped.span().begin(), mapped.span().end()),
            In6("::ffff:192.0.2.1", 8080));
  const EncodedAddress any = EncodeSockaddr(Endpoint{}, Family::kIpv6);
  EXPECT_EQ(std::vector<uint8_t>(any.span().begin(), any.span().end()), In6("::", 0));
  EXPECT_EQ(plain.Truncated(3).size(), 3u);
  EXPECT_EQ(plain.Truncated(128).size(), kSockaddrInSize);
}

TEST(Sockaddr, ScopeOnlyForLinkLocal) {
  const Endpoint link_local{.address = *IpAddress::Parse("fe80::2"), .port = 1, .scope = 7};
  const EncodedAddress encoded = EncodeSockaddr(link_local, Family::kIpv6);
  EXPECT_EQ(std::vector<uint8_t>(encoded.span().begin(), encoded.span().end()),
            In6("fe80::2", 1, 7));
  const Endpoint global{.address = *IpAddress::Parse("2001:db8::2"), .port = 1, .scope = 7};
  EXPECT_EQ(LoadAt<uint32_t>(EncodeSockaddr(global, Family::kIpv6).span(), 24), 0u);
}

}  // namespace
}  // namespace moat::sentry
