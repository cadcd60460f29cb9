#include "netstack/transport/tcp/backlog_governor.h"

#include <gtest/gtest.h>

#include "netstack/transport/tcp/testing/story.h"

namespace moat::netstack::tcp {
namespace {

using std::chrono::milliseconds;

constexpr uint32_t kLargest = 6 << 20;
constexpr size_t kMuch = BacklogGovernor::kLong;
constexpr size_t kLittle = BacklogGovernor::kShort - 1;
constexpr Duration kNear = milliseconds(1);

void Repeat(BacklogGovernor& governor, int times, size_t waited) {
  for (int i = 0; i < times; ++i) governor.OnArrivals(waited, kLargest);
}

TEST(BacklogGovernor, HoldsNobodyBeforeItIsTold) {
  EXPECT_EQ(BacklogGovernor().Limit(1u << 30, kNear), 1u << 30);
}

TEST(BacklogGovernor, ComesDownToTheFirstWindowAndNoFurther) {
  BacklogGovernor governor;
  Repeat(governor, 1, kMuch);
  EXPECT_EQ(governor.Limit(kLargest, kNear), kLargest / 16 * 15);
  Repeat(governor, 1000, kMuch);
  EXPECT_EQ(governor.Limit(kLargest, kNear), BacklogGovernor::kLowest);
  EXPECT_EQ(governor.Limit(1000, kNear), 1000u);
}

TEST(BacklogGovernor, GoesUpToTheLargestWindowAndNoFurther) {
  BacklogGovernor governor;
  Repeat(governor, 1000, kMuch);
  Repeat(governor, 1, kLittle);
  EXPECT_EQ(governor.Limit(kLargest, kNear), BacklogGovernor::kLowest / 32 * 33);
  Repeat(governor, 1000, kLittle);
  EXPECT_EQ(governor.Limit(kLargest, kNear), kLargest);
}

TEST(BacklogGovernor, StaysWhileAModerateQueueWaits) {
  BacklogGovernor governor;
  Repeat(governor, 10, kMuch);
  const uint32_t before = governor.Limit(kLargest, kNear);
  Repeat(governor, 100, BacklogGovernor::kShort);
  EXPECT_EQ(governor.Limit(kLargest, kNear), before);
}

TEST(BacklogGovernor, FarPeersAndFixedBuffersAreNotHeld) {
  BacklogGovernor governor;
  Repeat(governor, 1000, kMuch);
  EXPECT_EQ(governor.Limit(kLargest, BacklogGovernor::kFar), kLargest);
  EXPECT_EQ(governor.Limit(kLargest, Duration::zero()), kLargest);
}

TEST(BacklogGovernor, FollowsASmallerLargestWindow) {
  BacklogGovernor governor;
  Repeat(governor, 10, kLittle);
  governor.OnArrivals(kMuch, 1000);
  EXPECT_EQ(governor.Limit(kLargest, kNear), BacklogGovernor::kLowest);
}

// A peer that fills the window every `round_trip`; what it is read grows the window.
class Governed : public Story {
 protected:
  void SetUp() override {
    Connect();
    Send(SynAck().Seq(0).Ack(1).Mss(1460).Shift(7));
    All();
  }

  // The window after one more round trip. Its right edge is checked never to go back.
  uint32_t Round(Duration round_trip) {
    const uint32_t window = std::min(socket->Info().receive_window, 400u * 1460);
    for (uint32_t sent = 0; sent + 1460 <= window; sent += 1460, at_ += 1460) {
      SendBatched(Packet().Size(1460).Seq(at_).Ack(1));
    }
    Advance(round_trip);
    Read();
    Flush();
    for (const Packet& packet : All()) {
      const uint32_t edge = *packet.ack + (uint32_t{*packet.wnd} << 7);
      EXPECT_GE(edge, edge_) << "the right edge went back";
      edge_ = edge;
    }
    return socket->Info().receive_window;
  }

  uint32_t Rounds(int count, Duration round_trip) {
    uint32_t window = 0;
    for (int i = 0; i < count; ++i) window = Round(round_trip);
    return window;
  }

  void Wait(int batches, size_t octets) {
    for (int i = 0; i < batches; ++i) host.tcp->NoteArrivals(octets);
  }

  uint32_t at_ = 1;
  uint32_t edge_ = 0;
};

TEST_F(Governed, NearPeersWindowComesDownAndRecovers) {
  const uint32_t open = Rounds(40, milliseconds(2));
  EXPECT_GT(open, 300'000u);
  Wait(1000, kMuch);
  EXPECT_LE(Rounds(20, milliseconds(2)), BacklogGovernor::kLowest);
  Wait(1000, kLittle);
  EXPECT_GE(Rounds(5, milliseconds(2)), open);
}

TEST_F(Governed, FarPeersWindowStays) {
  const uint32_t open = Rounds(40, milliseconds(50));
  EXPECT_GT(open, 300'000u);
  Wait(1000, kMuch);
  EXPECT_GE(Rounds(20, milliseconds(50)), open);
}

}  // namespace
}  // namespace moat::netstack::tcp
