#include "sentry/abi/control_writer.h"

#include <sys/socket.h>

#include <algorithm>

namespace moat::sentry {

void ControlWriter::Put(int level, int type, std::span<const uint8_t> data) {
  const uint64_t left = capacity_ - bytes_.size();
  if (left < sizeof(cmsghdr)) {
    truncated_ = true;
    return;
  }
  uint64_t length = CMSG_LEN(data.size());
  if (left < length) {
    truncated_ = true;
    length = left;
  }
  const cmsghdr header = {.cmsg_len = static_cast<size_t>(length), .cmsg_level = level,
                          .cmsg_type = type};
  const size_t start = bytes_.size();
  const size_t space = static_cast<size_t>(std::min<uint64_t>(CMSG_SPACE(data.size()), left));
  bytes_.resize(start + space);
  StoreAt(bytes_, start, header);
  const size_t copied = static_cast<size_t>(length) - sizeof(cmsghdr);
  std::copy_n(data.begin(), copied,
              bytes_.begin() + static_cast<ptrdiff_t>(start + sizeof(cmsghdr)));
}

}  // namespace moat::sentry
