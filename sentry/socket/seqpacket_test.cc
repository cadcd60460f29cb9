// Needs CAP_SETUID and CAP_SETGID, as the sentry does.
#include "sentry/socket/seqpacket.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "base/owned_fd.h"
#include "gtest/gtest.h"
#include "netstack/socket/datagram_socket.h"
#include "sentry/socket/arrivals.h"

namespace moat::sentry {
namespace {

class SeqpacketTest : public testing::Test {
 protected:
  SeqpacketTest() {
    int ends[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    ours.reset(ends[0]);
    theirs.reset(ends[1]);
    EXPECT_TRUE(EnableTags(theirs.get()));
  }
  OwnedFd ours, theirs;
  std::array<uint8_t, 64> buffer;
  SeqpacketMessage message;
};

TEST_F(SeqpacketTest, TagsTravelBesideThePayload) {
  const uint64_t tag = 0x12345678'23456789;
  ASSERT_EQ(SendTagged(ours.get(), std::array<uint8_t, 3>{1, 2, 3}, tag), 0);
  ASSERT_EQ(ReceiveTagged(theirs.get(), buffer, 0, &message), 0);
  EXPECT_EQ(message.size, 3u);
  EXPECT_TRUE(message.has_tag);
  EXPECT_EQ(message.tag, tag);
}

TEST_F(SeqpacketTest, PlainReadSeesOnlyThePayload) {
  ASSERT_EQ(SendTagged(ours.get(), std::array<uint8_t, 3>{1, 2, 3}, 7), 0);
  EXPECT_EQ(read(theirs.get(), buffer.data(), buffer.size()), 3);
}

TEST_F(SeqpacketTest, EmptyMessageIsNotTheEnd) {
  ASSERT_EQ(SendTagged(ours.get(), {}, 7), 0);
  ours.reset();
  ASSERT_EQ(ReceiveTagged(theirs.get(), buffer, 0, &message), 0);
  EXPECT_TRUE(message.has_tag);
  EXPECT_EQ(message.size, 0u);
  ASSERT_EQ(ReceiveTagged(theirs.get(), buffer, 0, &message), 0);
  EXPECT_FALSE(message.has_tag);
}

TEST_F(SeqpacketTest, ReportsTheWholeSizeAndPeeks) {
  std::array<uint8_t, 200> large{};
  ASSERT_EQ(SendTagged(ours.get(), large, 7), 0);
  ASSERT_EQ(ReceiveTagged(theirs.get(), buffer, MSG_PEEK, &message), 0);
  EXPECT_EQ(message.size, 200u);
  ASSERT_EQ(ReceiveTagged(theirs.get(), buffer, 0, &message), 0);
  EXPECT_EQ(message.size, 200u);
  EXPECT_EQ(ReceiveTagged(theirs.get(), buffer, 0, &message), EAGAIN);
}

TEST_F(SeqpacketTest, FullQueue) {
  std::array<uint8_t, 1000> payload{};
  int error = 0;
  for (int i = 0; i < 10'000 && error == 0; ++i) error = SendTagged(ours.get(), payload, 7);
  EXPECT_EQ(error, EAGAIN);
}

TEST_F(SeqpacketTest, NoReader) {
  theirs.reset();
  EXPECT_EQ(SendTagged(ours.get(), {}, 7), EPIPE);
}

struct Arrival {
  netstack::Datagram datagram;
};
using Arrivals = ArrivalRing<Arrival>;

Arrival From(uint16_t port) {
  Arrival arrival;
  arrival.datagram.source.port = port;
  return arrival;
}

TEST(Arrivals, InOrder) {
  Arrivals arrivals;
  const uint64_t first = arrivals.Push(From(1));
  const uint64_t second = arrivals.Push(From(2));
  EXPECT_EQ(arrivals.Take(first, true)->datagram.source.port, 1);
  EXPECT_EQ(arrivals.Take(first, false)->datagram.source.port, 1);
  EXPECT_EQ(arrivals.Take(second, false)->datagram.source.port, 2);
  EXPECT_EQ(arrivals.size(), 0u);
}

TEST(Arrivals, PlainReadsAreSkipped) {
  Arrivals arrivals;
  const uint64_t first = arrivals.Push(From(1));
  arrivals.Push(From(2));
  const uint64_t third = arrivals.Push(From(3));
  EXPECT_EQ(arrivals.Take(third, false)->datagram.source.port, 3);
  EXPECT_FALSE(arrivals.Take(first, false).has_value());
}

TEST(Arrivals, BoundedAndTagsStayValid) {
  Arrivals arrivals;
  for (size_t i = 0; i < 3 * Arrivals::kMost; ++i) {
    const uint64_t tag = arrivals.Push(From(1));
    EXPECT_NE(tag, 0u);
    EXPECT_NE(static_cast<uint32_t>(tag), UINT32_MAX);
    EXPECT_NE(static_cast<uint32_t>(tag >> 32), UINT32_MAX);
  }
  EXPECT_EQ(arrivals.size(), Arrivals::kMost);
}

TEST(Arrivals, UnknownTag) {
  Arrivals arrivals;
  EXPECT_FALSE(arrivals.Take(99, false).has_value());
  const uint64_t tag = arrivals.Push(From(1));
  EXPECT_FALSE(arrivals.Take(tag + 1, false).has_value());
}

struct QueueTest : SeqpacketTest {
  bool Send(uint16_t port) {
    if (arrivals.due()) arrivals.Keep(MostUnread(ours.get()));
    const uint64_t tag = arrivals.Push(From(port));
    if (SendTagged(ours.get(), {}, tag) == 0) return true;
    arrivals.PopLast();
    return false;
  }
  Arrivals arrivals;
};

TEST_F(QueueTest, WhoOnlyReadsLeavesFewRecords) {
  for (int i = 0; i < 5000; ++i) {
    ASSERT_TRUE(Send(1));
    ASSERT_EQ(read(theirs.get(), buffer.data(), buffer.size()), 0);
    ASSERT_LE(arrivals.size(), 2 * Arrivals::kFew);
  }
}

TEST_F(QueueTest, WhatIsUnreadKeepsItsRecord) {
  for (int round = 0; round < 3; ++round) {
    uint16_t sent = 0;
    while (Send(sent)) ++sent;
    ASSERT_GT(sent, Arrivals::kFew);
    for (uint16_t i = 0; i < sent; ++i) {
      ASSERT_EQ(ReceiveTagged(theirs.get(), buffer, 0, &message), 0);
      const auto known = arrivals.Take(message.tag, false);
      ASSERT_TRUE(known.has_value()) << i;
      EXPECT_EQ(known->datagram.source.port, i);
    }
    EXPECT_EQ(arrivals.size(), 0u);
  }
}

// However long the queue once was.
TEST_F(QueueTest, AfterALongQueueTheRecordsBecomeFewAgain) {
  const int size = 8 << 20;
  (void)setsockopt(ours.get(), SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
  while (Send(1)) {
  }
  while (read(theirs.get(), buffer.data(), buffer.size()) >= 0) {
  }
  for (size_t i = 0; i < 2 * Arrivals::kMost; ++i) {
    ASSERT_TRUE(Send(1));
    ASSERT_EQ(read(theirs.get(), buffer.data(), buffer.size()), 0);
  }
  EXPECT_LE(arrivals.size(), 2 * Arrivals::kFew);
}

}  // namespace
}  // namespace moat::sentry
