// What the client puts into the stack is its own to change and to take away; nothing else is.
#include "netstack/dhcp/client.h"
#include "netstack/dhcp/client_test_world.h"

namespace moat::netstack {
namespace {

using std::chrono::seconds;

class DhcpOwnership : public DhcpConversation {
 protected:
  static Answer WithMask(uint8_t last_byte) {
    Answer answer;
    answer.parameters = Bytes{1, 4, 255, 255, 255, last_byte, 3, 4, 192, 0, 2, 254};
    return answer;
  }
  // Lets T1 pass.
  Said AskToRenew() {
    Advance(client->lease()->renew - world.clock.Now());
    const Said request = Next();
    EXPECT_EQ(request.type, DhcpType::kRequest);
    return request;
  }
  // The client's own address may be gone.
  void AnswerToAll(const Said& request, Answer answer) {
    answer.type = DhcpType::kAck;
    answer.transaction = request.transaction;
    ReceiveDhcp(world, kEverybody, answer);
    client->Poll();
    EXPECT_EQ(client->state(), DhcpClient::State::kBound);
  }
};

TEST_F(DhcpOwnership, AnAddressThatIsThereAlreadyIsUsedAndLeftAlone) {
  ASSERT_TRUE(world.stack.AddAddress(kEth0, {kOffered, 24}, {}).ok());
  options.probe = true;
  GetBound();  // at once: it is nothing to probe for
  EXPECT_TRUE(HasRoute("192.0.2.254"));
  Renew(WithMask(128));
  EXPECT_TRUE(HasAddress("192.0.2.77/24"));
  EXPECT_FALSE(HasAddress("192.0.2.77/25"));
  client.reset();
  EXPECT_TRUE(HasAddress("192.0.2.77/24"));
  EXPECT_FALSE(HasRoute("192.0.2.254"));
}

TEST_F(DhcpOwnership, AnAddressThatSomebodyTookAwayStaysAway) {
  GetBound();
  ASSERT_TRUE(world.stack.RemoveAddress(kEth0, {kOffered, 24}).ok());
  // What the client asks from.
  ASSERT_TRUE(world.stack.AddAddress(kEth0, *Prefix::Parse("192.0.2.5/24"), {}).ok());
  AnswerToAll(AskToRenew(), WithMask(128));
  EXPECT_FALSE(world.stack.IsLocalAddress(kOffered));
  // And one that comes back is somebody else's.
  ASSERT_TRUE(world.stack.AddAddress(kEth0, {kOffered, 25}, {}).ok());
  AnswerToAll(AskToRenew(), WithMask(192));
  EXPECT_TRUE(HasAddress("192.0.2.77/25"));
  client.reset();
  EXPECT_TRUE(HasAddress("192.0.2.77/25"));
}

// The renewal arrives before the client has looked.
TEST_F(DhcpOwnership, ThePrefixOfAnAddressThatIsGoneCannotBeChanged) {
  GetBound();
  const Said request = AskToRenew();
  ASSERT_TRUE(world.stack.RemoveAddress(kEth0, {kOffered, 24}).ok());
  AnswerToAll(request, WithMask(128));
  EXPECT_EQ(client->lease()->address.length, 25);
  EXPECT_FALSE(world.stack.IsLocalAddress(kOffered));
}

TEST_F(DhcpOwnership, ADefaultRouteThatIsThereAlreadyStays) {
  RouteInfo route;
  route.destination = *Prefix::Parse("0.0.0.0/0");
  route.gateway = kServer;
  route.interface = kEth0;
  ASSERT_TRUE(world.stack.AddAddress(kEth0, {kOffered, 24}, {}).ok());
  ASSERT_TRUE(world.stack.AddRoute(route).ok());
  GetBound();
  client.reset();
  EXPECT_TRUE(HasRoute("192.0.2.254"));
}

TEST_F(DhcpOwnership, WithoutAPlaceForTheAddressTheServerIsAskedLater) {
  Start();
  Advance(seconds(1));
  Reply(DhcpType::kOffer, Next());
  Answer answer;
  answer.type = DhcpType::kAck;
  answer.transaction = Next().transaction;
  ReceiveDhcp(world, kEverybody, answer);
  ASSERT_TRUE(world.stack.RemoveInterface(kEth0).ok());
  client->Poll();
  EXPECT_EQ(client->state(), DhcpClient::State::kInit);
  EXPECT_FALSE(client->lease().has_value());
  EXPECT_EQ(client->NextDeadline(), world.clock.Now() + seconds(10));
}

}  // namespace
}  // namespace moat::netstack
