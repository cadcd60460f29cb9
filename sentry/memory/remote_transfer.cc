#include "sentry/memory/remote_transfer.h"

#include <algorithm>

namespace moat::sentry {

void RemoteTransfer::Add(uint64_t address, uint8_t* local, size_t size) {
  if (size == 0) return;
  if (count_ == kMost) Flush();
  here_[count_] = {local, size};
  there_[count_] = {reinterpret_cast<void*>(static_cast<uintptr_t>(address)), size};
  ++count_;
  bytes_ += size;
}

void RemoteTransfer::Gather(const IoVectors& from, std::span<uint8_t> local) {
  for (const IoVector& piece : from.pieces) {
    const size_t size = std::min<uint64_t>(piece.length, local.size());
    Add(piece.address, local.data(), size);
    local = local.subspan(size);
  }
  if (!local.empty()) failed_ = true;
}

void RemoteTransfer::Scatter(std::span<const uint8_t> local, const IoVectors& to) {
  Gather(to, {const_cast<uint8_t*>(local.data()), local.size()});
}

void RemoteTransfer::Flush() {
  if (count_ == 0 || failed_) return;
  const auto copy = direction_ == Direction::kRead ? &process_vm_readv : &process_vm_writev;
  const ssize_t copied = copy(tid_, here_.data(), count_, there_.data(), count_, 0);
  if (copied != static_cast<ssize_t>(bytes_)) failed_ = true;
  count_ = bytes_ = 0;
}

bool RemoteTransfer::Commit() {
  Flush();
  return !failed_;
}

}  // namespace moat::sentry
