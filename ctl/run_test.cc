#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "ctl/run_test_world.h"

namespace moat::ctl {
namespace {

TEST_F(RunTest, AddrShowsLikeIp) {
  ASSERT_EQ(RunLine("web addr"), 0) << err_;
  EXPECT_EQ(out_,
            "1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 state UNKNOWN\n"
            "    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00\n"
            "    inet 127.0.0.1/8 scope host lo\n"
            "2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 state UP\n"
            "    link/ether 02:42:ac:11:00:02 brd ff:ff:ff:ff:ff:ff\n"
            "    inet 172.17.0.2/16 brd 172.17.255.255 scope global eth0\n"
            "    inet6 fe80::42/64 scope link tentative eth0\n");
}

TEST_F(RunTest, AddrShowsOneFamily) {
  ASSERT_EQ(RunLine("-6 web addr show"), 0) << err_;
  EXPECT_EQ(out_.find("inet "), std::string::npos);
  EXPECT_NE(out_.find("inet6 fe80::42/64"), std::string::npos);
}

TEST_F(RunTest, AddrAsJsonHasIpsNames) {
  ASSERT_EQ(RunLine("web --json a s"), 0) << err_;
  const auto json = nlohmann::json::parse(out_);
  ASSERT_EQ(json.size(), 2u);
  EXPECT_EQ(json[1]["ifname"], "eth0");
  EXPECT_EQ(json[1]["operstate"], "UP");
  EXPECT_EQ(json[1]["addr_info"][0]["local"], "172.17.0.2");
  EXPECT_EQ(json[1]["addr_info"][0]["prefixlen"], 16);
  EXPECT_EQ(json[1]["addr_info"][1]["scope"], "link");
}

TEST_F(RunTest, AddrAddAndDelete) {
  ASSERT_EQ(RunLine("web addr add 192.0.2.1/24 dev eth0"), 0) << err_;
  EXPECT_EQ(sandbox_.add_address.prefix(), "192.0.2.1/24");
  EXPECT_EQ(sandbox_.add_address.interface(), "eth0");
  ASSERT_EQ(RunLine("web addr del dev eth0 2001:db8::1/64"), 0) << err_;
  EXPECT_EQ(sandbox_.remove_address.prefix(), "2001:db8::1/64");
}

TEST_F(RunTest, LinkStatistics) {
  ASSERT_EQ(RunLine("-s web link"), 0) << err_;
  EXPECT_NE(out_.find("    RX:      bytes  packets  errors dropped   mcast\n"
                      "              1234        0       0       0       0\n"
                      "    TX:      bytes  packets  errors dropped\n"
                      "                 0        7       0       0\n"),
            std::string::npos)
      << out_;
}

TEST_F(RunTest, LinkWithoutCarrier) {
  sandbox_.interfaces.mutable_interfaces(1)->set_carrier(false);
  ASSERT_EQ(RunLine("web link show"), 0) << err_;
  EXPECT_NE(out_.find("eth0: <NO-CARRIER,BROADCAST,MULTICAST,UP> mtu 1500 state DOWN"),
            std::string::npos)
      << out_;
}

TEST_F(RunTest, LinkSet) {
  ASSERT_EQ(RunLine("web link set dev eth0 down mtu 9000"), 0) << err_;
  EXPECT_TRUE(sandbox_.set_interface.has_up());
  EXPECT_FALSE(sandbox_.set_interface.up());
  EXPECT_EQ(sandbox_.set_interface.mtu_bytes(), 9000u);
  ASSERT_EQ(RunLine("web link set eth0 up"), 0) << err_;
  EXPECT_FALSE(sandbox_.set_interface.has_mtu_bytes());
}

TEST_F(RunTest, NeighShowsLikeIp) {
  v1::Neighbor* known = sandbox_.neighbors.add_neighbors();
  known->set_address("172.17.0.1");
  known->set_interface("eth0");
  known->set_hardware_address("02:42:00:00:00:01");
  known->set_state(v1::Neighbor::STATE_REACHABLE);
  v1::Neighbor* failed = sandbox_.neighbors.add_neighbors();
  failed->set_address("fe80::9");
  failed->set_interface("eth0");
  failed->set_state(v1::Neighbor::STATE_FAILED);
  ASSERT_EQ(RunLine("web neighbour"), 0) << err_;
  EXPECT_EQ(out_,
            "172.17.0.1 dev eth0 lladdr 02:42:00:00:00:01 REACHABLE\n"
            "fe80::9 dev eth0 FAILED\n");
  ASSERT_EQ(RunLine("web -j n"), 0) << err_;
  EXPECT_EQ(nlohmann::json::parse(out_)[0]["state"][0], "REACHABLE");
}

TEST_F(RunTest, NeighChanges) {
  ASSERT_EQ(RunLine("web neigh add 172.17.0.9 lladdr 02:00:00:00:00:09 dev eth0 nud permanent"), 0)
      << err_;
  EXPECT_EQ(sandbox_.add_neighbor.hardware_address(), "02:00:00:00:00:09");
  ASSERT_EQ(RunLine("web neigh del 172.17.0.9 dev eth0"), 0) << err_;
  EXPECT_EQ(sandbox_.remove_neighbor.address(), "172.17.0.9");
  ASSERT_EQ(RunLine("web -4 neigh flush dev eth0 nud all"), 0) << err_;
  EXPECT_EQ(sandbox_.flush_neighbors.interface(), "eth0");
  EXPECT_EQ(sandbox_.flush_neighbors.family(), v1::FAMILY_IPV4);
  EXPECT_TRUE(sandbox_.flush_neighbors.include_permanent());
}

TEST_F(RunTest, SocketsShowLikeSs) {
  sandbox_.sockets.push_back(
      MakeSocket(v1::Socket::PROTOCOL_TCP, v1::Socket::STATE_LISTEN, "0.0.0.0", 80, "0.0.0.0", 0));
  sandbox_.sockets.back().set_send_queue(511);
  sandbox_.sockets.push_back(MakeSocket(v1::Socket::PROTOCOL_TCP, v1::Socket::STATE_ESTABLISHED,
                                        "172.17.0.2", 80, "172.17.0.1", 40000));
  v1::TcpInfo* info = sandbox_.sockets.back().mutable_tcp();
  info->set_rtt_us(150);
  info->set_rtt_variance_us(50);
  info->set_rto_us(204000);
  info->set_send_mss_bytes(1448);
  info->set_congestion_window(10);
  info->set_slow_start_threshold(0x7fffffff);
  info->set_bytes_acked(77);
  info->set_congestion_control("cubic");
  info->set_pacing_rate_bytes_per_second(1000);
  info->set_max_pacing_rate_bytes_per_second(~uint64_t{0});
  info->set_segments_delivered(5);
  info->set_busy_us(140'000);
  info->set_receiver_limited_us(100'000);
  info->set_segments_retransmitted(1);
  info->set_retransmits_total(2);
  info->set_segments_lost(3);
  info->set_reordering(7);
  info->set_timeouts(1);
  info->set_timeout_ms(200);
  info->set_peer_user_timeout_ms(300'000);
  sandbox_.sockets.push_back(
      MakeSocket(v1::Socket::PROTOCOL_UDP, v1::Socket::STATE_CLOSED, "::", 53, "::", 0));
  ASSERT_EQ(RunLine("web ss -tuan"), 0) << err_;
  EXPECT_EQ(out_,
            "Netid State  Recv-Q Send-Q Local Address:Port Peer Address:Port\n"
            "tcp   LISTEN 0      511            0.0.0.0:80         0.0.0.0:*\n"
            "tcp   ESTAB  0      0           172.17.0.2:80  172.17.0.1:40000\n"
            "udp   UNCONN 0      0                 [::]:53            [::]:*\n");
  ASSERT_EQ(RunLine("web ss -Hi"), 0) << err_;
  EXPECT_EQ(out_,
            "tcp   ESTAB 0      0           172.17.0.2:80  172.17.0.1:40000\n"
            "\t cubic rto:204 rtt:0.15/0.05 mss:1448 pmtu:0 rcvmss:0 cwnd:10 bytes_acked:77 "
            "pacing_rate 8000bps delivered:5 busy:140ms rwnd_limited:100ms(71.4%) retrans:1/2 "
            "lost:3 reordering:7 total_rto:1 total_rto_time:200 peer_user_timeout:300000\n");
  ASSERT_EQ(RunLine("web ss -lH"), 0) << err_;
  EXPECT_NE(out_.find("LISTEN"), std::string::npos);
  EXPECT_EQ(out_.find("ESTAB"), std::string::npos);
  ASSERT_EQ(RunLine("--json web ss -a"), 0) << err_;
  const auto json = nlohmann::json::parse(out_);
  ASSERT_EQ(json.size(), 3u);
  EXPECT_EQ(json[1]["tcp"]["rtt_us"], 150);
  EXPECT_EQ(json[1]["tcp"]["ca_state"], "open");
  EXPECT_EQ(json[1]["tcp"]["rwnd_limited_us"], 100'000);
  EXPECT_EQ(json[1]["tcp"]["pacing_rate"], 1000);
  EXPECT_EQ(json[1]["tcp"]["peer_user_timeout_ms"], 300'000);
  EXPECT_FALSE(json[1]["tcp"].contains("max_pacing_rate"));
  EXPECT_EQ(json[1]["peer"]["port"], 40000);
}

TEST_F(RunTest, CountersWithoutDotsAndZeros) {
  for (const auto& [name, value] :
       {std::pair("Ip.InReceives", 9), std::pair("Tcp.RetransSegs", 0)}) {
    v1::Counter* counter = sandbox_.counters.add_counters();
    counter->set_name(name);
    counter->set_value(value);
  }
  ASSERT_EQ(RunLine("web nstat"), 0) << err_;
  EXPECT_EQ(out_, "IpInReceives                    9\n");
  ASSERT_EQ(RunLine("web --json stats -z Tcp"), 0) << err_;
  EXPECT_EQ(out_, "{\"stack\":{\"TcpRetransSegs\":0}}\n");
}

TEST_F(RunTest, SysctlShowsAndSets) {
  ASSERT_EQ(RunLine("web sysctl"), 0) << err_;
  EXPECT_EQ(out_, "ipv4.ip_default_ttl = 64\n");
  ASSERT_EQ(RunLine("--json web sysctl net.ipv4.ip_default_ttl"), 0) << err_;
  EXPECT_EQ(out_, "{\"ipv4.ip_default_ttl\":\"64\"}\n");
  ASSERT_EQ(RunLine("web sysctl net.ipv4.ip_forward=1"), 0) << err_;
  EXPECT_EQ(sandbox_.set_sysctl.sysctl().name(), "ipv4.ip_forward");
  EXPECT_EQ(sandbox_.set_sysctl.sysctl().value(), "1");
  EXPECT_EQ(RunLine("web sysctl no"), 2);
}

TEST_F(RunTest, MonitorPrintsEventsUntilTheSandboxEnds) {
  v1::Event removed;
  removed.set_kind(v1::Event::KIND_REMOVED);
  removed.mutable_route()->set_destination("192.0.2.0/24");
  removed.mutable_route()->set_interface("eth0");
  sandbox_.events.push_back(removed);
  EXPECT_EQ(RunLine("web monitor route socket"), 2);
  EXPECT_EQ(out_, "Deleted 192.0.2.0/24 dev eth0\n");
  EXPECT_EQ(err_, "moatctl: the sandbox has ended\n");
  ASSERT_EQ(sandbox_.watch.objects_size(), 2);
  EXPECT_EQ(sandbox_.watch.objects(1), v1::WatchRequest::OBJECT_SOCKET);
}

TEST_F(RunTest, MonitorShowsRulesAdvertisementsAndPolicies) {
  v1::Event event;
  event.set_kind(v1::Event::KIND_UPDATED);
  event.mutable_rule()->set_priority(7);
  event.mutable_rule()->set_table(100);
  sandbox_.events.push_back(event);
  event.mutable_router_advertisement()->set_interface("eth0");
  event.mutable_router_advertisement()->set_max_interval_s(600);
  sandbox_.events.push_back(event);
  event.set_kind(v1::Event::KIND_REMOVED);
  event.mutable_address_policy()->set_prefix("2001:db8::/32");
  event.mutable_address_policy()->set_label(9);
  sandbox_.events.push_back(event);
  EXPECT_EQ(RunLine("web monitor rule ra addrlabel"), 2);
  EXPECT_EQ(out_,
            "7:\tfrom all lookup 100\n"
            "ra eth0 max 600 min 0 lifetime 0 preference medium hoplimit 0 (silent)\n"
            "Deleted prefix 2001:db8::/32 label 9 precedence 0\n");
  ASSERT_EQ(sandbox_.watch.objects_size(), 3);
  EXPECT_EQ(sandbox_.watch.objects(0), v1::WatchRequest::OBJECT_RULE);
  EXPECT_EQ(sandbox_.watch.objects(1), v1::WatchRequest::OBJECT_ROUTER_ADVERTISEMENT);
  EXPECT_EQ(sandbox_.watch.objects(2), v1::WatchRequest::OBJECT_ADDRESS_POLICY);
  EXPECT_EQ(RunLine("web -j monitor rule"), 2);
  EXPECT_NE(out_.find("\"rule\":{\"priority\":7"), std::string::npos) << out_;
}

TEST_F(RunTest, NoObjectTellsWhoItIs) {
  ASSERT_EQ(RunLine("web"), 0) << err_;
  EXPECT_EQ(out_, "sandbox web up 1.5s\n");
}

TEST_F(RunTest, RootIsPassedOn) {
  ASSERT_EQ(RunLine("--root /somewhere web"), 0) << err_;
  EXPECT_EQ(root_, "/somewhere");
}

TEST_F(RunTest, TheSandboxsRefusalIsOneLineAndExitCode2) {
  sandbox_.answer = grpc::Status(grpc::StatusCode::NOT_FOUND, "Cannot find device \"eth9\"");
  EXPECT_EQ(RunLine("web link set eth9 up"), 2);
  EXPECT_EQ(err_, "moatctl: Cannot find device \"eth9\"\n");
  EXPECT_EQ(RunLine("other addr"), 2);
  EXPECT_EQ(err_, "moatctl: no such sandbox: other\n");
}

TEST_F(RunTest, MistakesAreNamedAndExitCode1) {
  const std::pair<const char*, const char*> mistakes[] = {
      {"", "needs the id of a sandbox; try moatctl --help"},
      {"--frob web", "option \"--frob\" is unknown; try moatctl --help"},
      {"--root", "\"--root\" needs a value"},
      {"web frob",
       "object \"frob\" is unknown; there are: addr, route, rule, ra, addrlabel, link, neigh, "
       "ss, nstat, monitor, sysctl"},
      {"web addrlabel add label 9", "addrlabel needs \"prefix PREFIX\""},
      {"web addrlabel add prefix ::/0", "addrlabel needs \"label N\""},
      {"web addrlabel add prefix here", "\"here\" is not a prefix"},
      {"web addrlabel del prefix ::/0 dev eth0", "addrlabel: \"dev\" is not supported"},
      {"web addr frob", "\"frob\" is unknown to \"addr\"; it knows: show, add, del"},
      {"web addr add 192.0.2.1/24", "addr needs \"dev IF\""},
      {"web addr add dev eth0", "addr needs an address, e.g. 192.0.2.1/24"},
      {"web addr add 300.0.0.1/24 dev eth0", "\"300.0.0.1/24\" is not an address"},
      {"web addr add 192.0.2.1/24 dev", "\"dev\" needs a value"},
      {"web addr add 192.0.2.1/24 dev eth0 label x", "addr: \"label\" is not supported"},
      {"web link set", "link set needs an interface"},
      {"web link set eth0", "link set needs up, down or mtu"},
      {"web link set eth0 mtu big", "\"big\" is not a number for \"mtu\""},
      {"web link show eth0 eth1", "\"eth1\" is one word too many"},
      {"web route add", "route needs a destination, e.g. default"},
      {"web route add nowhere", "\"nowhere\" is not a destination"},
      {"web route add default via x", "\"x\" is not an address"},
      {"web route add default nexthop", "route: \"nexthop\" is not supported"},
      {"web route add default table", "\"table\" needs a value"},
      {"web route show table x", "\"x\" is not a table"},
      {"web route show fast", "\"fast\" is one word too many"},
      {"web rule add", "rule needs a selector, e.g. from 192.0.2.0/24"},
      {"web rule add from here", "\"here\" is not a prefix"},
      {"web rule add fwmark 1", "rule: \"fwmark\" is not supported"},
      {"web rule add from 192.0.2.1 pref high", "\"high\" is not a number for \"pref\""},
      {"web rule list all", "\"all\" is one word too many"},
      {"web ra set", "ra needs an interface"},
      {"web ra set eth0 max", "\"max\" needs a value"},
      {"web ra set eth0 prefix 192.0.2.0/24", "\"192.0.2.0/24\" is not IPv6"},
      {"web ra set eth0 valid 9", "\"valid\" belongs behind \"prefix PREFIX\""},
      {"web ra set eth0 preference best", "\"best\" is not low, medium or high"},
      {"web ra set eth0 speed 9", "ra: \"speed\" is not supported"},
      {"web ra unset eth0 now", "\"now\" is one word too many"},
      {"web neigh add 192.0.2.1 dev eth0", "neigh add needs \"lladdr MAC\""},
      {"web neigh del 192.0.2.1", "neigh needs \"dev IF\""},
      {"web ss -x", "ss: option -x is not supported"},
      {"web ss state", "ss: filter \"state\" is not supported"},
      {"web monitor frob",
       "monitor: \"frob\" is not link, address, route, neigh, socket, counter, rule, ra, addrlabel "
       "or all"},
  };
  for (const auto& [line, message] : mistakes) {
    EXPECT_EQ(RunLine(line), 1) << line;
    EXPECT_EQ(err_, std::string("moatctl: ") + message + "\n") << line;
    EXPECT_EQ(out_, "") << line;
  }
}

TEST_F(RunTest, HelpNeedsNoSandbox) {
  ASSERT_EQ(RunLine("--help"), 0);
  EXPECT_NE(out_.find("Usage: moatctl"), std::string::npos);
}

}  // namespace
}  // namespace moat::ctl
