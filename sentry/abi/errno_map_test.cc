#include "sentry/abi/errno_map.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <set>

namespace moat::sentry {
namespace {

using netstack::Error;

TEST(ErrnoMap, EveryErrorHasItsOwnErrno) {
  std::set<int> seen;
  for (int i = 0; i <= static_cast<int>(Error::kNoDevice); ++i) {
    const int value = ToErrno(static_cast<Error>(i));
    EXPECT_TRUE(seen.insert(value).second) << "error " << i << " shares errno " << value;
    EXPECT_NE(value, EIO);
  }
}

TEST(ErrnoMap, Values) {
  EXPECT_EQ(ToErrno(Error::kOk), 0);
  EXPECT_EQ(ToErrno(Error::kWouldBlock), EAGAIN);
  EXPECT_EQ(ToErrno(Error::kConnectionRefused), ECONNREFUSED);
  EXPECT_EQ(ToErrno(static_cast<Error>(250)), EIO);
}

}  // namespace
}  // namespace moat::sentry
