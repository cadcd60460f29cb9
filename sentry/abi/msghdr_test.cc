#include "sentry/abi/msghdr.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstddef>
#include <vector>

#include "sentry/abi/bytes.h"

namespace moat::sentry {
namespace {

void* Pointer(uint64_t address) { return reinterpret_cast<void*>(address); }

static_assert(sizeof(msghdr) == kMsghdrSize);
static_assert(sizeof(mmsghdr) == kMmsghdrSize);
static_assert(sizeof(iovec) == kIoVectorSize);
static_assert(offsetof(msghdr, msg_namelen) == kMsghdrNameLengthOffset);
static_assert(offsetof(msghdr, msg_controllen) == kMsghdrControlLengthOffset);
static_assert(offsetof(msghdr, msg_flags) == kMsghdrFlagsOffset);
static_assert(offsetof(mmsghdr, msg_len) == kMmsghdrLengthOffset);

TEST(Msghdr, DecodesEveryField) {
  msghdr header{};
  header.msg_name = Pointer(0x1000);
  header.msg_namelen = 16;
  header.msg_iov = static_cast<iovec*>(Pointer(0x2000));
  header.msg_iovlen = 3;
  header.msg_control = Pointer(0x3000);
  header.msg_controllen = 77;
  const auto decoded = DecodeMsghdr(BytesOf(header));
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded->name, 0x1000u);
  EXPECT_EQ(decoded->name_length, 16u);
  EXPECT_EQ(decoded->iov, 0x2000u);
  EXPECT_EQ(decoded->iov_count, 3u);
  EXPECT_EQ(decoded->control, 0x3000u);
  EXPECT_EQ(decoded->control_length, 77u);
}

TEST(Msghdr, NameLengthIsClampedCheckedOrIgnored) {
  msghdr header{};
  header.msg_namelen = 0xffffffff;  // no name: ignored
  EXPECT_EQ(DecodeMsghdr(BytesOf(header))->name_length, 0u);
  header.msg_name = Pointer(1);
  EXPECT_EQ(DecodeMsghdr(BytesOf(header)).error(), EINVAL);
  header.msg_namelen = 1000;
  EXPECT_EQ(DecodeMsghdr(BytesOf(header))->name_length, 128u);
}

TEST(Msghdr, Limits) {
  msghdr header{};
  header.msg_iovlen = 1025;
  EXPECT_EQ(DecodeMsghdr(BytesOf(header)).error(), EMSGSIZE);
  header.msg_iovlen = 1024;
  EXPECT_TRUE(DecodeMsghdr(BytesOf(header)).ok());
  EXPECT_EQ(DecodeMsghdr(BytesOf(header).first(55)).error(), EFAULT);
  EXPECT_TRUE(CheckSendControlLength(kMaxControl).ok());
  EXPECT_EQ(CheckSendControlLength(kMaxControl + 1).error(), ENOBUFS);
}

std::span<const uint8_t> Image(const std::vector<iovec>& vectors) {
  return {reinterpret_cast<const uint8_t*>(vectors.data()), vectors.size() * sizeof(iovec)};
}

TEST(IoVectors, SumIsCutAtTheTransferLimit) {
  const std::vector<iovec> vectors = {{Pointer(0x1000), 0x7fff0000}, {Pointer(0x2000), 0x7fff0000},
                                      {Pointer(0x3000), 5}};
  const auto decoded = DecodeIoVectors(Image(vectors));
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded->total, kMaxTransfer);
  EXPECT_EQ(decoded->pieces[1].length, kMaxTransfer - 0x7fff0000);
  EXPECT_EQ(decoded->pieces[2].length, 0u);
}

TEST(IoVectors, BadOnes) {
  EXPECT_EQ(DecodeIoVectors(Image({{Pointer(0x1000), size_t{1} << 63}})).error(), EINVAL);
  EXPECT_EQ(DecodeIoVectors(Image({{Pointer(0x1000), size_t{1} << 62}})).error(), EFAULT);
  EXPECT_EQ(DecodeIoVectors(Image({{Pointer(uint64_t{1} << 63), 1}})).error(), EFAULT);
  EXPECT_EQ(DecodeIoVectors(Image(std::vector<iovec>(1025))).error(), EMSGSIZE);
  EXPECT_TRUE(DecodeIoVectors({}).ok());
}

TEST(IoVectors, SingleBuffer) {
  EXPECT_EQ(SingleBuffer(0x1000, uint64_t{1} << 40)->total, kMaxTransfer);
  EXPECT_EQ(SingleBuffer(~uint64_t{0}, 1).error(), EFAULT);
}

}  // namespace
}  // namespace moat::sentry
