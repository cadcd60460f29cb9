// The agent's lines, on the loopback of whoever runs the test.
#include "conform/agent/agent.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace moat::conform {
namespace {

TEST(Agent, HexRoundTrip) {
  std::string out;
  EXPECT_TRUE(FromHex(ToHex(reinterpret_cast<const unsigned char*>("\x01\xff"), 2), &out));
  EXPECT_EQ(out, "\x01\xff");
  EXPECT_TRUE(FromHex("-", &out));
  EXPECT_EQ(out, "");
  EXPECT_FALSE(FromHex("123", &out));
  EXPECT_FALSE(FromHex("zz", &out));
}

TEST(Agent, UdpThroughTheLoopback) {
  const std::string a = AgentAnswer("open udp 4"), b = AgentAnswer("open udp 4");
  ASSERT_GT(std::stoi(a), 2);
  EXPECT_EQ(AgentAnswer("bind " + a + " 127.0.0.1 0"), "0");
  EXPECT_EQ(AgentAnswer("recv " + a + " 100"), std::to_string(-EAGAIN));
  const std::string port = AgentAnswer("port " + a);
  EXPECT_EQ(AgentAnswer("send " + b + " 0 0102ff 127.0.0.1 " + port), "3");
  EXPECT_EQ(AgentAnswer("recv " + a + " 100").substr(0, 18), "3 0102ff 127.0.0.1");
  EXPECT_EQ(AgentAnswer("option " + a + " 0 1"), "0");
  EXPECT_EQ(AgentAnswer("close " + a), "0");
  EXPECT_EQ(AgentAnswer("close " + b), "0");
}

TEST(Agent, WhatIsNotUnderstoodHasAnError) {
  EXPECT_EQ(AgentAnswer("fly"), std::to_string(-ENOSYS));
  EXPECT_EQ(AgentAnswer(""), std::to_string(-ENOSYS));
  EXPECT_EQ(AgentAnswer("bind 3 nowhere 1"), std::to_string(-EINVAL));
  EXPECT_EQ(AgentAnswer("close 1"), std::to_string(-EBADF));
  EXPECT_EQ(AgentAnswer("option -1 99 1"), std::to_string(-ENOSYS));
}

}  // namespace
}  // namespace moat::conform
