#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "netstack/transport/tcp/flight.h"
#include "netstack/transport/tcp/out_of_order_queue.h"
#include "netstack/transport/tcp/receive_queue.h"
#include "netstack/transport/tcp/ring.h"
#include "netstack/transport/tcp/send_queue.h"

namespace moat::netstack::tcp {
namespace {

Slice Text(const std::string& text) {
  return Slice::Copy({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
}

TEST(Ring, InsertsAndErasesAnywhere) {
  Ring<int> ring;
  std::vector<int> model;
  uint32_t random = 1;
  for (int i = 0; i < 2000; ++i) {
    random = random * 1664525 + 1013904223;
    const size_t at = model.empty() ? 0 : (random >> 8) % (model.size() + 1);
    if (random % 3 != 0) {
      ring.Insert(at, i);
      model.insert(model.begin() + static_cast<long>(at), i);
    } else if (!model.empty()) {
      ring.PopFront();
      model.erase(model.begin());
    }
    ASSERT_EQ(ring.size(), model.size());
    for (size_t k = 0; k < model.size(); ++k) ASSERT_EQ(ring[k], model[k]);
  }
}

std::string Gathered(const SendQueue& queue, size_t offset, size_t length) {
  std::span<const uint8_t> pieces[8];
  size_t count = 0;
  const size_t covered = queue.Gather(offset, length, pieces, &count);
  std::string text;
  for (size_t i = 0; i < count; ++i) {
    text.append(reinterpret_cast<const char*>(pieces[i].data()), pieces[i].size());
  }
  EXPECT_EQ(text.size(), covered);
  return text;
}

TEST(SendQueue, GathersAcrossSlicesAndForgetsTheOldest) {
  SendQueue queue;
  queue.Append(Text(std::string(2000, 'a')));
  queue.Append(Text("bcd"));
  queue.Append(Text("efg"));
  EXPECT_EQ(queue.size(), 2006u);
  EXPECT_EQ(Gathered(queue, 1999, 4), "abcd");
  queue.Drop(2001);
  EXPECT_EQ(Gathered(queue, 0, 100), "cdefg");
  queue.Append(Text("h"));
  EXPECT_EQ(Gathered(queue, 1, 100), "defgh");
  queue.Drop(100);
  EXPECT_TRUE(queue.empty());
  queue.Append(Text("z"));
  EXPECT_EQ(Gathered(queue, 0, 1), "z");
}

TEST(SendQueue, BigSlicesAreNotCopied) {
  SendQueue queue;
  const Slice big = Slice::Allocate(65536);
  queue.Append(big);
  std::span<const uint8_t> pieces[1];
  size_t count;
  EXPECT_EQ(queue.Gather(0, 65536, pieces, &count), 65536u);
  EXPECT_EQ(pieces[0].data(), big.data());
}

TEST(SendQueue, TinyWritesShareBlocks) {
  SendQueue queue;
  for (int i = 0; i < 4000; ++i) queue.Append(Text("x"));
  std::span<const uint8_t> pieces[4];
  size_t count;
  EXPECT_EQ(queue.Gather(0, 4000, pieces, &count), 4000u);
  EXPECT_LE(count, 3u);
}

TEST(ReceiveQueue, CopiesALittleOutOfABigBlock) {
  ReceiveQueue queue;
  queue.Append(Slice::Allocate(60000).Sub(0, 100));
  EXPECT_LT(queue.footprint(), 1000u);
  queue.Append(Slice::Allocate(60000));
  EXPECT_GT(queue.footprint(), 60000u);
  queue.Consume(60100);
  EXPECT_EQ(queue.footprint(), 0u);
}

TEST(OutOfOrderQueue, FillsAndPops) {
  OutOfOrderQueue queue;
  SackBlock duplicate;
  using Inserted = OutOfOrderQueue::Inserted;
  EXPECT_EQ(queue.Insert(SeqNum(10), Text("klm"), &duplicate), Inserted::kNew);
  EXPECT_EQ(queue.Insert(SeqNum(16), Text("qr"), &duplicate), Inserted::kNew);
  EXPECT_EQ(queue.Insert(SeqNum(11), Text("l"), &duplicate), Inserted::kDuplicate);
  EXPECT_EQ(duplicate, (SackBlock{SeqNum(11), SeqNum(12)}));
  EXPECT_EQ(queue.Insert(SeqNum(9), Text("jklmnopqrs"), &duplicate), Inserted::kPartial);
  ASSERT_EQ(queue.blocks().size(), 1u);
  EXPECT_EQ(queue.blocks()[0], (SackBlock{SeqNum(9), SeqNum(19)}));
  EXPECT_EQ(queue.Pop(SeqNum(8)), std::nullopt);
  std::string text;
  SeqNum next(10);
  while (auto piece = queue.Pop(next)) {
    text.append(reinterpret_cast<const char*>(piece->data()), piece->size());
    next += static_cast<uint32_t>(piece->size());
  }
  EXPECT_EQ(text, "klmnopqrs");
  EXPECT_EQ(queue.footprint(), 0u);
  queue.Advance(next);
  EXPECT_TRUE(queue.blocks().empty());
}

TEST(OutOfOrderQueue, ForgottenRunsAreFoundAgainWhenTheyTouch) {
  OutOfOrderQueue queue;
  SackBlock duplicate;
  for (uint32_t i = 0; i < 8; ++i) (void)queue.Insert(SeqNum(i * 10), Text("aaaaa"), &duplicate);
  // The run at 0 is no longer among the four; filling up to it reports all of it.
  (void)queue.Insert(SeqNum(5), Text("bbbbb"), &duplicate);
  EXPECT_EQ(queue.blocks()[0], (SackBlock{SeqNum(0), SeqNum(15)}));
}

TEST(OutOfOrderQueue, PruneDropsFromTheRightAndItsBlocks) {
  OutOfOrderQueue queue;
  SackBlock duplicate;
  (void)queue.Insert(SeqNum(10), Text(std::string(1000, 'x')), &duplicate);
  (void)queue.Insert(SeqNum(5000), Text(std::string(1000, 'y')), &duplicate);
  EXPECT_TRUE(queue.Prune(1500));
  ASSERT_EQ(queue.blocks().size(), 1u);
  EXPECT_EQ(queue.blocks()[0].start, SeqNum(10));
  EXPECT_FALSE(queue.Prune(1500));
}

TEST(Flight, CountsFollowEveryCondition) {
  Flight flight;
  const Time now = kTimeZero + std::chrono::seconds(1);
  flight.Sent(SeqNum(0), 10000, false, now);  // one super-segment of ten
  EXPECT_EQ(flight.pipe(), 10000u);
  const SackBlock block{SeqNum(3000), SeqNum(10000)};
  Delivery sacked;
  flight.Sack({&block, 1}, 1000, &sacked);
  EXPECT_EQ(sacked.sacked, 7000u);
  EXPECT_EQ(flight.pipe(), 3000u);
  EXPECT_EQ(flight.MarkLostBelowSacked(2001), 3000u);
  EXPECT_EQ(flight.pipe(), 0u);
  const size_t i = flight.NextLost(0);
  flight.Split(i, 1000);
  flight.Retransmitted(i, now);
  EXPECT_EQ(flight.pipe(), 1000u);
  EXPECT_EQ(flight.NextLost(0), 1u);
  Delivery acked;
  flight.AckTo(SeqNum(1000), &acked);
  EXPECT_EQ(acked.octets, 1000u);
  EXPECT_TRUE(acked.repaired);
  EXPECT_EQ(flight.pipe(), 0u);
  flight.MarkAllLost(true, now);
  EXPECT_EQ(flight.sacked(), 0u);
  EXPECT_EQ(flight.lost(), 9000u);
  flight.AckTo(SeqNum(10000), &acked);
  EXPECT_TRUE(flight.empty());
  EXPECT_EQ(flight.pipe() + flight.lost() + flight.total(), 0u);
}

TEST(Flight, BlocksAreRoundedInwardsToSegments) {
  Flight flight;
  flight.Sent(SeqNum(0), 10000, false, kTimeZero);
  const SackBlock block{SeqNum(1500), SeqNum(3500)};
  Delivery sacked;
  flight.Sack({&block, 1}, 1000, &sacked);
  EXPECT_EQ(sacked.sacked, 1000u);
  EXPECT_EQ(flight.highest_sacked(), SeqNum(3000));
}

}  // namespace
}  // namespace moat::netstack::tcp
