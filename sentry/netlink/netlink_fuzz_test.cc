#include <gtest/gtest.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>

#include "sentry/netlink/fake_view.h"
#include "sentry/netlink/message.h"
#include "sentry/netlink/route_server.h"
#include "sentry/testing/fuzz_driver.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace moat::sentry {
namespace {

std::vector<uint8_t> Seed(uint8_t decoder, uint8_t choice, std::span<const uint8_t> bytes) {
  std::vector<uint8_t> seed(2 + bytes.size());
  seed[0] = decoder;
  seed[1] = choice;
  std::copy(bytes.begin(), bytes.end(), seed.begin() + 2);
  return seed;
}

TEST(NetlinkFuzz, Bounded) {
  FuzzPlan plan;
  plan.rounds = 10000;
  FakeView view;
  view.AddLoopback();
  view.AddEthernet(2, "eth0");
  view.AddAddress(2, "172.17.0.2/16");
  view.AddRoute(2, "0.0.0.0/0", "172.17.0.1");
  for (uint16_t type : {RTM_GETLINK, RTM_GETADDR, RTM_GETROUTE, RTM_GETNEIGH, RTM_GETRULE}) {
    for (uint16_t flags : {NLM_F_REQUEST, NLM_F_REQUEST | NLM_F_DUMP}) {
      NetlinkWriter writer;
      writer.Begin(type, flags, 1, 0);
      rtmsg header{};
      header.rtm_family = AF_INET;
      writer.Fixed(header);
      writer.Fixed(uint32_t{0});
      writer.Value(RTA_DST, uint32_t{0x01020304});
      writer.Text(3, "eth0");
      writer.End();
      for (uint8_t choice = 0; choice < 8; ++choice) {
        plan.seeds.push_back(Seed(0, choice, writer.bytes()));
      }
      const RouteRequest request{.bytes = writer.bytes(), .port = 1};
      for (const auto& datagram : AnswerRouteRequest(request, view)) {
        plan.seeds.push_back(Seed(2, 0, datagram));
      }
    }
  }
  RunFuzzTarget(LLVMFuzzerTestOneInput, plan);
}

}  // namespace
}  // namespace moat::sentry
