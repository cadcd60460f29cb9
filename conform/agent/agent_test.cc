// The agent's lines, on the loopback of whoever runs the test.
#include "conform/agent/agent.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>

namespace moat::conform {
namespace {

std::string Ask(const std::string& line) { return AgentAnswer(KernelSockets(), line); }

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
  const std::string a = Ask("open udp 4"), b = Ask("open udp 4");
  ASSERT_GT(std::stoi(a), 2);
  EXPECT_EQ(Ask("bind " + a + " 127.0.0.1 0"), "0");
  EXPECT_EQ(Ask("recv " + a + " 100"), std::to_string(-EAGAIN));
  const std::string port = Ask("port " + a);
  EXPECT_EQ(Ask("send " + b + " 0 0102ff 127.0.0.1 " + port), "3");
  std::string received;
  for (int i = 0; i < 30000; ++i) {  // the loopback of a busy machine may take a while
    received = Ask("recv " + a + " 100");
    if (received != std::to_string(-EAGAIN)) break;
    usleep(1000);
  }
  EXPECT_EQ(received.substr(0, 18), "3 0102ff 127.0.0.1");
  EXPECT_EQ(Ask("option " + a + " 0 1"), "0");
  EXPECT_EQ(Ask("close " + a), "0");
  EXPECT_EQ(Ask("close " + b), "0");
}

TEST(Agent, WhatIsNotUnderstoodHasAnError) {
  EXPECT_EQ(Ask("fly"), std::to_string(-ENOSYS));
  EXPECT_EQ(Ask(""), std::to_string(-ENOSYS));
  EXPECT_EQ(Ask("bind 3 nowhere 1"), std::to_string(-EINVAL));
  EXPECT_EQ(Ask("close 1"), std::to_string(-EBADF));
  EXPECT_EQ(Ask("option -1 99 1"), std::to_string(-ENOSYS));
}

}  // namespace
}  // namespace moat::conform
