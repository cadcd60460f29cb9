#include "base/one_message.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/owned_fd.h"

namespace moat {
namespace {

class OneMessageTest : public testing::Test {
 protected:
  void SetUp() override {
    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    ours_.reset(ends[0]);
    theirs_.reset(ends[1]);
  }
  OwnedFd ours_, theirs_;
};

TEST_F(OneMessageTest, CarriesADescriptor) {
  char text[4] = {};
  OneMessage<int> sent("ab", 2);
  sent.Attach(SOL_SOCKET, SCM_RIGHTS, theirs_.get());
  ASSERT_EQ(sendmsg(ours_.get(), sent.header(), 0), 2);
  OneMessage<int> received(text, sizeof(text));
  received.MakeRoom();
  ASSERT_EQ(recvmsg(theirs_.get(), received.header(), MSG_CMSG_CLOEXEC), 2);
  EXPECT_STREQ(text, "ab");
  EXPECT_FALSE(received.Attached(SOL_SOCKET, SCM_CREDENTIALS).has_value());
  const OwnedFd copy(received.Attached(SOL_SOCKET, SCM_RIGHTS).value_or(-1));
  ASSERT_TRUE(copy.ok());
  ASSERT_EQ(write(copy.get(), "c", 1), 1);
  EXPECT_EQ(read(ours_.get(), text, sizeof(text)), 1);
}

TEST_F(OneMessageTest, NothingAttached) {
  char text[4] = {};
  OneMessage<int> sent("ab", 2);
  ASSERT_EQ(sendmsg(ours_.get(), sent.header(), 0), 2);
  OneMessage<int> received(text, sizeof(text));
  received.MakeRoom();
  ASSERT_EQ(recvmsg(theirs_.get(), received.header(), 0), 2);
  EXPECT_FALSE(received.Attached(SOL_SOCKET, SCM_RIGHTS).has_value());
}

}  // namespace
}  // namespace moat
