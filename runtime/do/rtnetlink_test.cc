#include "runtime/do/rtnetlink.h"

#include <gtest/gtest.h>
#include <linux/rtnetlink.h>

#include <cstring>
#include <random>

namespace moat::runtime {
namespace {

// One RTM_NEWROUTE with a destination.
std::string Route(uint8_t family, uint8_t length, absl::string_view destination) {
  nlmsghdr header{};
  rtmsg body{};
  nlattr attribute{};
  body.rtm_family = family;
  body.rtm_dst_len = length;
  attribute.nla_type = RTA_DST;
  attribute.nla_len = static_cast<uint16_t>(sizeof attribute + destination.size());
  header.nlmsg_type = RTM_NEWROUTE;
  header.nlmsg_len =
      static_cast<uint32_t>(sizeof header + sizeof body + sizeof attribute + destination.size());
  std::string out;
  out.append(reinterpret_cast<const char*>(&header), sizeof header);
  out.append(reinterpret_cast<const char*>(&body), sizeof body);
  out.append(reinterpret_cast<const char*>(&attribute), sizeof attribute);
  out.append(destination.data(), destination.size());
  return out;
}

TEST(CollectNetworks, ReadsDestinations) {
  std::vector<IpPrefix> networks;
  CollectNetworks(
      Route(AF_INET, 8, absl::string_view("\x0a\0\0\0", 4)) +
          Route(AF_INET6, 7, absl::string_view("\xfc\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16)),
      &networks);
  ASSERT_EQ(networks.size(), 2u);
  EXPECT_EQ(networks[0].ToString(), "10.0.0.0/8");
  EXPECT_EQ(networks[1].ToString(), "fc00::/7");
}

TEST(CollectNetworks, LeavesOutWhatIsMalformed) {
  std::vector<IpPrefix> networks;
  CollectNetworks(Route(AF_INET, 8, "abc"), &networks);    // three bytes
  CollectNetworks(Route(AF_INET, 99, "abcd"), &networks);  // no such length
  CollectNetworks(Route(AF_UNIX, 8, "abcd"), &networks);
  EXPECT_TRUE(networks.empty());
}

TEST(CollectNetworks, SurvivesMutations) {
  std::mt19937 random(3);
  const std::string whole = Route(AF_INET, 8, "abcd") + Route(AF_INET6, 64, "abcdefghabcdefgh");
  for (int round = 0; round < 20000; ++round) {
    std::string text = whole;
    for (int i = random() % 6; i >= 0; --i)
      text[random() % text.size()] = static_cast<char>(random());
    text.resize(random() % (text.size() + 1));
    std::vector<IpPrefix> networks;
    CollectNetworks(text, &networks);
    for (const IpPrefix& network : networks) ASSERT_FALSE(network.ToString().empty());
  }
}

TEST(RtNetlink, ListsTheNetworksOfThisMachine) {
  absl::StatusOr<RtNetlink> link = RtNetlink::Open();
  ASSERT_TRUE(link.ok()) << link.status();
  const auto networks = link->TakenNetworks();
  EXPECT_TRUE(networks.ok()) << networks.status();
  EXPECT_EQ(link->InterfaceIndex("no-such-if").status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace moat::runtime
