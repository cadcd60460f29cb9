// RFC 2131's rules about single fields, options and times of the client, on a fake clock.
#include <set>

#include "netstack/dhcp/client.h"
#include "netstack/dhcp/client_test_world.h"

namespace moat::netstack {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const IpAddress kOther = Ip("192.0.2.78");

class DhcpRules : public DhcpConversation {
 protected:
  DhcpRules() { options.host_name = "box"; }
  // What the client says until `by` has passed, with the times.
  std::vector<std::pair<Time, Said>> Hear(Duration by, Duration step) {
    std::vector<std::pair<Time, Said>> out;
    const Time end = world.clock.Now() + by;
    while (world.clock.Now() < end) {
      Advance(step);
      for (Said said = Next(); said.ok; said = Next()) out.emplace_back(world.clock.Now(), said);
    }
    return out;
  }
};

// --- Messages ------------------------------------------------------------------------------------

TEST_F(DhcpRules, Rfc2131_S3_EveryMessageHasItsFixedFields) {
  const auto check = [](const Said& said) {
    ASSERT_TRUE(said.ok);
    EXPECT_EQ(said.message[0], 1);                        // BOOTREQUEST
    EXPECT_EQ(said.message[3], 0);                        // hops
    EXPECT_EQ(LoadBe16(said.message.data() + 10) & 0x7fff, 0);
    EXPECT_EQ(LoadBe32(said.message.data() + 236), 0x63825363u);
    EXPECT_TRUE(std::equal(kOwnMac.bytes.begin(), kOwnMac.bytes.end(), said.message.begin() + 28));
    EXPECT_EQ(said.options.count(53), 1u);
    EXPECT_EQ(said.options.at(61).size(), 7u);            // the identifier, always the same
    EXPECT_EQ(said.options.at(61)[0], 1);
    EXPECT_EQ(Bytes(said.options.at(61).begin() + 1, said.options.at(61).end()),
              Bytes(kOwnMac.bytes.begin(), kOwnMac.bytes.end()));
  };
  Start();
  Advance(seconds(1));
  const Said discover = Next();
  check(discover);
  Reply(DhcpType::kOffer, discover);
  const Said request = Next();
  check(request);
  Reply(DhcpType::kAck, request);
  Advance(client->lease()->renew - world.clock.Now());
  const Said renewal = Next();
  check(renewal);
  // 3.5: the same list of parameters in all of them.
  EXPECT_FALSE(discover.options.at(55).empty());
  EXPECT_EQ(request.options.at(55), discover.options.at(55));
  EXPECT_EQ(renewal.options.at(55), discover.options.at(55));
  client->Release();
  check(Next());
}

TEST_F(DhcpRules, Rfc2131_S4_4_Table5_ReleaseAndDeclineSayNothingElse) {
  const auto check = [](const Said& said, DhcpType type) {
    ASSERT_EQ(said.type, type);
    EXPECT_EQ(said.seconds, 0);
    EXPECT_FALSE(said.broadcast);
    for (const auto& [code, value] : said.options) {
      EXPECT_TRUE(code == 53 || code == 54 || code == 61 ||
                  (code == 50 && type == DhcpType::kDecline))
          << int{code};
    }
    EXPECT_EQ(said.server, kServer);
  };
  GetBound();
  Advance(seconds(100));
  client->Release();
  const Said release = Next();
  check(release, DhcpType::kRelease);
  EXPECT_EQ(release.client, kOffered);
  EXPECT_EQ(release.destination, kServer);

  options.probe = true;
  Start();
  Advance(seconds(1));
  Reply(DhcpType::kOffer, Next());
  Reply(DhcpType::kAck, Next());
  Advance(seconds(3));
  world.link.Clear();
  world.ReceiveArp(ArpOperation::kReply, kOffered, kOtherMac, kNobody, kOwnMac);
  client->Poll();
  const Said decline = Next();
  check(decline, DhcpType::kDecline);
  EXPECT_EQ(decline.requested, kOffered);
  EXPECT_EQ(decline.client, kNobody);
  EXPECT_EQ(decline.destination, kEverybody);
}

TEST_F(DhcpRules, Rfc2131_S3_1_TheRequestHasTheSecondsOfTheDiscover) {
  Start();
  Advance(seconds(1));
  (void)Next();
  Advance(seconds(5));
  const Said discover = Next();  // the second one
  ASSERT_EQ(discover.type, DhcpType::kDiscover);
  EXPECT_GE(discover.seconds, 3);
  Advance(milliseconds(2500));
  Reply(DhcpType::kOffer, discover);
  EXPECT_EQ(Next().seconds, discover.seconds);
  Advance(seconds(5));
  EXPECT_EQ(Next().seconds, discover.seconds);  // also when it is sent again
}

TEST_F(DhcpRules, Rfc2131_S4_1_OptionsInFileAndServerNameAreReadInThisOrder) {
  Answer answer;
  answer.parameters = Bytes{52, 1, 3, 6, 4, 192, 0, 2, 53};
  answer.file = Bytes{1, 4, 255, 255, 255, 128, 6, 4, 192, 0, 2, 54, 255};
  answer.server_name = Bytes{0, 0, 3, 4, 192, 0, 2, 253, 6, 4, 192, 0, 2, 55, 255};
  GetBound(answer);
  EXPECT_EQ(client->lease()->address, *Prefix::Parse("192.0.2.77/25"));
  EXPECT_TRUE(HasRoute("192.0.2.253"));
  // Instances of one option are joined.
  EXPECT_EQ(client->lease()->name_servers,
            (std::vector<IpAddress>{Ip("192.0.2.53"), Ip("192.0.2.54"), Ip("192.0.2.55")}));
}

TEST_F(DhcpRules, Rfc2131_S4_1_WithoutOverloadTheseFieldsAreNoOptions) {
  Answer answer;
  answer.file = Bytes{1, 4, 255, 255, 255, 128, 255};
  GetBound(answer);
  EXPECT_EQ(client->lease()->address, *Prefix::Parse("192.0.2.77/24"));
}

TEST_F(DhcpRules, Rfc2131_S2_MessagesOf576OctetsAreRead) {
  Answer answer;
  answer.parameters = Bytes{1, 4, 255, 255, 255, 128, 43, 250};
  answer.parameters.resize(8 + 250 + 47, 0);  // with the fixed part and the others 576
  answer.parameters = answer.parameters + Bytes{3, 4, 192, 0, 2, 254};
  GetBound(answer);
  EXPECT_EQ(client->lease()->address, *Prefix::Parse("192.0.2.77/25"));
  EXPECT_TRUE(HasRoute("192.0.2.254"));
}

TEST_F(DhcpRules, Rfc2131_S4_3_6_WhichFieldsARequestHasInEachState) {
  // Table 4.
  const Said selecting = GetBound();
  EXPECT_EQ(selecting.client, kNobody);
  EXPECT_EQ(selecting.requested, kOffered);
  EXPECT_EQ(selecting.server, kServer);
  EXPECT_TRUE(selecting.broadcast);
  Advance(client->lease()->rebind - world.clock.Now());
  std::vector<Said> all;
  for (Said said = Next(); said.ok; said = Next()) all.push_back(said);
  ASSERT_GE(all.size(), 2u);
  for (const Said& said : {all.front(), all.back()}) {  // RENEWING, REBINDING
    EXPECT_EQ(said.client, kOffered);
    EXPECT_EQ(said.source, kOffered);
    EXPECT_FALSE(said.requested.has_value());
    EXPECT_FALSE(said.server.has_value());
  }
  EXPECT_EQ(all.front().destination, kServer);
  EXPECT_EQ(all.back().destination, kEverybody);
  client.reset();
  options.previous = kOffered;
  Start();
  const Said rebooting = Next();
  EXPECT_EQ(rebooting.client, kNobody);
  EXPECT_EQ(rebooting.source, kNobody);
  EXPECT_EQ(rebooting.destination, kEverybody);
  EXPECT_EQ(rebooting.requested, kOffered);
  EXPECT_FALSE(rebooting.server.has_value());
}

// --- The lease -----------------------------------------------------------------------------------

TEST_F(DhcpRules, Rfc2131_S4_4_1_TheLeaseCountsFromTheFirstRequest) {
  Start();
  Advance(seconds(1));
  Reply(DhcpType::kOffer, Next());
  const Time first = world.clock.Now();
  (void)Next();
  Advance(seconds(6));
  const Said again = Next();
  ASSERT_EQ(again.type, DhcpType::kRequest);
  Reply(DhcpType::kAck, again);
  EXPECT_EQ(client->lease()->expires, first + seconds(3600));
}

TEST_F(DhcpRules, Rfc2131_S4_4_5_TimesAreInOrderWhateverTheServerSays) {
  struct Times {
    uint32_t lease, t1, t2;
  };
  for (const Times& times : {Times{3600, 0, 0}, Times{3600, 3600, 3600}, Times{3600, 3000, 100},
                             Times{3600, 4000, 5000}, Times{1, 1, 1}, Times{1, 0, 0},
                             Times{2, 1, 2}, Times{0xfffffffe, 0xffffffff, 0xffffffff}}) {
    Answer answer;
    answer.lease = times.lease;
    Bytes t1(4), t2(4);
    StoreBe32(t1.data(), times.t1);
    StoreBe32(t2.data(), times.t2);
    answer.parameters = answer.parameters + Bytes{58, 4} + t1 + Bytes{59, 4} + t2;
    GetBound(answer);
    const DhcpLease& lease = *client->lease();
    EXPECT_LT(world.clock.Now(), lease.renew) << times.lease;
    EXPECT_LT(lease.renew, lease.rebind) << times.lease;
    EXPECT_LT(lease.rebind, lease.expires) << times.lease;
    client.reset();
  }
}

TEST_F(DhcpRules, Rfc2131_S4_4_5_TheTimesOfRenewalAreFuzzed) {
  std::set<Duration> t1, t2;
  for (int i = 0; i < 8; ++i) {
    GetBound();
    const Time sent = client->lease()->expires - seconds(3600);
    t1.insert(client->lease()->renew - sent);
    t2.insert(client->lease()->rebind - sent);
    client.reset();
  }
  EXPECT_GT(t1.size(), 4u);
  EXPECT_GT(t2.size(), 4u);
  EXPECT_GT(*t1.begin(), seconds(1799));
  EXPECT_LE(*t1.rbegin(), seconds(1800));
  EXPECT_GT(*t2.begin(), seconds(3149));
  EXPECT_LE(*t2.rbegin(), seconds(3150));
}

TEST_F(DhcpRules, Rfc2131_S4_4_5_RenewalIsRepeatedAtHalfOfWhatIsLeft) {
  GetBound();
  const DhcpLease lease = *client->lease();
  Advance(lease.renew - world.clock.Now() - seconds(1));
  const auto heard = Hear(lease.expires - world.clock.Now() - seconds(1), milliseconds(500));
  ASSERT_GE(heard.size(), 6u);
  for (size_t i = 0; i + 1 < heard.size(); ++i) {
    const auto& [time, said] = heard[i];
    const Time until = time < lease.rebind ? lease.rebind : lease.expires;
    const Duration wait = std::max<Duration>((until - time) / 2, seconds(60));
    EXPECT_LE(heard[i + 1].first - time, std::min(wait, until - time) + seconds(1)) << i;
    EXPECT_GE(heard[i + 1].first - time, std::min(wait, until - time) - seconds(1)) << i;
    EXPECT_EQ(said.destination, time < lease.rebind ? kServer : kEverybody) << i;
    EXPECT_EQ(said.transaction, heard[0].second.transaction);
  }
}

TEST_F(DhcpRules, Rfc2131_S4_4_5_AnotherTransactionsAckRenewsNothing) {
  GetBound();
  const Time expires = client->lease()->expires;
  Advance(client->lease()->renew - world.clock.Now());
  Said request = Next();
  ++request.transaction;
  Reply(DhcpType::kAck, request);
  EXPECT_EQ(client->state(), DhcpClient::State::kRenewing);
  EXPECT_EQ(client->lease()->expires, expires);
  --request.transaction;
  Reply(DhcpType::kAck, request);
  EXPECT_EQ(client->state(), DhcpClient::State::kBound);
  EXPECT_GT(client->lease()->expires, expires);
}

TEST_F(DhcpRules, Rfc2131_S4_4_5_AnotherAddressReplacesTheOldOne) {
  GetBound();
  Answer answer;
  answer.yours = kOther;
  Renew(answer);
  EXPECT_EQ(client->state(), DhcpClient::State::kBound);
  EXPECT_TRUE(HasAddress("192.0.2.78/24"));
  EXPECT_FALSE(world.stack.IsLocalAddress(kOffered));
  EXPECT_TRUE(HasRoute("192.0.2.254"));
}

TEST_F(DhcpRules, AnAckOfWhatNoInterfaceCanHaveChangesNothing) {
  for (const char* bad : {"0.0.0.0", "224.0.0.1", "127.0.0.1", "255.255.255.255"}) {
    SCOPED_TRACE(bad);
    GetBound();
    Renew({.yours = Ip(bad)});
    EXPECT_EQ(client->state(), DhcpClient::State::kRenewing);
    EXPECT_EQ(client->lease()->address.address, kOffered);
    EXPECT_TRUE(HasAddress("192.0.2.77/24"));
    client->Release();
    client.reset();
    world.link.Clear();
  }
}

TEST_F(DhcpRules, Rfc2131_S4_4_5_ANakWhileRenewingEndsTheUseOfTheAddress) {
  GetBound();
  Advance(client->lease()->renew - world.clock.Now());
  Reply(DhcpType::kNak, Next());
  EXPECT_EQ(client->state(), DhcpClient::State::kInit);
  EXPECT_FALSE(world.stack.IsLocalAddress(kOffered));
  EXPECT_FALSE(HasRoute("192.0.2.254"));
}

TEST_F(DhcpRules, ARenewalWithOtherParametersChangesTheConfiguration) {
  GetBound();
  ASSERT_TRUE(HasRoute("192.0.2.254"));
  ASSERT_EQ(world.stack.FindInterface(kEth0)->mtu, 1400u);
  Answer answer;
  answer.parameters = Bytes{1, 4, 255, 255, 255, 0, 3, 4, 192, 0, 2, 253};
  Renew(answer);
  EXPECT_TRUE(HasAddress("192.0.2.77/24"));
  EXPECT_FALSE(HasRoute("192.0.2.254"));
  EXPECT_TRUE(HasRoute("192.0.2.253"));
  EXPECT_EQ(world.stack.FindInterface(kEth0)->mtu, 1500u);
  answer.parameters = Bytes{1, 4, 255, 255, 255, 128};
  Renew(answer);
  EXPECT_TRUE(HasAddress("192.0.2.77/25"));
  EXPECT_FALSE(HasAddress("192.0.2.77/24"));
  EXPECT_FALSE(HasRoute("192.0.2.253"));
  client.reset();
  EXPECT_FALSE(world.stack.IsLocalAddress(kOffered));
}

// --- The address ---------------------------------------------------------------------------------

TEST_F(DhcpRules, Rfc2131_S4_4_1_TheProbeNamesNobodyAndTheAddressIsAnnounced) {
  options.probe = true;
  Start();
  Advance(seconds(1));
  Reply(DhcpType::kOffer, Next());
  Reply(DhcpType::kAck, Next());
  world.link.Clear();
  Advance(seconds(12));
  int probes = 0, announcements = 0;
  while (!world.Silent()) {
    const Bytes frame = world.link.TakeFrame();
    if (frame.size() < 42 || LoadBe16(frame.data() + 12) != 0x0806) continue;
    EXPECT_TRUE(std::equal(kOwnMac.bytes.begin(), kOwnMac.bytes.end(), frame.begin() + 22));
    if (IpAddress::V4(frame.data() + 38) != kOffered) continue;
    const IpAddress sender = IpAddress::V4(frame.data() + 28);
    EXPECT_TRUE(std::all_of(frame.begin(), frame.begin() + 6, [](uint8_t b) { return b == 0xff; }));
    if (sender == kNobody) {
      EXPECT_EQ(announcements, 0);
      ++probes;
    } else {
      EXPECT_EQ(sender, kOffered);
      ++announcements;
    }
  }
  EXPECT_GE(probes, 1);
  EXPECT_GE(announcements, 1);
}

}  // namespace
}  // namespace moat::netstack
