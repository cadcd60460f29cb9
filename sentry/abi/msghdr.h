// struct msghdr, mmsghdr and iovec of a 64-bit container as memory images, and the limits Linux
// puts on them (net/socket.c, lib/iov_iter.c as behaviour; recvmsg(2), readv(2)).
#ifndef MOAT_SENTRY_ABI_MSGHDR_H_
#define MOAT_SENTRY_ABI_MSGHDR_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "sentry/abi/errno_or.h"

namespace moat::sentry {

inline constexpr size_t kMaxIoVectors = 1024;         // UIO_MAXIOV; also of messages per call
inline constexpr uint64_t kMaxTransfer = 0x7ffff000;  // MAX_RW_COUNT: INT_MAX rounded to pages
inline constexpr size_t kMaxControl = 128 * 1024;            // net.core.optmem_max
inline constexpr size_t kMsghdrSize = 56;
inline constexpr size_t kMmsghdrSize = 64;
inline constexpr size_t kIoVectorSize = 16;

// Where recvmsg() writes its results, from the start of the msghdr (mmsghdr).
inline constexpr size_t kMsghdrNameLengthOffset = 8;     // u32
inline constexpr size_t kMsghdrControlLengthOffset = 40; // u64
inline constexpr size_t kMsghdrFlagsOffset = 48;         // u32
inline constexpr size_t kMmsghdrLengthOffset = 56;       // u32

// Addresses are the container's.
struct MessageHeader {
  uint64_t name = 0;         // 0: none
  size_t name_length = 0;    // at most sizeof(sockaddr_storage); 0 when there is no name
  uint64_t iov = 0;
  size_t iov_count = 0;      // at most kMaxIoVectors
  uint64_t control = 0;
  uint64_t control_length = 0;  // unchecked: a receive may pass any, a send is checked by
                                // CheckSendControlLength()
};

struct IoVector {
  uint64_t address = 0;
  uint64_t length = 0;
};

struct IoVectors {
  std::vector<IoVector> pieces;
  uint64_t total = 0;  // at most kMaxTransfer
};

// `bytes` holds at least kMsghdrSize bytes (EFAULT otherwise). EINVAL: negative msg_namelen;
// EMSGSIZE: more than kMaxIoVectors.
ErrnoOr<MessageHeader> DecodeMsghdr(std::span<const uint8_t> bytes);

// Decodes bytes.size() / kIoVectorSize vectors (EMSGSIZE beyond kMaxIoVectors). EINVAL: a length
// that is negative as ssize_t; EFAULT: a range outside user space. The sum is cut at kMaxTransfer
// as Linux does.
ErrnoOr<IoVectors> DecodeIoVectors(std::span<const uint8_t> bytes);

// ENOBUFS when a send's control data is larger than Linux would buffer.
ErrnoOr<size_t> CheckSendControlLength(uint64_t length);

// A single buffer as one vector: EFAULT outside user space; the length is cut at kMaxTransfer.
ErrnoOr<IoVectors> SingleBuffer(uint64_t address, uint64_t length);

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_ABI_MSGHDR_H_
