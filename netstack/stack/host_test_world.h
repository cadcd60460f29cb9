// What stories of a host in both families share: a peer on the link, a gateway behind which the
// rest is, and the names of things in the family of the test.
#ifndef MOAT_NETSTACK_STACK_HOST_TEST_WORLD_H_
#define MOAT_NETSTACK_STACK_HOST_TEST_WORLD_H_

#include <string>

#include "netstack/stack/stack_test_world.h"

namespace moat::netstack {

class HostStory : public testing::TestWithParam<Family> {
 protected:
  HostStory() {
    world.Know(cast.peer);
    world.Know(cast.gateway, kOtherMac);
  }
  bool v4() const { return GetParam() == Family::kIpv4; }
  std::string Mib(const std::string& name) const { return (v4() ? "Ip." : "Ip6.") + name; }
  uint8_t EchoReplyType() const { return v4() ? icmpv4_type::kEchoReply : icmpv6_type::kEchoReply; }
  uint8_t IcmpProtocol() const { return v4() ? ip_protocol::kIcmp : ip_protocol::kIcmpV6; }
  Bytes EchoMessage(size_t body) const {
    return IcmpMessage(cast.peer, cast.own,
                       v4() ? icmpv4_type::kEchoRequest : icmpv6_type::kEchoRequest, 0, 1,
                       Pattern(body));
  }

  StackWorld world;
  Cast cast = CastOf(GetParam());
};

inline const auto kFamilies = testing::Values(Family::kIpv4, Family::kIpv6);

inline std::string FamilyName(const testing::TestParamInfo<Family>& info) {
  return info.param == Family::kIpv4 ? "Ipv4" : "Ipv6";
}

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_STACK_HOST_TEST_WORLD_H_
