// What the oracle's integers do not reach: structures, names, privileges, effects on the handle.
#include "sentry/options/options.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>
#include <cstring>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sentry/abi/bytes.h"
#include "sentry/testing/fake_sockets.h"

namespace moat::sentry {
namespace {

using netstack::Error;
using netstack::Family;
using netstack::InterfaceIndex;
using netstack::IpAddress;
using netstack::TemporaryAddresses;

class FakeHost final : public OptionHost {
 public:
  bool HasCapability(int capability) override { return capabilities.contains(capability); }
  InterfaceIndex InterfaceByName(std::string_view name) override { return name == "eth0" ? 2 : 0; }
  std::string InterfaceName(InterfaceIndex index) override { return index == 2 ? "eth0" : ""; }
  InterfaceIndex InterfaceByAddress(const IpAddress&) override { return 2; }
  std::optional<uint32_t> PathMtu(const IpAddress&) override { return 1400; }
  int64_t Sysctl(std::string_view, size_t, int64_t fallback) override { return fallback; }
  uint64_t NamespaceCookie() override { return 9; }
  std::set<int> capabilities;
};

class OptionsTest : public testing::Test {
 protected:
  template <typename T>
  int Set(int level, int name, const T& value) {
    return SetSocketOption(tcp_, level, name, sizeof(value), BytesOf(value));
  }
  template <typename T>
  int SetUdp(int level, int name, const T& value) {
    return SetSocketOption(udp_, level, name, sizeof(value), BytesOf(value));
  }
  template <typename T>
  T Get(const OptionTarget& target, int level, int name) {
    const auto got = GetSocketOption(target, level, name, sizeof(T));
    EXPECT_TRUE(got.ok()) << strerrorname_np(got.error());
    if (!got.ok() || got->span().size() != sizeof(T)) return T{};
    return LoadAt<T>(got->span(), 0);
  }

  FakeTcpSocket tcp_socket_{Family::kIpv4};
  FakeDatagramSocket udp_socket_{Family::kIpv4};
  SocketSettings settings_;
  int pending_error_ = 0;
  FakeHost host_;
  OptionTarget tcp_{.kind = SocketKind::kTcp, .family = Family::kIpv4, .tcp = &tcp_socket_,
                    .datagram = nullptr, .settings = settings_,
                    .pending_error = pending_error_, .host = host_};
  OptionTarget udp_{.kind = SocketKind::kUdp, .family = Family::kIpv4, .tcp = nullptr,
                    .datagram = &udp_socket_, .settings = settings_,
                    .pending_error = pending_error_, .host = host_};
};

TEST_F(OptionsTest, AddressPreferencesReachTheStack) {
  FakeTcpSocket socket{Family::kIpv6};
  const OptionTarget target{.kind = SocketKind::kTcp, .family = Family::kIpv6, .tcp = &socket,
                            .datagram = nullptr, .settings = settings_,
                            .pending_error = pending_error_, .host = host_};
  const auto set = [&](int value) {
    return SetSocketOption(target, IPPROTO_IPV6, IPV6_ADDR_PREFERENCES, sizeof(value),
                           BytesOf(value));
  };
  EXPECT_EQ(set(0x2), 0);  // IPV6_PREFER_SRC_PUBLIC
  EXPECT_EQ(socket.options().temporary_addresses, TemporaryAddresses::kAvoid);
  EXPECT_EQ(set(0x1), 0);  // IPV6_PREFER_SRC_TMP
  EXPECT_EQ(socket.options().temporary_addresses, TemporaryAddresses::kPrefer);
  EXPECT_EQ(set(0x100), 0);  // IPV6_PREFER_SRC_PUBTMP_DEFAULT
  EXPECT_EQ(socket.options().temporary_addresses, TemporaryAddresses::kByInterface);
}

TEST_F(OptionsTest, MaxPacingRateReachesTheStack) {
  EXPECT_EQ(Set(SOL_SOCKET, SO_MAX_PACING_RATE, uint32_t{1000}), 0);
  EXPECT_EQ(tcp_socket_.tcp_options().max_pacing_rate, 1000u);
  EXPECT_EQ(Set(SOL_SOCKET, SO_MAX_PACING_RATE, uint64_t{1} << 40), 0);
  EXPECT_EQ(tcp_socket_.tcp_options().max_pacing_rate, uint64_t{1} << 40);
  EXPECT_EQ(Set(SOL_SOCKET, SO_MAX_PACING_RATE, ~uint32_t{0}), 0);
  EXPECT_EQ(tcp_socket_.tcp_options().max_pacing_rate, ~uint64_t{0});
}

TEST_F(OptionsTest, LingerIsKept) {
  EXPECT_EQ(Set(SOL_SOCKET, SO_LINGER, linger{.l_onoff = 1, .l_linger = 5}), 0);
  EXPECT_TRUE(settings_.linger);
  EXPECT_EQ(settings_.linger_seconds, 5);
  EXPECT_EQ((Get<linger>(tcp_, SOL_SOCKET, SO_LINGER).l_linger), 5);
  EXPECT_EQ(Set(SOL_SOCKET, SO_LINGER, linger{.l_onoff = 0, .l_linger = 9}), 0);
  EXPECT_FALSE(settings_.linger);
  EXPECT_EQ(Set(SOL_SOCKET, SO_LINGER, 1), EINVAL);
}

TEST_F(OptionsTest, Timeouts) {
  EXPECT_EQ(Set(SOL_SOCKET, SO_RCVTIMEO, timeval{.tv_sec = 1, .tv_usec = 250000}), 0);
  EXPECT_EQ(settings_.receive_timeout, std::chrono::milliseconds(1250));
  EXPECT_EQ((Get<timeval>(tcp_, SOL_SOCKET, SO_RCVTIMEO).tv_usec), 250000);
  EXPECT_EQ((Get<timeval>(tcp_, SOL_SOCKET, SO_RCVTIMEO_NEW).tv_sec), 1);
  EXPECT_EQ(Set(SOL_SOCKET, SO_SNDTIMEO, timeval{.tv_sec = 0, .tv_usec = 1000000}), EDOM);
  EXPECT_EQ(Set(SOL_SOCKET, SO_SNDTIMEO, timeval{.tv_sec = INT64_MAX, .tv_usec = 0}), 0);
  EXPECT_EQ(settings_.send_timeout, netstack::Duration(0));  // for ever
  EXPECT_TRUE(IsPairOption(SOL_SOCKET, SO_SNDTIMEO));
  EXPECT_FALSE(IsPairOption(SOL_SOCKET, SO_LINGER));
}

TEST_F(OptionsTest, BuffersAreReportedDoubled) {
  EXPECT_EQ(Get<int>(tcp_, SOL_SOCKET, SO_SNDBUF), 16384);
  EXPECT_EQ(Get<int>(udp_, SOL_SOCKET, SO_RCVBUF), 212992);
  EXPECT_EQ(Set(SOL_SOCKET, SO_SNDBUF, 100000), 0);
  EXPECT_EQ(tcp_socket_.options().send_buffer, 100000u);
  EXPECT_EQ(Get<int>(tcp_, SOL_SOCKET, SO_SNDBUF), 200000);
  EXPECT_EQ(Set(SOL_SOCKET, SO_SNDBUF, 1), 0);
  EXPECT_EQ(Get<int>(tcp_, SOL_SOCKET, SO_SNDBUF), 4608);
  EXPECT_EQ(Set(SOL_SOCKET, SO_RCVBUF, 100 << 20), 0);
  EXPECT_EQ(Get<int>(tcp_, SOL_SOCKET, SO_RCVBUF), 2 * 212992);
  EXPECT_EQ(Set(SOL_SOCKET, SO_RCVBUFFORCE, 1 << 20), EPERM);
  host_.capabilities = {CAP_NET_ADMIN};
  EXPECT_EQ(Set(SOL_SOCKET, SO_RCVBUFFORCE, 1 << 20), 0);
  EXPECT_EQ(Get<int>(tcp_, SOL_SOCKET, SO_RCVBUF), 2 << 20);
}

TEST_F(OptionsTest, ErrorIsReportedOnce) {
  tcp_socket_.error = Error::kConnectionRefused;
  pending_error_ = EPIPE;
  EXPECT_EQ(Get<int>(tcp_, SOL_SOCKET, SO_ERROR), EPIPE);
  EXPECT_EQ(Get<int>(tcp_, SOL_SOCKET, SO_ERROR), ECONNREFUSED);
  EXPECT_EQ(Get<int>(tcp_, SOL_SOCKET, SO_ERROR), 0);
}

TEST_F(OptionsTest, Privileges) {
  EXPECT_EQ(Set(SOL_SOCKET, SO_MARK, 7), EPERM);
  EXPECT_EQ(Set(SOL_SOCKET, SO_PRIORITY, 7), EPERM);
  EXPECT_EQ(Set(SOL_SOCKET, SO_PRIORITY, 6), 0);
  EXPECT_EQ(Set(SOL_IP, IP_TRANSPARENT, 1), EPERM);
  host_.capabilities = {CAP_NET_RAW};
  EXPECT_EQ(Set(SOL_SOCKET, SO_MARK, 7), 0);
  EXPECT_EQ(tcp_socket_.options().mark, 7u);
  EXPECT_EQ(Set(SOL_SOCKET, SO_PRIORITY, 7), 0);
  EXPECT_EQ(Set(SOL_IP, IP_TRANSPARENT, 1), 0);
}

TEST_F(OptionsTest, BindToDevice) {
  const auto set = [&](std::string_view name) {
    return SetSocketOption(tcp_, SOL_SOCKET, SO_BINDTODEVICE, static_cast<int32_t>(name.size()),
                           {reinterpret_cast<const uint8_t*>(name.data()), name.size()});
  };
  EXPECT_EQ(set("none0"), ENODEV);
  EXPECT_EQ(set("eth0"), 0);
  EXPECT_EQ(tcp_socket_.options().bound_device, 2);
  EXPECT_EQ(set(""), EPERM);  // bound already
  const auto got = GetSocketOption(tcp_, SOL_SOCKET, SO_BINDTODEVICE, IFNAMSIZ);
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(got->span().data()), got->span().size()),
            std::string("eth0\0", 5));
  EXPECT_EQ(GetSocketOption(tcp_, SOL_SOCKET, SO_BINDTODEVICE, 4).error(), EINVAL);
  host_.capabilities = {CAP_NET_RAW};
  EXPECT_EQ(set(""), 0);
  EXPECT_EQ(tcp_socket_.options().bound_device, 0);
}

TEST_F(OptionsTest, UnreadableValueIsAFault) {
  EXPECT_EQ(SetSocketOption(tcp_, SOL_SOCKET, SO_KEEPALIVE, 4, {}), EFAULT);
  EXPECT_EQ(SetSocketOption(tcp_, SOL_SOCKET, SO_KEEPALIVE, 3, {}), EINVAL);
  EXPECT_EQ(SetSocketOption(tcp_, SOL_IP, IP_TOS, 1, {}), EFAULT);
  EXPECT_EQ(SetSocketOption(tcp_, SOL_IP, IP_TOS, 0, {}), 0);
}

TEST_F(OptionsTest, TcpEffects) {
  EXPECT_EQ(Set(SOL_TCP, TCP_NODELAY, 1), 0);
  EXPECT_EQ(Set(SOL_TCP, TCP_KEEPIDLE, 30), 0);
  EXPECT_EQ(Set(SOL_TCP, TCP_USER_TIMEOUT, 1500), 0);
  EXPECT_EQ(Set(SOL_TCP, TCP_DEFER_ACCEPT, 4), 0);
  const netstack::TcpOptions& options = tcp_socket_.tcp_options();
  EXPECT_TRUE(options.no_delay);
  EXPECT_EQ(options.keepalive_idle, std::chrono::seconds(30));
  EXPECT_EQ(options.user_timeout, std::chrono::milliseconds(1500));
  EXPECT_TRUE(options.defer_accept);
  EXPECT_EQ(Get<int>(tcp_, SOL_TCP, TCP_DEFER_ACCEPT), 7);
}

TEST_F(OptionsTest, CongestionControlByName) {
  EXPECT_EQ(Set(SOL_TCP, TCP_CONGESTION, std::array<char, 4>{'r', 'e', 'n', 'o'}), 0);
  const auto name = Get<std::array<char, 16>>(tcp_, SOL_TCP, TCP_CONGESTION);
  EXPECT_STREQ(name.data(), "reno");
  EXPECT_EQ(Set(SOL_TCP, TCP_CONGESTION, std::array<char, 4>{'v', 'i', 'v', 'o'}), ENOENT);
}

TEST_F(OptionsTest, TcpInfoLayout) {
  tcp_socket_.info.state = netstack::TcpState::kCloseWait;
  tcp_socket_.info.rtt = std::chrono::microseconds(123);
  tcp_socket_.info.send_window_scale = 7;
  tcp_socket_.info.bytes_acked = uint64_t{1} << 40;
  tcp_socket_.info.send_window = 65535;
  const auto info = Get<tcp_info>(tcp_, SOL_TCP, TCP_INFO);  // the C library's part of it
  EXPECT_EQ(info.tcpi_state, 8);
  EXPECT_EQ(info.tcpi_rtt, 123u);
  EXPECT_EQ(info.tcpi_snd_wscale, 7);
  tcp_socket_.info.received_marked = 3;
  tcp_socket_.info.delivered_e0_bytes = 5;
  tcp_socket_.info.received_ce_bytes = 7;
  const auto whole = GetSocketOption(tcp_, SOL_TCP, TCP_INFO, 4096);
  ASSERT_EQ(whole->span().size(), 280u);
  EXPECT_EQ(LoadAt<uint32_t>(whole->span(), 248), 3u);  // tcpi_received_ce
  EXPECT_EQ(LoadAt<uint32_t>(whole->span(), 256), 5u);  // tcpi_delivered_e0_bytes
  EXPECT_EQ(LoadAt<uint32_t>(whole->span(), 272), 7u);  // tcpi_received_ce_bytes
  EXPECT_EQ(LoadAt<uint64_t>(whole->span(), 120), uint64_t{1} << 40);  // tcpi_bytes_acked
  EXPECT_EQ(LoadAt<uint32_t>(whole->span(), 228), 65535u);             // tcpi_snd_wnd
  EXPECT_EQ(GetSocketOption(tcp_, SOL_TCP, TCP_INFO, 104)->span().size(), 104u);
}

TEST_F(OptionsTest, ErrorQueueFollowsEitherFamily) {
  EXPECT_EQ(SetUdp(SOL_IP, IP_RECVERR, 1), 0);
  EXPECT_TRUE(udp_socket_.queue_errors);
  EXPECT_TRUE(settings_.receive_error);
  EXPECT_EQ(SetUdp(SOL_IP, IP_RECVERR, 0), 0);
  EXPECT_FALSE(udp_socket_.queue_errors);
}

TEST_F(OptionsTest, Udp) {
  EXPECT_EQ(SetUdp(SOL_UDP, UDP_GRO, 1), 0);
  EXPECT_TRUE(udp_socket_.receive_offload);
  EXPECT_EQ(SetUdp(SOL_UDP, UDP_SEGMENT, 1200), 0);
  EXPECT_EQ(settings_.gso_segment, 1200);
  EXPECT_EQ(SetUdp(SOL_UDP, UDP_CORK, 1), EOPNOTSUPP);
}

TEST_F(OptionsTest, TimestampFormatsExcludeEachOther) {
  EXPECT_EQ(SetUdp(SOL_SOCKET, SO_TIMESTAMP, 1), 0);
  EXPECT_EQ(SetUdp(SOL_SOCKET, SO_TIMESTAMPNS, 1), 0);
  EXPECT_EQ(Get<int>(udp_, SOL_SOCKET, SO_TIMESTAMP), 0);
  EXPECT_EQ(Get<int>(udp_, SOL_SOCKET, SO_TIMESTAMPNS), 1);
}

TEST_F(OptionsTest, NamesNeedAPeer) {
  EXPECT_EQ(GetSocketOption(tcp_, SOL_IP, IP_MTU, 4).error(), ENOTCONN);
  EXPECT_EQ(GetSocketOption(tcp_, SOL_SOCKET, SO_PEERNAME, 16).error(), ENOTCONN);
  (void)tcp_socket_.Connect({.address = IpAddress::V4(192, 0, 2, 1), .port = 80});
  EXPECT_EQ(Get<int>(tcp_, SOL_IP, IP_MTU), 1400);
  EXPECT_EQ(Get<sockaddr_in>(tcp_, SOL_SOCKET, SO_PEERNAME).sin_port, htons(80));
}

TEST_F(OptionsTest, Membership) {
  ip_mreqn request{};
  request.imr_multiaddr.s_addr = htonl(0xe0000105);
  request.imr_ifindex = 9;
  EXPECT_EQ(SetUdp(SOL_IP, IP_ADD_MEMBERSHIP, request), ENODEV);
  EXPECT_EQ(Set(SOL_IP, IP_ADD_MEMBERSHIP, request), EPROTO);
}

// --- Sources of groups; what they mean is compared with Linux in socket_semantics_test -----------

group_source_req SourceRequest(uint32_t interface, const char* group, const char* source) {
  group_source_req request{};
  request.gsr_interface = interface;
  for (auto [storage, text] :
       {std::pair(&request.gsr_group, group), {&request.gsr_source, source}}) {
    auto* address = reinterpret_cast<sockaddr_in*>(storage);
    address->sin_family = AF_INET;
    inet_pton(AF_INET, text, &address->sin_addr);
  }
  return request;
}

TEST_F(OptionsTest, SourceFiltersReachTheStack) {
  EXPECT_EQ(SetUdp(SOL_IP, MCAST_JOIN_SOURCE_GROUP, SourceRequest(1, "239.1.1.1", "10.0.0.1")), 0);
  EXPECT_EQ(SetUdp(SOL_IP, MCAST_JOIN_SOURCE_GROUP, SourceRequest(1, "239.1.1.1", "10.0.0.2")), 0);
  const auto filter = udp_socket_.GetSourceFilter(*IpAddress::Parse("239.1.1.1"), 1);
  ASSERT_TRUE(filter.ok());
  EXPECT_FALSE(filter->exclude);
  EXPECT_EQ(filter->sources.size(), 2u);
  EXPECT_EQ(SetUdp(SOL_IP, MCAST_JOIN_SOURCE_GROUP, SourceRequest(9, "239.1.1.1", "10.0.0.1")),
            ENODEV);
  EXPECT_EQ(Set(SOL_IP, MCAST_JOIN_SOURCE_GROUP, SourceRequest(1, "239.1.1.1", "10.0.0.1")),
            EPROTO);
}

TEST_F(OptionsTest, ReadingAFilterNeedsTheBuffer) {
  ASSERT_EQ(SetUdp(SOL_IP, MCAST_JOIN_SOURCE_GROUP, SourceRequest(1, "239.1.1.1", "10.0.0.1")), 0);
  EXPECT_TRUE(ReadsItsBuffer(SOL_IP, MCAST_MSFILTER));
  EXPECT_FALSE(ReadsItsBuffer(SOL_SOCKET, MCAST_MSFILTER));
  EXPECT_EQ(GetSocketOption(udp_, SOL_IP, MCAST_MSFILTER, 143).error(), EINVAL);
  EXPECT_EQ(GetSocketOption(udp_, SOL_IP, MCAST_MSFILTER, 400).error(), EFAULT);
  std::vector<uint8_t> input(kGetInputSize);
  const auto request = SourceRequest(1, "239.1.1.1", "10.0.0.1");
  std::memcpy(input.data(), &request, 136);  // interface and group are where they are there
  input[140] = 1;                            // gf_numsrc
  OptionTarget target{udp_.kind, udp_.family, udp_.tcp, udp_.datagram, udp_.settings,
                      udp_.pending_error, udp_.host, input};
  const auto got = GetSocketOption(target, SOL_IP, MCAST_MSFILTER, 400);
  ASSERT_TRUE(got.ok());
  ASSERT_EQ(got->span().size(), 144u + 128u);
  EXPECT_EQ(LoadAt<uint32_t>(got->span(), 136), static_cast<uint32_t>(MCAST_INCLUDE));
  EXPECT_EQ(LoadAt<uint32_t>(got->span(), 140), 1u);
  EXPECT_EQ(LoadAt<uint32_t>(got->span(), 144 + 4), htonl(0x0a000001));
}

TEST_F(OptionsTest, AFilterOfTooManySourcesIsRefused) {
  group_filter filter{};
  reinterpret_cast<sockaddr_in&>(filter.gf_group).sin_family = AF_INET;
  filter.gf_numsrc = 0x10000000;
  EXPECT_EQ(SetUdp(SOL_IP, MCAST_MSFILTER, filter), ENOBUFS);
  filter.gf_numsrc = 2;
  EXPECT_EQ(SetUdp(SOL_IP, MCAST_MSFILTER, filter), EINVAL);  // only one is there
}

// --- What reaches the stack ----------------------------------------------------------------------

TEST_F(OptionsTest, MinimumHopsReachTheStack) {
  EXPECT_EQ(Set(SOL_IP, IP_MINTTL, 255), 0);
  EXPECT_EQ(tcp_socket_.options().minimum_ttl, 255);
  tcp_.family = Family::kIpv6;
  EXPECT_EQ(Set(SOL_IPV6, IPV6_MINHOPCOUNT, 254), 0);
  EXPECT_EQ(tcp_socket_.options().minimum_hop_count, 254);
  EXPECT_EQ(Set(SOL_IPV6, IPV6_MINHOPCOUNT, 256), EINVAL);
}

TEST_F(OptionsTest, ChecksumsThatAreLeftOutReachTheStack) {
  EXPECT_EQ(SetUdp(SOL_SOCKET, SO_NO_CHECK, 1), 0);
  EXPECT_EQ(SetUdp(SOL_UDP, UDP_NO_CHECK6_TX, 1), 0);
  EXPECT_EQ(SetUdp(SOL_UDP, UDP_NO_CHECK6_RX, 7), 0);
  const netstack::DatagramOptions& options = udp_socket_.datagram_options();
  EXPECT_TRUE(options.no_checksum && options.no_checksum6_sent && options.no_checksum6_received);
  EXPECT_EQ(Get<int>(udp_, SOL_UDP, UDP_NO_CHECK6_RX), 1);
  EXPECT_EQ(Set(SOL_SOCKET, SO_NO_CHECK, 1), 0);  // TCP keeps it
  EXPECT_EQ(Get<int>(tcp_, SOL_SOCKET, SO_NO_CHECK), 1);
}

TEST_F(OptionsTest, SizesReachTheStack) {
  udp_.family = Family::kIpv6;
  EXPECT_EQ(SetUdp(SOL_IPV6, IPV6_DONTFRAG, 1), 0);
  EXPECT_EQ(SetUdp(SOL_IPV6, IPV6_RECVPATHMTU, 1), 0);
  EXPECT_EQ(SetUdp(SOL_IPV6, IPV6_MTU, 1279), EINVAL);
  EXPECT_EQ(SetUdp(SOL_IPV6, IPV6_MTU, 1 << 20), 0);
  const netstack::DatagramOptions& options = udp_socket_.datagram_options();
  EXPECT_TRUE(options.dont_fragment && options.receive_path_mtu);
  EXPECT_EQ(options.most_mtu, UINT16_MAX);
}

TEST_F(OptionsTest, InterfacesOfSendsReachTheStack) {
  udp_.family = Family::kIpv6;
  EXPECT_EQ(SetUdp(SOL_IP, IP_UNICAST_IF, htonl(2)), 0);
  EXPECT_EQ(SetUdp(SOL_IPV6, IPV6_UNICAST_IF, htonl(2)), 0);
  in6_pktinfo info{};
  info.ipi6_ifindex = 2;
  EXPECT_EQ(SetUdp(SOL_IPV6, IPV6_PKTINFO, info), 0);
  const netstack::DatagramOptions& options = udp_socket_.datagram_options();
  EXPECT_EQ(options.unicast_interface, 2);
  EXPECT_EQ(options.unicast_interface6, 2);
  EXPECT_EQ(options.sticky_interface, 2);
}

TEST_F(OptionsTest, FlowLabelsCanBeSwitchedOff) {
  tcp_.family = Family::kIpv6;
  EXPECT_EQ(Get<int>(tcp_, SOL_IPV6, IPV6_AUTOFLOWLABEL), 1);
  EXPECT_EQ(Set(SOL_IPV6, IPV6_AUTOFLOWLABEL, 0), 0);
  EXPECT_FALSE(tcp_socket_.options().auto_flow_label);
}

TEST_F(OptionsTest, SavedSynIsReadOnceAndWhole) {
  EXPECT_EQ(Set(SOL_TCP, TCP_SAVE_SYN, 3), EINVAL);
  EXPECT_EQ(Set(SOL_TCP, TCP_SAVE_SYN, 2), EOPNOTSUPP);
  EXPECT_EQ(Set(SOL_TCP, TCP_SAVE_SYN, 1), 0);
  EXPECT_TRUE(tcp_socket_.tcp_options().save_syn);
  tcp_socket_.saved_syn.assign(60, 0x45);
  EXPECT_EQ(GetSocketOption(tcp_, SOL_TCP, TCP_SAVED_SYN, 59).error(), EINVAL);
  EXPECT_EQ(GetSocketOption(tcp_, SOL_TCP, TCP_SAVED_SYN, 100)->span().size(), 60u);
  EXPECT_EQ(GetSocketOption(tcp_, SOL_TCP, TCP_SAVED_SYN, 100)->span().size(), 0u);
}

TEST_F(OptionsTest, MulticastAllReachesTheStack) {
  EXPECT_TRUE(udp_socket_.options().multicast_all);
  EXPECT_EQ(SetUdp(SOL_IP, IP_MULTICAST_ALL, 0), 0);
  EXPECT_FALSE(udp_socket_.options().multicast_all);
}

}  // namespace
}  // namespace moat::sentry
