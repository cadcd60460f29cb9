#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>

#include "sentry/abi/control_writer.h"
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

TEST(AbiFuzz, Bounded) {
  FuzzPlan plan;
  sockaddr_in in{};
  in.sin_family = AF_INET;
  sockaddr_in6 in6{};
  in6.sin6_family = AF_INET6;
  ControlWriter control(256);
  control.PutValue(SOL_IP, IP_TTL, 3);
  control.PutValue(SOL_IP, IP_PKTINFO, in_pktinfo{});
  ControlWriter control6(256);
  control6.PutValue(SOL_IPV6, IPV6_PKTINFO, in6_pktinfo{});
  control6.PutValue(SOL_IPV6, IPV6_HOPLIMIT, 3);
  for (int choice = 0; choice < 256; choice += 7) {
    const auto c = static_cast<uint8_t>(choice);
    plan.seeds.push_back(Seed(0, c, BytesOf(in)));
    plan.seeds.push_back(Seed(0, c, BytesOf(in6)));
    plan.seeds.push_back(Seed(1, c, control.bytes()));
    plan.seeds.push_back(Seed(1, c, control6.bytes()));
    plan.seeds.push_back(Seed(2, c, control.bytes()));
    plan.seeds.push_back(Seed(3, c, BytesOf(msghdr{})));
    plan.seeds.push_back(Seed(4, c, control.bytes()));
  }
  RunFuzzTarget(LLVMFuzzerTestOneInput, plan);
}

}  // namespace
}  // namespace moat::sentry
