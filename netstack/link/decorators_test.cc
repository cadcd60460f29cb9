// The links that decorate others: capture and faults.
#include <algorithm>
#include <cstring>
#include <set>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netstack/link/capture.h"
#include "netstack/link/fault.h"
#include "netstack/testing/channel_link.h"
#include "netstack/testing/fake_clock.h"
#include "netstack/testing/seeded_random.h"

namespace moat::netstack {
namespace {

using std::chrono::milliseconds;

uint32_t Word(const std::vector<uint8_t>& bytes, size_t offset) {
  uint32_t value;
  std::memcpy(&value, bytes.data() + offset, sizeof(value));
  return value;
}

class CaptureTest : public testing::Test {
 protected:
  FakeClock clock_;
  ChannelLink inner_;
  CaptureLink link_{&inner_, &clock_, std::chrono::seconds(5)};
  std::vector<std::vector<uint8_t>> blocks_;
};

TEST_F(CaptureTest, WritesBlocksThatReadersAccept) {
  link_.Start("eth0", 0,
              [&](std::span<const uint8_t> b) { blocks_.emplace_back(b.begin(), b.end()); });
  const std::vector<uint8_t> headers(14, 0xaa), payload(51, 0xbb);
  const std::span<const uint8_t> piece = payload;
  EXPECT_TRUE(link_.Transmit({.headers = headers, .payload = {&piece, 1}}));
  link_.OnReceive(ReceivedFrame(std::vector<uint8_t>(60, 0xcc)));
  ASSERT_EQ(blocks_.size(), 4u);
  EXPECT_EQ(inner_.sent().size(), 1u);
  for (const auto& block : blocks_) {
    EXPECT_EQ(block.size() % 4, 0u);
    EXPECT_EQ(Word(block, 4), block.size());
    EXPECT_EQ(Word(block, block.size() - 4), block.size());
  }
  EXPECT_EQ(Word(blocks_[0], 0), 0x0a0d0d0au);
  EXPECT_EQ(Word(blocks_[0], 8), 0x1a2b3c4du);
  EXPECT_EQ(Word(blocks_[1], 0), 1u);
  const std::vector<uint8_t>& sent = blocks_[2];
  EXPECT_EQ(Word(sent, 0), 6u);
  const uint64_t time = static_cast<uint64_t>(Word(sent, 12)) << 32 | Word(sent, 16);
  EXPECT_EQ(time, 1'005'000'000'000u);
  EXPECT_EQ(Word(sent, 20), 65u);
  EXPECT_EQ(Word(sent, 24), 65u);
  EXPECT_EQ(sent[28 + 14], 0xbb);
  EXPECT_EQ(Word(sent, 28 + 68 + 4), 2u) << "outbound";
  EXPECT_EQ(Word(blocks_[3], 28 + 60 + 4), 1u) << "inbound";
}

TEST_F(CaptureTest, SnapLengthAndStop) {
  link_.Start("eth0", 20,
              [&](std::span<const uint8_t> b) { blocks_.emplace_back(b.begin(), b.end()); });
  link_.OnReceive(ReceivedFrame(std::vector<uint8_t>(60, 0xcc)));
  EXPECT_EQ(Word(blocks_[2], 20), 20u);
  EXPECT_EQ(Word(blocks_[2], 24), 60u);
  link_.Stop();
  link_.OnReceive(ReceivedFrame(std::vector<uint8_t>(60, 0xcc)));
  EXPECT_EQ(blocks_.size(), 3u);
}

class FaultTest : public testing::Test {
 protected:
  // Sends `count` numbered frames and returns the numbers that came out, in order, after `later`.
  std::vector<int> Send(int count, Duration later = milliseconds(0)) {
    for (int i = 0; i < count; ++i) {
      std::vector<uint8_t> frame(60);
      std::memcpy(frame.data() + 20, &i, sizeof(i));
      EXPECT_TRUE(link_.Transmit({.headers = frame}));
      frames_.push_back(frame);
    }
    Pass(later);
    std::vector<int> numbers;
    while (!inner_.sent().empty()) {
      const std::vector<uint8_t> frame = inner_.TakeFrame();
      int number;
      std::memcpy(&number, frame.data() + 20, sizeof(number));
      numbers.push_back(number);
      came_.push_back(frame);
    }
    return numbers;
  }
  void Pass(Duration by) {
    const Time end = clock_.Now() + by;
    while (timers_.NextDeadline() <= end) {
      clock_.Set(std::max(clock_.Now(), timers_.NextDeadline()));
      timers_.RunExpired(clock_.Now());
    }
    clock_.Set(end);
    timers_.RunExpired(end);
  }

  FakeClock clock_;
  SeededRandom random_{1};
  TimerQueue timers_{clock_.Now()};
  ChannelLink inner_;
  std::vector<RxFrame> delivered_;
  FaultLink link_{&inner_, &clock_, &random_, &timers_,
                  [this](RxFrame frame) { delivered_.push_back(std::move(frame)); }};
  std::vector<std::vector<uint8_t>> frames_, came_;
};

TEST_F(FaultTest, WithoutAPlanNothingHappens) {
  EXPECT_THAT(Send(3), testing::ElementsAre(0, 1, 2));
  link_.Receive(ReceivedFrame(std::vector<uint8_t>(60)));
  EXPECT_EQ(delivered_.size(), 1u);
}

TEST_F(FaultTest, LossIsAsPlanned) {
  link_.SetTransmitPlan({.drop_ppm = 200'000});
  const size_t came = Send(10000).size();
  EXPECT_NEAR(static_cast<double>(came), 8000, 200);
  EXPECT_EQ(link_.transmit_counters().dropped + came, 10000u);
}

TEST_F(FaultTest, DuplicatesFollowTheirOriginal) {
  link_.SetTransmitPlan({.duplicate_ppm = 1'000'000});
  EXPECT_THAT(Send(2), testing::ElementsAre(0, 0, 1, 1));
}

TEST_F(FaultTest, CorruptionTurnsOneBitBehindTheLinkHeader) {
  link_.SetTransmitPlan({.corrupt_ppm = 1'000'000});
  Send(100);
  ASSERT_EQ(came_.size(), 100u);
  for (size_t i = 0; i < came_.size(); ++i) {
    int bits = 0;
    for (size_t j = 0; j < 60; ++j) bits += __builtin_popcount(came_[i][j] ^ frames_[i][j]);
    EXPECT_EQ(bits, 1);
    EXPECT_EQ(std::memcmp(came_[i].data(), frames_[i].data(), 14), 0);
  }
}

TEST_F(FaultTest, CorruptReceivedFramesMustBeVerified) {
  link_.SetReceivePlan({.corrupt_ppm = 1'000'000});
  RxFrame frame = ReceivedFrame(std::vector<uint8_t>(60));
  frame.checksum = RxChecksum::kVerified;
  link_.Receive(std::move(frame));
  ASSERT_EQ(delivered_.size(), 1u);
  EXPECT_EQ(delivered_[0].checksum, RxChecksum::kUnverified);
}

TEST_F(FaultTest, DelayKeepsOrderEvenWithJitter) {
  link_.SetTransmitPlan({.delay = milliseconds(10), .jitter = milliseconds(10)});
  EXPECT_TRUE(Send(20, milliseconds(9)).empty());
  Pass(milliseconds(12));
  const std::vector<int> numbers = Send(0);
  EXPECT_EQ(numbers.size(), 20u);
  EXPECT_TRUE(std::is_sorted(numbers.begin(), numbers.end()));
}

TEST_F(FaultTest, ReorderedFramesAreOvertaken) {
  link_.SetTransmitPlan({.reorder_ppm = 300'000});
  const std::vector<int> numbers = Send(100, milliseconds(5));
  EXPECT_EQ(std::set<int>(numbers.begin(), numbers.end()).size(), 100u);
  EXPECT_FALSE(std::is_sorted(numbers.begin(), numbers.end()));
  EXPECT_GT(link_.transmit_counters().reordered, 10u);
}

TEST_F(FaultTest, FramesUnderWayAreBounded) {
  link_.SetTransmitPlan({.delay = milliseconds(10), .queue_limit = 50});
  EXPECT_EQ(Send(80, milliseconds(11)).size(), 50u);
  EXPECT_EQ(link_.transmit_counters().overflowed, 30u);
}

TEST_F(FaultTest, ReceivedFramesAreDelayedToo) {
  link_.SetReceivePlan({.delay = milliseconds(5)});
  link_.Receive(ReceivedFrame(std::vector<uint8_t>(60, 7)));
  EXPECT_TRUE(delivered_.empty());
  Pass(milliseconds(5));
  ASSERT_EQ(delivered_.size(), 1u);
  EXPECT_EQ(delivered_[0].bytes.size(), 60u);
  EXPECT_EQ(delivered_[0].bytes.data()[0], 7);
}

}  // namespace
}  // namespace moat::netstack
