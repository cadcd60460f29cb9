// What makes the sandbox a router, by its operator: tables, policy rules, router advertisements.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "sentry/control/testing.h"

namespace moat::sentry {
namespace {

using ::testing::ElementsAre;

MATCHER_P2(FailsWith, code, text, "") {
  *result_listener << arg.error_code() << ": " << arg.error_message();
  return arg.error_code() == code && arg.error_message().find(text) != std::string::npos;
}

class RouterConfigTest : public ControlTest {
 protected:
  // Destinations with their tables.
  std::vector<std::string> Routes(uint32_t table, bool all = false) {
    v1::ListRoutesRequest request;
    request.set_family(v1::FAMILY_IPV4);
    request.set_table(table);
    request.set_all_tables(all);
    v1::ListRoutesResponse response;
    EXPECT_TRUE(Call(&v1::Sandbox::Stub::ListRoutes, request, &response).ok());
    std::vector<std::string> out;
    for (const v1::Route& route : response.routes()) {
      out.push_back(absl::StrCat(route.destination(), " ", route.table()));
    }
    return out;
  }

  std::vector<v1::Rule> Rules(v1::Family family = v1::FAMILY_ANY) {
    v1::ListRulesRequest request;
    request.set_family(family);
    v1::ListRulesResponse response;
    EXPECT_TRUE(Call(&v1::Sandbox::Stub::ListRules, request, &response).ok());
    return {response.rules().begin(), response.rules().end()};
  }

  grpc::Status AddRule(const v1::Rule& rule) {
    v1::AddRuleRequest request;
    *request.mutable_rule() = rule;
    v1::AddRuleResponse response;
    return Call(&v1::Sandbox::Stub::AddRule, request, &response);
  }

  grpc::Status RemoveRule(const v1::Rule& rule) {
    v1::RemoveRuleRequest request;
    *request.mutable_rule() = rule;
    v1::RemoveRuleResponse response;
    return Call(&v1::Sandbox::Stub::RemoveRule, request, &response);
  }

  std::vector<v1::RouterAdvertisement> Advertisements() {
    v1::ListRouterAdvertisementsResponse response;
    EXPECT_TRUE(Call(&v1::Sandbox::Stub::ListRouterAdvertisements,
                     v1::ListRouterAdvertisementsRequest(), &response)
                    .ok());
    return {response.advertisements().begin(), response.advertisements().end()};
  }

  grpc::Status SetAdvertisement(const v1::RouterAdvertisement& advertisement) {
    v1::SetRouterAdvertisementRequest request;
    *request.mutable_advertisement() = advertisement;
    v1::SetRouterAdvertisementResponse response;
    return Call(&v1::Sandbox::Stub::SetRouterAdvertisement, request, &response);
  }

  grpc::Status UnsetAdvertisement(const std::string& interface) {
    v1::UnsetRouterAdvertisementRequest request;
    request.set_interface(interface);
    v1::UnsetRouterAdvertisementResponse response;
    return Call(&v1::Sandbox::Stub::UnsetRouterAdvertisement, request, &response);
  }

  static v1::Route DefaultOf(uint32_t table) {
    v1::Route route;
    route.set_destination("0.0.0.0/0");
    route.set_gateway("192.0.2.1");
    route.set_table(table);
    return route;
  }

  static v1::RouterAdvertisement OnEth0() {
    v1::RouterAdvertisement out;
    out.set_interface("eth0");
    return out;
  }
};

TEST_F(RouterConfigTest, EveryTableHasItsRoutes) {
  ASSERT_TRUE(AddRoute(DefaultOf(100)).ok());
  ASSERT_TRUE(AddRoute(DefaultOf(4000000000)).ok());
  EXPECT_THAT(Routes(0), ElementsAre("192.0.2.0/24 254"));
  EXPECT_THAT(Routes(254), ElementsAre("192.0.2.0/24 254"));
  EXPECT_THAT(Routes(100), ElementsAre("0.0.0.0/0 100"));
  EXPECT_THAT(Routes(0, /*all=*/true),
              ElementsAre("192.0.2.0/24 254", "0.0.0.0/0 100", "0.0.0.0/0 4000000000"));
  EXPECT_EQ(AddRoute(DefaultOf(100)).error_code(), grpc::ALREADY_EXISTS);
  EXPECT_EQ(RemoveRoute(DefaultOf(0)).error_code(), grpc::NOT_FOUND);
  ASSERT_TRUE(RemoveRoute(DefaultOf(100)).ok());
  EXPECT_TRUE(Routes(100).empty());
}

TEST_F(RouterConfigTest, ReplaceStaysInItsTable) {
  ASSERT_TRUE(AddRoute(DefaultOf(0)).ok());
  ASSERT_TRUE(AddRoute(DefaultOf(100)).ok());
  v1::Route other = DefaultOf(100);
  other.set_gateway("192.0.2.9");
  ASSERT_TRUE(AddRoute(other, /*replace=*/true).ok());
  EXPECT_EQ(Routes(0).size(), 2u);
  EXPECT_EQ(Routes(100).size(), 1u);
}

TEST_F(RouterConfigTest, AGatewayIsSoughtInTheMainTable) {
  v1::Route on_link;
  on_link.set_destination("198.51.100.0/24");
  on_link.set_interface("eth0");
  on_link.set_table(100);
  ASSERT_TRUE(AddRoute(on_link).ok());
  v1::Route route = DefaultOf(100);
  route.set_gateway("198.51.100.1");
  EXPECT_THAT(AddRoute(route), FailsWith(grpc::INVALID_ARGUMENT, "is on no connected network"));
}

TEST_F(RouterConfigTest, TablesThatFollowFromOthersCannotBeWritten) {
  for (const uint32_t table : {253u, 255u}) {
    EXPECT_THAT(AddRoute(DefaultOf(table)), FailsWith(grpc::INVALID_ARGUMENT, "table: "));
    EXPECT_THAT(RemoveRoute(DefaultOf(table)), FailsWith(grpc::INVALID_ARGUMENT, "table: "));
    v1::Rule rule;
    rule.set_table(table);
    EXPECT_THAT(AddRule(rule), FailsWith(grpc::INVALID_ARGUMENT, "table: "));
  }
}

TEST_F(RouterConfigTest, TablesAreLimited) {
  uint32_t table = 1000;
  grpc::Status status;
  while (status.ok() && table < 3000) status = AddRoute(DefaultOf(table++));
  EXPECT_EQ(status.error_code(), grpc::RESOURCE_EXHAUSTED);
  EXPECT_EQ(Routes(0, /*all=*/true).size(), 1025u);
}

TEST_F(RouterConfigTest, RulesComeByPriority) {
  v1::Rule rule;
  rule.set_from("192.0.2.0/24");
  rule.set_table(100);
  ASSERT_TRUE(AddRule(rule).ok());
  rule.set_table(200);
  ASSERT_TRUE(AddRule(rule).ok());
  rule.set_priority(40000);
  rule.set_incoming_interface("eth7");  // it may come later
  ASSERT_TRUE(AddRule(rule).ok());
  const std::vector<v1::Rule> rules = Rules();
  ASSERT_EQ(rules.size(), 4u);
  EXPECT_EQ(rules[0].priority(), 32764u);
  EXPECT_EQ(rules[0].table(), 200u);
  EXPECT_EQ(rules[0].family(), v1::FAMILY_IPV4);
  EXPECT_EQ(rules[1].priority(), 32765u);
  EXPECT_EQ(rules[1].from(), "192.0.2.0/24");
  EXPECT_EQ(rules[2].priority(), 32766u);
  EXPECT_EQ(rules[2].table(), 254u);
  EXPECT_EQ(rules[3].incoming_interface(), "eth7");
  EXPECT_EQ(Rules(v1::FAMILY_IPV6).size(), 1u);
  EXPECT_EQ(AddRule(rule).error_code(), grpc::ALREADY_EXISTS);
}

TEST_F(RouterConfigTest, ARuleChoosesTheTable) {
  ASSERT_TRUE(AddRoute(DefaultOf(100)).ok());
  const auto reachable = [this] {
    return stack_.SelectSource(netstack::IpAddress::V4(203, 0, 113, 9), 0).ok();
  };
  EXPECT_FALSE(reachable());
  v1::Rule rule;
  rule.set_to("203.0.113.0/24");
  rule.set_table(100);
  ASSERT_TRUE(AddRule(rule).ok());
  EXPECT_TRUE(reachable());
  v1::Rule refusal;
  refusal.set_to("203.0.113.9/32");
  refusal.set_type(v1::Route::TYPE_PROHIBIT);
  ASSERT_TRUE(AddRule(refusal).ok());
  EXPECT_EQ(Rules()[0].type(), v1::Route::TYPE_PROHIBIT);
  EXPECT_EQ(Rules()[0].table(), 0u);
  EXPECT_FALSE(reachable());
  ASSERT_TRUE(RemoveRule(refusal).ok());
  EXPECT_TRUE(reachable());
}

TEST_F(RouterConfigTest, TheFirstRuleThatAgreesIsRemoved) {
  v1::Rule rule;
  rule.set_from("192.0.2.0/24");
  for (const uint32_t table : {100u, 200u, 300u}) {
    rule.set_table(table);
    ASSERT_TRUE(AddRule(rule).ok());
  }
  v1::Rule like;
  like.set_table(100);
  ASSERT_TRUE(RemoveRule(like).ok());
  EXPECT_THAT(RemoveRule(like), FailsWith(grpc::NOT_FOUND, "no such rule"));
  like.clear_table();
  like.set_from("192.0.2.0/24");
  ASSERT_TRUE(RemoveRule(like).ok());
  ASSERT_EQ(Rules().size(), 2u);
  EXPECT_EQ(Rules()[0].table(), 200u);
  like.Clear();
  EXPECT_THAT(RemoveRule(like), FailsWith(grpc::INVALID_ARGUMENT, "which one is not said"));
  like.set_priority(32766);
  EXPECT_THAT(RemoveRule(like), FailsWith(grpc::FAILED_PRECONDITION, "main table's rule"));
}

TEST_F(RouterConfigTest, BadRulesAreNamed) {
  const auto expect_bad = [this](const std::function<void(v1::Rule&)>& change, const char* text) {
    v1::Rule rule;
    change(rule);
    EXPECT_THAT(AddRule(rule), FailsWith(grpc::INVALID_ARGUMENT, text));
  };
  expect_bad([](auto& r) { r.set_from("nobody"); }, "from: \"nobody\"");
  expect_bad([](auto& r) { r.set_to("192.0.2.1/24"); }, "to: \"192.0.2.1/24\" has bits set");
  expect_bad(
      [](auto& r) {
        r.set_from("192.0.2.0/24");
        r.set_to("2001:db8::/32");
      },
      "to: \"2001:db8::/32\" is not of the rule's family");
  expect_bad([](auto& r) { r.set_incoming_interface("sixteen-is-a-lot"); }, "incoming_interface");
  expect_bad([](auto& r) { r.set_type(v1::Route::TYPE_THROW); }, "type");
  expect_bad(
      [](auto& r) {
        r.set_type(v1::Route::TYPE_BLACKHOLE);
        r.set_table(100);
      },
      "table: a rule that refuses has none");
  EXPECT_EQ(Rules().size(), 1u);
}

TEST_F(RouterConfigTest, RulesAreLimited) {
  v1::Rule rule;
  rule.set_table(100);
  grpc::Status status;
  for (uint32_t priority = 1; status.ok() && priority < 3000; ++priority) {
    rule.set_priority(priority);
    status = AddRule(rule);
  }
  EXPECT_EQ(status.error_code(), grpc::RESOURCE_EXHAUSTED);
  EXPECT_EQ(Rules().size(), 1025u);
}

TEST_F(RouterConfigTest, AbsentFieldsOfAnAdvertisementHaveTheRfcsDefaults) {
  v1::RouterAdvertisement request = OnEth0();
  request.add_prefixes()->set_prefix("2001:db8::/64");
  ASSERT_TRUE(SetAdvertisement(request).ok());
  ASSERT_EQ(Advertisements().size(), 1u);
  v1::RouterAdvertisement set = Advertisements()[0];
  EXPECT_EQ(set.interface(), "eth0");
  EXPECT_FALSE(set.advertising());  // it does not forward
  EXPECT_EQ(set.max_interval_s(), 600u);
  EXPECT_EQ(set.min_interval_s(), 198u);
  EXPECT_EQ(set.lifetime_s(), 1800u);
  EXPECT_EQ(set.hop_limit(), 64u);
  EXPECT_EQ(set.mtu_bytes(), 0u);
  EXPECT_EQ(set.name_server_lifetime_s(), 1800u);
  ASSERT_EQ(set.prefixes_size(), 1);
  EXPECT_EQ(set.prefixes(0).valid_s(), 2592000u);
  EXPECT_EQ(set.prefixes(0).preferred_s(), 604800u);
  request.set_max_interval_s(4);
  request.mutable_prefixes(0)->set_valid_s(60);
  ASSERT_TRUE(SetAdvertisement(request).ok());
  ASSERT_EQ(Advertisements().size(), 1u);
  set = Advertisements()[0];
  EXPECT_EQ(set.min_interval_s(), 3u);
  EXPECT_EQ(set.lifetime_s(), 12u);
  EXPECT_EQ(set.prefixes(0).preferred_s(), 60u);
}

TEST_F(RouterConfigTest, WhoForwardsAdvertisesUntilItIsUnset) {
  ASSERT_TRUE(stack_.SetSysctl("ipv6.conf.eth0.forwarding", "1").ok());
  netstack::AddressOptions no_dad;
  no_dad.no_dad = true;
  ASSERT_TRUE(stack_.AddAddress(2, *netstack::Prefix::Parse("fe80::2/64"), no_dad).ok());
  ASSERT_TRUE(SetAdvertisement(OnEth0()).ok());
  ASSERT_EQ(Advertisements().size(), 1u);
  EXPECT_TRUE(Advertisements()[0].advertising());
  ASSERT_TRUE(UnsetAdvertisement("eth0").ok());
  EXPECT_TRUE(Advertisements().empty());
  EXPECT_THAT(UnsetAdvertisement("eth0"),
              FailsWith(grpc::NOT_FOUND, "nothing is advertised on eth0"));
}

TEST_F(RouterConfigTest, BadAdvertisementsAreNamed) {
  const auto expect_bad = [this](const std::function<void(v1::RouterAdvertisement&)>& change,
                                 const char* text) {
    v1::RouterAdvertisement request = OnEth0();
    change(request);
    EXPECT_THAT(SetAdvertisement(request), FailsWith(grpc::INVALID_ARGUMENT, text));
  };
  expect_bad([](auto& r) { r.clear_interface(); }, "interface");
  expect_bad([](auto& r) { r.set_interface("lo"); }, "lo has no hosts");
  expect_bad([](auto& r) { r.set_max_interval_s(3); }, "max_interval");
  expect_bad([](auto& r) { r.set_max_interval_s(65540); }, "max_interval_s: 65540 is greater");
  expect_bad([](auto& r) { r.set_min_interval_s(451); }, "min_interval");
  expect_bad([](auto& r) { r.set_lifetime_s(599); }, "lifetime");
  expect_bad([](auto& r) { r.set_lifetime_s(9001); }, "lifetime_s: 9001 is greater than 9000");
  expect_bad([](auto& r) { r.set_hop_limit(256); }, "hop_limit: 256 is greater than 255");
  expect_bad([](auto& r) { r.set_mtu_bytes(1279); }, "mtu");
  expect_bad([](auto& r) { r.set_reachable_ms(3600001); }, "reachable_ms");
  expect_bad(
      [](auto& r) {
        r.set_preference(static_cast<v1::RouterAdvertisement::Preference>(2));
      },
      "preference");
  expect_bad([](auto& r) { r.add_prefixes()->set_prefix("2001:db8::1/64"); }, "has bits set");
  expect_bad([](auto& r) { r.add_prefixes()->set_prefix("192.0.2.0/24"); }, "cannot be advertised");
  expect_bad([](auto& r) { r.add_prefixes()->set_prefix("fe80::/64"); }, "cannot be advertised");
  expect_bad(
      [](auto& r) {
        r.add_prefixes()->set_prefix("2001:db8::/64");
        r.add_prefixes()->set_prefix("2001:db8::/64");
      },
      "is there twice");
  expect_bad(
      [](auto& r) {
        for (int i = 0; i < 17; ++i) {
          r.add_prefixes()->set_prefix(absl::StrCat("2001:db8:", i, "::/64"));
        }
      },
      "prefixes: there may be 16");
  expect_bad([](auto& r) { r.add_name_servers("192.0.2.53"); }, "bad name servers");
  expect_bad([](auto& r) { r.add_name_servers("dns"); }, "name_servers: \"dns\"");
  expect_bad(
      [](auto& r) {
        for (int i = 0; i < 9; ++i) r.add_name_servers("2001:db8::53");
      },
      "name_servers: there may be 8");
  EXPECT_TRUE(Advertisements().empty());
  v1::RouterAdvertisement nowhere;
  nowhere.set_interface("eth9");
  EXPECT_EQ(SetAdvertisement(nowhere).error_code(), grpc::NOT_FOUND);
}

}  // namespace
}  // namespace moat::sentry
