// Ancillary data in both directions.
#include <gtest/gtest.h>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <cerrno>
#include <string>
#include <vector>

#include "sentry/abi/control_writer.h"
#include "sentry/abi/receive_control.h"
#include "sentry/abi/send_control.h"

namespace moat::sentry {
namespace {

using netstack::Datagram;
using netstack::Error;
using netstack::Family;
using netstack::IpAddress;
using netstack::QueuedError;

constexpr uint64_t kAmple = 1024;

struct Parsed {
  int level;
  int type;
  std::vector<uint8_t> data;
};

// With the C library's own macros.
std::vector<Parsed> Parse(std::span<const uint8_t> bytes) {
  std::vector<uint8_t> copy(bytes.begin(), bytes.end());
  msghdr header{};
  header.msg_control = copy.data();
  header.msg_controllen = copy.size();
  std::vector<Parsed> out;
  for (cmsghdr* c = CMSG_FIRSTHDR(&header); c != nullptr; c = CMSG_NXTHDR(&header, c)) {
    const uint8_t* data = CMSG_DATA(c);
    out.push_back({c->cmsg_level, c->cmsg_type, {data, data + (c->cmsg_len - CMSG_LEN(0))}});
  }
  return out;
}

template <typename T>
T As(const std::vector<uint8_t>& data) {
  EXPECT_EQ(data.size(), sizeof(T));
  return LoadAt<T>(data, 0);
}

TEST(ControlWriter, LaysOutAsTheMacrosReadIt) {
  ControlWriter writer(kAmple);
  writer.PutValue(SOL_IP, IP_TTL, 64);
  writer.PutValue(SOL_IP, IP_TOS, uint8_t{8});
  EXPECT_FALSE(writer.truncated());
  EXPECT_EQ(writer.bytes().size(), CMSG_SPACE(4) + CMSG_SPACE(1));
  const auto parsed = Parse(writer.bytes());
  ASSERT_EQ(parsed.size(), 2u);
  EXPECT_EQ(As<int>(parsed[0].data), 64);
  EXPECT_EQ(As<uint8_t>(parsed[1].data), 8);
}

TEST(ControlWriter, CutsTheMessageThatDoesNotFit) {
  ControlWriter writer(CMSG_LEN(2));
  writer.PutValue(SOL_IP, IP_TTL, 64);
  EXPECT_TRUE(writer.truncated());
  EXPECT_EQ(writer.bytes().size(), CMSG_LEN(2));
  EXPECT_EQ(LoadAt<cmsghdr>(writer.bytes(), 0).cmsg_len, CMSG_LEN(2));
}

TEST(ControlWriter, PaddingOfTheLastMessageMayBeMissing) {
  ControlWriter writer(CMSG_LEN(4));
  writer.PutValue(SOL_IP, IP_TTL, 64);
  EXPECT_FALSE(writer.truncated());
  EXPECT_EQ(writer.bytes().size(), CMSG_LEN(4));
}

TEST(ControlWriter, NoRoomForAHeader) {
  for (uint64_t capacity : {uint64_t{0}, uint64_t{15}}) {
    ControlWriter writer(capacity);
    writer.PutValue(SOL_IP, IP_TTL, 64);
    EXPECT_TRUE(writer.truncated());
    EXPECT_TRUE(writer.bytes().empty());
  }
}

// --- Sends ---------------------------------------------------------------------------------------

template <typename T>
std::vector<uint8_t> Cmsg(int level, int type, const T& value) {
  ControlWriter writer(kAmple);
  writer.PutValue(level, type, value);
  return {writer.bytes().begin(), writer.bytes().end()};
}

constexpr SendControlRules kUdp4{.kind = SocketKind::kUdp, .family = Family::kIpv4, .ipv4 = true};
constexpr SendControlRules kUdp6{.kind = SocketKind::kUdp, .family = Family::kIpv6, .ipv4 = false};
constexpr SendControlRules kDual{.kind = SocketKind::kUdp, .family = Family::kIpv6, .ipv4 = true};
constexpr SendControlRules kTcp4{.kind = SocketKind::kTcp, .family = Family::kIpv4, .ipv4 = true};

template <typename T>
int ErrorOf(int level, int type, const T& value, const SendControlRules& rules) {
  return ParseSendControl(Cmsg(level, type, value), rules).error();
}

in_pktinfo Info4(int interface, IpAddress source) {
  in_pktinfo info{};
  info.ipi_ifindex = interface;
  std::memcpy(&info.ipi_spec_dst, source.data(), 4);
  return info;
}

in6_pktinfo Info6(int interface, const char* source) {
  in6_pktinfo info{};
  info.ipi6_ifindex = static_cast<unsigned>(interface);
  std::memcpy(&info.ipi6_addr, IpAddress::Parse(source)->data(), 16);
  return info;
}

TEST(SendControl, EmptyIsFine) {
  EXPECT_TRUE(ParseSendControl({}, kUdp4).ok());
  const std::vector<uint8_t> shorter_than_a_header(15, 0xff);
  EXPECT_TRUE(ParseSendControl(shorter_than_a_header, kUdp4).ok());
}

TEST(SendControl, PacketInfo) {
  const auto sent =
      ParseSendControl(Cmsg(SOL_IP, IP_PKTINFO, Info4(3, IpAddress::V4(192, 0, 2, 9))), kUdp4);
  ASSERT_TRUE(sent.ok());
  EXPECT_EQ(sent->interface, 3);
  EXPECT_EQ(sent->source->ToString(), "192.0.2.9");
  const auto sent6 =
      ParseSendControl(Cmsg(SOL_IPV6, IPV6_PKTINFO, Info6(0, "2001:db8::9")), kUdp6);
  ASSERT_TRUE(sent6.ok());
  EXPECT_EQ(sent6->source->ToString(), "2001:db8::9");
  EXPECT_EQ(ErrorOf(SOL_IPV6, IPV6_PKTINFO, Info6(0, "fe80::9"), kUdp6), EINVAL);
  EXPECT_FALSE(ParseSendControl(Cmsg(SOL_IPV6, IPV6_PKTINFO, Info6(2, "::")), kUdp6)
                   ->source.has_value());
}

TEST(SendControl, MappedPacketInfoOnADualStackSocket) {
  const auto sent =
      ParseSendControl(Cmsg(SOL_IPV6, IPV6_PKTINFO, Info6(0, "::ffff:192.0.2.9")), kDual);
  ASSERT_TRUE(sent.ok());
  EXPECT_EQ(sent->source->ToString(), "192.0.2.9");
  EXPECT_EQ(ErrorOf(SOL_IPV6, IPV6_PKTINFO, Info6(0, "2001:db8::9"), kDual), EINVAL);
}

TEST(SendControl, Bounds) {
  EXPECT_EQ(ErrorOf(SOL_IP, IP_TTL, 0, kUdp4), EINVAL);
  EXPECT_EQ(ErrorOf(SOL_IP, IP_TTL, 256, kUdp4), EINVAL);
  EXPECT_EQ(ErrorOf(SOL_IP, IP_TTL, uint8_t{5}, kUdp4), EINVAL);
  EXPECT_EQ(ParseSendControl(Cmsg(SOL_IP, IP_TTL, 5), kUdp4)->hop_limit, 5);
  EXPECT_EQ(ParseSendControl(Cmsg(SOL_IP, IP_TOS, uint8_t{0x2e}), kUdp4)->traffic_class, 0x2e);
  EXPECT_EQ(ErrorOf(SOL_IP, IP_TOS, 256, kUdp4), EINVAL);
  EXPECT_EQ(ErrorOf(SOL_IPV6, IPV6_HOPLIMIT, -2, kUdp6), EINVAL);
  EXPECT_EQ(ParseSendControl(Cmsg(SOL_IPV6, IPV6_HOPLIMIT, -1), kUdp6)->hop_limit, std::nullopt);
  EXPECT_EQ(ParseSendControl(Cmsg(SOL_IPV6, IPV6_TCLASS, 7), kUdp6)->traffic_class, 7);
  EXPECT_EQ(ErrorOf(SOL_UDP, UDP_SEGMENT, 1200, kUdp4), EINVAL);
  EXPECT_EQ(ParseSendControl(Cmsg(SOL_UDP, UDP_SEGMENT, uint16_t{1200}), kUdp4)->segment_size,
            1200);
}

TEST(SendControl, FlowLabelAndDontFragment) {
  constexpr int kIpv6FlowInfo = 11;  // linux/in6.h
  const auto sent = ParseSendControl(Cmsg(SOL_IPV6, kIpv6FlowInfo, htonl(0x0ff12345)), kUdp6);
  ASSERT_TRUE(sent.ok());
  EXPECT_EQ(sent->flow_label, 0x12345u);
  EXPECT_FALSE(sent->dont_fragment.has_value());
  EXPECT_EQ(ParseSendControl(Cmsg(SOL_IPV6, IPV6_DONTFRAG, 1), kUdp6)->dont_fragment, true);
  EXPECT_EQ(ParseSendControl(Cmsg(SOL_IPV6, IPV6_DONTFRAG, 0), kUdp6)->dont_fragment, false);
}

TEST(SendControl, UnknownTypesAndLevels) {
  EXPECT_EQ(ErrorOf(SOL_IP, 250, 0, kUdp4), EINVAL);
  EXPECT_EQ(ErrorOf(SOL_SOCKET, 250, 0, kUdp4), EINVAL);
  EXPECT_EQ(ErrorOf(SOL_IPV6, IPV6_HOPLIMIT, 5, kUdp4), 0);  // not this protocol's level
  EXPECT_EQ(ErrorOf(SOL_IP, IP_TTL, 5, kTcp4), 0);
  EXPECT_EQ(ErrorOf(SOL_SOCKET, SCM_RIGHTS, 5, kUdp4), 0);
  EXPECT_EQ(ErrorOf(SOL_SOCKET, SO_MARK, 5, kUdp4), EPERM);
}

TEST(SendControl, MalformedLengths) {
  std::vector<uint8_t> bytes = Cmsg(SOL_IP, IP_TTL, 5);
  StoreAt<size_t>(bytes, 0, 15);
  EXPECT_EQ(ParseSendControl(bytes, kUdp4).error(), EINVAL);
  StoreAt<size_t>(bytes, 0, bytes.size() + 1);
  EXPECT_EQ(ParseSendControl(bytes, kUdp4).error(), EINVAL);
  StoreAt<size_t>(bytes, 0, ~size_t{0});
  EXPECT_EQ(ParseSendControl(bytes, kUdp4).error(), EINVAL);
}

// --- Receives ------------------------------------------------------------------------------------

Datagram Received(const char* source, const char* destination) {
  Datagram datagram;
  datagram.source = {.address = *IpAddress::Parse(source), .port = 53};
  datagram.destination = *IpAddress::Parse(destination);
  datagram.interface = 2;
  datagram.hop_limit = 61;
  datagram.traffic_class = 0x10;
  return datagram;
}

TEST(ReceiveControl, NothingUnlessAsked) {
  ControlWriter writer(kAmple);
  WriteDatagramControl(Received("192.0.2.1", "192.0.2.2"), {}, {}, writer);
  EXPECT_TRUE(writer.bytes().empty());
}

TEST(ReceiveControl, Ipv4InLinuxOrder) {
  ReceiveControlFlags flags{.timestamp = TimestampFormat::kMicroOld, .packet_info4 = true,
                            .ttl = true, .tos = true, .udp_gro = true};
  Datagram datagram = Received("192.0.2.1", "224.0.0.5");
  datagram.segment_size = 1200;
  ControlWriter writer(kAmple);
  WriteDatagramControl(datagram, flags,
                       {.realtime_nanoseconds = 5'000'001'999,
                        .specific_destination = IpAddress::V4(192, 0, 2, 2)},
                       writer);
  const auto parsed = Parse(writer.bytes());
  ASSERT_EQ(parsed.size(), 5u);
  EXPECT_EQ(parsed[0].type, SO_TIMESTAMP);
  EXPECT_EQ(As<timeval>(parsed[0].data).tv_sec, 5);
  EXPECT_EQ(As<timeval>(parsed[0].data).tv_usec, 1);
  EXPECT_EQ(parsed[1].level, SOL_UDP);
  EXPECT_EQ(As<int>(parsed[1].data), 1200);
  const auto info = As<in_pktinfo>(parsed[2].data);
  EXPECT_EQ(info.ipi_ifindex, 2);
  EXPECT_EQ(info.ipi_spec_dst.s_addr, htonl(0xc0000202));
  EXPECT_EQ(info.ipi_addr.s_addr, htonl(0xe0000005));
  EXPECT_EQ(As<int>(parsed[3].data), 61);
  EXPECT_EQ(As<uint8_t>(parsed[4].data), 0x10);
}

TEST(ReceiveControl, Ipv6) {
  ReceiveControlFlags flags{.timestamp = TimestampFormat::kNanoOld, .packet_info6 = true,
                            .hop_limit = true, .traffic_class = true};
  ControlWriter writer(kAmple);
  WriteDatagramControl(Received("2001:db8::1", "2001:db8::2"), flags,
                       {.family = Family::kIpv6, .realtime_nanoseconds = 5'000'001'999}, writer);
  const auto parsed = Parse(writer.bytes());
  ASSERT_EQ(parsed.size(), 4u);
  EXPECT_EQ(As<timespec>(parsed[0].data).tv_nsec, 1999);
  EXPECT_EQ(As<in6_pktinfo>(parsed[1].data).ipi6_ifindex, 2u);
  EXPECT_EQ(As<int>(parsed[2].data), 61);
  EXPECT_EQ(As<int>(parsed[3].data), 0x10);
}

TEST(ReceiveControl, DualStackSocketReportsMappedPacketInfo) {
  ReceiveControlFlags flags{.ttl = true, .packet_info6 = true, .hop_limit = true};
  ControlWriter writer(kAmple);
  WriteDatagramControl(Received("192.0.2.1", "192.0.2.2"), flags, {.family = Family::kIpv6},
                       writer);
  const auto parsed = Parse(writer.bytes());
  ASSERT_EQ(parsed.size(), 2u);
  const auto info = As<in6_pktinfo>(parsed[0].data);
  EXPECT_TRUE(IN6_IS_ADDR_V4MAPPED(&info.ipi6_addr));
  EXPECT_EQ(parsed[1].level, SOL_IP);
}

TEST(ErrorControl, Ipv4) {
  QueuedError error{};
  error.error = Error::kConnectionRefused;
  error.icmp_type = 3;
  error.icmp_code = 3;
  error.destination = {.address = IpAddress::V4(192, 0, 2, 1), .port = 53};
  error.offender = IpAddress::V4(192, 0, 2, 254);
  ControlWriter writer(kAmple);
  WriteErrorControl(error, Family::kIpv4, writer);
  const auto parsed = Parse(writer.bytes());
  ASSERT_EQ(parsed.size(), 1u);
  EXPECT_EQ(parsed[0].type, IP_RECVERR);
  ASSERT_EQ(parsed[0].data.size(), sizeof(sock_extended_err) + sizeof(sockaddr_in));
  const auto extended = LoadAt<sock_extended_err>(parsed[0].data, 0);
  EXPECT_EQ(extended.ee_errno, static_cast<uint32_t>(ECONNREFUSED));
  EXPECT_EQ(extended.ee_origin, SO_EE_ORIGIN_ICMP);
  const auto offender = LoadAt<sockaddr_in>(parsed[0].data, sizeof(sock_extended_err));
  EXPECT_EQ(offender.sin_family, AF_INET);
  EXPECT_EQ(offender.sin_addr.s_addr, htonl(0xc00002fe));
}

TEST(ErrorControl, LocalErrorHasNoOffender) {
  QueuedError error{};
  error.error = Error::kMessageSize;
  error.mtu = 1400;
  error.destination = {.address = *IpAddress::Parse("2001:db8::1"), .port = 53};
  error.local = true;
  ControlWriter writer(kAmple);
  WriteErrorControl(error, Family::kIpv6, writer);
  const auto parsed = Parse(writer.bytes());
  ASSERT_EQ(parsed.size(), 1u);
  EXPECT_EQ(parsed[0].level, SOL_IPV6);
  EXPECT_EQ(LoadAt<sock_extended_err>(parsed[0].data, 0).ee_info, 1400u);
  EXPECT_EQ(LoadAt<uint16_t>(parsed[0].data, sizeof(sock_extended_err)), AF_UNSPEC);
}

}  // namespace
}  // namespace moat::sentry
