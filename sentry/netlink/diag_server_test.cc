#include "sentry/netlink/diag_server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <sys/socket.h>

#include <cstring>
#include <map>
#include <vector>

#include "sentry/netlink/fake_diag_view.h"

namespace moat::sentry {
namespace {

constexpr uint32_t kPort = 4711;
constexpr uint32_t kSequence = 99;
constexpr uint32_t kAllStates = ~0u;
constexpr uint16_t kDumpFlags = NLM_F_REQUEST | NLM_F_DUMP;
constexpr uint16_t kDestroy = 21;

inet_diag_req_v2 Wanted(uint8_t family, uint8_t protocol, uint32_t states = kAllStates) {
  inet_diag_req_v2 wanted{};
  wanted.sdiag_family = family;
  wanted.sdiag_protocol = protocol;
  wanted.idiag_states = states;
  wanted.id.idiag_cookie[0] = wanted.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
  return wanted;
}

// A connection by its names, IPv4.
inet_diag_req_v2 Named(uint8_t protocol, const char* source, uint16_t source_port,
                       const char* destination, uint16_t destination_port) {
  inet_diag_req_v2 wanted = Wanted(AF_INET, protocol);
  inet_pton(AF_INET, source, wanted.id.idiag_src);
  inet_pton(AF_INET, destination, wanted.id.idiag_dst);
  wanted.id.idiag_sport = htons(source_port);
  wanted.id.idiag_dport = htons(destination_port);
  return wanted;
}

// What came for one socket.
struct Told {
  NetlinkHeader header;
  inet_diag_msg message{};
  std::map<uint16_t, std::vector<uint8_t>> attributes;
};

class DiagServerTest : public testing::Test {
 protected:
  DiagServerTest() { view_.AddExamples(); }

  template <typename T>
  void Ask(uint16_t type, uint16_t flags, const T& body, std::vector<uint8_t> bytecode = {},
           bool net_admin = false) {
    NetlinkWriter writer;
    writer.Begin(type, flags, kSequence, 0);
    writer.Fixed(body);
    if (!bytecode.empty()) writer.Attribute(INET_DIAG_REQ_BYTECODE, bytecode);
    writer.End();
    Send(writer.bytes(), net_admin);
  }
  void Dump(const inet_diag_req_v2& wanted, std::vector<uint8_t> bytecode = {}) {
    Ask(SOCK_DIAG_BY_FAMILY, kDumpFlags, wanted, std::move(bytecode));
  }
  void Send(std::span<const uint8_t> bytes, bool net_admin = false) {
    DiagAnswer answer =
        AnswerDiagRequest({.bytes = bytes, .port = kPort, .net_admin = net_admin}, view_);
    Read(answer);
  }
  void Read(DiagAnswer& answer) {
    told_.clear();
    errors_.clear();
    done_.clear();
    datagrams_ = std::move(answer.datagrams);
    while (answer.dump != nullptr) {
      std::vector<uint8_t> next = answer.dump->Next(view_);
      if (next.empty()) break;
      datagrams_.push_back(std::move(next));
    }
    for (const auto& datagram : datagrams_) {
      EXPECT_LE(datagram.size(), kMaxNetlinkDatagram);
      NetlinkReader reader(datagram);
      NetlinkMessage message;
      while (reader.Next(&message)) Note(message);
      EXPECT_FALSE(reader.malformed());
    }
  }
  void Note(const NetlinkMessage& message) {
    EXPECT_EQ(message.header.port, kPort);
    EXPECT_EQ(message.header.sequence, kSequence);
    if (message.header.type == NLMSG_ERROR) {
      errors_.push_back(-*message.Fixed<int32_t>());
    } else if (message.header.type == NLMSG_DONE) {
      EXPECT_EQ(message.header.flags, NLM_F_MULTI);
      done_.push_back(-*message.Fixed<int32_t>());
    } else {
      ASSERT_EQ(message.header.type, SOCK_DIAG_BY_FAMILY);
      Told told;
      told.header = message.header;
      told.message = *message.Fixed<inet_diag_msg>();
      NetlinkAttributes attributes(message.Attributes(sizeof(inet_diag_msg)));
      NetlinkAttribute attribute;
      while (attributes.Next(&attribute)) {
        told.attributes[attribute.type].assign(attribute.value.begin(), attribute.value.end());
      }
      told_.push_back(std::move(told));
    }
  }
  std::vector<uint16_t> LocalPorts() const {
    std::vector<uint16_t> ports;
    for (const Told& told : told_) ports.push_back(ntohs(told.message.id.idiag_sport));
    return ports;
  }

  FakeDiagView view_;
  NetlinkDatagrams datagrams_;
  std::vector<Told> told_;
  std::vector<int> errors_;
  std::vector<int> done_;
};

using Ports = std::vector<uint16_t>;
using Errors = std::vector<int>;

TEST_F(DiagServerTest, ADumpIsOfOneFamilyAndProtocol) {
  Dump(Wanted(AF_INET, IPPROTO_TCP));
  EXPECT_EQ(LocalPorts(), (Ports{80, 80, 40100}));
  EXPECT_EQ(done_, Errors{0});
  EXPECT_EQ(told_[0].header.flags, NLM_F_MULTI);
  Dump(Wanted(AF_INET6, IPPROTO_TCP));
  EXPECT_EQ(LocalPorts(), (Ports{8080, 8080}));
  Dump(Wanted(AF_INET, IPPROTO_UDP));
  EXPECT_EQ(LocalPorts(), (Ports{53, 5000}));
  Dump(Wanted(AF_INET, IPPROTO_RAW));
  EXPECT_EQ(LocalPorts(), Ports{});
  EXPECT_EQ(done_, Errors{0});
}

TEST_F(DiagServerTest, StatesAndPortsFilter) {
  Dump(Wanted(AF_INET, IPPROTO_TCP, 1u << TCP_LISTEN));
  ASSERT_EQ(told_.size(), 1u);
  EXPECT_EQ(told_[0].message.idiag_state, TCP_LISTEN);
  inet_diag_req_v2 wanted = Wanted(AF_INET, IPPROTO_TCP);
  wanted.id.idiag_dport = htons(443);
  Dump(wanted);
  EXPECT_EQ(LocalPorts(), Ports{40100});
  wanted.id.idiag_sport = htons(80);
  Dump(wanted);
  EXPECT_EQ(LocalPorts(), Ports{});
}

TEST_F(DiagServerTest, BytecodeFilters) {
  // dport = :40000
  const std::vector<uint8_t> program = {INET_DIAG_BC_D_EQ, 8, 12, 0, 0, 0, 0x40, 0x9c};
  Dump(Wanted(AF_INET, IPPROTO_TCP), program);
  ASSERT_EQ(told_.size(), 1u);
  EXPECT_EQ(ntohs(told_[0].message.id.idiag_dport), 40000);
  Dump(Wanted(AF_INET, IPPROTO_TCP), {INET_DIAG_BC_NOP, 0, 0, 0});
  EXPECT_EQ(errors_, Errors{EINVAL});
  EXPECT_TRUE(told_.empty());
  EXPECT_TRUE(done_.empty()) << "the dump has not begun";
}

TEST_F(DiagServerTest, ASocketIsDescribed) {
  DiagDetails& details = view_.details[2];
  details.receive_queue = 5;
  details.send_queue = 7;
  details.timer = DiagTimer::kRetransmit;
  details.retransmits = 2;
  details.timer_left = std::chrono::milliseconds(250);
  Dump(Wanted(AF_INET, IPPROTO_TCP, 1u << TCP_ESTABLISHED));
  ASSERT_EQ(told_.size(), 1u);
  const inet_diag_msg& message = told_[0].message;
  EXPECT_EQ(message.idiag_family, AF_INET);
  EXPECT_EQ(message.id.idiag_src[0], inet_addr("10.0.0.2"));
  EXPECT_EQ(message.id.idiag_dst[0], inet_addr("10.0.0.1"));
  EXPECT_EQ(message.id.idiag_cookie[0], 2u);
  EXPECT_EQ(message.idiag_inode, 1002u);
  EXPECT_EQ(message.idiag_uid, 33u);
  EXPECT_EQ(message.idiag_rqueue, 5u);
  EXPECT_EQ(message.idiag_wqueue, 7u);
  EXPECT_EQ(message.idiag_timer, 1);
  EXPECT_EQ(message.idiag_retrans, 2);
  EXPECT_EQ(message.idiag_expires, 250u);
  EXPECT_TRUE(told_[0].attributes.contains(INET_DIAG_SHUTDOWN));
  EXPECT_FALSE(told_[0].attributes.contains(INET_DIAG_INFO)) << "not asked for";
  EXPECT_FALSE(told_[0].attributes.contains(INET_DIAG_MARK)) << "needs CAP_NET_ADMIN";
}

TEST_F(DiagServerTest, ExtensionsComeWhenAskedFor) {
  inet_diag_req_v2 wanted = Wanted(AF_INET6, IPPROTO_TCP, 1u << TCP_LISTEN);
  for (int extension : {INET_DIAG_MEMINFO, INET_DIAG_INFO, INET_DIAG_CONG, INET_DIAG_TOS,
                        INET_DIAG_TCLASS, INET_DIAG_SKMEMINFO}) {
    wanted.idiag_ext = static_cast<uint8_t>(1 << (extension - 1));
    Dump(wanted);
    ASSERT_EQ(told_.size(), 1u);
    EXPECT_TRUE(told_[0].attributes.contains(static_cast<uint16_t>(extension))) << extension;
  }
  EXPECT_TRUE(told_[0].attributes.contains(INET_DIAG_SKV6ONLY));
  wanted.idiag_ext = 0xff;
  Ask(SOCK_DIAG_BY_FAMILY, kDumpFlags, wanted, {}, /*net_admin=*/true);
  ASSERT_EQ(told_.size(), 1u);
  EXPECT_EQ(told_[0].attributes[INET_DIAG_INFO].size(), 248u);
  EXPECT_EQ(told_[0].attributes[INET_DIAG_SKMEMINFO].size(), 36u);
  EXPECT_STREQ(reinterpret_cast<const char*>(told_[0].attributes[INET_DIAG_CONG].data()), "cubic");
  EXPECT_TRUE(told_[0].attributes.contains(INET_DIAG_MARK));
}

TEST_F(DiagServerTest, Ipv4OfADualStackSocketIsMapped) {
  Dump(Wanted(AF_INET6, IPPROTO_TCP, 1u << TCP_ESTABLISHED));
  ASSERT_EQ(told_.size(), 1u);
  const inet_diag_sockid& id = told_[0].message.id;
  EXPECT_EQ(id.idiag_src[2], htonl(0xffff));
  EXPECT_EQ(id.idiag_src[3], inet_addr("10.0.0.2"));
  EXPECT_EQ(id.idiag_dst[3], inet_addr("10.0.0.1"));
}

TEST_F(DiagServerTest, ConnectionsOfNobodyHaveNoAttributes) {
  view_.details[5] = {};
  view_.details[5].timer = DiagTimer::kTimeWait;
  Dump(Wanted(AF_INET, IPPROTO_TCP, 1u << TCP_TIME_WAIT));
  ASSERT_EQ(told_.size(), 1u);
  EXPECT_TRUE(told_[0].attributes.empty());
  EXPECT_EQ(told_[0].message.idiag_timer, 3);
  EXPECT_EQ(told_[0].message.idiag_inode, 0u);
}

TEST_F(DiagServerTest, ALongDumpIsReadInParts) {
  for (uint16_t i = 0; i < 1000; ++i) {
    view_.Add(IPPROTO_TCP, TCP_ESTABLISHED, "10.0.0.2", 80, "10.0.0.3",
              static_cast<uint16_t>(1024 + i));
  }
  inet_diag_req_v2 wanted = Wanted(AF_INET, IPPROTO_TCP);
  wanted.idiag_ext = 0xff;
  Dump(wanted);
  EXPECT_EQ(told_.size(), 1003u);
  EXPECT_EQ(done_, Errors{0});
  EXPECT_GT(datagrams_.size(), 100u);
}

TEST_F(DiagServerTest, WhatGoesDuringADumpIsLeftOut) {
  view_.details.erase(2);
  Dump(Wanted(AF_INET, IPPROTO_TCP));
  EXPECT_EQ(LocalPorts(), (Ports{80, 40100}));
  EXPECT_EQ(done_, Errors{0});
}

TEST_F(DiagServerTest, OneDumpAtATime) {
  NetlinkWriter writer;
  for (int i = 0; i < 2; ++i) {
    writer.Begin(SOCK_DIAG_BY_FAMILY, kDumpFlags, kSequence, 0);
    writer.Fixed(Wanted(AF_INET, IPPROTO_TCP));
    writer.End();
  }
  Send(writer.bytes());
  EXPECT_EQ(errors_, Errors{EBUSY});
  EXPECT_EQ(done_, Errors{0});
  DiagAnswer answer =
      AnswerDiagRequest({.bytes = writer.bytes(), .port = kPort, .busy = true}, view_);
  EXPECT_EQ(answer.dump, nullptr);
  Read(answer);
  EXPECT_EQ(errors_, (Errors{EBUSY, EBUSY}));
}

TEST_F(DiagServerTest, OneConnectionByItsNames) {
  const auto wanted = Named(IPPROTO_TCP, "10.0.0.2", 80, "10.0.0.1", 40000);
  Ask(SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, wanted);
  ASSERT_EQ(told_.size(), 1u);
  EXPECT_EQ(told_[0].message.id.idiag_cookie[0], 2u);
  EXPECT_EQ(told_[0].header.flags, 0);
  EXPECT_TRUE(errors_.empty());
  Ask(SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST | NLM_F_ACK, wanted);
  EXPECT_EQ(errors_, Errors{0});
}

TEST_F(DiagServerTest, AListenerStandsForNamesWithoutAConnection) {
  Ask(SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, Named(IPPROTO_TCP, "10.0.0.2", 80, "10.0.0.7", 1));
  ASSERT_EQ(told_.size(), 1u);
  EXPECT_EQ(told_[0].message.idiag_state, TCP_LISTEN);
  // A dual-stack listener, too, unless it is for IPv6 only.
  const auto other = Named(IPPROTO_TCP, "10.0.0.2", 8080, "10.0.0.7", 1);
  Ask(SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, other);
  ASSERT_EQ(told_.size(), 1u);
  EXPECT_EQ(told_[0].message.idiag_family, AF_INET6);
  view_.sockets[2].v6_only = true;
  Ask(SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, other);
  EXPECT_EQ(errors_, Errors{ENOENT});
}

TEST_F(DiagServerTest, NamesOfUdpSocketsAreSwapped) {
  Ask(SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, Named(IPPROTO_UDP, "10.0.0.1", 53, "10.0.0.2", 5000));
  ASSERT_EQ(told_.size(), 1u);
  EXPECT_EQ(LocalPorts(), Ports{5000});
}

TEST_F(DiagServerTest, ACookieMustBeTheSockets) {
  auto wanted = Named(IPPROTO_TCP, "10.0.0.2", 80, "10.0.0.1", 40000);
  wanted.id.idiag_cookie[0] = 2;
  wanted.id.idiag_cookie[1] = 0;
  Ask(SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, wanted);
  EXPECT_EQ(told_.size(), 1u);
  wanted.id.idiag_cookie[1] = 1;
  Ask(SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, wanted);
  EXPECT_EQ(errors_, Errors{ENOENT});
  auto udp = Named(IPPROTO_UDP, "10.0.0.1", 53, "10.0.0.2", 5000);
  udp.id.idiag_cookie[0] = 1;
  Ask(SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, udp);
  EXPECT_EQ(errors_, Errors{ESTALE});
}

TEST_F(DiagServerTest, DestroyNeedsPrivilege) {
  const auto wanted = Named(IPPROTO_TCP, "10.0.0.2", 80, "10.0.0.1", 40000);
  constexpr uint16_t kFlags = NLM_F_REQUEST | NLM_F_ACK;
  Ask(kDestroy, kFlags, wanted);
  EXPECT_EQ(errors_, Errors{EPERM});
  Ask(kDestroy, kFlags, wanted, {}, /*net_admin=*/true);
  EXPECT_EQ(errors_, Errors{0});
  EXPECT_EQ(view_.destroyed, std::vector<uint64_t>{2});
  view_.destroy_error = EOPNOTSUPP;
  Ask(kDestroy, kFlags, wanted, {}, /*net_admin=*/true);
  EXPECT_EQ(errors_, Errors{EOPNOTSUPP});
}

TEST_F(DiagServerTest, WhatIsNotServed) {
  Dump(Wanted(AF_UNIX, 0));
  EXPECT_EQ(errors_, Errors{ENOENT}) << "ss then reads /proc/net/unix";
  Dump(Wanted(AF_INET, IPPROTO_DCCP));
  EXPECT_EQ(done_, Errors{ENOENT});
  Dump(Wanted(AF_MAX, 0));
  EXPECT_EQ(errors_, Errors{EINVAL});
  Ask(SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, Wanted(AF_INET, IPPROTO_DCCP));
  EXPECT_EQ(errors_, Errors{ENOENT});
  Ask(TCPDIAG_GETSOCK, kDumpFlags, inet_diag_req{});
  EXPECT_EQ(errors_, Errors{EOPNOTSUPP});
  Ask(17, kDumpFlags, uint32_t{0});
  EXPECT_EQ(errors_, Errors{EINVAL}) << "no such type";
  Ask(SOCK_DIAG_BY_FAMILY, kDumpFlags, uint16_t{AF_INET});
  EXPECT_EQ(errors_, Errors{EINVAL}) << "too short";
}

}  // namespace
}  // namespace moat::sentry
