#include "netstack/sim/parser.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/match.h"

namespace moat::netstack::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(ParseScenario, ReadsEveryStatement) {
  const absl::StatusOr<Scenario> s = ParseScenario("t.sim", R"(# a comment
seed 9
limit 90s   # another
host a
host b offload
switch s
router r
link a s
link s b name trunk mtu 9000 rate 10Mbit delay 5ms queue 64KiB back rate 1Mbit forth loss 2%
link b r jitter 1ms reorder 1% reorder-by 3ms duplicate 2% corrupt 0.5% queue-packets 50
sysctl a ipv4.tcp_rmem 4096 65536 131072
sysctl all ipv4.tcp_sack 0
bulk up a b 10MB cc reno start 1s mss 500 send-buffer 64KiB receive-buffer 8KiB ipv6
requests web a b 7 request 10 response 2kB interval 5ms
udp voice a b 64kbit size 160 for 3s
ping echo b a 4 size 1000 interval 100ms
at 1s down trunk
at 2s up trunk
at 2s set trunk rate 5Mbit
at 3s set trunk back delay 9ms
)");
  ASSERT_TRUE(s.ok()) << s.status();
  EXPECT_EQ(s->seed, 9u);
  EXPECT_EQ(s->limit, seconds(90));
  ASSERT_EQ(s->nodes.size(), 4u);
  EXPECT_EQ(s->nodes[2].kind, NodeKind::kSwitch);
  EXPECT_TRUE(s->nodes[1].offload);
  ASSERT_EQ(s->links.size(), 3u);
  EXPECT_EQ(s->links[0].name, "a-s");
  const LinkSpec& trunk = s->links[1];
  EXPECT_EQ(trunk.name, "trunk");
  EXPECT_EQ(trunk.mtu, 9000u);
  EXPECT_EQ(trunk.forth.rate, 10'000'000u);
  EXPECT_EQ(trunk.back.rate, 1'000'000u);
  EXPECT_EQ(trunk.back.delay, milliseconds(5));
  EXPECT_EQ(trunk.forth.loss, 20'000u);
  EXPECT_EQ(trunk.back.loss, 0u);
  EXPECT_EQ(trunk.back.queue_bytes, 65536u);
  EXPECT_EQ(s->links[2].forth.queue_packets, 50u);
  ASSERT_EQ(s->settings.size(), 4u);  // three stacks and one more
  EXPECT_EQ(s->settings[0].value, "4096 65536 131072");
  ASSERT_EQ(s->flows.size(), 4u);
  EXPECT_EQ(s->flows[0].congestion, "reno");
  EXPECT_EQ(s->flows[0].family, Family::kIpv6);
  EXPECT_EQ(s->flows[0].receive_buffer, 8192u);
  EXPECT_EQ(s->flows[1].response, 2000u);
  EXPECT_EQ(s->flows[2].duration, seconds(3));
  EXPECT_EQ(s->flows[3].interval, milliseconds(100));
  ASSERT_EQ(s->events.size(), 4u);
  EXPECT_EQ(s->events[0].kind, LinkEvent::Kind::kDown);
  // Changes add up.
  EXPECT_EQ(s->events[3].forth.rate, 5'000'000u);
  EXPECT_EQ(s->events[3].forth.delay, milliseconds(5));
  EXPECT_EQ(s->events[3].back.delay, milliseconds(9));
}

TEST(ParseScenario, EndsOfLinesAndFilesDoNotMatter) {
  EXPECT_EQ(ParseScenario("t", "host a\r\n\thost  b  \r\nlink a b").value().links.size(), 1u);
  EXPECT_TRUE(ParseScenario("t", "").ok());
  EXPECT_TRUE(ParseScenario("t", "\n\n# only this").ok());
}

struct Bad {
  const char* text;   // what follows "host a / host b / switch s / switch t / link a b / link s t"
  const char* where;  // the error's beginning behind the file's name
  const char* what;   // within the rest
};

class BadScenario : public testing::TestWithParam<Bad> {};

TEST_P(BadScenario, NamesFileLineAndWord) {
  const std::string text =
      std::string("host a\nhost b\nswitch s\nswitch t\nlink a b\nlink s t\n") + GetParam().text;
  const absl::StatusOr<Scenario> s = ParseScenario("net.sim", text);
  ASSERT_FALSE(s.ok());
  const std::string message(s.status().message());
  EXPECT_EQ(message.rfind(std::string("net.sim:") + GetParam().where, 0), 0u) << message;
  EXPECT_TRUE(absl::StrContains(message, GetParam().what)) << message;
}

INSTANTIATE_TEST_SUITE_P(
    All, BadScenario,
    testing::Values(
        Bad{"hots c", "7: \"hots\": ", "begins with"},
        Bad{"host", "7: \"host\": ", "a name is missing"},
        Bad{"host a", "7: \"a\": ", "already"},
        Bad{"host a/b", "7: \"a/b\": ", "names are of"},
        Bad{"host ..", "7: \"..\": ", "names are of"},
        Bad{"host all", "7: \"all\": ", "every node"},
        Bad{"host 0123456789012345678901234567890123456789", "7: \"01234", "31 characters"},
        Bad{"host c d", "7: \"d\": ", "nothing is expected"},
        Bad{"switch c offload", "7: \"offload\": ", "nothing is expected"},
        Bad{"host c\x01", "7: \"c?\": ", "names are of"},
        Bad{"link a", "7: \"a\": ", "a node is missing"},
        Bad{"link a c", "7: \"c\": ", "no node"},
        Bad{"link a a", "7: \"a\": ", "two different"},
        Bad{"link b a", "7: \"a\": ", "linked already"},
        Bad{"link a s name a-b", "7: \"a-b\": ", "link of this name"},
        Bad{"link a s name", "7: \"name\": ", "a name is missing"},
        Bad{"link a s mtu 100", "7: \"100\": ", "MTU"},
        Bad{"link a s speed 10Mbit", "7: \"speed\": ", "there are name, mtu, forth, back, rate"},
        Bad{"link a s rate 10", "7: \"10\": ", "a rate like"},
        Bad{"link a s rate 10bit", "7: \"10bit\": ", "out of bounds for rate"},
        Bad{"link a s rate", "7: \"rate\": ", "is missing"},
        Bad{"link a s loss 120%", "7: \"120%\": ", "a share like"},
        Bad{"switch u\nlink t u\nlink u s", "9: \"u-s\": ", "loop"},
        Bad{"sysctl s ipv4.x 1", "7: \"s\": ", "no stack"},
        Bad{"sysctl a", "7: \"a\": ", "a sysctl"},
        Bad{"sysctl a ipv4.x", "7: \"ipv4.x\": ", "a value"},
        Bad{"bulk f a b", "7: \"b\": ", "a size"},
        Bad{"bulk f a b 0", "7: \"0\": ", "out of bounds"},
        Bad{"bulk f a a 1MB", "7: \"a\": ", "from one node to another"},
        Bad{"bulk f a s 1MB", "7: \"s\": ", "no stack"},
        Bad{"bulk f a b 1MB cc fast", "7: \"fast\": ", "there are"},
        Bad{"bulk f a b 1MB cc", "7: \"cc\": ", "is missing"},
        Bad{"bulk f a b 1MB interval 1s", "7: \"interval\": ", "not an option"},
        Bad{"bulk f a b 1MB\nping f a b 1", "8: \"f\": ", "flow of this name"},
        Bad{"udp u a b 1Gbit size 16 for 24h", "7: \"u\": ", "datagrams"},
        Bad{"ping p a b 4 cc reno", "7: \"cc\": ", "not an option"},
        Bad{"at 5s", "7: \"5s\": ", "is missing"},
        Bad{"at 5s cut a-b", "7: \"cut\": ", "down, up or set"},
        Bad{"at 5s down a-c", "7: \"a-c\": ", "no link"},
        Bad{"at 5s down a-b now", "7: \"now\": ", "nothing is expected"},
        Bad{"at 5s set a-b", "7: \"a-b\": ", "an option is missing"},
        Bad{"at 5s set a-b mtu 1400", "7: \"mtu\": ", "cannot change"},
        Bad{"at 5s up a-b\nat 4s down a-b", "8: \"4s\": ", "order of time"},
        Bad{"seed -1", "7: \"-1\": ", "a number"}, Bad{"limit 0", "7: \"0\": ", "out of bounds"}));

TEST(ParseScenario, IsBounded) {
  std::string many;
  for (size_t i = 0; i <= kMaxNodes; ++i) many += "host h" + std::to_string(i) + "\n";
  EXPECT_FALSE(ParseScenario("t", many).ok());
  EXPECT_FALSE(ParseScenario("t", std::string(kMaxScenarioBytes + 1, '\n')).ok());
}

}  // namespace
}  // namespace moat::netstack::sim
