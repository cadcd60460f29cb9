#include "sentry/netlink/diag_filter.h"

#include <gtest/gtest.h>
#include <linux/inet_diag.h>
#include <sys/socket.h>

#include <cerrno>
#include <initializer_list>
#include <string>
#include <vector>

#include "sentry/abi/bytes.h"

namespace moat::sentry {
namespace {

using Program = std::vector<uint8_t>;

template <typename T>
void Put(Program& program, const T& value) {
  const auto bytes = BytesOf(value);
  program.insert(program.end(), bytes.begin(), bytes.end());
}

Program Op(uint8_t code, uint8_t yes, uint16_t no) {
  Program program;
  Put(program, inet_diag_bc_op{code, yes, no});
  return program;
}

// A comparison of a port as ss(8) writes it: accepted by falling off the end, rejected by jumping
// beyond.
Program Port(uint8_t code, uint16_t port) {
  Program program = Op(code, 8, 12);
  Put(program, inet_diag_bc_op{0, 0, port});
  return program;
}

Program Host(uint8_t code, uint8_t family, std::vector<uint8_t> address, uint8_t prefix,
             int port = -1) {
  const auto size = static_cast<uint8_t>(12 + address.size());
  Program program = Op(code, size, static_cast<uint16_t>(size + 4));
  inet_diag_hostcond condition{};
  condition.family = family;
  condition.prefix_len = prefix;
  condition.port = port;
  Put(program, condition);
  program.insert(program.end(), address.begin(), address.end());
  return program;
}

Program Join(std::initializer_list<Program> parts) {
  Program program;
  for (const Program& part : parts) program.insert(program.end(), part.begin(), part.end());
  return program;
}

class DiagFilterTest : public testing::Test {
 protected:
  DiagSubject Subject() const {
    return {.family = AF_INET,
            .source = BytesOf(source_).first(4),
            .destination = BytesOf(destination_).first(4),
            .source_port = 80,
            .destination_port = 40000,
            .interface = 3,
            .mark = 0x12,
            .automatic_port = false};
  }
  DiagSubject MappedSubject() const {
    DiagSubject subject = Subject();
    subject.family = AF_INET6;
    subject.source = subject.destination = mapped_;
    return subject;
  }
  static int ErrorOf(const Program& program, bool net_admin = false) {
    return DiagFilter::Check(program, net_admin).error();
  }
  static bool Accepts(const Program& program, const DiagSubject& subject) {
    const auto filter = DiagFilter::Check(program, true);
    EXPECT_TRUE(filter.ok()) << filter.error();
    return filter.ok() && filter->Accepts(subject);
  }

  const uint8_t source_[4] = {10, 0, 0, 2};
  const uint8_t destination_[4] = {10, 1, 2, 3};
  const std::vector<uint8_t> mapped_ = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 1, 2, 3};
};

TEST_F(DiagFilterTest, NoProgramAcceptsEverything) {
  EXPECT_TRUE(DiagFilter().Accepts(Subject()));
}

TEST_F(DiagFilterTest, PortsAreCompared) {
  EXPECT_TRUE(Accepts(Port(INET_DIAG_BC_S_EQ, 80), Subject()));
  EXPECT_FALSE(Accepts(Port(INET_DIAG_BC_S_EQ, 81), Subject()));
  EXPECT_TRUE(Accepts(Port(INET_DIAG_BC_D_EQ, 40000), Subject()));
  EXPECT_TRUE(Accepts(Port(INET_DIAG_BC_S_GE, 80), Subject()));
  EXPECT_FALSE(Accepts(Port(INET_DIAG_BC_S_GE, 81), Subject()));
  EXPECT_TRUE(Accepts(Port(INET_DIAG_BC_S_LE, 80), Subject()));
  EXPECT_FALSE(Accepts(Port(INET_DIAG_BC_D_LE, 39999), Subject()));
  EXPECT_TRUE(Accepts(Port(INET_DIAG_BC_D_GE, 39999), Subject()));
}

TEST_F(DiagFilterTest, PrefixesArePartsOfBytesToo) {
  const auto destination = [](std::vector<uint8_t> address, uint8_t prefix) {
    return Host(INET_DIAG_BC_D_COND, AF_INET, std::move(address), prefix);
  };
  EXPECT_TRUE(Accepts(destination({10, 1, 2, 3}, 32), Subject()));
  EXPECT_FALSE(Accepts(destination({10, 1, 2, 2}, 32), Subject()));
  EXPECT_TRUE(Accepts(destination({10, 1, 2, 2}, 31), Subject()));
  EXPECT_TRUE(Accepts(destination({10, 0, 0, 0}, 15), Subject()));
  EXPECT_FALSE(Accepts(destination({10, 0, 0, 0}, 16), Subject()));
  EXPECT_TRUE(Accepts(destination({1, 2, 3, 4}, 0), Subject()));
  EXPECT_FALSE(Accepts(Host(INET_DIAG_BC_S_COND, AF_INET, {10, 1, 2, 3}, 32), Subject()));
}

TEST_F(DiagFilterTest, AConditionMayNameThePortToo) {
  EXPECT_TRUE(Accepts(Host(INET_DIAG_BC_S_COND, AF_UNSPEC, {}, 0, 80), Subject()));
  EXPECT_FALSE(Accepts(Host(INET_DIAG_BC_S_COND, AF_UNSPEC, {}, 0, 81), Subject()));
}

TEST_F(DiagFilterTest, Ipv4PrefixesMatchMappedAddresses) {
  EXPECT_TRUE(Accepts(Host(INET_DIAG_BC_D_COND, AF_INET, {10, 1, 0, 0}, 16), MappedSubject()));
  EXPECT_FALSE(Accepts(Host(INET_DIAG_BC_D_COND, AF_INET, {10, 2, 0, 0}, 16), MappedSubject()));
  const std::vector<uint8_t> v6(16, 0);
  EXPECT_FALSE(Accepts(Host(INET_DIAG_BC_D_COND, AF_INET6, v6, 0), Subject())) << "another family";
}

TEST_F(DiagFilterTest, InterfacesMarksAndAutomaticPorts) {
  const auto argument = [](uint8_t code, uint32_t value) {
    Program program = Op(code, 8, 12);
    Put(program, value);
    return program;
  };
  EXPECT_TRUE(Accepts(argument(INET_DIAG_BC_DEV_COND, 3), Subject()));
  EXPECT_FALSE(Accepts(argument(INET_DIAG_BC_DEV_COND, 4), Subject()));
  EXPECT_FALSE(Accepts(Op(INET_DIAG_BC_AUTO, 4, 8), Subject()));
  Program mark = Op(INET_DIAG_BC_MARK_COND, 12, 16);
  Put(mark, inet_diag_markcond{.mark = 0x10, .mask = 0xf0});
  EXPECT_TRUE(Accepts(mark, Subject()));
  EXPECT_EQ(ErrorOf(mark), EPERM);
}

// "sport = :81 or sport = :80": on a match of the first, a jump goes over the second.
TEST_F(DiagFilterTest, JumpsLeadForward) {
  Program first = Op(INET_DIAG_BC_S_EQ, 8, 12);
  Put(first, inet_diag_bc_op{0, 0, 81});
  const Program either =
      Join({first, Op(INET_DIAG_BC_JMP, 4, 12), Port(INET_DIAG_BC_S_EQ, 80)});
  EXPECT_TRUE(Accepts(either, Subject()));
  DiagSubject other = Subject();
  other.source_port = 81;
  EXPECT_TRUE(Accepts(either, other));
  other.source_port = 82;
  EXPECT_FALSE(Accepts(either, other));
}

TEST_F(DiagFilterTest, WhatIsNoProgramIsRefused) {
  EXPECT_EQ(ErrorOf({}), EINVAL);
  EXPECT_EQ(ErrorOf({0, 4, 0}), EINVAL) << "not even an op";
  EXPECT_EQ(ErrorOf(Op(14, 4, 4)), EINVAL) << "no such code";
  EXPECT_EQ(ErrorOf(Op(INET_DIAG_BC_NOP, 0, 0)), EINVAL) << "stands still";
  EXPECT_EQ(ErrorOf(Op(INET_DIAG_BC_NOP, 6, 0)), EINVAL) << "not a multiple of four";
  EXPECT_EQ(ErrorOf(Op(INET_DIAG_BC_NOP, 8, 0)), EINVAL) << "ends beyond the end";
  EXPECT_EQ(ErrorOf(Op(INET_DIAG_BC_NOP, 4, 3)), 0) << "a NOP has no other way";
  EXPECT_EQ(ErrorOf(Op(INET_DIAG_BC_JMP, 4, 0)), EINVAL) << "a loop";
  EXPECT_EQ(ErrorOf(Op(INET_DIAG_BC_JMP, 4, 8)), 0) << "rejects";
  EXPECT_EQ(ErrorOf(Op(INET_DIAG_BC_JMP, 4, 12)), EINVAL) << "too far";
  EXPECT_EQ(ErrorOf(Op(INET_DIAG_BC_S_EQ, 4, 8)), EINVAL) << "its argument is missing";
  EXPECT_EQ(ErrorOf(Op(INET_DIAG_BC_DEV_COND, 8, 12)), EINVAL);
  EXPECT_EQ(ErrorOf(Host(INET_DIAG_BC_S_COND, AF_INET, {1, 2, 3}, 8)), EINVAL) << "short address";
  EXPECT_EQ(ErrorOf(Host(INET_DIAG_BC_S_COND, AF_INET, {1, 2, 3, 4}, 33)), EINVAL);
  EXPECT_EQ(ErrorOf(Host(INET_DIAG_BC_S_COND, AF_UNSPEC, {}, 1)), EINVAL);
  EXPECT_EQ(ErrorOf(Host(INET_DIAG_BC_S_COND, AF_UNIX, {}, 0)), EINVAL);
}

// The argument of an op must not be entered as if it were code.
TEST_F(DiagFilterTest, NoJumpIntoAnArgument) {
  const Program good = Join({Op(INET_DIAG_BC_JMP, 4, 12), Port(INET_DIAG_BC_S_EQ, 80)});
  EXPECT_EQ(ErrorOf(good), 0);
  const Program bad = Join({Op(INET_DIAG_BC_JMP, 4, 8), Port(INET_DIAG_BC_S_EQ, 80)});
  EXPECT_EQ(ErrorOf(bad), EINVAL);
}

TEST_F(DiagFilterTest, LengthIsBounded) {
  Program longest;
  while (longest.size() < DiagFilter::kMostBytes) Put(longest, inet_diag_bc_op{0, 4, 0});
  EXPECT_TRUE(Accepts(longest, Subject()));
  Put(longest, inet_diag_bc_op{0, 4, 0});
  EXPECT_EQ(ErrorOf(longest), EINVAL);
}

}  // namespace
}  // namespace moat::sentry
