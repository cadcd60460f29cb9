// The objects that say where packets go: routes, rules, advertisements, address labels.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "ctl/run_test_world.h"

namespace moat::ctl {
namespace {

TEST_F(RunTest, RouteShowsLikeIp) {
  ASSERT_EQ(RunLine("web route"), 0) << err_;
  EXPECT_EQ(out_,
            "default via 172.17.0.1 dev eth0\n"
            "172.17.0.0/16 dev eth0 proto kernel scope link src 172.17.0.2\n");
  ASSERT_EQ(RunLine("web -6 route"), 0) << err_;
  EXPECT_EQ(out_, "default via fe80::1 dev eth0 metric 1024\n");
}

TEST_F(RunTest, RouteTypesAndHosts) {
  sandbox_.routes.Clear();
  AddRoute("192.0.2.9/32", "", 4, 0, "", 5);
  sandbox_.routes.mutable_routes(0)->set_type(v1::Route::TYPE_BLACKHOLE);
  sandbox_.routes.mutable_routes(0)->clear_interface();
  ASSERT_EQ(RunLine("web route"), 0) << err_;
  EXPECT_EQ(out_, "blackhole 192.0.2.9 proto static metric 5\n");
  ASSERT_EQ(RunLine("web -j route"), 0) << err_;
  EXPECT_EQ(out_,
            "[{\"type\":\"blackhole\",\"dst\":\"192.0.2.9\",\"protocol\":\"static\",\"metric\":5,"
            "\"flags\":[]}]\n");
}

TEST_F(RunTest, RouteAddTakesIpsWords) {
  ASSERT_EQ(RunLine("web route add 198.51.100.0/24 via 172.17.0.1 dev eth0 metric 7 src 172.17.0.2 "
                    "mtu 1400 proto static"),
            0)
      << err_;
  const v1::Route& route = sandbox_.add_route.route();
  EXPECT_EQ(route.destination(), "198.51.100.0/24");
  EXPECT_EQ(route.gateway(), "172.17.0.1");
  EXPECT_EQ(route.interface(), "eth0");
  EXPECT_EQ(route.metric(), 7u);
  EXPECT_EQ(route.source(), "172.17.0.2");
  EXPECT_EQ(route.mtu_bytes(), 1400u);
  EXPECT_EQ(route.protocol(), 4u);
  EXPECT_FALSE(sandbox_.add_route.replace());
}

TEST_F(RunTest, RoutesOfOtherTables) {
  sandbox_.routes.mutable_routes(0)->set_table(254);
  sandbox_.routes.mutable_routes(1)->set_table(100);
  ASSERT_EQ(RunLine("web route show table all"), 0) << err_;
  EXPECT_TRUE(sandbox_.list_routes.all_tables());
  EXPECT_EQ(out_,
            "default via 172.17.0.1 dev eth0\n"
            "172.17.0.0/16 dev eth0 table 100 proto kernel scope link src 172.17.0.2\n");
  ASSERT_EQ(RunLine("web route show dev eth0 table 100"), 0) << err_;
  EXPECT_EQ(sandbox_.list_routes.table(), 100u);
  EXPECT_EQ(sandbox_.list_routes.interface(), "eth0");
  EXPECT_EQ(out_.find("table"), out_.npos);
  ASSERT_EQ(RunLine("web -j route show table all"), 0) << err_;
  EXPECT_EQ(nlohmann::json::parse(out_)[1]["table"], "100");
  ASSERT_EQ(RunLine("web route add default via 172.17.0.9 table 100"), 0) << err_;
  EXPECT_EQ(sandbox_.add_route.route().table(), 100u);
  ASSERT_EQ(RunLine("web route add throw 192.0.2.0/24 table 7"), 0) << err_;
  EXPECT_EQ(sandbox_.add_route.route().type(), v1::Route::TYPE_THROW);
  ASSERT_EQ(RunLine("web route del default table main"), 0) << err_;
  EXPECT_EQ(sandbox_.remove_route.route().table(), 254u);
}

TEST_F(RunTest, RulesShowLikeIp) {
  v1::Rule* rule = sandbox_.rules.add_rules();
  rule->set_priority(1000);
  rule->set_from("192.0.2.0/24");
  rule->set_to("203.0.113.9/32");
  rule->set_incoming_interface("eth0");
  rule->set_table(100);
  rule = sandbox_.rules.add_rules();
  rule->set_priority(2000);
  rule->set_type(v1::Route::TYPE_PROHIBIT);
  rule = sandbox_.rules.add_rules();
  rule->set_priority(32766);
  rule->set_table(254);
  ASSERT_EQ(RunLine("web rule"), 0) << err_;
  EXPECT_EQ(out_,
            "1000:\tfrom 192.0.2.0/24 to 203.0.113.9 iif eth0 lookup 100\n"
            "2000:\tfrom all prohibit\n"
            "32766:\tfrom all lookup main\n");
  ASSERT_EQ(RunLine("web -j rule list"), 0) << err_;
  EXPECT_EQ(out_,
            "[{\"priority\":1000,\"src\":\"192.0.2.0\",\"srclen\":24,\"dst\":\"203.0.113.9\","
            "\"iif\":\"eth0\",\"table\":\"100\"},"
            "{\"priority\":2000,\"src\":\"all\",\"action\":\"prohibit\"},"
            "{\"priority\":32766,\"src\":\"all\",\"table\":\"main\"}]\n");
}

TEST_F(RunTest, RulesAreAddedAndDeletedInIpsWords) {
  ASSERT_EQ(RunLine("web rule add from 192.0.2.0/24 to 203.0.113.0/24 iif eth0 pref 77 table 100"),
            0)
      << err_;
  const v1::Rule& rule = sandbox_.add_rule.rule();
  EXPECT_EQ(rule.from(), "192.0.2.0/24");
  EXPECT_EQ(rule.to(), "203.0.113.0/24");
  EXPECT_EQ(rule.incoming_interface(), "eth0");
  EXPECT_EQ(rule.priority(), 77u);
  EXPECT_EQ(rule.table(), 100u);
  EXPECT_EQ(rule.family(), v1::FAMILY_IPV4);
  ASSERT_EQ(RunLine("web -6 rule add from all lookup main"), 0) << err_;
  EXPECT_EQ(rule.family(), v1::FAMILY_IPV6);
  EXPECT_FALSE(rule.has_priority());
  EXPECT_EQ(rule.table(), 254u);
  ASSERT_EQ(RunLine("web rule add from 2001:db8::/32 unreachable"), 0) << err_;
  EXPECT_EQ(rule.family(), v1::FAMILY_IPV6);
  EXPECT_EQ(rule.type(), v1::Route::TYPE_UNREACHABLE);
  ASSERT_EQ(RunLine("web rule del priority 77"), 0) << err_;
  EXPECT_EQ(sandbox_.remove_rule.rule().priority(), 77u);
}

TEST_F(RunTest, RouterAdvertisementsAreSetAndUnset) {
  ASSERT_EQ(
      RunLine("web ra set eth0 max 4 min 3 lifetime 0 preference low hoplimit 0 managed "
              "other reachable 1 retrans 2 mtu 1400 prefix 2001:db8::/64 valid forever preferred 9 "
              "off-link prefix 2001:db8:1::/64 no-autoconf dns 2001:db8::53 dns-lifetime 5"),
      0)
      << err_;
  const v1::RouterAdvertisement& ra = sandbox_.set_advertisement.advertisement();
  EXPECT_EQ(ra.interface(), "eth0");
  EXPECT_EQ(ra.max_interval_s(), 4u);
  EXPECT_EQ(ra.min_interval_s(), 3u);
  EXPECT_TRUE(ra.has_lifetime_s());
  EXPECT_EQ(ra.lifetime_s(), 0u);
  EXPECT_EQ(ra.preference(), v1::RouterAdvertisement::PREFERENCE_LOW);
  EXPECT_TRUE(ra.has_hop_limit());
  EXPECT_TRUE(ra.managed() && ra.other());
  EXPECT_EQ(ra.reachable_ms(), 1u);
  EXPECT_EQ(ra.retransmit_ms(), 2u);
  EXPECT_EQ(ra.mtu_bytes(), 1400u);
  ASSERT_EQ(ra.prefixes_size(), 2);
  EXPECT_EQ(ra.prefixes(0).valid_s(), 0xffffffffu);
  EXPECT_EQ(ra.prefixes(0).preferred_s(), 9u);
  EXPECT_TRUE(ra.prefixes(0).off_link() && !ra.prefixes(0).not_autonomous());
  EXPECT_TRUE(!ra.prefixes(1).off_link() && ra.prefixes(1).not_autonomous());
  EXPECT_EQ(ra.name_servers(0), "2001:db8::53");
  EXPECT_EQ(ra.name_server_lifetime_s(), 5u);
  ASSERT_EQ(RunLine("web ra unset eth0"), 0) << err_;
  EXPECT_EQ(sandbox_.unset_advertisement.interface(), "eth0");
}

TEST_F(RunTest, RouterAdvertisementsAreShownInTheWordsThatSetThem) {
  v1::RouterAdvertisement& ra = *sandbox_.advertisements.add_advertisements();
  ra.set_interface("eth0");
  ra.set_max_interval_s(600);
  ra.set_min_interval_s(198);
  ra.set_lifetime_s(1800);
  ra.set_hop_limit(64);
  ra.set_managed(true);
  ra.add_prefixes()->set_prefix("2001:db8::/64");
  ra.mutable_prefixes(0)->set_valid_s(0xffffffff);
  ra.mutable_prefixes(0)->set_preferred_s(604800);
  ra.add_name_servers("2001:db8::53");
  ra.set_name_server_lifetime_s(1800);
  ASSERT_EQ(RunLine("web ra"), 0) << err_;
  EXPECT_EQ(out_,
            "eth0 max 600 min 198 lifetime 1800 preference medium hoplimit 64 managed\n"
            "    prefix 2001:db8::/64 valid forever preferred 604800\n"
            "    dns 2001:db8::53 dns-lifetime 1800\n"
            "    (not advertising now)\n");
  ASSERT_EQ(RunLine("web -j ra show dev eth0"), 0) << err_;
  const auto json = nlohmann::json::parse(out_);
  EXPECT_EQ(json[0]["prefixes"][0]["autoconf"], true);
  EXPECT_EQ(json[0]["advertising"], false);
}

TEST_F(RunTest, DefaultIsOfTheGatewaysFamily) {
  ASSERT_EQ(RunLine("web route replace default via 2001:db8::1"), 0) << err_;
  EXPECT_EQ(sandbox_.add_route.route().destination(), "::/0");
  EXPECT_TRUE(sandbox_.add_route.replace());
  ASSERT_EQ(RunLine("web route add unreachable default"), 0) << err_;
  EXPECT_EQ(sandbox_.add_route.route().destination(), "0.0.0.0/0");
  EXPECT_EQ(sandbox_.add_route.route().type(), v1::Route::TYPE_UNREACHABLE);
  ASSERT_EQ(RunLine("web -6 route del default"), 0) << err_;
  EXPECT_EQ(sandbox_.remove_route.route().destination(), "::/0");
}

TEST_F(RunTest, AddressLabelsInIpsWords) {
  v1::AddressPolicy* policy = sandbox_.policies.add_policies();
  policy->set_prefix("::1/128");
  policy->set_precedence(50);
  ASSERT_EQ(RunLine("web addrlabel"), 0) << err_;
  EXPECT_EQ(out_, "prefix ::1/128 label 0 precedence 50\n");
  ASSERT_EQ(RunLine("web -j addrlabel list"), 0) << err_;
  EXPECT_EQ(out_, "[{\"address\":\"::1\",\"prefixlen\":128,\"label\":0,\"precedence\":50}]\n");
  ASSERT_EQ(RunLine("web addrlabel add prefix 2001:db8::/32 label 9"), 0) << err_;
  EXPECT_EQ(sandbox_.add_policy.policy().prefix(), "2001:db8::/32");
  EXPECT_EQ(sandbox_.add_policy.policy().label(), 9u);
  EXPECT_FALSE(sandbox_.add_policy.policy().has_precedence());
  EXPECT_FALSE(sandbox_.add_policy.replace());
  ASSERT_EQ(RunLine("web addrlabel replace prefix 10.0.0.0/8 label 9 precedence 60"), 0) << err_;
  EXPECT_EQ(sandbox_.add_policy.policy().precedence(), 60u);
  EXPECT_TRUE(sandbox_.add_policy.replace());
  ASSERT_EQ(RunLine("web addrlabel del prefix 10.0.0.0/8"), 0) << err_;
  EXPECT_EQ(sandbox_.remove_policy.prefix(), "10.0.0.0/8");
  ASSERT_EQ(RunLine("web addrlabel reset"), 0) << err_;
  EXPECT_EQ(sandbox_.policy_resets, 1);
}

}  // namespace
}  // namespace moat::ctl
