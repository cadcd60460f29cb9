#include "sentry/resolver/resolver_table.h"

#include <gtest/gtest.h>

namespace moat::sentry {
namespace {

constexpr char kHeader[] =
    "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout "
    "inode\n";
constexpr char kOther[] =
    "  116: 0100007F:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 "
    "2 0 0\n";
constexpr char kResolver[] =
    " 1203: 0B00007F:9C41 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 "
    "2 0 0\n";
constexpr char kConnected[] =
    " 1204: 0B00007F:9C42 0100007F:1234 01 00000000:00000000 00:00000000 00000000     0        0 1 "
    "2 0 0\n";

std::string Table(std::initializer_list<const char*> lines) {
  std::string text = kHeader;
  for (const char* line : lines) text += line;
  return text;
}

TEST(ResolverTable, FindsTheSocketOfTheResolver) {
  EXPECT_EQ(FindResolverPort(Table({kOther, kResolver})), 0x9c41);
  EXPECT_EQ(FindResolverPort(Table({kConnected, kResolver, kOther})), 0x9c41);
}

TEST(ResolverTable, NoSocketNoPort) {
  EXPECT_EQ(FindResolverPort(""), 0);
  EXPECT_EQ(FindResolverPort(Table({})), 0);
  EXPECT_EQ(FindResolverPort(Table({kOther, kConnected})), 0);
}

TEST(ResolverTable, WhatIsCutOffIsNoSocket) {
  const std::string whole = kResolver;
  for (size_t size = 0; size < whole.find(" 07"); ++size) {
    EXPECT_EQ(FindResolverPort(whole.substr(0, size)), 0) << size;
  }
}

}  // namespace
}  // namespace moat::sentry
