#include "sentry/abi/msghdr.h"

#include <algorithm>
#include <cerrno>

#include "sentry/abi/bytes.h"
#include "sentry/abi/sockaddr.h"

namespace moat::sentry {
namespace {

constexpr size_t kNameOffset = 0;
constexpr size_t kIovOffset = 16;
constexpr size_t kIovCountOffset = 24;
constexpr size_t kControlOffset = 32;

// First address that is not user space, with 4-level page tables. (5-level programs must ask for
// more address space explicitly; a read there fails with EFAULT by itself.)
constexpr uint64_t kUserSpaceEnd = (uint64_t{1} << 47) - 4096;

bool InUserSpace(uint64_t address, uint64_t length) {
  return length <= kUserSpaceEnd && address <= kUserSpaceEnd - length;
}

}  // namespace

ErrnoOr<MessageHeader> DecodeMsghdr(std::span<const uint8_t> bytes) {
  if (bytes.size() < kMsghdrSize) return Errno{EFAULT};
  MessageHeader header;
  header.name = LoadAt<uint64_t>(bytes, kNameOffset);
  auto name_length = LoadAt<int32_t>(bytes, kMsghdrNameLengthOffset);
  if (header.name == 0) name_length = 0;
  if (name_length < 0) return Errno{EINVAL};
  header.name_length = std::min(static_cast<size_t>(name_length), kMaxSockaddr);
  header.iov = LoadAt<uint64_t>(bytes, kIovOffset);
  const auto iov_count = LoadAt<uint64_t>(bytes, kIovCountOffset);
  if (iov_count > kMaxIoVectors) return Errno{EMSGSIZE};
  header.iov_count = static_cast<size_t>(iov_count);
  header.control = LoadAt<uint64_t>(bytes, kControlOffset);
  header.control_length = LoadAt<uint64_t>(bytes, kMsghdrControlLengthOffset);
  return header;
}

ErrnoOr<IoVectors> DecodeIoVectors(std::span<const uint8_t> bytes) {
  const size_t count = bytes.size() / kIoVectorSize;
  if (count > kMaxIoVectors) return Errno{EMSGSIZE};
  IoVectors vectors;
  vectors.pieces.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    IoVector piece{.address = LoadAt<uint64_t>(bytes, i * kIoVectorSize),
                   .length = LoadAt<uint64_t>(bytes, i * kIoVectorSize + 8)};
    if (piece.length > static_cast<uint64_t>(INT64_MAX)) return Errno{EINVAL};
    if (!InUserSpace(piece.address, piece.length)) return Errno{EFAULT};
    piece.length = std::min(piece.length, kMaxTransfer - vectors.total);
    vectors.total += piece.length;
    vectors.pieces.push_back(piece);
  }
  return vectors;
}

ErrnoOr<size_t> CheckSendControlLength(uint64_t length) {
  if (length > kMaxControl) return Errno{ENOBUFS};
  return static_cast<size_t>(length);
}

ErrnoOr<IoVectors> SingleBuffer(uint64_t address, uint64_t length) {
  length = std::min(length, kMaxTransfer);
  if (!InUserSpace(address, length)) return Errno{EFAULT};
  IoVectors vectors;
  vectors.pieces.push_back({.address = address, .length = length});
  vectors.total = length;
  return vectors;
}

}  // namespace moat::sentry
