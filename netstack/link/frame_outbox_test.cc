#include "netstack/link/frame_outbox.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>
#include <vector>

#include "gtest/gtest.h"

namespace moat::netstack {
namespace {

class FrameOutboxTest : public testing::Test {
 protected:
  FrameOutboxTest() { EXPECT_EQ(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, ends_), 0); }
  ~FrameOutboxTest() override {
    close(ends_[0]);
    if (ends_[1] >= 0) close(ends_[1]);
  }

  // The next frame that arrived, without its virtio_net_hdr.
  std::optional<std::vector<uint8_t>> Arrived() {
    std::array<uint8_t, 4096> buffer;
    const ssize_t size = recv(ends_[1], buffer.data(), buffer.size(), 0);
    if (size < static_cast<ssize_t>(kVnetHeaderSize)) return std::nullopt;
    return std::vector<uint8_t>(buffer.begin() + kVnetHeaderSize, buffer.begin() + size);
  }

  int ends_[2];
  FrameOutbox outbox_;
};

TEST_F(FrameOutboxTest, SendsInOrderWithGatheredPayload) {
  for (uint8_t i = 0; i < 3; ++i) {
    const std::array<uint8_t, 2> headers = {i, 0xaa};
    const std::array<uint8_t, 1> first = {0xbb};
    const std::array<uint8_t, 2> second = {0xcc, i};
    const std::array<std::span<const uint8_t>, 2> payload = {first, second};
    const TxFrame frame = {.headers = headers, .payload = payload};
    ASSERT_TRUE(FrameOutbox::Takes(frame) && outbox_.HasRoom(frame));
    outbox_.Add(frame);  // the spans end here: it has copied them
  }
  EXPECT_FALSE(Arrived());
  EXPECT_EQ(outbox_.Send(ends_[0]), 0u);
  EXPECT_TRUE(outbox_.empty());
  for (uint8_t i = 0; i < 3; ++i) {
    EXPECT_EQ(Arrived(), (std::vector<uint8_t>{i, 0xaa, 0xbb, 0xcc, i}));
  }
  EXPECT_FALSE(Arrived());
}

TEST_F(FrameOutboxTest, IsBoundedInFramesAndBytes) {
  const std::vector<uint8_t> small(60), large(FrameOutbox::kLargestFrame), larger(large.size() + 1);
  EXPECT_TRUE(FrameOutbox::Takes({.headers = large}));
  EXPECT_FALSE(FrameOutbox::Takes({.headers = larger}));

  size_t frames = 0;
  for (; outbox_.HasRoom({.headers = small}); ++frames) outbox_.Add({.headers = small});
  EXPECT_EQ(frames, FrameOutbox::kMaxFrames);
  (void)outbox_.Send(ends_[0]);

  size_t bytes = 0;
  for (; outbox_.HasRoom({.headers = large}); bytes += large.size())
    outbox_.Add({.headers = large});
  EXPECT_LE(bytes, FrameOutbox::kMaxBytes);
  EXPECT_GT(bytes, FrameOutbox::kMaxBytes - 2 * large.size());
}

TEST_F(FrameOutboxTest, CountsWhatIsRefusedAndIsEmptyAfterwards) {
  const std::vector<uint8_t> frame(60);
  close(ends_[1]);
  ends_[1] = -1;
  outbox_.Add({.headers = frame});
  outbox_.Add({.headers = frame});
  EXPECT_EQ(outbox_.Send(ends_[0]), 2u);
  EXPECT_TRUE(outbox_.empty());
}

TEST_F(FrameOutboxTest, AFullQueueLosesTheRest) {
  const std::vector<uint8_t> frame(60);
  const int room = 8 << 10;  // for a few datagrams, with what the kernel needs for each
  ASSERT_EQ(setsockopt(ends_[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room)), 0);
  for (size_t i = 0; i < FrameOutbox::kMaxFrames; ++i) outbox_.Add({.headers = frame});
  const size_t refused = outbox_.Send(ends_[0]);
  EXPECT_GT(refused, 0u);
  size_t arrived = 0;
  while (Arrived()) ++arrived;
  EXPECT_EQ(arrived + refused, FrameOutbox::kMaxFrames);
}

}  // namespace
}  // namespace moat::netstack
