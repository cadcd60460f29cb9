#include "netstack/base/memory_budget.h"

#include <gtest/gtest.h>

namespace moat::netstack {
namespace {

constexpr size_t kLimit = 1600;

class MemoryBudgetTest : public testing::Test {
 protected:
  MemoryBudgetTest() { budget.SetCounters(&counters); }
  CounterTable table;
  MemoryCounters counters{table};
  MemoryBudget budget{kLimit};
};

TEST_F(MemoryBudgetTest, UsesEndInTheStatedOrder) {
  struct Row {
    MemoryUse use;
    size_t end;
  };
  static constexpr Row kOrder[] = {
      {MemoryUse::kFragments, 1000},   {MemoryUse::kOutOfOrder, 1100},
      {MemoryUse::kHalfOpen, 1200},    {MemoryUse::kOrphans, 1200},
      {MemoryUse::kPending, 1300},     {MemoryUse::kTables, 1400},
      {MemoryUse::kDatagrams, 1400},   {MemoryUse::kConnections, 1400},
      {MemoryUse::kSendData, 1400},    {MemoryUse::kReceiveData, 1500},
      {MemoryUse::kReserve, 1600},
  };
  static_assert(std::size(kOrder) == kMemoryUses);
  for (const Row& row : kOrder) {
    if (budget.used() < row.end) {
      ASSERT_TRUE(budget.TryCharge(MemoryUse::kReserve, row.end - budget.used()));
    }
    EXPECT_FALSE(budget.Allows(row.use, 1)) << row.end;
    EXPECT_EQ(budget.Room(row.use), 0u);
    for (const Row& later : kOrder) {
      if (later.end > row.end) {
        EXPECT_TRUE(budget.Allows(later.use, 1)) << row.end;
      }
    }
  }
  EXPECT_EQ(table.Value("Memory.RefusedFragments"), 1u);
  EXPECT_EQ(table.Value("Memory.RefusedReserve"), 1u);
}

TEST_F(MemoryBudgetTest, PressureHasHysteresis) {
  budget.Charge(800);
  EXPECT_FALSE(budget.under_pressure());
  budget.Charge(1);
  EXPECT_TRUE(budget.under_pressure());
  budget.Release(200);
  EXPECT_TRUE(budget.under_pressure());
  budget.Charge(300);
  budget.Release(301);
  EXPECT_FALSE(budget.under_pressure());
  EXPECT_EQ(table.Value("TcpExt.TCPMemoryPressures"), 1u);
}

TEST_F(MemoryBudgetTest, ThresholdsMayBeLoweredButNotBeyondTheLimit) {
  budget.SetThresholds(100, 200, 320);
  EXPECT_FALSE(budget.Allows(MemoryUse::kReserve, 321));
  EXPECT_TRUE(budget.Allows(MemoryUse::kReserve, 320));
  EXPECT_FALSE(budget.Allows(MemoryUse::kFragments, 201));
  budget.Charge(201);
  EXPECT_TRUE(budget.under_pressure());
  budget.SetThresholds(kLimit, 2 * kLimit, 3 * kLimit);
  EXPECT_FALSE(budget.under_pressure());
  EXPECT_EQ(budget.Room(MemoryUse::kReserve), kLimit - 201);
}

TEST_F(MemoryBudgetTest, BeyondItsShareEvenNothingIsRefused) {
  budget.Charge(1200);
  EXPECT_TRUE(budget.Allows(MemoryUse::kOrphans, 0));
  budget.Charge(1);
  EXPECT_FALSE(budget.Allows(MemoryUse::kOrphans, 0));
}

TEST_F(MemoryBudgetTest, AdjustGoesBothWays) {
  budget.Adjust(0, 10);
  budget.Adjust(10, 4);
  EXPECT_EQ(budget.used(), 4u);
}

TEST_F(MemoryBudgetTest, FaultsRefuseWhatFits) {
  struct Every : MemoryFaults {
    bool Refuse(MemoryUse, size_t) override { return ++asked % 3 == 0; }
    int asked = 0;
  } faults;
  budget.SetFaults(&faults);
  EXPECT_TRUE(budget.TryCharge(MemoryUse::kDatagrams, 10));
  EXPECT_TRUE(budget.TryCharge(MemoryUse::kDatagrams, 10));
  EXPECT_FALSE(budget.TryCharge(MemoryUse::kDatagrams, 10));
  EXPECT_TRUE(budget.TryCharge(MemoryUse::kDatagrams, 10));
  EXPECT_EQ(budget.used(), 30u);
  EXPECT_FALSE(
      budget.Allows(MemoryUse::kDatagrams, 10 * kLimit));  // was not asked: it does not fit
  EXPECT_EQ(faults.asked, 4);
  budget.SetFaults(nullptr);
  EXPECT_TRUE(budget.Allows(MemoryUse::kDatagrams, 10));
}

}  // namespace
}  // namespace moat::netstack
